/*
 * config_value.c - one YAML value into its field: the loader's walk over the schema.
 *
 * The walk follows the stream of events and the table at the same time: a mapping looks each key up
 * among its rows, a list makes an element and reads a mapping into it, a scalar is parsed by the
 * kind of its row, checked against the row's range and stored at the row's offset. Mappings leave
 * alone what they do not name, so reading a second file merges; a list starts empty, so it
 * replaces.
 *
 * A value that is wrong is reported and passed over, so that one reading finds everything; only
 * what breaks the stream itself (syntax, or too many problems) ends it.
 */
#include "sim/config_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kern/gfp.h"
#include "sim/suggest.h"

#define RANGE_TEXT 256

static int range_problem(struct loader *ld, const struct field *f, const char *text,
			 const char *what)
{
	char quoted[QUOTE_SIZE], range[RANGE_TEXT];
	return diag_here(ld, "'%s' %s (legal range: %s)", diag_quote(text, quoted), what,
			 schema_range(f, NULL, range, sizeof(range)));
}

static int set_integer(struct loader *ld, const struct field *f, void *at, const char *text)
{
	char why[UNITS_WHY], quoted[QUOTE_SIZE];
	uint64_t value, word_value;
	const char *word = schema_word(f, &word_value);
	if (word && strcmp(text, word) == 0) {
		value = word_value;
	} else {
		if (units_parse_u64(f->unit, text, &value, why) != 0)
			return f->unit && strstr(why, "unit") ?
				diag_here(ld, "'%s' %s", diag_quote(text, quoted), why) :
				range_problem(ld, f, text, why);
		if (value < f->min || value > f->max)
			return range_problem(ld, f, text, "is out of range");
	}
	if (f->kind == FIELD_U32)
		*(uint32_t *)at = (uint32_t)value;
	else
		*(uint64_t *)at = value;
	return 0;
}

static int set_double(struct loader *ld, const struct field *f, double *at, const char *text)
{
	char why[UNITS_WHY], quoted[QUOTE_SIZE];
	double value;
	if (units_parse_double(f->unit, text, &value, why) != 0)
		return diag_here(ld, "'%s' %s", diag_quote(text, quoted), why);
	if (value < f->real_min || value > f->real_max || (f->above_min && value <= f->real_min))
		return range_problem(ld, f, text, "is out of range");
	*at = value;
	return 0;
}

int value_name_find(struct loader *ld, const struct field *f, const char *text)
{
	for (unsigned i = 0; i < f->names_count; i++) {
		if (strcmp(text, f->names[i]) == 0)
			return (int)i;
	}
	char quoted[QUOTE_SIZE], range[RANGE_TEXT];
	const char *near = suggest_nearest(text, f->names, f->names_count);
	return diag_here(ld, "unknown value '%s'%s%s%s (legal range: %s)", diag_quote(text, quoted),
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "",
			 schema_range(f, NULL, range, sizeof(range)));
}

static int set_enum(struct loader *ld, const struct field *f, void *at, const char *text)
{
	int found = value_name_find(ld, f, text);
	if (found < 0)
		return -1;
	if (f->kind == FIELD_EITHER) {
		*(bool *)at = found;
	} else {
		unsigned value = (unsigned)found;
		memcpy(at, &value, sizeof(value));
	}
	return 0;
}

static bool has_control(const char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	}
	return false;
}

static int set_name(struct loader *ld, const struct field *f, char *at, const char *text)
{
	if (!*text)
		return range_problem(ld, f, text, "is empty");
	if (strlen(text) >= CONFIG_NAME)
		return range_problem(ld, f, text, "is too long");
	if (has_control(text))
		return range_problem(ld, f, text, "has control characters");
	strcpy(at, text);
	return 0;
}

/* A relative path in a file is relative to the file's directory; "" takes an earlier path back. */
static int set_path(struct loader *ld, const struct field *f, char *at, const char *text)
{
	const char *slash = ld->is_set || !*text || *text == '/' ? NULL : strrchr(ld->source, '/');
	size_t dir = slash ? (size_t)(slash + 1 - ld->source) : 0;
	if (has_control(text))
		return range_problem(ld, f, text, "has control characters");
	if (dir + strlen(text) >= CONFIG_TEXT)
		return range_problem(ld, f, text, "is too long with the directory of this file");
	memcpy(at, ld->source, dir);
	strcpy(at + dir, text);
	return 0;
}

static int set_gfp(struct loader *ld, gfp_t *at, const char *text)
{
	char quoted[QUOTE_SIZE], name[QUOTE_SIZE];
	size_t off, len;
	gfp_t gfp;
	if (gfp_parse(text, strlen(text), &gfp, &off, &len) != 0) {
		char *bad = strndup(text + off, len);
		if (!bad)
			return diag_no_memory(ld);
		diag_here(ld,
			  "unknown flag '%s' at byte %zu of '%s' (names are joined by |, such as "
			  "GFP_KERNEL|__GFP_ZERO)",
			  diag_quote(bad, name), off + 1, diag_quote(text, quoted));
		free(bad);
		return -1;
	}
	if ((gfp & __GFP_MOVABLE) && (gfp & __GFP_RECLAIMABLE))
		return diag_here(ld, "'%s' is both movable and reclaimable",
				 diag_quote(text, quoted));
	*at = gfp;
	return 0;
}

bool value_is_scalar(enum field_kind kind)
{
	switch (kind) {
	case FIELD_SIZES:
	case FIELD_NAMES:
	case FIELD_SET:
	case FIELD_MATRIX:
	case FIELD_NODE_CPUS:
	case FIELD_CPUS:
	case FIELD_DIST:
	case FIELD_MAP:
	case FIELD_LIST:
	case FIELD_OPERATIONS:
	case FIELD_INCLUDE:
		return false;
	default:
		return true;
	}
}

int value_set_scalar(struct loader *ld, const struct field *f, void *base, const char *text)
{
	void *at = (char *)base + f->offset;
	char why[UNITS_WHY];
	switch (f->kind) {
	case FIELD_U64:
	case FIELD_U32:
		return set_integer(ld, f, at, text);
	case FIELD_DOUBLE:
		return set_double(ld, f, at, text);
	case FIELD_BOOL:
		return units_parse_bool(text, at, why) == 0 ? 0 : range_problem(ld, f, text, why);
	case FIELD_ENUM:
	case FIELD_EITHER:
		return set_enum(ld, f, at, text);
	case FIELD_NAME:
		return set_name(ld, f, at, text);
	case FIELD_FILE:
	case FIELD_DIR:
		return set_path(ld, f, at, text);
	case FIELD_GFP:
		return set_gfp(ld, at, text);
	case FIELD_DIST:
		return dist_set_scalar(ld, f, at, text);
	default:
		return -1;
	}
}

static int load_scalar(struct loader *ld, const struct field *f, void *base)
{
	const char *text = yaml_reader_scalar(ld->reader);
	char range[RANGE_TEXT];
	if (!text) {
		diag_here(ld, "must be a single value (legal range: %s)",
			  schema_range(f, NULL, range, sizeof(range)));
		return yaml_reader_skip(ld->reader);
	}
	bool is_path = f->kind == FIELD_FILE || f->kind == FIELD_DIR;
	if (yaml_reader_is_null(ld->reader) && !is_path)
		diag_here(ld, "has no value (legal range: %s)",
			  schema_range(f, NULL, range, sizeof(range)));
	else
		value_set_scalar(ld, f, base, text);
	return 0;
}

static int cpus_set(struct loader *ld, uint64_t *mask, const char *text)
{
	char quoted[QUOTE_SIZE], why[UNITS_WHY];
	uint64_t cpu;
	if (!text || units_parse_u64(UNIT_COUNT, text, &cpu, why) != 0 || cpu >= CPUS_LIMIT)
		return diag_here(ld, "'%s' is not the number of a CPU (legal range: 0..%d)",
				 text ? diag_quote(text, quoted) : "a list", CPUS_LIMIT - 1);
	mask[cpu / 64] |= UINT64_C(1) << (cpu % 64);
	return 0;
}

static int load_cpus(struct loader *ld, uint64_t *mask)
{
	struct yaml_reader *r = ld->reader;
	const char *text = yaml_reader_scalar(r);
	if (text && strcmp(text, "all") == 0) {
		memset(mask, 0xff, CPUS_LIMIT / 8);
		return 0;
	}
	uint64_t chosen[CPUS_LIMIT / 64] = {0};
	uint64_t index = 0;
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be 'all' or a list of numbers, such as [0, 1]");
		return yaml_reader_skip(r);
	}
	struct config_pos begin = pos_here(ld);
	for (;; index++) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		size_t length = path_push_index(ld, index);
		cpus_set(ld, chosen, yaml_reader_scalar(r));
		path_pop(ld, length);
		if (yaml_reader_skip(r) != 0 || diag_is_full(ld))
			return -1;
	}
	if (index == 0)
		diag_at(ld, ERR_CONFIG, &begin, ld->path, "is empty: no CPU would do anything");
	memcpy(mask, chosen, sizeof(chosen));
	return 0;
}

/* Bytes, with a unit or, as size classes are usually written, without. */
static int size_set(struct loader *ld, const struct field *f, uint32_t *at, const char *text)
{
	char quoted[QUOTE_SIZE], why[UNITS_WHY];
	uint64_t bytes;
	if (!text)
		return diag_here(ld, "must be a number of bytes");
	if (units_parse_u64(UNIT_COUNT, text, &bytes, why) != 0 &&
	    units_parse_u64(UNIT_BYTES, text, &bytes, why) != 0)
		return diag_here(ld, "'%s' %s", diag_quote(text, quoted), why);
	if (bytes > UINT32_MAX)
		return range_problem(ld, f, text, "is out of range");
	*at = (uint32_t)bytes;
	return 0;
}

static int load_sizes(struct loader *ld, const struct field *f, uint32_t *sizes)
{
	struct yaml_reader *r = ld->reader;
	unsigned count = 0;
	char range[RANGE_TEXT];
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list (legal range: %s)",
			  schema_range(f, NULL, range, sizeof(range)));
		return yaml_reader_skip(r);
	}
	place_forget(ld);
	for (;; count++) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			break;
		if (count == CONFIG_CLASSES) {
			diag_here(ld, "has more than %u elements", count);
			return -1;
		}
		size_t length = path_push_index(ld, count);
		place_add(ld);
		size_set(ld, f, &sizes[count], yaml_reader_scalar(r));
		path_pop(ld, length);
		if (yaml_reader_skip(r) != 0 || diag_is_full(ld))
			return -1;
	}
	/* [] is left to config_check.c, which knows that a set of classes can't be empty. */
	sizes[CONFIG_CLASSES] = count;
	return 0;
}

/* Names as long as FIELD_NAME's. */
static int load_names(struct loader *ld, const struct field *f, struct config_names *names)
{
	struct yaml_reader *r = ld->reader;
	const struct field name = {.key = f->key, .kind = FIELD_NAME};
	char range[RANGE_TEXT];
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list (legal range: %s)",
			  schema_range(f, NULL, range, sizeof(range)));
		return yaml_reader_skip(r);
	}
	place_forget(ld);
	for (names->count = 0;; names->count++) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (names->count == CONFIG_NAMES) {
			diag_here(ld, "has more than %u elements", names->count);
			return -1;
		}
		size_t length = path_push_index(ld, names->count);
		const char *text = yaml_reader_scalar(r);
		place_add(ld);
		if (text)
			value_set_scalar(ld, &name, names->names[names->count], text);
		else
			diag_here(ld, "must be a name");
		path_pop(ld, length);
		if (yaml_reader_skip(r) != 0 || diag_is_full(ld))
			return -1;
	}
}

static int unknown_key(struct loader *ld, const struct field *map, const char *key)
{
	char quoted[QUOTE_SIZE];
	const char *near = schema_suggest(map, key);
	return diag_here(ld, "unknown key '%s'%s%s%s", diag_quote(key, quoted),
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static void report_missing(struct loader *ld, const struct field *map, uint64_t seen,
			   const struct config_pos *begin)
{
	for (unsigned i = 0; i < map->keys_count; i++) {
		const struct field *f = &map->keys[i];
		if (f->required && !(seen >> i & 1))
			diag_at(ld, ERR_CONFIG, begin, ld->path, "lacks '%s' (%s)", f->key,
				f->help);
	}
}

/* One key and its value; the current event is the key. */
static int load_entry(struct loader *ld, const struct field *map, void *base, uint64_t *seen)
{
	struct yaml_reader *r = ld->reader;
	const char *key = yaml_reader_scalar(r);
	int index = key ? schema_find(map, key) : -1;
	if (!key)
		diag_here(ld, "a key must be a single word");
	else if (index < 0)
		unknown_key(ld, map, key);
	if (index < 0) {
		if (yaml_reader_skip(r) != 0 || yaml_reader_next(r) != 0)
			return -1;
		return yaml_reader_skip(r);
	}
	const struct field *f = &map->keys[index];
	size_t length = path_push(ld, f->key);
	if (*seen >> index & 1)
		diag_here(ld, "given twice in one mapping");
	if (f->kind == FIELD_INCLUDE && *seen)
		diag_here(ld, "must be the first key, because it is loaded first");
	*seen |= UINT64_C(1) << index;
	int rc = yaml_reader_next(r);
	if (rc == 0) {
		place_add(ld);
		rc = value_load(ld, f, base);
	}
	/*
	 * Where the stream broke, the key says what was being read; stream_load() restores the
	 * path.
	 */
	if (rc == 0)
		path_pop(ld, length);
	return rc;
}

int value_load_mapping(struct loader *ld, const struct field *map, void *base, uint64_t *seen)
{
	struct yaml_reader *r = ld->reader;
	struct config_pos begin = pos_here(ld);
	*seen = 0;
	if (yaml_reader_is_null(r))
		return 0;
	if (r->event.type != YAML_MAPPING_START_EVENT) {
		diag_here(ld, "must be a mapping (key: value)");
		return yaml_reader_skip(r);
	}
	for (;;) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_MAPPING_END_EVENT)
			break;
		if (load_entry(ld, map, base, seen) != 0 || diag_is_full(ld) || ld->out_of_memory)
			return -1;
	}
	report_missing(ld, map, *seen, &begin);
	return 0;
}

/* Room for element @count of list @f; NULL without memory. */
static void *list_element(const struct field *f, void *base, unsigned count)
{
	const struct schema_list *l = f->list;
	char *array = (char *)base + f->offset;
	if (l->heap) {
		memcpy(&array, (char *)base + f->offset, sizeof(array));
		/* Grow at powers of two. */
		if ((count & (count - 1)) == 0) {
			size_t room = count ? (size_t)count * 2 : 1;
			array = reallocarray(array, room, l->element_bytes);
			if (!array)
				return NULL;
			memcpy((char *)base + f->offset, &array, sizeof(array));
		}
	}
	void *element = array + count * l->element_bytes;
	memset(element, 0, l->element_bytes);
	if (l->element_init)
		l->element_init(element);
	return element;
}

void list_note_given(const struct schema_list *l, void *element, uint64_t keys)
{
	if (l->has_given)
		*(uint64_t *)(void *)((char *)element + l->given_offset) |= keys;
}

static void release_elements(const struct field *f, void *base)
{
	unsigned count;
	char *items = schema_list_items(f, base, &count);
	for (unsigned i = 0; f->list->element_release && i < count; i++)
		f->list->element_release(items + i * f->list->element_bytes);
}

static int load_list(struct loader *ld, const struct field *f, void *base)
{
	struct yaml_reader *r = ld->reader;
	unsigned count = 0;
	uint64_t seen;
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list of mappings");
		return yaml_reader_skip(r);
	}
	place_forget(ld);
	release_elements(f, base);
	for (;;) {
		memcpy((char *)base + f->list->count_offset, &count, sizeof(count));
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (count == f->list->capacity) {
			diag_here(ld, "has more than %u elements", count);
			return -1;
		}
		void *element = list_element(f, base, count);
		if (!element)
			return diag_no_memory(ld);
		size_t length = path_push_index(ld, count);
		place_add(ld);
		int rc = value_load_mapping(ld, &(struct field){.keys = f->keys,
								.keys_count = f->keys_count},
					    element, &seen);
		list_note_given(f->list, element, seen);
		count++;
		if (rc != 0) {
			memcpy((char *)base + f->list->count_offset, &count, sizeof(count));
			return -1;
		}
		path_pop(ld, length);
	}
}

int value_load(struct loader *ld, const struct field *f, void *base)
{
	void *at = (char *)base + f->offset;
	uint64_t seen;
	switch (f->kind) {
	case FIELD_MAP:
		return value_load_mapping(ld, f, at, &seen);
	case FIELD_LIST:
		return load_list(ld, f, base);
	case FIELD_SIZES:
		return load_sizes(ld, f, at);
	case FIELD_NAMES:
		return load_names(ld, f, at);
	case FIELD_SET:
		return machine_load_set(ld, f, at);
	case FIELD_MATRIX:
		return machine_load_matrix(ld, f, at);
	case FIELD_NODE_CPUS:
		return machine_load_node_cpus(ld, f, base);
	case FIELD_CPUS:
		return load_cpus(ld, at);
	case FIELD_DIST:
		return dist_load(ld, f, at);
	case FIELD_OPERATIONS:
		return ops_load(ld);
	case FIELD_INCLUDE:
		return include_load(ld);
	default:
		return load_scalar(ld, f, base);
	}
}

void value_release(struct config *c)
{
	free(c->slab.caches);
	c->slab.caches = NULL;
	c->slab.caches_count = 0;
	free(c->workload.generators);
	c->workload.generators = NULL;
	c->workload.generators_count = 0;
	for (unsigned i = 0; i < c->workload.programs_count; i++)
		schema_programs_list.element_release(&c->workload.programs[i]);
	free(c->workload.programs);
	c->workload.programs = NULL;
	c->workload.programs_count = 0;
	free(c->workload.locks);
	c->workload.locks = NULL;
	c->workload.locks_count = 0;
	if (c->workload.ops_fd >= 0)
		close(c->workload.ops_fd);
	c->workload.ops_fd = -1;
}
