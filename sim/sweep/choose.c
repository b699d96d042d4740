/*
 * choose.c - the points of a plan that a call is about: see choose.h.
 *
 * Points are chosen by index, the number that the whole sweep gives them, not by their place in the
 * file: so a plan of a sample of a sweep and the plan of all of it mean the same by --points 7, and
 * a shard holds the same points of both.
 *
 * Example: of a plan of the indices 0 to 9, --points 1,5-8 and --shard 1/2 choose 1, 5 and 7.
 *
 * Cost: a binary search for each range, then one pass over the plan.
 */
#include "sim/sweep/choose.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A decimal number at *@text, which is moved behind it. */
static int parse_number(const char **text, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	*value = strtoull(*text, &end, 10);
	*text = end;
	return errno ? -1 : 0;
}

int choose_parse_shard(const char *text, uint64_t *shard, uint64_t *shards, struct err *err)
{
	const char *at = text;

	if (parse_number(&at, shard) || *at++ != '/' || parse_number(&at, shards) || *at)
		return err_set(err, ERR_USAGE,
			       "--shard: '%s' is not K/N, a number and how many shards there are",
			       text);
	if (!*shards)
		return err_set(err, ERR_USAGE, "--shard: there can't be 0 shards");
	if (*shard >= *shards)
		return err_set(err, ERR_USAGE,
			       "--shard: of %" PRIu64 " shards the last is %" PRIu64 "/%" PRIu64
			       ": they are numbered from 0",
			       *shards, *shards - 1, *shards);
	return 0;
}

/* The place of the first point whose index is at least @index. */
static uint64_t first_from(const struct plan *p, uint64_t index)
{
	uint64_t low = 0, high = p->points_count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (p->points[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int mark_range(const struct plan *p, uint64_t first, uint64_t last, bool *marks,
		      struct err *err)
{
	uint64_t at = first_from(p, first);
	uint64_t lowest = p->points_count ? p->points[0].index : 0;
	uint64_t highest = p->points_count ? p->points[p->points_count - 1].index : 0;

	if (at == p->points_count || p->points[at].index > last) {
		if (first == last)
			return err_set(err, ERR_USAGE,
				       "--points: the plan has no point %" PRIu64 "; its %" PRIu64
				       " points lie in %" PRIu64 "-%" PRIu64,
				       first, p->points_count, lowest, highest);
		return err_set(err, ERR_USAGE,
			       "--points: the plan has no point in %" PRIu64 "-%" PRIu64
			       "; its %" PRIu64 " points lie in %" PRIu64 "-%" PRIu64,
			       first, last, p->points_count, lowest, highest);
	}
	for (; at < p->points_count && p->points[at].index <= last; at++)
		marks[at] = true;
	return 0;
}

static int mark_list(const struct plan *p, const char *points, bool *marks, struct err *err)
{
	const char *at = points;

	do {
		uint64_t first, last;

		if (parse_number(&at, &first))
			goto malformed;
		last = first;
		if (*at == '-') {
			at++;
			if (parse_number(&at, &last))
				goto malformed;
		}
		if (*at && *at != ',')
			goto malformed;
		if (last < first)
			return err_set(err, ERR_USAGE,
				       "--points: the range %" PRIu64 "-%" PRIu64 " runs backwards",
				       first, last);
		if (mark_range(p, first, last, marks, err))
			return -1;
	} while (*at++);
	return 0;
malformed:
	return err_set(err, ERR_USAGE, "--points: '%s' is no list of numbers and ranges: 3,7-9",
		       points);
}

int choose_points(const struct plan *p, const char *points, uint64_t shard, uint64_t shards,
		  const struct plan_point ***chosen, uint64_t *count, struct err *err)
{
	bool *marks = calloc(p->points_count + 1, sizeof(*marks));
	int rc = -1;

	*chosen = calloc(p->points_count + 1, sizeof(const struct plan_point *));
	*count = 0;
	if (!marks || !*chosen) {
		err_set(err, ERR_IO, "out of memory for the points of a plan");
		goto out;
	}
	if (!points)
		memset(marks, true, p->points_count * sizeof(*marks));
	else if (mark_list(p, points, marks, err))
		goto out;
	for (uint64_t i = 0; i < p->points_count; i++) {
		if (marks[i] && (!shards || p->points[i].index % shards == shard))
			(*chosen)[(*count)++] = &p->points[i];
	}
	rc = 0;
out:
	free(marks);
	if (rc) {
		free(*chosen);
		*chosen = NULL;
	}
	return rc;
}
