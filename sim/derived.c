/*
 * derived.c - figures that are computed from a run.json: see derived.h.
 *
 * Latencies come by operation, order and path, and a change of the allocator changes the paths:
 * without per-CPU lists nothing takes the path pcp. Likewise locks by name, per-CPU lists by CPU
 * and zone, and zones by node: another machine has others. What is compared between any two runs,
 * drawn against a parameter or put into a table is therefore the whole, too. It is not written to
 * run.json, which has all that it is made of, but joins the figures wherever they are read.
 *
 * A percentile of the whole is no mean of percentiles: it is computed from the histograms.
 *
 * Example: two zones' locks were taken 30 and 12 times; locks_total.acquired_count is 42, and
 * locks_total.wait_ns_max is the longer one of both longest waits.
 */
#include "sim/derived.h"

#include <math.h>
#include <string.h>

#include "kern/types.h"
#include "sim/latency_curve.h"

/* Sums of numbers that a document may hold can exceed a double: those are missing. */
static bool add_number(cJSON *object, const char *key, double value)
{
	if (!isfinite(value))
		return cJSON_AddNullToObject(object, key) != NULL;
	return cJSON_AddNumberToObject(object, key, value) != NULL;
}

/*
 * Append the latencies of @op over all orders and paths to @list, in the form of run.json's.
 * Returns 0, or -1 if out of memory.
 */
static int sum_latencies(const cJSON *run, const char *op, cJSON *list)
{
	struct latency_curve c;
	cJSON *sum = NULL;
	int failed = -1;

	if (latency_curve_collect(&c, run, op, NULL))
		goto out;
	failed = 0;
	if (!c.buckets_count)
		goto out;
	sum = cJSON_CreateObject();
	if (!sum || !cJSON_AddStringToObject(sum, "op", op) || !add_number(sum, "count", c.count) ||
	    !add_number(sum, "mean_ns", c.sum_ns / c.count) ||
	    !add_number(sum, "p50_ns", latency_curve_quantile(&c, 0.5)) ||
	    !add_number(sum, "p90_ns", latency_curve_quantile(&c, 0.9)) ||
	    !add_number(sum, "p99_ns", latency_curve_quantile(&c, 0.99)) ||
	    !add_number(sum, "p99_9_ns", latency_curve_quantile(&c, 0.999)) ||
	    !add_number(sum, "max_ns", c.max_ns)) {
		cJSON_Delete(sum);
		failed = -1;
		goto out;
	}
	cJSON_AddItemToArray(list, sum);
out:
	latency_curve_release(&c);
	return failed;
}

static int derive_latencies(const cJSON *run, cJSON *derived)
{
	static const char *const ops[] = {"alloc", "free", "kmalloc", "cache_alloc", "object_free"};
	cJSON *list = cJSON_AddArrayToObject(derived, "latency");
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(ops); i++)
		if (!list || sum_latencies(run, ops[i], list))
			return -1;
	return 0;
}

/* A list of run.json, and those of its members that mean something as a sum (_max: at most). */
static const struct total {
	const char *list, *name, *members[8];
} totals[] = {
	{"locks",
	 "locks_total",
	 {"acquired_count", "contended_count", "transfers_count", "wait_ns_total", "wait_ns_max",
	  "hold_ns_total", "hold_ns_max"}},
	{"pcp",
	 "pcp_total",
	 {"count_pages", "refills_count", "refilled_pages", "drains_count", "drained_pages"}},
	{"zones", "zones_total", {"splits_count", "merges_count", "claims_count", "steals_count"}},
};

/* NAN if no element has it. */
static double total_of(const cJSON *list, const char *member)
{
	bool largest = strlen(member) > 4 && !strcmp(member + strlen(member) - 4, "_max");
	const cJSON *element, *item;
	double sum = NAN;

	cJSON_ArrayForEach(element, list)
	{
		item = cJSON_GetObjectItemCaseSensitive(element, member);
		if (!cJSON_IsNumber(item))
			continue;
		if (isnan(sum))
			sum = item->valuedouble;
		else
			sum = largest ? fmax(sum, item->valuedouble) : sum + item->valuedouble;
	}
	return sum;
}

static int derive_total(const cJSON *run, const struct total *total, cJSON *derived)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(run, total->list);
	cJSON *object = NULL;
	double value;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(total->members) && total->members[i]; i++) {
		value = total_of(list, total->members[i]);
		if (isnan(value))
			continue;
		object = object ? object : cJSON_AddObjectToObject(derived, total->name);
		if (!object || !add_number(object, total->members[i], value))
			return -1;
	}
	return 0;
}

cJSON *derived_figures(const cJSON *run)
{
	cJSON *derived = cJSON_CreateObject();
	bool failed = !derived || derive_latencies(run, derived);
	unsigned i;

	for (i = 0; !failed && i < ARRAY_SIZE(totals); i++)
		failed = derive_total(run, &totals[i], derived);
	if (!failed)
		return derived;
	cJSON_Delete(derived);
	return NULL;
}
