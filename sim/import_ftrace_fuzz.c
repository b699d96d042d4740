/* Fuzz target: ftrace and trace-cmd text, and the sniffing and decompression before it. */
#include "sim/import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	import_fuzz(data, bytes, &import_ftrace);
	import_fuzz(data, bytes, NULL);
	return 0;
}
