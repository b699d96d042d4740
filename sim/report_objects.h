/*
 * report_objects.h - what run.json says about objects: its members `objects` and `caches`.
 */
#ifndef SIM_REPORT_OBJECTS_H
#define SIM_REPORT_OBJECTS_H

#include "sim/json.h"
#include "sim/run.h"

/* Null, and an empty array, if the workload had no objects. */
void report_objects(struct json *j, const struct run_result *r);
void report_caches(struct json *j, const struct run_result *r);

#endif
