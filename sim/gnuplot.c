/*
 * gnuplot.c - running the gnuplot program.
 *
 * gnuplot is started directly (no shell) with its standard error in a pipe, so that what it says
 * about a failure becomes part of the error instead of appearing out of nowhere. The user's own
 * ~/.gnuplot is not read (-d) and the locale is fixed: a picture depends on the result and the
 * scripts alone.
 */
#include "sim/gnuplot.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX     16
#define STOP_POLL_MS 50 /* how soon an interrupt is seen */

extern char **environ;

/* A copy of the environment with LC_ALL set; only the array is the caller's to free. */
static char **make_environment(void)
{
	static char locale[] = "LC_ALL=C.UTF-8";
	size_t count = 0, kept = 0, i;
	char **env;

	while (environ[count])
		count++;
	env = calloc(count + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (i = 0; i < count; i++)
		if (strncmp(environ[i], "LC_ALL=", 7))
			env[kept++] = environ[i];
	env[kept] = locale;
	return env;
}

/* Wait until @fd can be read; false once *@stop is set. */
static bool wait_for(int fd, volatile const int *stop)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	int ready;

	do {
		if (stop && *stop)
			return false;
		ready = poll(&poll_fd, 1, STOP_POLL_MS);
	} while (ready == 0 || (ready < 0 && errno == EINTR));
	return true;
}

/*
 * Read @fd to its end; the first GNUPLOT_WARNINGS - 1 bytes are kept, on one line. False if *@stop
 * was set meanwhile.
 */
static bool read_words(int fd, char *words, volatile const int *stop)
{
	char buf[4096];
	size_t kept = 0;
	ssize_t n, i;
	bool going;

	while ((going = wait_for(fd, stop)) && (n = read(fd, buf, sizeof(buf))) > 0) {
		for (i = 0; i < n && kept < GNUPLOT_WARNINGS - 1; i++) {
			if (!isspace((unsigned char)buf[i]))
				words[kept++] = buf[i];
			else if (kept && words[kept - 1] != ' ')
				words[kept++] = ' ';
		}
	}
	while (kept && words[kept - 1] == ' ')
		kept--;
	words[kept] = '\0';
	return going;
}

/*
 * Start gnuplot with its standard error in @pipe_fds, in a process group of its own: it may hang in
 * its handler of Ctrl-C, so the terminal's goes to us alone. Returns 0 or an errno.
 */
static int start(const char *cwd, const char *const *args, const int *pipe_fds, pid_t *pid)
{
	char *argv[ARGS_MAX] = {(char *)"gnuplot", (char *)"-d"};
	char **env = make_environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	unsigned i;
	int error;

	if (!env)
		return ENOMEM;
	for (i = 0; args[i] && i + 3 < ARGS_MAX; i++)
		argv[i + 2] = (char *)args[i]; /* execve() doesn't write to its arguments */
	error = posix_spawnattr_init(&attributes);
	if (error)
		goto out;
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setpgroup(&attributes, 0);
	error = posix_spawn_file_actions_init(&actions);
	if (error)
		goto out_attributes;
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
	if (!error)
		error = posix_spawn_file_actions_addchdir_np(&actions, cwd);
	if (!error)
		error = posix_spawnp(pid, "gnuplot", &actions, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&actions);
out_attributes:
	posix_spawnattr_destroy(&attributes);
out:
	free(env);
	return error;
}

int gnuplot_run(const char *cwd, const char *const *args, volatile const int *stop, char *warnings,
		struct err *err)
{
	int pipe_fds[2];
	int status, error;
	pid_t pid;

	warnings[0] = '\0';
	fflush(NULL); /* what we printed before comes before what it prints */
	if (pipe2(pipe_fds, O_CLOEXEC))
		return err_set(err, ERR_PROGRAM, "gnuplot can't be started: %s", strerror(errno));
	error = start(cwd, args, pipe_fds, &pid);
	close(pipe_fds[1]);
	if (error) {
		close(pipe_fds[0]);
		if (error == ENOENT)
			return err_set(err, ERR_PROGRAM,
				       "gnuplot is not installed (apt-get install gnuplot-nox)");
		return err_set(err, ERR_PROGRAM, "gnuplot can't be started: %s", strerror(error));
	}
	bool interrupted = !read_words(pipe_fds[0], warnings, stop);
	close(pipe_fds[0]);
	if (interrupted)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_set(err, ERR_PROGRAM, "gnuplot: %s", strerror(errno));
	if (interrupted)
		return err_set(err, ERR_INTERRUPTED, "interrupted");
	if (WIFSIGNALED(status))
		return err_set(err, ERR_PROGRAM, "gnuplot was killed by signal %d (%s)",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status))
		return err_set(err, ERR_PROGRAM, "gnuplot failed with status %d: %s",
			       WEXITSTATUS(status), warnings[0] ? warnings : "it gave no reason");
	return 0;
}
