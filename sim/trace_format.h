/*
 * trace_format.h - how a binary trace lies in its file. Only the reader and the writer include it.
 *
 * All numbers are little-endian. The header is followed at once by its table of sections, both
 * under header_crc. Sections follow in table order, each at the next multiple of 64 bytes, gaps
 * zeroed; so counts alone determine every offset, and a reader demands exactly that.
 */
#ifndef SIM_TRACE_FORMAT_H
#define SIM_TRACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "sim/trace.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "traces are mapped as they are, which needs a little-endian host");

/* The line feed and the 0x1a show a transfer that mistook the file for text. */
#define TRACE_MAGIC         "ATRACE\n\x1a"
#define TRACE_SECTION_ALIGN 64u

enum trace_section_kind {
	TRACE_SECTION_GFPS,        /* uint32_t, the first one 0 */
	TRACE_SECTION_CACHES,      /* struct trace_cache */
	TRACE_SECTION_EVIDENCE,    /* struct trace_rec */
	TRACE_SECTION_PREEXISTING, /* struct trace_block */
	TRACE_SECTION_OPS,         /* struct trace_rec: CPU 0's, CPU 1's, ... */
};
#define TRACE_SECTIONS_MAX (TRACE_SECTION_OPS + TRACE_CPUS_LIMIT)

struct trace_section {
	uint64_t offset; /* from the start of the file */
	uint64_t count;  /* elements */
	uint32_t crc;    /* CRC-32 (zlib's) of the elements */
	uint32_t unused; /* 0 */
};

struct trace_header {
	char magic[8];
	uint32_t version;
	uint32_t header_crc;  /* CRC-32 of header and table, with this field 0 */
	uint32_t content_crc; /* CRC-32 of the table */
	uint32_t cpus_count;
	uint64_t ids_count;
	uint64_t base_ns;
	uint64_t span_ns;
	uint64_t demands_count;
	struct trace_report report;
	struct trace_section sections[]; /* TRACE_SECTION_OPS + cpus_count */
};

static inline size_t trace_header_bytes(uint32_t cpus_count)
{
	return sizeof(struct trace_header) +
	       (TRACE_SECTION_OPS + cpus_count) * sizeof(struct trace_section);
}

static inline size_t trace_element_bytes(unsigned section)
{
	switch (section) {
	case TRACE_SECTION_GFPS:
		return sizeof(uint32_t);
	case TRACE_SECTION_CACHES:
		return sizeof(struct trace_cache);
	case TRACE_SECTION_PREEXISTING:
		return sizeof(struct trace_block);
	default:
		return sizeof(struct trace_rec);
	}
}

static inline uint64_t trace_align(uint64_t offset)
{
	return (offset + TRACE_SECTION_ALIGN - 1) & ~(uint64_t)(TRACE_SECTION_ALIGN - 1);
}

#endif
