/*
 * run_print.c - what a call of `sweep run` did, in a few lines for people: see run.h.
 *
 *   results/orders: 200 points: 118 done now, 80 done before, 2 failed
 *     failed 7 (3f0c8a...) trace=files slab.max_order=2: exit status 70: an invariant ...
 *     ...
 *   in 62.1 s
 */
#include "sim/sweep/run.h"

#include <inttypes.h>

static void print_failure(const struct plan *p, const struct sweep_failure *failure, FILE *out)
{
	const struct plan_point *point = failure->point;
	char reason[128];

	fprintf(out, "  failed: %" PRIu64 " (%s)", point->index, point->id);
	for (unsigned i = 0; i < p->parameters_count; i++)
		fprintf(out, " %s=%s", p->parameters[i].key, point->values[i]);
	fprintf(out, ": %s", cell_reason(&failure->cell, reason, sizeof(reason)));
	if (failure->cell.message[0] && failure->cell.exit_code > 0)
		fprintf(out, ": %s", failure->cell.message);
	if (failure->cell.transient)
		fprintf(out, " (will be tried again)");
	fputc('\n', out);
}

void sweep_run_print(const struct plan *p, const struct sweep_run_options *options,
		     const struct sweep_run_report *r, FILE *out)
{
	uint64_t failed = r->failed_count + r->known_failed_count;
	uint64_t left = r->chosen_count - r->skipped_count - r->done_count - failed;

	if (r->other_plan)
		fprintf(out,
			"%s held another plan, which this one replaced; results of points that "
			"are in both count\n",
			options->results);
	if (r->leftovers_count)
		fprintf(out, "deleted what %" PRIu64 " killed runs had left\n", r->leftovers_count);
	fprintf(out, "%s: %" PRIu64 " points: %" PRIu64 " done now, %" PRIu64 " done before",
		options->results, r->chosen_count, r->done_count, r->skipped_count);
	if (failed)
		fprintf(out, ", %" PRIu64 " failed", failed);
	if (left)
		fprintf(out, ", %" PRIu64 " not run", left);
	fprintf(out, ", in %.1f s\n", r->wall_seconds);
	for (unsigned i = 0; i < r->failures_count; i++)
		print_failure(p, &r->failures[i], out);
	if (failed > r->failures_count)
		fprintf(out, "  and %" PRIu64 " more; see allocsim sweep status %s\n",
			failed - r->failures_count, options->results);
	if (r->known_failed_count)
		fprintf(out,
			"%" PRIu64 " failed earlier and were not tried again: --retry-failed\n",
			r->known_failed_count);
}
