/*
 * child_program.c - see child_program.h.
 */
#include "kern/child_program.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kern/bug.h"

static _Noreturn void be_child(void (*program)(void *arg), void *arg, int out)
{
	const struct rlimit no_core = {0, 0};
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGABRT, SIG_DFL);
	dup2(out, STDERR_FILENO);
	program(arg);
	_exit(0);
}

void child_run(void (*program)(void *arg), void *arg, struct child_end *end)
{
	size_t used = 0;
	int ends[2];
	fflush(NULL);
	BUG_ON(pipe(ends) != 0, "no pipe to a child");
	pid_t pid = fork();
	BUG_ON(pid < 0, "no child");
	if (pid == 0)
		be_child(program, arg, ends[1]);
	close(ends[1]);
	for (ssize_t n; used < sizeof(end->text) - 1; used += (size_t)n) {
		n = read(ends[0], end->text + used, sizeof(end->text) - 1 - used);
		if (n <= 0)
			break;
	}
	end->text[used] = '\0';
	close(ends[0]);
	BUG_ON(waitpid(pid, &end->status, 0) != pid, "the child is lost");
}

bool child_aborted(const struct child_end *end, const char *text)
{
	return WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGABRT &&
	       strstr(end->text, text) != NULL;
}
