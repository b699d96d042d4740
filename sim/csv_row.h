/*
 * csv_row.h - building a row of numbers in a buffer that is long enough, without stdio.
 */
#ifndef SIM_CSV_ROW_H
#define SIM_CSV_ROW_H

#include <stdint.h>

#define CSV_NUMBER_MAX 21 /* bytes of a column: a comma and 20 digits */

static inline char *csv_put_u64(char *p, uint64_t v)
{
	char digits[20];
	unsigned n = 0;
	do
		digits[n++] = (char)('0' + v % 10);
	while (v /= 10);
	while (n)
		*p++ = digits[--n];
	return p;
}

static inline char *csv_put_column(char *p, uint64_t v)
{
	*p++ = ',';
	return csv_put_u64(p, v);
}

#endif
