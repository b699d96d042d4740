/* Fuzz target: perf script text. */
#include "sim/import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	import_fuzz(data, bytes, &import_perf);
	return 0;
}
