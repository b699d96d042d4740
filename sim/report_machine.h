/*
 * report_machine.h - what run.json says of the CPUs' time, of caches and of TLBs.
 */
#ifndef SIM_REPORT_MACHINE_H
#define SIM_REPORT_MACHINE_H

#include "sim/json.h"
#include "sim/run.h"

/* "cycles": all CPUs together, and each. */
void report_cycles(struct json *j, const struct run_result *r);
/* "memory_system": null without caches. */
void report_memory_system(struct json *j, const struct run_result *r);

/* The same in a few lines for people. */
void summary_machine(const struct run_result *r, FILE *out);

#endif
