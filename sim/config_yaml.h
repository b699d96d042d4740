/*
 * config_yaml.h - YAML as a stream of events with positions.
 *
 * A thin layer over libyaml that admits the plain part of YAML: one document of mappings, lists and
 * scalars in UTF-8. Anchors, aliases, tags, a second document, nesting deeper than YAML_DEPTH_MAX,
 * scalars above YAML_SCALAR_MAX bytes and NUL characters are errors. Memory does not grow with the
 * length of the document.
 */
#ifndef SIM_CONFIG_YAML_H
#define SIM_CONFIG_YAML_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <yaml.h>

#define YAML_DEPTH_MAX  24
#define YAML_SCALAR_MAX 4096
#define YAML_GAP_MAX                                                                               \
	(16u << 20) /* bytes without a value: a line or comment this long is no config */

struct yaml_reader {
	yaml_parser_t parser;
	yaml_event_t event;  /* the current one; owned by the reader */
	bool has_event;
	FILE *file;          /* caller's; or: */
	const char *text;    /* caller's */
	size_t text_left;
	size_t gap_bytes;    /* read since the last event */
	bool gap_too_long, io_failed;
	unsigned depth;
	unsigned documents;
	/* What went wrong when a function returned -1, and where (1-based). */
	char problem[256];
	uint64_t problem_line, problem_column;
};

/* Read from @file, or if it is NULL from @text (@len bytes). Both stay the caller's. */
int yaml_reader_init(struct yaml_reader *r, FILE *file, const char *text, size_t len);
void yaml_reader_release(struct yaml_reader *r);

/* Go to the next event of the document. Returns 0, or -1 with `problem` filled. */
int yaml_reader_next(struct yaml_reader *r);
/*
 * Go to the event that opens the document's only node. Returns 1 if there is one, 0 if the input
 * has no document, -1 with `problem` filled.
 */
int yaml_reader_begin(struct yaml_reader *r);
/* After the node: make sure that nothing follows. */
int yaml_reader_end(struct yaml_reader *r);
/* Pass over the node that the current event opens; the current event is then its last. */
int yaml_reader_skip(struct yaml_reader *r);

/* The text of the current event if it is a scalar, else NULL; valid until the next event. */
const char *yaml_reader_scalar(const struct yaml_reader *r);
/* The current event is a plain scalar that means "nothing": empty, ~ or null. */
bool yaml_reader_is_null(const struct yaml_reader *r);
uint64_t yaml_reader_line(const struct yaml_reader *r);
uint64_t yaml_reader_column(const struct yaml_reader *r);

#endif
