/*
 * child_program.h - test helper: run what must end the program, in a child process.
 */
#ifndef KERN_CHILD_PROGRAM_H
#define KERN_CHILD_PROGRAM_H

#include <stdbool.h>

struct child_end {
	int status;      /* waitpid()'s */
	char text[1024]; /* what it printed on standard error, cut */
};

/* Run @program(@arg) in a child, which exits with 0 if that returns. Leaves no core file. */
void child_run(void (*program)(void *arg), void *arg, struct child_end *end);
/* Did it die of SIGABRT, as a bug does, and say @text? */
bool child_aborted(const struct child_end *end, const char *text);

#endif
