/*
 * plot_data.c - what the plots share: reading numbers from run.json, writing gnuplot's variables.
 *
 * A result may come from another version of allocsim or have been edited, so a member that is
 * missing or of another type reads as a given default; no plot depends on the schema having been
 * checked. Text from the result is written as a single-quoted gnuplot string, in which only the
 * quote itself and line breaks have a meaning.
 */
#include "sim/plot_data.h"

#include <ctype.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

double plot_number(const cJSON *object, const char *key, double missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : missing;
}

const char *plot_text(const cJSON *object, const char *key, const char *missing)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : missing;
}

double plot_element(const cJSON *object, const char *key, unsigned index)
{
	const cJSON *array = cJSON_GetObjectItemCaseSensitive(object, key);
	const cJSON *item = cJSON_IsArray(array) ? cJSON_GetArrayItem(array, (int)index) : NULL;

	return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void write_quoted(FILE *vars, const char *value)
{
	fputc('\'', vars);
	for (; *value; value++) {
		if (*value == '\'')
			fputs("''", vars);
		else
			fputc(iscntrl((unsigned char)*value) ? ' ' : *value, vars);
	}
	fputs("'\n", vars);
}

void plot_set_string(FILE *vars, const char *name, const char *value)
{
	fprintf(vars, "%s = ", name);
	write_quoted(vars, value);
}

void plot_set_element(FILE *vars, const char *name, unsigned index, const char *value)
{
	fprintf(vars, "%s[%u] = ", name, index);
	write_quoted(vars, value);
}

void plot_cell(FILE *data, double value)
{
	if (isfinite(value))
		fprintf(data, "\t%.10g", value);
	else
		fputs("\tNaN", data);
}

void plot_format_count(char *buf, size_t size, double value)
{
	char digits[32];
	size_t count, i, used = 0;

	count = (size_t)snprintf(digits, sizeof(digits), "%.0f", fabs(value) < 1e18 ? value : 0);
	for (i = 0; i < count && used + 2 < size; i++) {
		if (i && (count - i) % 3 == 0 && isdigit((unsigned char)digits[i - 1]))
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
}

void plot_format_ns(char *buf, size_t size, double ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	unsigned i;

	for (i = 0; ns >= 999.5 && i < ARRAY_SIZE(units) - 1; i++)
		ns /= 1000;
	snprintf(buf, size, "%.3g %s", ns, units[i]);
}

double plot_nice_ceiling(double value)
{
	static const double steps[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
	double power = pow(10, floor(log10(value)));
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(steps) - 1; i++)
		if (steps[i] * power >= value * (1 - 1e-9))
			break;
	return steps[i] * power;
}

int plot_parse_orders(uint32_t *orders, const char *text, unsigned max_order, struct err *err)
{
	const char *next = text;
	unsigned long order;
	char *end;

	if (!text) {
		*orders = 1u << 1 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 9 | 1u << 10;
		*orders &= (2u << max_order) - 1;
		/* A machine with tiny blocks only. */
		*orders |= *orders ? 0 : 1;
		return 0;
	}
	*orders = 0;
	do {
		order = isdigit((unsigned char)*next) ? strtoul(next, &end, 10) : ULONG_MAX;
		if (order > max_order || (*end && *end != ','))
			return err_set(err, ERR_USAGE,
				       "orders \"%.64s\": expected numbers from 0 to %u, separated "
				       "by commas",
				       text, max_order);
		*orders |= 1u << order;
		next = end + 1;
	} while (*end);
	return 0;
}

void plot_zone_prefix(const cJSON *zone, char *buf, size_t size)
{
	const char *type = plot_text(zone, "type", plot_text(zone, "name", "unknown"));
	double nid = plot_number(zone, "nid", 0);
	size_t used = 0;

	if (nid > 0 && nid < NODES_LIMIT)
		used = (size_t)snprintf(buf, size, "node%.0f_", nid);
	for (; *type && used + 1 < size; type++)
		buf[used++] = (char)tolower((unsigned char)*type);
	buf[used] = '\0';
}

void plot_zone_label(const cJSON *zone, char *buf, size_t size)
{
	const char *type = plot_text(zone, "type", plot_text(zone, "name", "unknown"));
	double nid = plot_number(zone, "nid", 0);

	if (nid > 0 && nid < NODES_LIMIT)
		snprintf(buf, size, "node %.0f, zone %.32s", nid, type);
	else
		snprintf(buf, size, "zone %.32s", type);
}

bool plot_zone_selected(const struct plot_input *in, const cJSON *zone)
{
	const char *wanted = in->options->zone;
	char prefix[PLOT_LABEL];

	if (!wanted)
		return true;
	plot_zone_prefix(zone, prefix, sizeof(prefix));
	return !strcasecmp(wanted, prefix) || !strcasecmp(wanted, plot_text(zone, "type", "")) ||
	       !strcasecmp(wanted, plot_text(zone, "name", ""));
}

int plot_time_init(struct plot_time *time, const struct plot_input *in, struct plot_output *out)
{
	static const struct {
		double divisor;
		const char *label;
	} units[] = {
		{1e9, "simulated time (s)"},
		{1e6, "simulated time (ms)"},
		{1e3, "simulated time (us)"},
		{1, "simulated time (ns)"},
	};
	double last;
	unsigned i;

	if (!in->has_series) {
		snprintf(out->reason, sizeof(out->reason), "the result has no series.csv");
		return 1;
	}
	time->column = series_column(&in->series, "time_ns");
	if (time->column < 0 || in->series.rows_count < 2) {
		snprintf(out->reason, sizeof(out->reason),
			 time->column < 0 ? "series.csv has no column time_ns"
					  : "a picture over time needs two samples, series.csv "
					    "has fewer");
		return 1;
	}
	last = series_cell(&in->series, in->series.rows_count - 1, (size_t)time->column);
	if (!(last > 0)) {
		snprintf(out->reason, sizeof(out->reason), "no time passes in series.csv");
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(units) - 1 && last < 2 * units[i].divisor;)
		i++;
	time->divisor = units[i].divisor;
	plot_set_string(out->vars, "x_label", units[i].label);
	fprintf(out->vars, "x_max = %.10g\n", last / time->divisor);
	return 0;
}

double plot_time_cell(const struct plot_time *time, const struct plot_input *in, size_t row)
{
	return series_cell(&in->series, row, (size_t)time->column) / time->divisor;
}
