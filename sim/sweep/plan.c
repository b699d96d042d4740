/*
 * plan.c - the list of runs that make up a sweep: see plan.h. Reading is in plan_read.c, writing in
 * plan_write.c, a point's configuration in
 * plan_config.c.
 */
#include "sim/sweep/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void release_texts(char **texts, unsigned count)
{
	unsigned i;

	for (i = 0; texts && i < count; i++)
		free(texts[i]);
	free(texts);
}

void plan_plot_release(struct plan_plot *plot)
{
	unsigned i;

	free(plot->name);
	free(plot->title);
	free(plot->x);
	free(plot->z);
	free(plot->by);
	free(plot->kind);
	for (i = 0; i < PLAN_PANELS_MAX; i++)
		free(plot->y[i]);
	for (i = 0; i < PLAN_WHERE_MAX; i++)
		free(plot->where[i]);
}

void plan_release(struct plan *p)
{
	unsigned i;
	uint64_t k;

	free(p->name);
	free(p->title);
	free(p->question);
	free(p->version);
	free(p->config);
	for (k = 0; k < p->points_count; k++)
		release_texts(p->points[k].values, p->parameters_count);
	free(p->points);
	for (i = 0; i < p->parameters_count; i++) {
		free(p->parameters[i].key);
		release_texts(p->parameters[i].values, p->parameters[i].values_count);
	}
	free(p->parameters);
	for (i = 0; i < p->traces_count; i++) {
		free(p->traces[i].name);
		free(p->traces[i].trace);
		free(p->traces[i].truth);
	}
	free(p->traces);
	for (i = 0; i < p->inputs_count; i++)
		free(p->inputs[i].path);
	free(p->inputs);
	for (i = 0; i < p->plots_count; i++)
		plan_plot_release(&p->plots[i]);
	free(p->plots);
	memset(p, 0, sizeof(*p));
}

int plan_parameter_find(const struct plan *p, const char *key)
{
	unsigned i;

	for (i = 0; i < p->parameters_count; i++)
		if (!strcmp(p->parameters[i].key, key))
			return (int)i;
	return -1;
}

const struct plan_point *plan_point_find(const struct plan *p, uint64_t index)
{
	uint64_t low = 0, high = p->points_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (p->points[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low < p->points_count && p->points[low].index == index ? &p->points[low] : NULL;
}

const struct plan_trace *plan_point_trace(const struct plan *p, const struct plan_point *point)
{
	int key = plan_parameter_find(p, PLAN_TRACE_KEY);
	unsigned i;

	for (i = 0; key >= 0 && i < p->traces_count; i++)
		if (!strcmp(p->traces[i].name, point->values[key]))
			return &p->traces[i];
	return NULL;
}

int plan_base(const struct plan *p, struct config *base, struct err *err)
{
	char name[160];

	snprintf(name, sizeof(name), "the plan's configuration (%s)", p->name);
	return config_load_base_text(base, name, p->config, err);
}

int plan_check_input(const struct plan_input *in, struct err *err)
{
	uint64_t digest, bytes;

	if (in->is_recording ? digest_recording(in->path, &digest, &bytes, err)
			     : digest_file(in->path, &digest, &bytes, err))
		return -1;
	if (digest == in->digest && bytes == in->bytes)
		return 0;
	return err_set(err, ERR_TRACE,
		       "%s: has changed since the plan was made: put it back, or make the plan "
		       "again",
		       in->path);
}

int plan_check_inputs(const struct plan *p, struct err *err)
{
	unsigned i;

	if (strcmp(p->version, ALLOCSIM_VERSION))
		return err_set(err, ERR_USAGE,
			       "the plan was made by allocsim %s, and this is %s, which may give "
			       "other results: make the plan again",
			       p->version, ALLOCSIM_VERSION);
	for (i = 0; i < p->inputs_count; i++)
		if (plan_check_input(&p->inputs[i], err))
			return -1;
	return 0;
}
