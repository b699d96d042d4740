/*
 * metrics_list.h - what the numbers of run.json and series.csv mean, for `allocsim list metrics`.
 */
#ifndef SIM_METRICS_LIST_H
#define SIM_METRICS_LIST_H

struct metric_info {
	const char *key;  /* path in run.json; [] stands for each element */
	const char *unit;
	const char *meaning;
};

/* Ended by a NULL key. */
extern const struct metric_info metrics_list[];

#endif
