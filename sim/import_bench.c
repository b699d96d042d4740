/*
 * import_bench.c - how fast text traces become binary ones.
 *
 * Imports a trace some times into a file in the working directory and prints the median rate,
 * counting event lines of any kind. With a short trace, such as the bundled one, opening and
 * syncing files is a good part of the time; give a longer one for the rate of the parser.
 *
 *   import_bench [TRACE]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/import.h"

#define RUNS 9

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	const struct import_options options = {
		.input = argc > 1 ? argv[1] : SOURCE_ROOT "/workloads/files/trace.ftrace.zst",
		.output = "import_bench.atrace",
	};
	struct trace_report report;
	double seconds[RUNS];
	struct err err;

	for (unsigned i = 0; i < RUNS; i++) {
		struct timespec t0, t1;
		clock_gettime(CLOCK_MONOTONIC, &t0);
		if (import_trace(&options, &report, &err)) {
			fprintf(stderr, "import_bench: %s\n", err.text);
			return 1;
		}
		clock_gettime(CLOCK_MONOTONIC, &t1);
		seconds[i] =
			(double)(t1.tv_sec - t0.tv_sec) + (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	}
	remove(options.output);
	qsort(seconds, RUNS, sizeof(*seconds), compare);
	printf("import of %s: %" PRIu64 " events in %.1f ms, %.2f M events/s (median of %d)\n",
	       options.input, report.events, seconds[RUNS / 2] * 1e3,
	       (double)report.events / seconds[RUNS / 2] / 1e6, RUNS);
	return 0;
}
