/*
 * config_diag.c - what is wrong, and where: diagnostics of the configuration loader.
 *
 * Every problem is one line, "file.yaml:3:5: machine.cpus: what is wrong", so that editors jump to
 * it. Text from the input is cut and stripped of control characters first. The position of every
 * key is remembered by its dotted path, because a relation between two keys is only checked when
 * all files have been read; a later position of the same path stands behind an earlier one and is
 * found first.
 */
#include "sim/config_impl.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

bool diag_is_full(const struct loader *ld)
{
	return ld->problems_count >= DIAG_MAX;
}

char *diag_quote(const char *text, char buf[QUOTE_SIZE])
{
	size_t n = 0;
	for (; text[n] && n < QUOTE_SIZE - 4; n++) {
		unsigned char c = (unsigned char)text[n];
		buf[n] = c < 0x20 || c == 0x7f ? '?' : text[n];
	}
	if (text[n]) {
		/* Never end inside a character. */
		while (n && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		memcpy(buf + n, "...", 3);
		n += 3;
	}
	buf[n] = '\0';
	return buf;
}

static int location_format(const struct config_pos *pos, char *buf, size_t size)
{
	char quoted[QUOTE_SIZE];
	if (!pos->source)
		return snprintf(buf, size, "built-in value: ");
	if (pos->line == 0)
		return snprintf(buf, size, "--set %s: ", diag_quote(pos->source, quoted));
	if (pos->column == 0)
		return snprintf(buf, size, "%s: ", pos->source);
	return snprintf(buf, size, "%s:%llu:%llu: ", pos->source, (unsigned long long)pos->line,
			(unsigned long long)pos->column);
}

__attribute__((format(printf, 5, 0)))
static int diag_v(struct loader *ld, enum err_code code, const struct config_pos *pos,
		  const char *path, const char *fmt, va_list ap)
{
	char text[1024];
	bool no_place = ld->no_places || (ld->is_applied && !pos->source);
	int n = no_place ? 0 : location_format(pos, text, sizeof(text) / 2);
	size_t used = (size_t)n < sizeof(text) / 2 ? (size_t)n : sizeof(text) / 2 - 1;
	if (*path)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s: ", path);
	vsnprintf(text + used, sizeof(text) - used, fmt, ap);
	if (ld->problems_count == 0) {
		ld->first_code = code;
		snprintf(ld->first_text, sizeof(ld->first_text), "%.*s",
			 (int)sizeof(ld->first_text) - 1, text);
	}
	if (ld->diagnostics && !diag_is_full(ld))
		fprintf(ld->diagnostics, "%s\n", text);
	ld->problems_count++;
	if (ld->diagnostics && ld->problems_count == DIAG_MAX)
		fprintf(ld->diagnostics, "%d errors; not looking for more\n", DIAG_MAX);
	return -1;
}

int diag_at(struct loader *ld, enum err_code code, const struct config_pos *pos, const char *path,
	    const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	diag_v(ld, code, pos, path, fmt, ap);
	va_end(ap);
	return -1;
}

int diag_here(struct loader *ld, const char *fmt, ...)
{
	struct config_pos pos = pos_here(ld);
	va_list ap;
	va_start(ap, fmt);
	diag_v(ld, ERR_CONFIG, &pos, ld->path, fmt, ap);
	va_end(ap);
	return -1;
}

int diag_key(struct loader *ld, enum err_code code, const char *path, const char *fmt, ...)
{
	static const struct config_pos nowhere;
	const struct config_pos *pos = place_find(ld, path);
	char outer[PATH_SIZE];
	snprintf(outer, sizeof(outer), "%s", path);
	/* A key that was left out is missed where its mapping stands. */
	while (!pos) {
		char *dot = strrchr(outer, '.'), *bracket = strrchr(outer, '[');
		char *cut = !bracket || (dot && dot > bracket) ? dot : bracket;
		if (!cut)
			break;
		*cut = '\0';
		pos = place_find(ld, outer);
	}
	va_list ap;
	va_start(ap, fmt);
	diag_v(ld, code, pos ? pos : &nowhere, path, fmt, ap);
	va_end(ap);
	return -1;
}

int diag_no_memory(struct loader *ld)
{
	ld->out_of_memory = true;
	return -1;
}

size_t path_push(struct loader *ld, const char *key)
{
	size_t length = strlen(ld->path), end = length, key_length = strlen(key);
	if (end && end < sizeof(ld->path) - 1)
		ld->path[end++] = '.';
	/* No snprintf: this runs for every key of a list of millions. */
	if (key_length > sizeof(ld->path) - 1 - end)
		key_length = sizeof(ld->path) - 1 - end;
	memcpy(ld->path + end, key, key_length);
	ld->path[end + key_length] = '\0';
	return length;
}

size_t path_push_index(struct loader *ld, uint64_t index)
{
	size_t length = strlen(ld->path);
	snprintf(ld->path + length, sizeof(ld->path) - length, "[%llu]", (unsigned long long)index);
	return length;
}

void path_pop(struct loader *ld, size_t length)
{
	ld->path[length] = '\0';
}

struct config_pos pos_here(const struct loader *ld)
{
	struct config_pos pos = {.source = ld->source};
	if (!ld->is_set && ld->reader && ld->reader->has_event) {
		pos.line = yaml_reader_line(ld->reader);
		pos.column = yaml_reader_column(ld->reader);
	}
	return pos;
}

void place_add(struct loader *ld)
{
	if (ld->places_off)
		return;
	if (ld->places_count == ld->places_capacity) {
		size_t capacity = ld->places_capacity ? ld->places_capacity * 2 : 64;
		struct config_place *grown = realloc(ld->places, capacity * sizeof(*grown));
		if (!grown) {
			diag_no_memory(ld);
			return;
		}
		ld->places = grown;
		ld->places_capacity = capacity;
	}
	char *path = strdup(ld->path);
	if (!path) {
		diag_no_memory(ld);
		return;
	}
	ld->places[ld->places_count++] = (struct config_place){path, pos_here(ld)};
}

void place_forget(struct loader *ld)
{
	size_t length = strlen(ld->path), kept = 0;
	for (size_t i = 0; i < ld->places_count; i++) {
		struct config_place *p = &ld->places[i];
		bool below = strncmp(p->path, ld->path, length) == 0 &&
			     (p->path[length] == '.' || p->path[length] == '[');
		if (below)
			free(p->path);
		else
			ld->places[kept++] = *p;
	}
	ld->places_count = kept;
}

const struct config_pos *place_find(const struct loader *ld, const char *path)
{
	for (size_t i = ld->places_count; i-- > 0;) {
		if (strcmp(ld->places[i].path, path) == 0)
			return &ld->places[i].pos;
	}
	return NULL;
}

const char *source_add(struct loader *ld, const char *name)
{
	if (ld->sources_count == ld->sources_capacity) {
		size_t capacity = ld->sources_capacity ? ld->sources_capacity * 2 : 8;
		char **grown = realloc(ld->sources, capacity * sizeof(*grown));
		if (!grown) {
			diag_no_memory(ld);
			return NULL;
		}
		ld->sources = grown;
		ld->sources_capacity = capacity;
	}
	char *copy = strdup(name);
	if (!copy) {
		diag_no_memory(ld);
		return NULL;
	}
	ld->sources[ld->sources_count++] = copy;
	return copy;
}

void diag_release(struct loader *ld)
{
	for (size_t i = 0; i < ld->places_count; i++)
		free(ld->places[i].path);
	free(ld->places);
	for (size_t i = 0; i < ld->sources_count; i++)
		free(ld->sources[i]);
	free(ld->sources);
}
