/*
 * shared_inputs.c - traces and recorded states, read once for all runs: see shared_inputs.h.
 *
 * A trace is mapped and every record of it verified when it is opened, and a recorded state is
 * text that is parsed: for a run of half a second that is a good part of its time. A sweep's parent
 * process does both once. Its children are forks of it: they find the mapped trace and the parsed
 * state in their memory, pages that all of them share, because none of them writes to those.
 *
 * A sweep has few traces, but nothing keeps it from having thousands, so at most SHARED_INPUTS_MAX
 * of each kind are open at a time. The one that was not used for the longest is closed for another;
 * children that use it keep their own view. Points of one trace mostly follow each other in a plan.
 *
 * Example: three traces, 600 points, two at a time: three times verified, not 600 times.
 */
#include "sim/sweep/shared_inputs.h"

#include <stdlib.h>
#include <string.h>

static void close_trace(struct shared_input *input)
{
	if (!input->path)
		return;
	trace_close(&input->trace);
	free(input->path);
	memset(input, 0, sizeof(*input));
}

static void close_truth(struct shared_input *input)
{
	if (!input->path)
		return;
	truth_release(input->truth);
	free(input->truth);
	free(input->path);
	memset(input, 0, sizeof(*input));
}

void shared_inputs_release(struct shared_inputs *s)
{
	for (unsigned i = 0; i < SHARED_INPUTS_MAX; i++) {
		close_trace(&s->traces[i]);
		close_truth(&s->truths[i]);
	}
}

/* That of @path, or the one to use for it: free, or the one that was not used for the longest. */
static struct shared_input *find(struct shared_input *inputs, const char *path)
{
	struct shared_input *oldest = &inputs[0];

	for (unsigned i = 0; i < SHARED_INPUTS_MAX; i++) {
		if (inputs[i].path && strcmp(inputs[i].path, path) == 0)
			return &inputs[i];
		if (inputs[i].used < oldest->used) /* 0: free */
			oldest = &inputs[i];
	}
	return oldest;
}

static const struct trace *get_trace(struct shared_inputs *s, const char *path)
{
	struct shared_input *input = find(s->traces, path);

	if (!input->path || strcmp(input->path, path) != 0) {
		close_trace(input);
		input->path = strdup(path);
		if (!input->path || trace_open(&input->trace, path, NULL) != 0) {
			free(input->path);
			memset(input, 0, sizeof(*input));
			return NULL;
		}
	}
	input->used = ++s->uses;
	return &input->trace;
}

static const struct truth *get_truth(struct shared_inputs *s, const char *path)
{
	struct shared_input *input = find(s->truths, path);

	if (!input->path || strcmp(input->path, path) != 0) {
		close_truth(input);
		input->path = strdup(path);
		input->truth = malloc(sizeof(*input->truth));
		if (!input->path || !input->truth || truth_load(input->truth, path, NULL) != 0) {
			free(input->truth);
			free(input->path);
			memset(input, 0, sizeof(*input));
			return NULL;
		}
	}
	input->used = ++s->uses;
	return input->truth;
}

void shared_inputs_get(struct shared_inputs *s, const struct config *c, struct run_shared *shared)
{
	*shared = (struct run_shared){0};
	if (c->workload.trace[0])
		shared->trace = get_trace(s, c->workload.trace);
	if (shared->trace)
		shared->trace_path = c->workload.trace;
	if (c->truth[0])
		shared->truth = get_truth(s, c->truth);
	if (shared->truth)
		shared->truth_path = c->truth;
}
