/*
 * units.h - quantities as people write them: "24GiB", "85ns", "2.45GHz", "1000/s".
 *
 * A quantity is a decimal number and its unit, with at most one space between them. A unit is never
 * guessed: where one is needed it has to be written, and only its exact spelling counts (MiB, not
 * MB or mib), so that a file says the same to every reader. Numbers are kept in the base unit:
 * bytes, nanoseconds, kilohertz, per second.
 */
#ifndef SIM_UNITS_H
#define SIM_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unit {
	UNIT_COUNT,     /* a plain number */
	UNIT_BYTES,     /* base B; KiB, MiB, GiB, TiB */
	UNIT_DURATION,  /* base ns; us, ms, s, min, h */
	UNIT_FREQUENCY, /* base kHz; Hz, MHz, GHz */
	UNIT_RATE,      /* base /s; /ms, /us */
	UNIT_BANDWIDTH, /* base B/s; MB/s, MiB/s, GB/s, GiB/s */
	UNIT_KINDS,
};

#define UNITS_TEXT 64 /* holds every formatted quantity */
#define UNITS_WHY  192 /* holds every explanation */

/*
 * Parse @text as a whole, non-negative number of base units; a fraction is fine if it comes out
 * whole ("1.5KiB"). Returns 0, or -1 with what is wrong in @why (UNITS_WHY bytes): a phrase that
 * follows the value, such as "needs a unit: B, KiB, MiB, GiB, TiB".
 */
int units_parse_u64(enum unit unit, const char *text, uint64_t *value, char *why);
/* The same for a real number, which may be negative and have an exponent; always finite. */
int units_parse_double(enum unit unit, const char *text, double *value, char *why);
/* "true" or "false". */
int units_parse_bool(const char *text, bool *value, char *why);

/* Write a text that parses back to exactly @value into @buf (UNITS_TEXT bytes); returns @buf. */
char *units_format_u64(enum unit unit, uint64_t value, char *buf);
/* @value must be finite. */
char *units_format_double(enum unit unit, double value, char *buf);

/* "B, KiB, MiB, GiB, TiB"; "" for a plain number. */
const char *units_allowed(enum unit unit);
/*
 * The end of a name that holds such a quantity: "_bytes", "_ns", "_khz", "_per_s", "_bytes_per_s",
 * "".
 */
const char *units_suffix(enum unit unit);

#endif
