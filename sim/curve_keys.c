/*
 * curve_keys.c - from a key to the number that a result has there.
 *
 * Settings are named as in a configuration, where units are part of values: workload.duration=5ms.
 * run.json has them in base units, which the names there say: workload.duration_ns is 5000000. So a
 * part of a key stands for the member of that name or, if there is none, for the first one of which
 * it is the beginning up to a `_`. Elements of lists count from 0, as in --set, and have their
 * names: machine.caches[1].size and machine.caches[L2].size are the same number.
 *
 * Everything else, figures, is named as `allocsim compare` names it (compare_keys.c).
 *
 * Example: of workload.programs[0].steps[2].size, "size" is the member size_bytes, {"constant":
 * 4096}: the number 4096, in bytes.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/curve.h"
#include "sim/plot_data.h"

static const cJSON *member(const cJSON *object, const char *name, size_t length)
{
	const cJSON *item, *longer = NULL;

	cJSON_ArrayForEach(item, object)
	{
		if (!item->string || strncmp(item->string, name, length) != 0)
			continue;
		if (!item->string[length])
			return item;
		if (!longer && item->string[length] == '_')
			longer = item;
	}
	return longer;
}

/* The element that is called so, or the one with that number. */
static const cJSON *element(const cJSON *array, const char *name, size_t length)
{
	const cJSON *item;
	char *end;
	long index;

	cJSON_ArrayForEach(item, array)
	{
		const char *own = plot_text(item, "name", "");
		if (strlen(own) == length && !strncmp(own, name, length))
			return item;
	}
	index = strtol(name, &end, 10);
	if (end != name + length || index < 0 || index >= cJSON_GetArraySize(array))
		return NULL;
	return cJSON_GetArrayItem(array, (int)index);
}

/* The setting @key of @config; NULL if there is none. */
static const cJSON *setting(const cJSON *config, const char *key, const char **name)
{
	const cJSON *item = config;
	const char *end;

	while (item && *key) {
		if (*key == '[') {
			end = strchr(key, ']');
			item = end && cJSON_IsArray(item)
				       ? element(item, key + 1, (size_t)(end - key - 1))
				       : NULL;
			key = end ? end + 1 : key;
		} else {
			key += *key == '.';
			end = key + strcspn(key, ".[");
			item = cJSON_IsObject(item) && end != key
				       ? member(item, key, (size_t)(end - key))
				       : NULL;
			if (item)
				*name = item->string;
			key = end;
		}
	}
	return item;
}

static double number(const cJSON *item)
{
	if (cJSON_IsObject(item))
		item = cJSON_GetObjectItemCaseSensitive(item, "constant");
	return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

double curve_value(const cJSON *run, const struct leaves *leaves, const char *key,
		   const char **name)
{
	const cJSON *config = cJSON_GetObjectItemCaseSensitive(run, "config");
	const char *found = key;
	const cJSON *item = setting(config, key, &found);
	const struct leaf *leaf;

	if (!item) {
		leaf = leaves_find(leaves, key);
		item = leaf ? leaf->item : NULL;
		found = strrchr(key, '.') ? strrchr(key, '.') + 1 : key;
	}
	if (name)
		*name = found;
	return number(item);
}

enum curve_unit curve_unit_of(const char *name)
{
	const char *end;

	if (strstr(name, "_ns_") && !strstr(name, "_per_"))
		return CURVE_NS; /* wait_ns_total */
	if (strstr(name, "_bytes_") && !strstr(name, "_per_"))
		return CURVE_BYTES;
	end = strrchr(name, '_');
	end = end ? end + 1 : name;
	if (!strcmp(end, "ns"))
		return CURVE_NS;
	if (!strcmp(end, "bytes"))
		return CURVE_BYTES;
	return strcmp(end, "ratio") != 0 ? CURVE_PLAIN : CURVE_RATIO;
}

static const struct step {
	double size;
	const char *text;
} steps_ns[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}},
  steps_bytes[] = {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0x1p40, "TiB"}},
  steps_plain[] = {{1, ""}, {1e6, "millions"}}, steps_ratio[] = {{0.01, "%"}};

static const struct step *step_for(enum curve_unit unit, double value)
{
	static const struct {
		const struct step *steps;
		unsigned count;
	} tables[] = {
		[CURVE_PLAIN] = {steps_plain, ARRAY_SIZE(steps_plain)},
		[CURVE_NS] = {steps_ns, ARRAY_SIZE(steps_ns)},
		[CURVE_BYTES] = {steps_bytes, ARRAY_SIZE(steps_bytes)},
		[CURVE_RATIO] = {steps_ratio, ARRAY_SIZE(steps_ratio)},
	};
	unsigned i = tables[unit].count - 1;

	while (i && fabs(value) < tables[unit].steps[i].size)
		i--;
	return &tables[unit].steps[i];
}

void curve_format(enum curve_unit unit, double value, char *buf, size_t size)
{
	const struct step *s = step_for(unit, value);

	if (unit == CURVE_PLAIN)
		snprintf(buf, size, "%.6g", value);
	else
		snprintf(buf, size, "%.4g %s", value / s->size, s->text);
}

double curve_scale(enum curve_unit unit, double most, const char **text)
{
	const struct step *s = step_for(unit, most);

	*text = s->text;
	return 1 / s->size;
}
