/*
 * import.h - recorded text traces into binary ones.
 */
#ifndef SIM_IMPORT_H
#define SIM_IMPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/trace.h"

#define IMPORT_GAP_NS     UINT64_C(1000)
#define IMPORT_GAP_NS_MAX UINT64_C(1000000000) /* times of 2^32 events still fit 64 bits */

struct import_options {
	const char *input;  /* a path, or "-" for standard input */
	const char *output; /* path of the .atrace */
	const char *format; /* NULL: sniffed; else a name of import_formats[] */
	const char *map;    /* format csv: "time=1,op=2,id=3,size=4,unit=us"; else NULL */
	bool gap_given;
	uint64_t gap_ns; /* between events of a format without times; IMPORT_GAP_NS if not given */
	bool strict; /* findings (lost, unmatched, out of order, ...) are an error: ERR_TRACE */
	bool progress;      /* draw a progress line on stderr */
	volatile const int *stop; /* not 0: a signal asks to end; may be NULL */
};

struct import_format {
	const char *name;
	const char *summary;
};

/* The text formats that are understood, ended by a NULL name. */
extern const struct import_format import_formats[];

/*
 * Read @options->input (plain, .gz or .zst by content, not by name) and write the binary trace.
 * Findings are counted in @report, never fatal unless strict (then nothing is written). Returns 0,
 * or -1 with @err: ERR_NO_INPUT, ERR_TRACE (with file:line), ERR_CANT_CREATE, ERR_IO,
 * ERR_USAGE (options that the format does not take).
 */
int import_trace(const struct import_options *options, struct trace_report *report,
		 struct err *err);

struct json;

/* The report for people, or as a JSON object (@key NULL: the whole document). */
void import_report_print(const struct trace_report *report, const char *input, const char *output,
			 FILE *out);
void import_report_write(const struct trace_report *report, struct json *j, const char *key);

#endif
