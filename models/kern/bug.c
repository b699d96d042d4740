/*
 * bug.c - see bug.h.
 */
#include "kern/bug.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void (*bug_context)(void);

_Noreturn void bug(const char *file, int line, const char *fmt, ...)
{
	fprintf(stderr, "allocsim: internal error at %s:%d: ", file, line);
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (bug_context)
		bug_context();
	abort();
}
