/*
 * fleet.c - tables of sizes, rates and live objects: see fleet.h.
 *
 * A draw by rate picks the size of the next allocation, a draw by live objects the size of one that
 * is there already. Both are a binary search in running sums, which are added up in the order of
 * the file, so that a table gives the same draws everywhere.
 */
#include "sim/fleet.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/textin.h"
#include "sim/units.h"

#define COLUMNS    3
#define NUMBER_MAX 1e18 /* of a rate or a count; sums stay exact enough, and finite */

static int bad_line(const struct textin *in, const char *what, struct err *err)
{
	return err_set(err, ERR_CONFIG, "%s:%" PRIu64 ": %s", textin_name(in),
		       textin_line_number(in), what);
}

/* Cut the line at its commas and trim the fields; how many there are, or more than COLUMNS. */
static unsigned split(char *line, size_t bytes, char *fields[COLUMNS])
{
	unsigned count = 0;
	char *rest = line;
	line[bytes] = '\0';
	for (char *field; (field = strsep(&rest, ",")); count++) {
		if (count == COLUMNS)
			return COLUMNS + 1;
		field += strspn(field, " \t");
		for (size_t n = strlen(field); n && strchr(" \t", field[n - 1]);)
			field[--n] = '\0';
		fields[count] = field;
	}
	return count;
}

static int read_real(const struct textin *in, const char *what, const char *text, double *value,
		     struct err *err)
{
	char why[UNITS_WHY], message[UNITS_WHY + 64];
	if (units_parse_double(UNIT_COUNT, text, value, why) != 0) {
		snprintf(message, sizeof(message), "the %s %s", what, why);
		return bad_line(in, message, err);
	}
	if (!(*value >= 0 && *value <= NUMBER_MAX)) {
		snprintf(message, sizeof(message), "the %s is out of range (legal range: 0..1e18)",
			 what);
		return bad_line(in, message, err);
	}
	return 0;
}

static int read_row(const struct textin *in, char *line, size_t bytes, struct fleet_row *row,
		    struct err *err)
{
	char *fields[COLUMNS], why[UNITS_WHY], message[UNITS_WHY + 64];
	if (strlen(line) < bytes)
		return bad_line(in, "is no text", err);
	if (split(line, bytes, fields) != COLUMNS)
		return bad_line(in, "must be size, allocations per second, live objects", err);
	if (units_parse_u64(UNIT_COUNT, fields[0], &row->bytes, why) != 0) {
		snprintf(message, sizeof(message), "the size %s", why);
		return bad_line(in, message, err);
	}
	if (read_real(in, "rate", fields[1], &row->rate_per_s, err) != 0)
		return -1;
	return read_real(in, "number of live objects", fields[2], &row->live, err);
}

static int add_row(struct fleet *fleet, unsigned *room, const struct textin *in,
		   const struct fleet_row *row, struct err *err)
{
	if (fleet->count == FLEET_ROWS_MAX)
		return bad_line(in, "more rows than a table can have (1048576)", err);
	if (fleet->count == *room) {
		*room = *room ? 2 * *room : 1024;
		struct fleet_row *rows = realloc(fleet->rows, *room * sizeof(*rows));
		if (!rows)
			return err_set(err, ERR_IO, "%s: out of memory", textin_name(in));
		fleet->rows = rows;
	}
	struct fleet_row *added = &fleet->rows[fleet->count++];
	*added = *row;
	fleet->rate_per_s += row->rate_per_s;
	fleet->live += row->live;
	added->rates_end = fleet->rate_per_s;
	added->lives_end = fleet->live;
	return 0;
}

static int read_rows(struct fleet *fleet, struct textin *in, struct err *err)
{
	struct textline line;
	unsigned room = 0;
	int more;
	while ((more = textin_line(in, &line, err)) == 1) {
		struct fleet_row row;
		if (line.too_long)
			return bad_line(in, "is too long", err);
		line.text[line.bytes] = '\0';
		size_t blanks = strspn(line.text, " \t");
		if (blanks == line.bytes || line.text[blanks] == '#')
			continue;
		if (read_row(in, line.text, line.bytes, &row, err) != 0 ||
		    add_row(fleet, &room, in, &row, err) != 0)
			return -1;
	}
	if (more < 0)
		return -1;
	if (!fleet->count)
		return err_set(err, ERR_CONFIG, "%s: no rows in it", textin_name(in));
	if (!(fleet->rate_per_s > 0))
		return err_set(err, ERR_CONFIG,
			       "%s: all rates are 0: nothing would ever be allocated",
			       textin_name(in));
	return 0;
}

int fleet_read(struct fleet *fleet, struct textin *in, struct err *err)
{
	memset(fleet, 0, sizeof(*fleet));
	if (read_rows(fleet, in, err) == 0)
		return 0;
	fleet_release(fleet);
	return -1;
}

int fleet_load(struct fleet *fleet, const char *path, struct err *err)
{
	memset(fleet, 0, sizeof(*fleet));
	struct textin *in = textin_open(path, err);
	if (!in)
		return -1;
	int result = fleet_read(fleet, in, err);
	/* What is compressed but corrupt is no trace, but a wrong file of the configuration. */
	if (result != 0 && err && err->code == ERR_TRACE)
		err->code = ERR_CONFIG;
	textin_close(in);
	return result;
}

void fleet_release(struct fleet *fleet)
{
	free(fleet->rows);
	memset(fleet, 0, sizeof(*fleet));
}

/* The first row whose running sum is above @sum; should rounding pass the end, the last one. */
static const struct fleet_row *find(const struct fleet *fleet, double sum, bool by_live)
{
	unsigned low = 0, high = fleet->count;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		const struct fleet_row *row = &fleet->rows[middle];
		if ((by_live ? row->lives_end : row->rates_end) > sum)
			high = middle;
		else
			low = middle + 1;
	}
	if (low == fleet->count)
		low--;
	while (low && (by_live ? fleet->rows[low].live : fleet->rows[low].rate_per_s) <= 0)
		low--;
	return &fleet->rows[low];
}

const struct fleet_row *fleet_by_rate(const struct fleet *fleet, double at)
{
	return find(fleet, at * fleet->rate_per_s, false);
}

const struct fleet_row *fleet_by_live(const struct fleet *fleet, double at)
{
	return find(fleet, at * fleet->live, true);
}

double fleet_mean_lifetime_s(const struct fleet_row *row)
{
	return row->rate_per_s > 0 ? row->live / row->rate_per_s : (double)INFINITY;
}
