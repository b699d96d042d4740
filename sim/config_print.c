/*
 * config_print.c - the resolved configuration as YAML: see config.h.
 *
 * The walk over the schema writes every key, so that the output is complete and does not change its
 * meaning when a built-in value does. What is not there (no trace, no zones) is left out. The text
 * reads back to the same values: quantities are exact, and strings are quoted with escapes unless
 * they are plain words.
 */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/gfp.h"
#include "sim/config_impl.h"

struct printer {
	const struct config *c;
	FILE *out;
	struct err *err;
	int rc;
};

static bool is_plain_word(const char *text)
{
	const char *word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789./-";
	return *text && *text != '-' && strspn(text, word) == strlen(text) &&
	       strcmp(text, "null") != 0;
}

/* The character at *@p of valid UTF-8, and *@p moved behind it. */
static uint32_t utf8_take(const unsigned char **p)
{
	uint32_t c = *(*p)++;
	unsigned more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
	if (more)
		c &= 0x3fu >> more;
	for (; more && **p; more--)
		c = c << 6 | (*(*p)++ & 0x3fu);
	return c;
}

static void print_string(const char *text, FILE *out)
{
	if (is_plain_word(text)) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		uint32_t c = utf8_take(&p);
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", (int)c);
		else if (c >= 0x20 && c < 0x7f)
			putc((int)c, out);
		else if (c < 0x10000)
			fprintf(out, "\\u%04" PRIx32, c);
		else
			fprintf(out, "\\U%08" PRIx32, c);
	}
	putc('"', out);
}

static void print_path(const char *path, FILE *out)
{
	char *absolute = *path ? realpath(path, NULL) : NULL;
	/* A path that got too long would not read back. */
	print_string(absolute && strlen(absolute) < CONFIG_TEXT ? absolute : path, out);
	free(absolute);
}

static void print_number(const struct field *f, const void *at, FILE *out)
{
	char text[UNITS_TEXT];
	uint64_t value = f->kind == FIELD_U32 ? *(const uint32_t *)at : *(const uint64_t *)at;
	uint64_t word_value;
	const char *word = schema_word(f, &word_value);
	fputs(word && value == word_value ? word : units_format_u64(f->unit, value, text), out);
}

void print_scalar(const struct field *f, const struct field *dist, const void *base, FILE *out)
{
	const void *at = (const char *)base + f->offset;
	char text[UNITS_TEXT], gfp[256];
	unsigned name;
	switch (f->kind) {
	case FIELD_U64:
	case FIELD_U32:
		print_number(f, at, out);
		break;
	case FIELD_DOUBLE:
		fputs(units_format_double(f->unit, *(const double *)at, text), out);
		break;
	case FIELD_PLACE:
		fputs(units_format_double(dist->unit, *(const double *)at, text), out);
		break;
	case FIELD_BOOL:
		fputs(*(const bool *)at ? "true" : "false", out);
		break;
	case FIELD_ENUM:
		memcpy(&name, at, sizeof(name));
		fputs(f->names[name], out);
		break;
	case FIELD_EITHER:
		fputs(f->names[*(const bool *)at], out);
		break;
	case FIELD_NAME:
		print_string(at, out);
		break;
	case FIELD_FILE:
	case FIELD_DIR:
		print_path(at, out);
		break;
	case FIELD_GFP:
		fputs(gfp_format(*(const gfp_t *)at, gfp, sizeof(gfp)), out);
		break;
	default:
		break;
	}
}

static void print_sizes(const uint32_t *sizes, FILE *out)
{
	putc('[', out);
	for (uint32_t i = 0; i < sizes[CONFIG_CLASSES]; i++)
		fprintf(out, "%s%" PRIu32, i ? ", " : "", sizes[i]);
	putc(']', out);
}

static void print_names(const struct config_names *names, FILE *out)
{
	putc('[', out);
	for (unsigned i = 0; i < names->count; i++) {
		fputs(i ? ", " : "", out);
		print_string(names->names[i], out);
	}
	putc(']', out);
}

static void print_cpus(const uint64_t *mask, FILE *out)
{
	static const uint64_t all[CPUS_LIMIT / 64] = {UINT64_MAX, UINT64_MAX, UINT64_MAX,
						      UINT64_MAX};
	const char *separator = "";
	if (memcmp(mask, all, sizeof(all)) == 0) {
		fputs("all", out);
		return;
	}
	putc('[', out);
	for (unsigned cpu = 0; cpu < CPUS_LIMIT; cpu++) {
		if (!(mask[cpu / 64] >> (cpu % 64) & 1))
			continue;
		fprintf(out, "%s%u", separator, cpu);
		separator = ", ";
	}
	putc(']', out);
}

/* "{key: value, ...}" of those of @fields that @which has a bit for. */
static void print_flow(const struct field *fields, unsigned count, unsigned which,
		       const struct field *dist, const void *base, FILE *out)
{
	const char *separator = "{";
	for (unsigned i = 0; i < count; i++) {
		if (!(which >> i & 1))
			continue;
		fprintf(out, "%s%s: ", separator, fields[i].key);
		print_scalar(&fields[i], dist, base, out);
		separator = ", ";
	}
	putc('}', out);
}

static void print_choices(const struct field *f, const struct config_dist *d, FILE *out)
{
	unsigned all = (1u << schema_choices.keys_count) - 1;
	putc('[', out);
	for (unsigned i = 0; i < d->choices_count; i++) {
		fputs(i ? ", " : "", out);
		print_flow(schema_choices.keys, schema_choices.keys_count, all, f, &d->choices[i],
			   out);
	}
	putc(']', out);
}

static void print_dist(const struct field *f, const struct config_dist *d, FILE *out)
{
	const struct schema_dist *kind = dist_schema(d);
	char text[UNITS_TEXT];
	unsigned which = kind->needs | (d->max > 0 ? kind->may : 0);
	if (dist_is_forever(d)) {
		fputs("forever", out);
	} else if (d->kind == DIST_CONSTANT) {
		fputs(units_format_double(f->unit, d->value, text), out);
	} else {
		fprintf(out, "{%s: ", kind->key);
		if (d->kind == DIST_CHOICE)
			print_choices(f, d, out);
		else
			print_flow(schema_dist_params, schema_dist_params_count, which, f, d, out);
		putc('}', out);
	}
}

static bool is_absent(const struct printer *p, const struct field *f, const void *base)
{
	const char *at = (const char *)base + f->offset;
	unsigned count;
	const bool *own = &p->c->machine.own_watermarks;
	if (at == (const char *)own) /* a recorded state may still be added to what is printed */
		return !*own;
	if (schema_is_unused(p->c, f, base))
		return true;
	switch (f->kind) {
	case FIELD_NAME:
	case FIELD_FILE:
	case FIELD_DIR:
		return !*at;
	case FIELD_LIST:
		schema_list_items(f, base, &count);
		return count == 0;
	case FIELD_SIZES:
		return !((const uint32_t *)(const void *)at)[CONFIG_CLASSES];
	case FIELD_NAMES:
		return !((const struct config_names *)(const void *)at)->count;
	case FIELD_MATRIX:
		return !machine_matrix_rows((const uint64_t *)(const void *)at);
	case FIELD_NODE_CPUS:
		return !p->c->machine.node_cpus_count;
	case FIELD_OPERATIONS:
		return p->c->workload.ops_fd < 0;
	case FIELD_INCLUDE:
		return true;
	default:
		return false;
	}
}

static void print_map(struct printer *p, const struct field *map, const void *base, unsigned indent,
		      bool in_list);

static void print_list(struct printer *p, const struct field *f, const void *base, unsigned indent)
{
	unsigned count;
	const char *items = schema_list_items(f, base, &count);
	for (unsigned i = 0; i < count; i++) {
		fprintf(p->out, "%*s- ", (int)indent, "");
		print_map(p, f, items + i * f->list->element_bytes, indent + 2, true);
	}
}

static void print_field(struct printer *p, const struct field *f, const void *base, unsigned indent)
{
	const char *at = (const char *)base + f->offset;
	fprintf(p->out, "%s:", f->key);
	switch (f->kind) {
	case FIELD_MAP:
		putc('\n', p->out);
		print_map(p, f, at, indent + 2, false);
		return;
	case FIELD_LIST:
		putc('\n', p->out);
		print_list(p, f, base, indent + 2);
		return;
	case FIELD_OPERATIONS:
		putc('\n', p->out);
		if (ops_print(p->c, p->out, indent + 2, p->err) != 0)
			p->rc = -1;
		return;
	default:
		break;
	}
	putc(' ', p->out);
	if (f->kind == FIELD_CPUS)
		print_cpus((const uint64_t *)(const void *)at, p->out);
	else if (f->kind == FIELD_SIZES)
		print_sizes((const uint32_t *)(const void *)at, p->out);
	else if (f->kind == FIELD_SET)
		machine_print_set(f, (const uint64_t *)(const void *)at, p->out);
	else if (f->kind == FIELD_MATRIX)
		machine_print_matrix((const uint64_t *)(const void *)at, p->out);
	else if (f->kind == FIELD_NODE_CPUS)
		machine_print_node_cpus(&p->c->machine, p->out);
	else if (f->kind == FIELD_NAMES)
		print_names((const struct config_names *)(const void *)at, p->out);
	else if (f->kind == FIELD_DIST)
		print_dist(f, (const struct config_dist *)(const void *)at, p->out);
	else
		print_scalar(f, NULL, base, p->out);
	putc('\n', p->out);
}

/* The first line of an element stands behind its "- ", so it has no indent of its own. */
static void print_map(struct printer *p, const struct field *map, const void *base, unsigned indent,
		      bool in_list)
{
	bool first = in_list;
	for (unsigned i = 0; i < map->keys_count; i++) {
		if (is_absent(p, &map->keys[i], base))
			continue;
		fprintf(p->out, "%*s", first ? 0 : (int)indent, "");
		first = false;
		print_field(p, &map->keys[i], base, indent);
	}
}

int config_print_yaml(const struct config *c, FILE *out, struct err *err)
{
	struct printer p = {.c = c, .out = out, .err = err};
	print_map(&p, &schema_root, c, 0, false);
	return p.rc;
}
