/*
 * units.c - parsing and printing of quantities: see units.h.
 *
 * Whole quantities never pass through floating point: "2.45GHz" is taken as the digits 2 and 45 and
 * the factor 10^6 kHz, multiplied in 128 bits, and has to come out whole. So 16TiB - 1 byte and
 * 2^64 - 1 are exact, and a value that can't be represented ("0.3ns") is an error instead of a
 * rounding.
 *
 * Printing takes the largest unit that leaves a whole number ("24GiB", "1500us"); a frequency takes
 * the largest unit that is not above the value, with decimals ("2.45GHz"), because that is how it
 * is said. Real numbers are printed with as few digits as read back to the same double.
 *
 * Numbers use the C locale's point; the program never changes LC_NUMERIC.
 */
#include "sim/units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/suggest.h"

__extension__ typedef unsigned __int128 u128;

/* One unit is num / den base units. */
struct unit_name {
	const char *name;
	uint64_t num, den;
};

#define UNIT_NAMES_MAX 6

/* By unit: ascending size; the base unit has 1/1. */
static const struct unit_table {
	const char *allowed, *suffix, *base;
	struct unit_name names[UNIT_NAMES_MAX];
	unsigned count;
} tables[UNIT_KINDS] = {
	[UNIT_COUNT] = {"", "", "", {{"", 1, 1}}, 0},
	[UNIT_BYTES] = {"B, KiB, MiB, GiB, TiB",
			"_bytes",
			"B",
			{{"B", 1, 1},
			 {"KiB", 1 << 10, 1},
			 {"MiB", 1 << 20, 1},
			 {"GiB", 1 << 30, 1},
			 {"TiB", UINT64_C(1) << 40, 1}},
			5},
	[UNIT_DURATION] = {"ns, us, ms, s, min, h",
			   "_ns",
			   "ns",
			   {{"ns", 1, 1},
			    {"us", 1000, 1},
			    {"ms", 1000000, 1},
			    {"s", 1000000000, 1},
			    {"min", UINT64_C(60000000000), 1},
			    {"h", UINT64_C(3600000000000), 1}},
			   6},
	[UNIT_FREQUENCY] = {"Hz, kHz, MHz, GHz",
			    "_khz",
			    "kHz",
			    {{"Hz", 1, 1000}, {"kHz", 1, 1}, {"MHz", 1000, 1}, {"GHz", 1000000, 1}},
			    4},
	[UNIT_RATE] = {"/s, /ms, /us",
		       "_per_s",
		       "/s",
		       {{"/s", 1, 1}, {"/ms", 1000, 1}, {"/us", 1000000, 1}},
		       3},
	[UNIT_BANDWIDTH] = {"B/s, MB/s, MiB/s, GB/s, GiB/s",
			    "_bytes_per_s",
			    "B/s",
			    {{"B/s", 1, 1},
			     {"MB/s", 1000000, 1},
			     {"MiB/s", 1 << 20, 1},
			     {"GB/s", 1000000000, 1},
			     {"GiB/s", 1 << 30, 1}},
			    5},
};

const char *units_allowed(enum unit unit)
{
	return tables[unit].allowed;
}

const char *units_suffix(enum unit unit)
{
	return tables[unit].suffix;
}

static int why_set(char *why, const char *text)
{
	snprintf(why, UNITS_WHY, "%s", text);
	return -1;
}

/* The unit that @text, what follows the number, names; NULL and @why if it names none. */
static const struct unit_name *unit_find(enum unit unit, const char *text, char *why)
{
	const struct unit_table *t = &tables[unit];
	const char *names[UNIT_NAMES_MAX];
	if (*text == ' ')
		text++;
	if (unit == UNIT_COUNT && !*text)
		return &t->names[0];
	if (unit == UNIT_COUNT) {
		why_set(why, "is not a plain number");
		return NULL;
	}
	if (!*text) {
		snprintf(why, UNITS_WHY, "needs a unit: %s", t->allowed);
		return NULL;
	}
	for (unsigned i = 0; i < t->count; i++) {
		names[i] = t->names[i].name;
		if (strcmp(text, names[i]) == 0)
			return &t->names[i];
	}
	const char *near = suggest_nearest(text, names, t->count);
	snprintf(why, UNITS_WHY, "has no known unit%s%s%s (allowed: %s)",
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", t->allowed);
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *@text into *@value, and 10^(number of digits) into *@scale; -1 if they overflow. */
static int digits_read(const char **text, uint64_t *value, uint64_t *scale)
{
	*value = 0;
	*scale = 1;
	for (; is_digit(**text); (*text)++) {
		unsigned digit = (unsigned)(**text - '0');
		if (*value > (UINT64_MAX - digit) / 10)
			return -1;
		*value = *value * 10 + digit;
		/* Leading zeros of a fraction make the scale overflow before the value does. */
		*scale = *scale > UINT64_MAX / 10 ? 0 : *scale * 10;
	}
	return 0;
}

int units_parse_u64(enum unit unit, const char *text, uint64_t *value, char *why)
{
	const char *p = text;
	uint64_t whole, frac = 0, scale = 1, unused;
	if (*p == '-' && is_digit(p[1]))
		return why_set(why, "must not be negative");
	if (!is_digit(*p))
		return why_set(why, "is not a number");
	if (digits_read(&p, &whole, &unused) != 0)
		return why_set(why, "is too large");
	if (*p == '.') {
		p++;
		if (!is_digit(*p))
			return why_set(why, "is not a number");
		if (digits_read(&p, &frac, &scale) != 0 || scale == 0)
			return why_set(why, "has too many digits");
	}
	const struct unit_name *u = unit_find(unit, p, why);
	if (!u)
		return -1;
	/* (whole + frac / scale) * num / den; each product is below 2^128 as num < 2^42. */
	u128 part = (u128)frac * u->num;
	if (part % scale != 0 || ((u128)whole * u->num + part / scale) % u->den != 0) {
		snprintf(why, UNITS_WHY, "is not a whole number%s%s", unit ? " of " : "",
			 tables[unit].base);
		return -1;
	}
	u128 all = ((u128)whole * u->num + part / scale) / u->den;
	if (all > UINT64_MAX)
		return why_set(why, "is too large");
	*value = (uint64_t)all;
	return 0;
}

/* Length of the decimal number that @text begins with, 0 if it begins with none. */
static size_t number_length(const char *text)
{
	const char *p = text;
	if (*p == '-' || *p == '+')
		p++;
	if (!is_digit(*p))
		return 0;
	while (is_digit(*p))
		p++;
	if (*p == '.' && is_digit(p[1]))
		for (p++; is_digit(*p); p++)
			;
	if (*p == 'e' || *p == 'E') {
		const char *q = p + 1;
		if (*q == '-' || *q == '+')
			q++;
		if (is_digit(*q)) {
			while (is_digit(*q))
				q++;
			p = q;
		}
	}
	return (size_t)(p - text);
}

int units_parse_double(enum unit unit, const char *text, double *value, char *why)
{
	char number[UNITS_TEXT];
	size_t len = number_length(text);
	if (len == 0)
		return why_set(why, "is not a number");
	if (len >= sizeof(number))
		return why_set(why, "has too many digits");
	const struct unit_name *u = unit_find(unit, text + len, why);
	if (!u)
		return -1;
	memcpy(number, text, len);
	number[len] = '\0';
	double v = strtod(number, NULL) * (double)u->num / (double)u->den;
	if (!isfinite(v))
		return why_set(why, "is too large");
	*value = v;
	return 0;
}

int units_parse_bool(const char *text, bool *value, char *why)
{
	*value = strcmp(text, "true") == 0;
	if (*value || strcmp(text, "false") == 0)
		return 0;
	return why_set(why, "is neither true nor false");
}

/* @value base units as @u with the decimals that it needs. */
static void format_decimal(uint64_t value, const struct unit_name *u, char *buf)
{
	int n = snprintf(buf, UNITS_TEXT, "%llu", (unsigned long long)(value / u->num));
	uint64_t rest = value % u->num;
	if (rest) {
		buf[n++] = '.';
		for (uint64_t place = u->num / 10; rest; rest %= place, place /= 10)
			buf[n++] = (char)('0' + rest / place);
	}
	snprintf(buf + n, UNITS_TEXT - (size_t)n, "%s", u->name);
}

char *units_format_u64(enum unit unit, uint64_t value, char *buf)
{
	const struct unit_table *t = &tables[unit];
	unsigned best = 0;
	for (unsigned i = 0; i < t->count; i++) {
		const struct unit_name *u = &t->names[i];
		bool whole = u->den == 1 && value % u->num == 0;
		bool fits = unit == UNIT_FREQUENCY && u->den == 1 && value >= u->num;
		if ((u->num == 1 && u->den == 1) || (value && (whole || fits)))
			best = i;
	}
	format_decimal(value, &t->names[best], buf);
	return buf;
}

char *units_format_double(enum unit unit, double value, char *buf)
{
	/* 2^53: below it a whole double is exactly that integer. */
	if (value >= 0 && value < 9007199254740992.0 && value == floor(value) && !signbit(value))
		return units_format_u64(unit, (uint64_t)value, buf);
	char number[UNITS_TEXT / 2];
	for (int digits = 1; digits <= 17; digits++) {
		snprintf(number, sizeof(number), "%.*g", digits, value);
		if (strtod(number, NULL) == value)
			break;
	}
	snprintf(buf, UNITS_TEXT, "%s%s", number, tables[unit].base);
	return buf;
}
