/*
 * import_csv.c - any table of allocations, with a map that says which column is what.
 *
 *   allocsim import --format csv --map time=1,op=2,id=3,size=4,unit=us
 *
 *   time;op;id;size              a header, neither a time nor an operation: skipped
 *   0.5;malloc;0x5590;64         times may have a fraction
 *   1.25;free;0x5590;
 *
 * The separator (tab, semicolon or comma) is the one that the first line has most of. Fields may be
 * quoted, with "" for a quote inside. An id is any text: an address, a number, a name; it is kept
 * as a 64-bit hash, and two ids are one with a probability of 2^-64 for each pair, so below 10^-6
 * for six million ids. An empty id, (nil), NULL and 0x0 name no object; a plain 0 is a name.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kern/types.h"
#include "sim/import_line.h"
#include "sim/import_user.h"

#define COLUMNS_TEXT "time, op, id, size, cpu (a column from 1 to 64 each) and unit"

struct column {
	char *text, *end;
};

static const struct {
	const char *name;
	size_t offset;
	bool required;
} columns[] = {
	{"time", offsetof(struct csv_map, time), false},
	{"op", offsetof(struct csv_map, op), true},
	{"id", offsetof(struct csv_map, id), true},
	{"size", offsetof(struct csv_map, size), true},
	{"cpu", offsetof(struct csv_map, cpu), false},
};

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};

static const struct {
	const char *name;
	enum user_op op;
} ops[] = {
	{"alloc", USER_ALLOC},  {"a", USER_ALLOC}, {"malloc", USER_ALLOC},
	{"calloc", USER_ALLOC}, {"+", USER_ALLOC}, {"free", USER_FREE},
	{"f", USER_FREE},       {"-", USER_FREE},  {"realloc", USER_REALLOC},
	{"r", USER_REALLOC},
};

static unsigned *column_of(struct csv_map *map, size_t i)
{
	return (unsigned *)(void *)((char *)map + columns[i].offset);
}

/* One "key=value" of the map, whose text is changed. */
static int parse_pair(char *pair, struct csv_map *map, struct err *err)
{
	char *value = strchr(pair, '=');
	if (!value)
		return err_set(err, ERR_USAGE, "--map: '%.40s' is not KEY=VALUE; keys are %s", pair,
			       COLUMNS_TEXT);
	*value++ = '\0';
	if (strcmp(pair, "unit") == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
			if (strcmp(value, units[i].name) == 0 && !map->unit_ns) {
				map->unit_ns = units[i].ns;
				return 0;
			}
		}
		return err_set(err, ERR_USAGE,
			       "--map: unit '%.40s' must be one of ns, us, ms, s, given once",
			       value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		if (strcmp(pair, columns[i].name) != 0)
			continue;
		char *end;
		unsigned long column = is_digit(*value) ? strtoul(value, &end, 10) : 0;
		if (!column || *end || column > CSV_COLUMNS_MAX || *column_of(map, i))
			return err_set(err, ERR_USAGE,
				       "--map: %s=%.40s must be a column from 1 to %d, given once",
				       pair, value, CSV_COLUMNS_MAX);
		*column_of(map, i) = (unsigned)column;
		return 0;
	}
	return err_set(err, ERR_USAGE, "--map: unknown key '%.40s'; keys are %s", pair,
		       COLUMNS_TEXT);
}

static int check_map(struct csv_map *map, struct err *err)
{
	uint64_t used = 0;
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		unsigned column = *column_of(map, i);
		if (!column && columns[i].required)
			return err_set(err, ERR_USAGE,
				       "--map: '%s' is missing; op, id and size "
				       "must be there",
				       columns[i].name);
		if (column && used >> (column - 1) & 1)
			return err_set(err, ERR_USAGE, "--map: column %u is used twice", column);
		if (column)
			used |= UINT64_C(1) << (column - 1);
	}
	if (!map->time != !map->unit_ns)
		return err_set(err, ERR_USAGE, "--map: %s",
			       map->time ? "time needs a unit: unit=ns, us, ms or s"
					 : "unit without time");
	return 0;
}

int csv_map_parse(const char *text, struct csv_map *map, struct err *err)
{
	int result = 0;
	*map = (struct csv_map){0};
	char *copy = strdup(text), *rest = copy;
	if (!copy)
		return err_set(err, ERR_IO, "out of memory");
	while (rest && result == 0)
		result = parse_pair(strsep(&rest, ","), map, err);
	free(copy);
	return result == 0 ? check_map(map, err) : -1;
}

/* The separator that the line has most of. */
static char find_separator(const char *line, const char *end)
{
	static const char candidates[] = "\t;,";
	size_t most = 0;
	char best = ',';
	for (const char *c = candidates; *c; c++) {
		size_t n = 0;
		bool quoted = false;
		for (const char *p = line; p < end; p++) {
			quoted ^= *p == '"';
			n += *p == *c && !quoted;
		}
		if (n > most) {
			most = n;
			best = *c;
		}
	}
	return best;
}

/* The field at @p, trimmed and unquoted in place; returns where it ends. */
static char *read_field(char *p, char *end, char separator, struct column *field)
{
	while (p < end && (*p == ' ' || (*p == '\t' && separator != '\t')))
		p++;
	*field = (struct column){p, p};
	if (p < end && *p == '"') {
		char *out = ++p;
		field->text = out;
		while (p < end && (*p != '"' || (p + 1 < end && p[1] == '"'))) {
			p += *p == '"';
			*out++ = *p++;
		}
		field->end = out;
		while (p < end && *p != separator)
			p++;
		return p;
	}
	while (p < end && *p != separator)
		p++;
	field->end = p;
	while (field->end > field->text && (field->end[-1] == ' ' || field->end[-1] == '\t'))
		field->end--;
	return p;
}

static unsigned split(char *line, char *end, char separator, struct column fields[CSV_COLUMNS_MAX])
{
	unsigned count = 0;
	for (char *p = line; count < CSV_COLUMNS_MAX; p++) {
		p = read_field(p, end, separator, &fields[count++]);
		if (p >= end)
			break;
	}
	return count;
}

static bool is_text(struct column field, const char *text)
{
	size_t bytes = strlen(text);
	return (size_t)(field.end - field.text) == bytes &&
	       strncasecmp(field.text, text, bytes) == 0;
}

static bool read_op(struct column field, enum user_op *op)
{
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
		if (is_text(field, ops[i].name)) {
			*op = ops[i].op;
			return true;
		}
	}
	return false;
}

/* "12" or "12.345" of the unit; what is finer than a nanosecond is dropped. */
static bool read_time(struct column field, uint64_t unit_ns, uint64_t *ns)
{
	const char *p = field.text;
	uint64_t whole;
	if (p >= field.end || !is_digit(*p) || !scan_decimal(&p, &whole))
		return false;
	if (whole > (uint64_t)INT64_MAX / unit_ns - 1)
		return false;
	*ns = whole * unit_ns;
	if (p < field.end && *p == '.') {
		uint64_t digit_ns = unit_ns / 10;
		for (p++; p < field.end && is_digit(*p); p++, digit_ns /= 10)
			*ns += digit_ns * (uint64_t)(*p - '0');
	}
	return p == field.end;
}

static bool read_number(struct column field, uint64_t *value)
{
	const char *p = field.text;
	return p < field.end && is_digit(*p) && scan_u64(&p, value) && p == field.end;
}

/* FNV-1a, with murmur3's finish, since the map uses all bits. */
static uint64_t hash_id(struct column field)
{
	if (field.text == field.end || is_text(field, "(nil)") || is_text(field, "null") ||
	    is_text(field, "0x0"))
		return USER_KEY_NONE;
	uint64_t hash = UINT64_C(14695981039346656037);
	for (const char *p = field.text; p < field.end; p++)
		hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash == USER_KEY_NONE ? 0 : hash;
}

/* The row's fields that are needed: all are there, and make sense. */
static enum user_line read_row(const struct csv_map *map, const struct column *fields,
			       unsigned count, struct user_event *event)
{
	uint64_t cpu = 0;
	if (!read_op(fields[map->op - 1], &event->op))
		return USER_LINE_UNKNOWN;
	if (map->id > count || map->time > count || map->cpu > count ||
	    (event->op != USER_FREE && map->size > count))
		return USER_LINE_CUT;
	event->timed = map->time != 0;
	if (event->timed && !read_time(fields[map->time - 1], map->unit_ns, &event->time_ns))
		return USER_LINE_UNKNOWN;
	if (map->cpu && (!read_number(fields[map->cpu - 1], &cpu) || cpu > UINT32_MAX))
		return USER_LINE_UNKNOWN;
	if (event->op != USER_FREE && !read_number(fields[map->size - 1], &event->size_bytes))
		return USER_LINE_UNKNOWN;
	event->cpu = (uint32_t)cpu;
	event->key = event->new_key = hash_id(fields[map->id - 1]);
	if (event->key == USER_KEY_NONE) {
		/* realloc(NULL, n) and malloc that gave NULL; both have no object to show. */
		event->failed = event->op != USER_FREE;
		event->op = event->op == USER_FREE ? USER_FREE : USER_ALLOC;
	}
	return USER_LINE_EVENT;
}

/* Neither a time nor an operation stands where it should. */
static bool is_header(const struct csv_map *map, const struct column *fields, unsigned count)
{
	enum user_op op;
	uint64_t time_ns;
	if (read_op(fields[map->op - 1], &op))
		return false;
	return !map->time || map->time > count ||
	       !read_time(fields[map->time - 1], map->unit_ns, &time_ns);
}

static enum user_line csv_parse(void *state, char *line, char *end, struct user_event *event)
{
	struct csv_state *s = state;
	struct column fields[CSV_COLUMNS_MAX];
	if (skip_blanks(line) >= end)
		return USER_LINE_IGNORED;
	if (!s->separator)
		s->separator = find_separator(line, end);
	unsigned count = split(line, end, s->separator, fields);
	bool first = !s->past_header;
	s->past_header = true;
	if (s->map.op > count)
		return USER_LINE_CUT;
	if (first && is_header(&s->map, fields, count))
		return USER_LINE_IGNORED;
	return read_row(&s->map, fields, count, event);
}

const struct user_format user_csv = {
	.name = "csv",
	.state_bytes = sizeof(struct csv_state),
	.parse = csv_parse,
};
