/*
 * compare_plot_data.h - from several results to the columns and labels that a script draws.
 *
 * Private to compare_plot*.c; see plot_data.h for what the functions write.
 */
#ifndef SIM_COMPARE_PLOT_DATA_H
#define SIM_COMPARE_PLOT_DATA_H

#include <stdint.h>

#include "sim/compare.h"
#include "sim/compare_plot.h"
#include "sim/plot_data.h"
#include "sim/series.h"

struct compare_input {
	const struct comparison *comparison;
	struct series series[COMPARE_PLOT_RUNS_MAX]; /* without columns: the run has none */
	unsigned runs_count, series_count;
	uint32_t orders; /* bit mask for the unusable index */
};

/* Fill in->orders from the user's list (NULL: the default) and the runs' largest orders. */
int compare_plot_orders(struct compare_input *in, const char *text, struct err *err);

/* Each returns 0, or 1 for "skipped" with out->reason, or -1 with @err. */
int compare_plot_unusable_index(const struct compare_input *in, struct plot_output *out,
				struct err *err);
int compare_plot_free_memory(const struct compare_input *in, struct plot_output *out,
			     struct err *err);
int compare_plot_pcp_contents(const struct compare_input *in, struct plot_output *out,
			      struct err *err);
int compare_plot_object_memory(const struct compare_input *in, struct plot_output *out,
			       struct err *err);
int compare_plot_object_latency(const struct compare_input *in, struct plot_output *out,
				struct err *err);
int compare_plot_latency(const struct compare_input *in, struct plot_output *out, struct err *err);
int compare_plot_differences(const struct compare_input *in, struct plot_output *out,
			     struct err *err);

#endif
