/*
 * import_line.c - scanners that all text formats share: see import_line.h.
 *
 * Each looks at a byte once and allocates nothing. They are told apart from a general tokenizer by
 * what they refuse: a number that is too long, a time without a fraction (another trace clock,
 * whose unit is unknown), a name that does not end in a colon are no event, and the line is counted
 * as not understood instead of being misread.
 */
#include "sim/import_line.h"

#include <string.h>

bool scan_decimal(const char **p, uint64_t *value)
{
	const char *s = *p;
	uint64_t v = 0;
	while (is_digit(*s)) {
		if (s - *p == 19)
			return false;
		v = v * 10 + (uint64_t)(*s++ - '0');
	}
	if (s == *p)
		return false;
	*p = s;
	*value = v;
	return true;
}

bool scan_time_ns(const char **p, uint64_t *ns)
{
	const char *s = *p;
	uint64_t seconds, fraction = 0;
	if (!scan_decimal(&s, &seconds) || seconds > UINT64_C(9999999999) || *s != '.')
		return false;
	const char *first = ++s;
	while (is_digit(*s) && s - first < 9)
		fraction = fraction * 10 + (uint64_t)(*s++ - '0');
	if (s == first || is_digit(*s))
		return false;
	for (const char *digit = s; digit - first < 9; digit++)
		fraction *= 10;
	*ns = seconds * UINT64_C(1000000000) + fraction;
	*p = s;
	return true;
}

bool scan_cpu(const char **p, uint32_t *cpu)
{
	const char *s = *p;
	uint64_t v;
	if (*s != '[')
		return false;
	s++;
	if (!scan_decimal(&s, &v) || v > 99999 || *s != ']')
		return false;
	*cpu = (uint32_t)v;
	*p = s + 1;
	return true;
}

bool scan_event(const char *p, const char *end, struct text_event *event)
{
	static const char system[] = "kmem:";
	uint64_t period;
	if (!scan_time_ns(&p, &event->time_ns) || *p != ':')
		return false;
	p = skip_blanks(p + 1);
	/* perf script -F +period */
	const char *behind = p;
	if (scan_decimal(&behind, &period) && *behind == ' ')
		p = skip_blanks(behind);
	const char *name = p;
	while (*p != ' ' && *p != '\t' && *p != '\n')
		p++;
	if (p - name < 2 || p[-1] != ':' || p > end)
		return false;
	event->args = p;
	event->end = end;
	if (strncmp(name, system, sizeof(system) - 1) == 0 && p - name > (ptrdiff_t)sizeof(system))
		name += sizeof(system) - 1;
	event->name = name;
	event->name_bytes = (size_t)(p - name) - 1;
	return true;
}
