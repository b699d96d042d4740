/*
 * compare_condition.c - conditions on a comparison.
 *
 * A condition makes a comparison into a test: "no figure of this kind may get worse by more than
 * this". It is judged for every run after the base and every metric that its pattern selects, and
 * holds as soon as it does for one pair of them.
 *
 * With %, the number is compared with the change relative to the base, exactly: value - base
 * against |base| * number / 100, so that 105 against a base of 100 is no more than 5%. If the base
 * is 0 that is any change at all. Without %, the number is compared with the run's value, whatever
 * the base has.
 *
 * Names may hold blanks (generators, locks), so the metric is all that comes before the operator.
 */
#include "sim/compare_condition.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/types.h"
#include "sim/compare.h"

static const struct {
	const char *text;
	enum condition_op op;
} ops[] = {
	{">=", OP_GREATER_EQUAL}, {"<=", OP_LESS_EQUAL}, {"==", OP_EQUAL},
	{">", OP_GREATER},        {"<", OP_LESS},
};

static int complain(const char *text, const char *at, const char *expected, struct err *err)
{
	return err_set(err, ERR_USAGE, "condition \"%.200s\", column %zu: expected %s%s%.40s%s",
		       text, (size_t)(at - text) + 1, expected, *at ? ", found \"" : "", at,
		       *at ? "\"" : ", found its end");
}

static int parse_number(struct condition *c, const char *at, struct err *err)
{
	const char *digits = at + (*at == '-' || *at == '+');
	char *end;

	/* strtod() also takes names and hexadecimal digits. */
	if (!isdigit((unsigned char)digits[0]) && digits[0] != '.')
		return complain(c->text, at, "a number", err);
	if (digits[0] == '0' && tolower((unsigned char)digits[1]) == 'x')
		return complain(c->text, at, "a decimal number", err);
	c->number = strtod(at, &end);
	if (end == at || !isfinite(c->number))
		return complain(c->text, at, "a number that a double can hold", err);
	end += strspn(end, " \t");
	c->relative = *end == '%';
	end += c->relative;
	end += strspn(end, " \t");
	if (*end)
		return complain(c->text, end, c->relative ? "nothing more" : "% or nothing more",
				err);
	return 0;
}

int condition_parse(struct condition *c, const char *text, struct err *err)
{
	const char *begin = text + strspn(text, " \t"), *at = text + strcspn(text, "<>="), *end;
	unsigned i;

	*c = (struct condition){.text = text};
	for (end = at; end > begin && isspace((unsigned char)end[-1]);)
		end--;
	if (end <= begin)
		return complain(text, begin, "the name of a metric", err);
	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (!strncmp(at, ops[i].text, strlen(ops[i].text)))
			break;
	if (i == ARRAY_SIZE(ops))
		return complain(text, at, "one of > >= < <= == after the metric", err);
	c->op = ops[i].op;
	at += strlen(ops[i].text);
	if (parse_number(c, at + strspn(at, " \t"), err))
		return -1;
	c->pattern = strndup(begin, (size_t)(end - begin));
	return c->pattern ? 0 : err_set(err, ERR_IO, "out of memory");
}

void condition_release(struct condition *c)
{
	free(c->pattern);
	c->pattern = NULL;
}

static bool holds(enum condition_op op, double value, double limit)
{
	switch (op) {
	case OP_GREATER:
		return value > limit;
	case OP_GREATER_EQUAL:
		return value >= limit;
	case OP_LESS:
		return value < limit;
	case OP_LESS_EQUAL:
		return value <= limit;
	case OP_EQUAL:
		return value == limit;
	}
	return false;
}

/* For the pair whose difference is worth showing: infinite if the base has nothing to compare with.
 */
static double difference(const struct compare_metric *m, unsigned run)
{
	double relative = compare_relative(m, run);

	return isnan(relative) ? INFINITY : fabs(relative);
}

/* 1 if it can be judged, else 0. */
static int judge(struct condition *c, const struct compare_metric *m, unsigned run)
{
	double base = m->values[0], value = m->values[run];
	bool result;

	if (isnan(value) || (c->relative && isnan(base)))
		return 0;
	/* The base's own scale keeps the difference of two huge numbers finite. */
	if (c->relative && fabs(base) > 1e300)
		result = holds(c->op, value / fabs(base) - base / fabs(base), c->number / 100);
	else if (c->relative)
		result = holds(c->op, value - base, fabs(base) * c->number / 100);
	else
		result = holds(c->op, value, c->number);
	if (!result)
		return 1;
	if (!c->holds_count || difference(m, run) > difference(c->metric, c->run)) {
		c->metric = m;
		c->run = run;
	}
	c->holds_count++;
	return 1;
}

int condition_evaluate(struct condition *c, const struct comparison *comparison, struct err *err)
{
	const struct compare_metric *m;
	size_t judged = 0, i;
	unsigned run;

	if (compare_check_pattern(comparison, c->pattern, err))
		return -1;
	c->holds_count = 0;
	for (i = 0; i < comparison->metrics_count; i++) {
		m = &comparison->metrics[i];
		if (!compare_selects(c->pattern, m->key))
			continue;
		for (run = 1; run < comparison->runs_count; run++)
			judged += (size_t)judge(c, m, run);
	}
	if (!judged)
		return err_set(err, ERR_USAGE,
			       "condition \"%.200s\" can't be judged: no run that is compared with "
			       "the base has %.200s%s",
			       c->text, c->pattern, c->relative ? " in common with it" : "");
	return 0;
}

void condition_describe(const struct condition *c, const struct comparison *comparison, char *buf,
			size_t size)
{
	char base[32], value[32], change[32];
	int used;

	compare_format_value(c->metric->values[0], base, sizeof(base));
	compare_format_value(c->metric->values[c->run], value, sizeof(value));
	compare_format_change(c->metric, c->run, change, sizeof(change));
	used = snprintf(buf, size, "%.200s: %.64s: %.200s is %s, base %s%s%s%s", c->text,
			comparison->runs[c->run].name, c->metric->key, value, base,
			*change ? " (" : "", change, *change ? ")" : "");
	if (c->holds_count > 1 && used > 0 && (size_t)used < size)
		snprintf(buf + used, size - (size_t)used, "; and %zu more", c->holds_count - 1);
}
