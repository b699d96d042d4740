/*
 * import_fuzz.h - what the fuzz targets of the text importers share.
 *
 * Besides not crashing: whatever an import accepts must be a trace that the reader accepts, and an
 * import that fails must say why.
 */
#ifndef SIM_IMPORT_FUZZ_H
#define SIM_IMPORT_FUZZ_H

#include <unistd.h>

#include "kern/bug.h"
#include "sim/fuzz_main.h"
#include "sim/import_line.h"

static inline void import_fuzz(const uint8_t *data, size_t bytes,
			       const struct import_parser *parser)
{
	struct err err = {0};
	struct trace_report report;
	struct trace trace;
	int fd = -1;
	struct textin *in = textin_open_memory(data, bytes, &err);
	struct trace_writer *writer = in ? trace_writer_new(NULL, &err) : NULL;
	BUG_ON(!in || !writer, "%s", err.text);
	if (import_text(in, parser, false, NULL, NULL, writer, &report, &fd, &err) != 0) {
		BUG_ON(err.code == ERR_NONE || !err.text[0], "failed without a reason");
	} else {
		int result = trace_open_fd(&trace, fd, "imported", &err);
		BUG_ON(result != 0, "%s", err.text);
		BUG_ON(trace.demands_count != report.demands ||
			       trace.evidence_count != report.evidence,
		       "counts differ from the report's");
		trace_close(&trace);
		close(fd);
	}
	textin_close(in);
}

#endif
