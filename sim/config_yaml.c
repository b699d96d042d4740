/*
 * config_yaml.c - libyaml's events, restricted and located: see config_yaml.h.
 *
 * libyaml reports a problem of the syntax with a mark (line and column), but a byte that is no
 * UTF-8 only with its offset, because the decoder runs ahead of the scanner. The offset is turned
 * into a line and column by reading the input once more up to there, if the input can be rewound.
 *
 * libyaml holds one token at a time, however long; so the reader counts what it hands over between
 * two events and gives up at YAML_GAP_MAX.
 */
#include "sim/config_yaml.h"

#include <string.h>

static int input_read(void *data, unsigned char *buffer, size_t size, size_t *size_read)
{
	struct yaml_reader *r = data;
	if (r->gap_bytes > YAML_GAP_MAX) {
		r->gap_too_long = true;
		return 0;
	}
	if (r->file) {
		*size_read = fread(buffer, 1, size, r->file);
		if (*size_read == 0 && ferror(r->file)) {
			r->io_failed = true;
			return 0;
		}
	} else {
		*size_read = size < r->text_left ? size : r->text_left;
		memcpy(buffer, r->text, *size_read);
		r->text += *size_read;
		r->text_left -= *size_read;
	}
	r->gap_bytes += *size_read;
	return 1;
}

int yaml_reader_init(struct yaml_reader *r, FILE *file, const char *text, size_t len)
{
	memset(r, 0, sizeof(*r));
	if (!yaml_parser_initialize(&r->parser)) {
		snprintf(r->problem, sizeof(r->problem), "out of memory");
		return -1;
	}
	r->file = file;
	r->text = text ? text : "";
	r->text_left = len;
	/* Without this a byte order mark would switch to UTF-16. */
	yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input(&r->parser, input_read, r);
	return 0;
}

static void event_drop(struct yaml_reader *r)
{
	if (r->has_event)
		yaml_event_delete(&r->event);
	r->has_event = false;
}

void yaml_reader_release(struct yaml_reader *r)
{
	event_drop(r);
	yaml_parser_delete(&r->parser);
}

static int problem_at(struct yaml_reader *r, const yaml_mark_t *mark, const char *text)
{
	snprintf(r->problem, sizeof(r->problem), "%s", text);
	r->problem_line = mark->line + 1;
	r->problem_column = mark->column + 1;
	return -1;
}

/* Line and column of byte @offset of the file; columns count characters. */
static void locate_offset(struct yaml_reader *r, size_t offset)
{
	if (!r->file || fseek(r->file, 0, SEEK_SET) != 0)
		return;
	uint64_t line = 1, column = 1;
	for (size_t i = 0; i < offset; i++) {
		int c = getc(r->file);
		if (c == EOF)
			return;
		if (c == '\n') {
			line++;
			column = 1;
		} else if ((c & 0xc0) != 0x80) {
			column++;
		}
	}
	r->problem_line = line;
	r->problem_column = column;
}

static int parser_problem(struct yaml_reader *r)
{
	const yaml_parser_t *p = &r->parser;
	bool marked = p->error == YAML_SCANNER_ERROR || p->error == YAML_PARSER_ERROR;
	problem_at(r, marked ? &p->problem_mark : &p->mark,
		   p->problem ? p->problem : "out of memory");
	if (r->gap_too_long) {
		snprintf(r->problem, sizeof(r->problem), "more than %u MiB without a value",
			 YAML_GAP_MAX >> 20);
	} else if (r->io_failed) {
		snprintf(r->problem, sizeof(r->problem), "reading failed");
	} else if (p->error == YAML_READER_ERROR) {
		snprintf(r->problem, sizeof(r->problem), "not YAML text in UTF-8: %s (0x%02x)",
			 p->problem, (unsigned)p->problem_value);
		locate_offset(r, p->problem_offset);
	} else if (p->error == YAML_SCANNER_ERROR && strstr(p->problem, "cannot start any token")) {
		snprintf(r->problem, sizeof(r->problem),
			 "a tab or another character that begins nothing in YAML; indent with "
			 "spaces");
	} else if (p->context) {
		snprintf(r->problem, sizeof(r->problem), "%s, %s", p->problem, p->context);
	}
	return -1;
}

static int event_check(struct yaml_reader *r)
{
	const yaml_event_t *e = &r->event;
	const yaml_char_t *anchor = NULL, *tag = NULL;
	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return problem_at(r, &e->start_mark, "aliases (*name) are not supported");
	case YAML_SCALAR_EVENT:
		anchor = e->data.scalar.anchor;
		tag = e->data.scalar.tag;
		if (e->data.scalar.length > YAML_SCALAR_MAX)
			return problem_at(r, &e->start_mark, "value of more than 4096 bytes");
		if (memchr(e->data.scalar.value, '\0', e->data.scalar.length))
			return problem_at(r, &e->start_mark, "value with a NUL character");
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = e->data.sequence_start.anchor;
		tag = e->data.sequence_start.tag;
		r->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = e->data.mapping_start.anchor;
		tag = e->data.mapping_start.tag;
		r->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		r->depth--;
		break;
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++)
			return problem_at(r, &e->start_mark, "a second document; one file is one");
		break;
	default:
		break;
	}
	if (anchor)
		return problem_at(r, &e->start_mark, "anchors (&name) are not supported");
	if (tag)
		return problem_at(r, &e->start_mark, "tags (!name) are not supported");
	if (r->depth > YAML_DEPTH_MAX)
		return problem_at(r, &e->start_mark, "nested too deeply");
	return 0;
}

int yaml_reader_next(struct yaml_reader *r)
{
	event_drop(r);
	if (!yaml_parser_parse(&r->parser, &r->event))
		return parser_problem(r);
	r->has_event = true;
	r->gap_bytes = 0;
	return event_check(r);
}

int yaml_reader_begin(struct yaml_reader *r)
{
	do {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_STREAM_END_EVENT)
			return 0;
	} while (r->event.type == YAML_STREAM_START_EVENT ||
		 r->event.type == YAML_DOCUMENT_START_EVENT);
	return 1;
}

int yaml_reader_end(struct yaml_reader *r)
{
	/* An input without a document is at its end already; libyaml would never say so again. */
	while (r->event.type != YAML_STREAM_END_EVENT) {
		if (yaml_reader_next(r) != 0)
			return -1;
	}
	return 0;
}

int yaml_reader_skip(struct yaml_reader *r)
{
	unsigned opened = 0;
	for (;;) {
		switch (r->event.type) {
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			opened++;
			break;
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			opened--;
			break;
		default:
			break;
		}
		if (opened == 0)
			return 0;
		if (yaml_reader_next(r) != 0)
			return -1;
	}
}

const char *yaml_reader_scalar(const struct yaml_reader *r)
{
	if (!r->has_event || r->event.type != YAML_SCALAR_EVENT)
		return NULL;
	return (const char *)r->event.data.scalar.value;
}

bool yaml_reader_is_null(const struct yaml_reader *r)
{
	const char *text = yaml_reader_scalar(r);
	if (!text || r->event.data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

uint64_t yaml_reader_line(const struct yaml_reader *r)
{
	return r->event.start_mark.line + 1;
}

uint64_t yaml_reader_column(const struct yaml_reader *r)
{
	return r->event.start_mark.column + 1;
}
