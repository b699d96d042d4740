/*
 * chart_units.c - what a figure's name says about its unit, and figures in words.
 *
 * Names of settings and figures end with their base unit: wait_ns, size_bytes, hit_ratio,
 * rounds_per_s; an ending behind that says how it was summed up (wait_ns_total). Values are kept in
 * base units, and written in the multiple that fits.
 *
 * A quotient of two times, or of two sizes, is a ratio; a count by a time is a rate, in a second.
 *
 * Example: 4000 operations / 50000 ns is 0.08, times 1e9: 80 million a second, "80 M/s".
 */
#include <math.h>
#include <string.h>

#include "kern/types.h"
#include "sim/chart_impl.h"

enum chart_unit chart_unit_of(const char *name)
{
	const char *end;

	if (strstr(name, "_per_"))
		return strstr(name, "_bytes_per_") || !strstr(name, "_per_s") ? CHART_PLAIN
									      : CHART_RATE;
	if (strstr(name, "_ns_"))
		return CHART_NS; /* wait_ns_total */
	if (strstr(name, "_bytes_"))
		return CHART_BYTES;
	end = strrchr(name, '_');
	end = end ? end + 1 : name;
	if (!strcmp(end, "ns"))
		return CHART_NS;
	if (!strcmp(end, "bytes"))
		return CHART_BYTES;
	return strcmp(end, "ratio") != 0 ? CHART_PLAIN : CHART_RATIO;
}

enum chart_unit chart_unit_of_quotient(enum chart_unit unit, enum chart_unit divisor,
				       double *factor)
{
	*factor = 1;
	if (divisor == CHART_PLAIN)
		return unit;
	if (unit == divisor)
		return unit == CHART_NS || unit == CHART_BYTES ? CHART_RATIO : CHART_PLAIN;
	if (unit == CHART_PLAIN && divisor == CHART_NS) {
		*factor = 1e9;
		return CHART_RATE;
	}
	return CHART_PLAIN;
}

static const struct step {
	double size;
	const char *text;
} steps_ns[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}},
  steps_bytes[] = {{1, "B"}, {0x1p10, "KiB"}, {0x1p20, "MiB"}, {0x1p30, "GiB"}, {0x1p40, "TiB"}},
  steps_plain[] = {{1, ""}, {1e6, "millions"}}, steps_ratio[] = {{0.01, "%"}},
  steps_rate[] = {{1, "/s"}, {1e3, "k/s"}, {1e6, "M/s"}, {1e9, "G/s"}};

static const struct step *step_for(enum chart_unit unit, double value)
{
	static const struct {
		const struct step *steps;
		unsigned count;
	} tables[] = {
		[CHART_PLAIN] = {steps_plain, ARRAY_SIZE(steps_plain)},
		[CHART_NS] = {steps_ns, ARRAY_SIZE(steps_ns)},
		[CHART_BYTES] = {steps_bytes, ARRAY_SIZE(steps_bytes)},
		[CHART_RATIO] = {steps_ratio, ARRAY_SIZE(steps_ratio)},
		[CHART_RATE] = {steps_rate, ARRAY_SIZE(steps_rate)},
	};
	unsigned i = tables[unit].count - 1;

	while (i && fabs(value) < tables[unit].steps[i].size)
		i--;
	return &tables[unit].steps[i];
}

static void format(enum chart_unit unit, double value, int digits, char *buf, size_t size)
{
	const struct step *s = step_for(unit, value);

	if (unit == CHART_PLAIN)
		snprintf(buf, size, "%.*g", digits, value);
	else
		snprintf(buf, size, "%.*g %s", digits, value / s->size, s->text);
}

void chart_format(enum chart_unit unit, double value, char *buf, size_t size)
{
	format(unit, value, unit == CHART_PLAIN ? 6 : 4, buf, size);
}

void chart_format_about(enum chart_unit unit, double value, char *buf, size_t size)
{
	format(unit, value, 3, buf, size);
}

double chart_scale(enum chart_unit unit, double most, const char **text)
{
	const struct step *s = step_for(unit, most);

	*text = s->text;
	return 1 / s->size;
}
