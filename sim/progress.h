/*
 * progress.h - one line on a terminal that says how far a long job is.
 *
 *   import   42 % [=========>           ]  1.93 M/s  ETA 0:07
 *
 * The caller decides whether a line is wanted: a zeroed struct progress that was never initialised
 * is silent, and updating it costs a comparison.
 */
#ifndef SIM_PROGRESS_H
#define SIM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	FILE *out; /* NULL: silent; progress_init() sets stderr */
	const char *label;
	uint64_t total; /* in the unit of `done`; 0: not known, then no percentage is shown */
	uint64_t started_ns, next_ns; /* of the host's monotonic clock */
	bool drawn;
};

/* @label must outlive @p. Nothing is drawn before a tenth of a second has passed. */
void progress_init(struct progress *p, const char *label, uint64_t total);

/*
 * @done of the total are behind us, which were @items events or operations. Call it often: it draws
 * at most ten times a second.
 */
void progress_update(struct progress *p, uint64_t done, uint64_t items);

/* Erase the line, if there is one, and be silent from now on. */
void progress_done(struct progress *p);

/* The line's text for @elapsed_ns, without control characters; for progress_update() and tests. */
void progress_format(const struct progress *p, uint64_t done, uint64_t items, uint64_t elapsed_ns,
		     char *buf, size_t size);

/* A bar that is filled to @part, 0 to 1, as in the line above. */
#define PROGRESS_BAR_SIZE 21
void progress_bar(double part, char bar[PROGRESS_BAR_SIZE]);
/* "0:07", "75:00": minutes and seconds, at most 5999:59. */
void progress_time(double seconds, char *buf, size_t size);

#endif
