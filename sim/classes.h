/*
 * classes.h - the kmalloc size classes that waste least on the requests of a trace: what
 * `allocsim classes` prints.
 */
#ifndef SIM_CLASSES_H
#define SIM_CLASSES_H

#include <stdbool.h>
#include <stdio.h>

#include "alloc/kmalloc.h"
#include "sim/trace.h"

#define CLASSES_SCHEMA_VERSION 1u
#define CLASSES_GRID_BYTES     8u /* what a class of kmalloc is a multiple of */
/* The search takes time with the square of the number of sizes: seconds at this limit. */
#define CLASSES_REQUEST_BYTES_MAX (64u << 10)

struct classes_options {
	unsigned classes_max;       /* 1..KMALLOC_CLASSES_LIMIT */
	uint32_t grid_bytes;        /* a multiple of 8, up to CLASSES_REQUEST_BYTES_MAX */
	uint32_t request_bytes_max; /* 1..CLASSES_REQUEST_BYTES_MAX; larger ones are left out */
	bool by_time;               /* weigh requests with how long they lived */
};

/* A set and what it wastes on the requests: the bytes given minus those asked for. */
struct class_set {
	uint32_t classes_bytes[KMALLOC_CLASSES_LIMIT]; /* ascending */
	unsigned classes_count;
	uint64_t waste_bytes;    /* summed over the requests */
	double held_waste_bytes; /* average over the time of the trace */
};

/* What one class of the best set serves. */
struct class_use {
	uint64_t requests_count, waste_bytes;
	double live_count, held_waste_bytes; /* averages over the time of the trace */
};

struct classes_report {
	struct classes_options options;
	uint64_t span_ns;
	uint64_t requests_count, requested_bytes; /* considered */
	double held_bytes;    /* of them, average over the time of the trace; 0 without time */
	uint64_t zero_count;  /* left out: of 0 bytes, */
	uint64_t large_count; /* above request_bytes_max, */
	uint64_t failed_count; /* and those that got nothing in the recording */
	struct class_set linux_set, powers, best;
	struct class_use uses[KMALLOC_CLASSES_LIMIT]; /* by class of the best set */
};

/*
 * Look at every kmalloc of @t. @name is the trace's, for messages. -1 with @err: ERR_TRACE if no
 * request is left to choose classes for, or by_time and none lived for any time; ERR_IO if memory
 * is short.
 */
int classes_find(const struct trace *t, const char *name, const struct classes_options *options,
		 struct classes_report *report, struct err *err);

void classes_print(const struct classes_report *report, FILE *out);
void classes_print_json(const struct classes_report *report, const char *trace, FILE *out);

#endif
