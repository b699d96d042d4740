/*
 * gnuplot.h - running the gnuplot program.
 */
#ifndef SIM_GNUPLOT_H
#define SIM_GNUPLOT_H

#include "kern/err.h"

#define GNUPLOT_WARNINGS 512

/*
 * Run gnuplot in the directory @cwd with @args (NULL-terminated, without the program's name), its
 * standard output being ours. Returns 0 and what it said on standard error in @warnings
 * ([GNUPLOT_WARNINGS], usually empty), or -1 with @err (ERR_PROGRAM): it isn't installed, or it
 * failed, with its own words in the text. When *@stop (NULL: never) becomes set, gnuplot is killed:
 * ERR_INTERRUPTED.
 */
int gnuplot_run(const char *cwd, const char *const *args, volatile const int *stop, char *warnings,
		struct err *err);

#endif
