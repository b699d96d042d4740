/*
 * config_json.c - the resolved configuration as JSON, for the result of a run.
 *
 * Keys are those of the YAML with the unit of their value at the end (memory_bytes, cpu_khz,
 * rate_per_s); numbers are in that unit. "auto" and "forever" stay words, so that a number is
 * always a number.
 */
#include <string.h>

#include "kern/gfp.h"
#include "sim/config_impl.h"
#include "sim/json.h"

/*
 * The key with its unit. Names that are units already (cpu_frequency) lose the word that the unit
 * says.
 */
static const char *json_key(const struct field *f, char buf[PATH_SIZE])
{
	const char *suffix = f->json_suffix ? f->json_suffix : units_suffix(f->unit);
	const char *word = f->unit == UNIT_FREQUENCY ? strstr(f->key, "_frequency") : NULL;
	int length = word ? (int)(word - f->key) : (int)strlen(f->key);
	memcpy(buf, f->key, (size_t)length);
	strcpy(buf + length, suffix);
	return buf;
}

static void write_map(const struct config *c, const struct field *map, const void *base,
		      struct json *j);

static void write_parameters(const struct field *params, unsigned count, unsigned which,
			     const void *base, struct json *j)
{
	for (unsigned i = 0; i < count; i++) {
		if (which >> i & 1)
			json_double(j, params[i].key,
				    *(const double *)(const void *)((const char *)base +
								    params[i].offset));
	}
}

static void write_dist(const struct config_dist *d, const char *key, struct json *j)
{
	const struct schema_dist *kind = dist_schema(d);
	unsigned all = (1u << schema_choices.keys_count) - 1;
	if (dist_is_forever(d)) {
		json_string(j, key, "forever");
		return;
	}
	json_object_begin(j, key);
	if (d->kind == DIST_CONSTANT) {
		json_double(j, kind->key, d->value);
	} else if (d->kind == DIST_CHOICE) {
		json_array_begin(j, kind->key);
		for (unsigned i = 0; i < d->choices_count; i++) {
			json_object_begin(j, NULL);
			write_parameters(schema_choices.keys, schema_choices.keys_count, all,
					 &d->choices[i], j);
			json_object_end(j);
		}
		json_array_end(j);
	} else {
		json_object_begin(j, kind->key);
		write_parameters(schema_dist_params, schema_dist_params_count,
				 kind->needs | (d->max > 0 ? kind->may : 0), d, j);
		json_object_end(j);
	}
	json_object_end(j);
}

static void write_cpus(const uint64_t *mask, uint64_t cpus_count, const char *key, struct json *j)
{
	json_array_begin_compact(j, key);
	for (unsigned cpu = 0; cpu < cpus_count; cpu++) {
		if (mask[cpu / 64] >> (cpu % 64) & 1)
			json_u64(j, NULL, cpu);
	}
	json_array_end(j);
}

static void write_sizes(const uint32_t *sizes, const char *key, struct json *j)
{
	if (!sizes[CONFIG_CLASSES]) {
		json_string(j, key, "auto");
		return;
	}
	json_array_begin_compact(j, key);
	for (uint32_t i = 0; i < sizes[CONFIG_CLASSES]; i++)
		json_u64(j, NULL, sizes[i]);
	json_array_end(j);
}

static void write_names(const struct config_names *names, const char *key, struct json *j)
{
	json_array_begin_compact(j, key);
	for (unsigned i = 0; i < names->count; i++)
		json_string(j, NULL, names->names[i]);
	json_array_end(j);
}

static void write_list(const struct config *c, const struct field *f, const void *base,
		       struct json *j)
{
	unsigned count;
	const char *items = schema_list_items(f, base, &count);
	json_array_begin(j, f->key);
	for (unsigned i = 0; i < count; i++) {
		json_object_begin(j, NULL);
		write_map(c, f, items + i * f->list->element_bytes, j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_integer(const struct field *f, const void *at, const char *key, struct json *j)
{
	uint64_t value = f->kind == FIELD_U32 ? *(const uint32_t *)at : *(const uint64_t *)at;
	uint64_t word_value;
	const char *word = schema_word(f, &word_value);
	if (word && value == word_value)
		json_string(j, key, word);
	else
		json_u64(j, key, value);
}

static void write_text(const char *text, const char *key, struct json *j)
{
	if (*text)
		json_string(j, key, text);
	else
		json_null(j, key);
}

/* A file or directory by its name alone: results don't depend on where things lie. */
static void write_file_name(const char *path, const char *key, struct json *j)
{
	char name[CONFIG_TEXT];
	size_t end = strlen(path);
	while (end > 1 && path[end - 1] == '/')
		end--;
	size_t start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	snprintf(name, sizeof(name), "%.*s", (int)(end - start), path + start);
	write_text(name, key, j);
}

static void write_field(const struct config *c, const struct field *f, const void *base,
			struct json *j)
{
	const void *at = (const char *)base + f->offset;
	char key[PATH_SIZE], gfp[256];
	unsigned name;
	json_key(f, key);
	switch (f->kind) {
	case FIELD_U64:
	case FIELD_U32:
		write_integer(f, at, key, j);
		break;
	case FIELD_DOUBLE:
	case FIELD_PLACE:
		json_double(j, key, *(const double *)at);
		break;
	case FIELD_BOOL:
		json_bool(j, key, *(const bool *)at);
		break;
	case FIELD_ENUM:
		memcpy(&name, at, sizeof(name));
		json_string(j, key, f->names[name]);
		break;
	case FIELD_EITHER:
		json_string(j, key, f->names[*(const bool *)at]);
		break;
	case FIELD_SET:
		machine_write_set(f, at, key, j);
		break;
	case FIELD_MATRIX:
		machine_write_matrix(at, key, j);
		break;
	case FIELD_NODE_CPUS:
		machine_write_node_cpus(&c->machine, key, j);
		break;
	case FIELD_NAME:
		write_text(at, key, j);
		break;
	case FIELD_FILE:
	case FIELD_DIR:
		write_file_name(at, key, j);
		break;
	case FIELD_GFP:
		json_string(j, key, gfp_format(*(const gfp_t *)at, gfp, sizeof(gfp)));
		break;
	case FIELD_SIZES:
		write_sizes(at, key, j);
		break;
	case FIELD_NAMES:
		write_names(at, key, j);
		break;
	case FIELD_CPUS:
		write_cpus(at, c->machine.cpus, key, j);
		break;
	case FIELD_DIST:
		write_dist(at, key, j);
		break;
	case FIELD_MAP:
		json_object_begin(j, key);
		write_map(c, f, at, j);
		json_object_end(j);
		break;
	case FIELD_LIST:
		write_list(c, f, base, j);
		break;
	case FIELD_OPERATIONS:
		write_file_name(c->workload.ops_fd >= 0 ? c->workload.ops_name : "", key, j);
		break;
	case FIELD_INCLUDE:
		break;
	}
}

static void write_map(const struct config *c, const struct field *map, const void *base,
		      struct json *j)
{
	for (unsigned i = 0; i < map->keys_count; i++) {
		if (!schema_is_unused(c, &map->keys[i], base))
			write_field(c, &map->keys[i], base, j);
	}
}

void config_write_json(const struct config *c, struct json *j)
{
	write_map(c, &schema_root, c, j);
}

/* The key of @map that is called so, in YAML or in JSON; NULL if there is none. */
static const struct field *find_key(const struct field *map, const char *name, size_t length,
				    char buf[PATH_SIZE])
{
	for (unsigned i = 0; map && i < map->keys_count; i++) {
		const struct field *f = &map->keys[i];

		json_key(f, buf);
		if ((strlen(f->key) == length && !strncmp(f->key, name, length)) ||
		    (strlen(buf) == length && !strncmp(buf, name, length)))
			return f;
	}
	return NULL;
}

char *config_json_path(const char *key, char *buf, size_t size)
{
	const struct field *f = &schema_root;
	char name[PATH_SIZE];
	size_t used = 0, length;

	buf[0] = '\0';
	while (*key && used < size) {
		/* What is no name of a key: dots, elements of lists. */
		length = *key == '[' ? strcspn(key, "]") : *key == '.' || *key == ']';
		if (!length) {
			length = strcspn(key, ".[]");
			f = find_key(f, key, length, name);
		} else {
			name[0] = '\0';
		}
		if (f && name[0])
			used += (size_t)snprintf(buf + used, size - used, "%s", name);
		else
			used += (size_t)snprintf(buf + used, size - used, "%.*s", (int)length, key);
		key += length;
	}
	return buf;
}
