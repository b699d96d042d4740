/*
 * fleet.h - what a service allocates, as a table: for each size, how many allocations a second and
 * how many objects live.
 *
 *   16, 1234.5, 678.9
 *   24, 2.5e4, 40000
 *
 * By Little's law, the mean lifetime of a size is live / rate. The format is that of the tables in
 * fleetbench (fleetbench/tcmalloc/distributions). Lines that begin with # and blank lines are
 * passed over.
 */
#ifndef SIM_FLEET_H
#define SIM_FLEET_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/err.h"

#define FLEET_ROWS_MAX (1u << 20)

struct fleet_row {
	uint64_t bytes;
	double rate_per_s, live;     /* >= 0, finite */
	double rates_end, lives_end; /* sums up to and with this row */
};

/* Zeroed storage is an empty table. */
struct fleet {
	struct fleet_row *rows; /* as in the file */
	unsigned count;
	double rate_per_s, live; /* of all; rate_per_s > 0 */
};

/*
 * Read the table in @path (plain, .gz or .zst). Returns 0, or -1 and @err: ERR_NO_INPUT, ERR_CONFIG
 * (FILE:LINE: what is wrong), ERR_IO; @fleet is empty then.
 */
int fleet_load(struct fleet *fleet, const char *path, struct err *err);
void fleet_release(struct fleet *fleet);

/* The row in which @at, 0 <= @at < 1 of the whole, falls by rate, or by objects that live. */
const struct fleet_row *fleet_by_rate(const struct fleet *fleet, double at);
const struct fleet_row *fleet_by_live(const struct fleet *fleet, double at);

/* Mean lifetime of a row's objects in seconds; INFINITY if none is ever allocated. */
double fleet_mean_lifetime_s(const struct fleet_row *row);

struct textin;
/* As fleet_load(), from an open text. */
int fleet_read(struct fleet *fleet, struct textin *in, struct err *err);

#endif
