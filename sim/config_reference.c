/*
 * config_reference.c - docs/config-reference.md, written from the schema: a key can't be
 * undocumented.
 *
 * Each mapping is a section with a table of its keys; mappings and lists inside it follow as
 * sections of their own, named by their dotted key. Defaults are what config_init() sets.
 */
#include <string.h>

#include "sim/config_impl.h"

#define REFERENCE_RANGE 256

/* The keys of steps are shown once, where a round's are. */
static bool is_repeated(const struct field *f)
{
	return f->keys && schema_is_of_step(f->keys) &&
	       (f->keys_count != STEP_KEYS || strcmp(f->key, "steps") != 0);
}

static bool has_table(const struct field *f)
{
	if (is_repeated(f))
		return false;
	return f->kind == FIELD_MAP || f->kind == FIELD_LIST || f->kind == FIELD_OPERATIONS;
}

/* @text for a cell of a table, where a bar would end the cell. */
static void print_cell(const char *text, FILE *out)
{
	for (; *text; text++)
		fprintf(out, *text == '|' ? "\\%c" : "%c", *text);
}

static void print_default(const struct field *f, const void *base, FILE *out)
{
	const char *at = base ? (const char *)base + f->offset : NULL;
	double real = 0;
	if (at && f->kind == FIELD_DOUBLE)
		memcpy(&real, at, sizeof(real));
	if (f->required)
		fputs("required", out);
	else if (at && f->kind == FIELD_DOUBLE && f->above_min && real <= f->real_min)
		fputs("none", out); /* a value that could not be given stands for its absence */
	else if (f->kind == FIELD_CPUS)
		fputs("`all`", out);
	else if (!at || !value_is_scalar(f->kind) || f->kind == FIELD_PLACE ||
		 ((f->kind == FIELD_NAME || f->kind == FIELD_FILE || f->kind == FIELD_DIR) && !*at))
		fputs("none", out);
	else {
		putc('`', out);
		print_scalar(f, NULL, base, out);
		putc('`', out);
	}
}

static void print_row(const struct field *f, const void *base, FILE *out)
{
	char range[REFERENCE_RANGE];
	fprintf(out, "| `%s` | ", f->key);
	print_cell(f->kind == FIELD_PLACE ? "as the key it belongs to" :
		   schema_range(f, NULL, range, sizeof(range)), out);
	if (f->kind == FIELD_DIST)
		fputs("; a distribution", out);
	fputs(" | ", out);
	print_default(f, base, out);
	fputs(" | ", out);
	print_cell(f->help, out);
	fputs(" |\n", out);
}

/* The table of @keys; @base holds the defaults, NULL if there are none. */
static void print_table(const struct field *keys, unsigned count, const void *base, FILE *out)
{
	fputs("\n| key | legal | default | meaning |\n|---|---|---|---|\n", out);
	for (unsigned i = 0; i < count; i++) {
		if (keys[i].kind != FIELD_MAP)
			print_row(&keys[i], base, out);
	}
}

static void print_section(const struct field *map, const char *path, const void *base, FILE *out);

static void print_subsection(const struct field *f, const char *path, const void *base, FILE *out)
{
	union {
		struct config_zone zone;
		struct hw_cache level;
		struct hw_tlb tlb;
		struct config_generator generator;
		struct config_phase phase;
		struct config_operation operation;
		struct config_cache cache;
		struct config_program program;
		struct config_step step;
		struct config_lock lock;
	} element;
	memset(&element, 0, sizeof(element));
	const char *ending = f->kind == FIELD_MAP ? "" : "[]";
	fprintf(out, "\n## %s%s\n\n%s.\n", path, ending, f->help);
	char inner[PATH_SIZE];
	snprintf(inner, sizeof(inner), "%s%s.", path, ending);
	if (f->kind == FIELD_MAP) {
		print_section(f, inner, (const char *)base + f->offset, out);
	} else if (f->kind == FIELD_OPERATIONS) {
		element.operation.gfp = OPERATION_GFP;
		print_section(&schema_operation, inner, &element, out);
	} else {
		if (f->list->element_init)
			f->list->element_init(&element);
		print_section(f, inner, &element, out);
	}
}

/* @path is "" or ends in a dot. */
static void print_section(const struct field *map, const char *path, const void *base, FILE *out)
{
	print_table(map->keys, map->keys_count, base, out);
	for (unsigned i = 0; i < map->keys_count; i++) {
		char inner[PATH_SIZE];
		snprintf(inner, sizeof(inner), "%.200s%.50s", path, map->keys[i].key);
		if (has_table(&map->keys[i]))
			print_subsection(&map->keys[i], inner, base, out);
	}
}

static void print_dists(FILE *out)
{
	fputs("\n## Distributions\n\n"
	      "A bare value is a constant; `forever` is a lifetime without end. Otherwise one of "
	      "these "
	      "keys with a\nmapping of its parameters, such as `{exponential: {mean: 5ms, max: "
	      "1s}}`. "
	      "Exponential, lognormal and\npareto may have `min` and `max`, to which values are "
	      "clamped; orders and sizes of pages must.\n"
	      "\n| key | meaning |\n|---|---|\n",
	      out);
	for (unsigned i = 0; i < schema_dists_count; i++)
		fprintf(out, "| `%s` | %s |\n", schema_dists[i].key, schema_dists[i].help);
	fputs("\nParameters:\n", out);
	print_table(schema_dist_params, schema_dist_params_count, NULL, out);
	fputs("\nElements of `choice`:\n", out);
	print_table(schema_choices.keys, schema_choices.keys_count, NULL, out);
}

static void print_units(FILE *out)
{
	static const char *const names[UNIT_KINDS] = {
		[UNIT_BYTES] = "bytes", [UNIT_DURATION] = "time", [UNIT_FREQUENCY] = "frequency",
		[UNIT_RATE] = "rate", [UNIT_BANDWIDTH] = "bandwidth",
	};
	fputs("\n## Units\n\n| quantity | units |\n|---|---|\n", out);
	for (unsigned i = 0; i < UNIT_KINDS; i++) {
		if (names[i])
			fprintf(out, "| %s | %s |\n", names[i], units_allowed(i));
	}
}

void config_print_reference(FILE *out)
{
	struct config c;
	config_init(&c);
	fputs("# Configuration reference\n\n"
	      "Generated from the program's own table of keys; a test compares the two.\n\n"
	      "A configuration is YAML in UTF-8. Files merge from left to right, then each "
	      "`--set KEY=VALUE`: mappings\nmerge key by key, lists and single values replace. "
	      "Every "
	      "quantity carries its unit. Anchors, aliases,\ntags and several documents in one "
	      "file "
	      "are not supported.\n\n## Top level\n",
	      out);
	print_section(&schema_root, "", &c, out);
	print_dists(out);
	print_units(out);
	config_release(&c);
}
