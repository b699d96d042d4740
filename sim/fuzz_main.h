/*
 * fuzz_main.h - a fuzz target as a plain program.
 *
 * With clang, a target links against libFuzzer:
 *
 *   clang -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. -Imodels sim/import_perf_fuzz.c \
 *         $(ls sim/{import,import_*,textin,trace_*,progress}.c | grep -v -e _test -e _fuzz) \
 *         models/kern/{err,gfp,bug,pfnset,u64map}.c -lz -lzstd -o fuzz
 *   ./fuzz sim/fuzz_corpus/perf
 *
 * With -DFUZZ_STANDALONE it runs once over each file named on the command line, which is how the
 * corpus is tested everywhere, and how a finding is replayed under a debugger.
 */
#ifndef SIM_FUZZ_MAIN_H
#define SIM_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

#ifdef FUZZ_STANDALONE
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		if (!f || fseek(f, 0, SEEK_END) != 0) {
			perror(argv[i]);
			return 1;
		}
		size_t bytes = (size_t)ftell(f);
		rewind(f);
		uint8_t *data = malloc(bytes ? bytes : 1);
		if (!data || fread(data, 1, bytes, f) != bytes) {
			perror(argv[i]);
			return 1;
		}
		fclose(f);
		LLVMFuzzerTestOneInput(data, bytes);
		free(data);
	}
	return argc < 2;
}
#endif

#endif
