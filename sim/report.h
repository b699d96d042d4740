/*
 * report.h - run.json, the document of a run. Its shape is fixed by run.schema.json.
 */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <stdio.h>

#include "sim/run.h"

/* Errors of @out are left to its owner. */
void report_write(struct run_result *result, FILE *out);

#endif
