/*
 * main.c - the command line: choose a verb, run it, print its error, exit.
 *
 * Results go to standard output, everything else to standard error. The exit status is the code of
 * the error (kern/err.h).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/cmd.h"
#include "sim/suggest.h"

volatile int cmd_stop;
static bool error_shown; /* one line for one failure */

static const struct command commands[] = {
	{"import", "turn a recorded text trace into a binary one", cmd_import},
	{"run", "simulate a configuration", cmd_run},
	{"compare", "say and draw what differs between results", cmd_compare},
	{"sweep", "plan, run and collect many runs of one configuration", cmd_sweep},
	{"plot", "draw the pictures of a result, or figures of many against a parameter", cmd_plot},
	{"report", "write results and sweeps as one page of HTML", cmd_report},
	{"classes", "find the kmalloc size classes that waste least on a trace", cmd_classes},
	{"validate", "say everything that is wrong with a configuration", cmd_validate},
	{"list", "list allocators, machines, workloads, sweeps, metrics, plots, formats", cmd_list},
};

static int fail(const struct err *err)
{
	/* Without a text, standard output has said it all. */
	if (err->text[0]) {
		fprintf(stderr, "allocsim: %s\n", err->text);
		error_shown = true;
	}
	return err->code;
}

/* Also on the ways out that argp takes by itself, as for --help. */
static void check_stdout(void)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || error_shown)
		return;
	fprintf(stderr, "allocsim: cannot write to standard output\n");
	_exit(ERR_IO);
}

static void print_help(FILE *out)
{
	fprintf(out,
		"Usage: allocsim COMMAND [OPTION...] [ARGUMENT...]\n"
		"Replay recorded kernel memory traces, and workloads in YAML, against real\n"
		"implementations of kernel allocators on a simulated machine.\n\n"
		"Commands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].summary);
	fprintf(out,
		"\n`allocsim COMMAND --help` shows a command's options and examples.\n\n"
		"Exit status: 0 ok, 1 a difference was found, 64 wrong usage, 65 bad trace,\n"
		"66 missing input, 69 a needed program is absent, 70 an internal invariant\n"
		"broke, 73 or 74 output failed, 75 interrupted, 78 bad configuration.\n");
}

static void on_signal(int sig)
{
	cmd_stop = sig;
}

/* The first signal asks, a second one ends the program at once. What nohup ignores stays ignored.
 */
static void catch_signal(int sig)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}, old;
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(sig, &action, NULL);
}

/* Those that are closed stay useless, but no other file may get their numbers, and our messages. */
static void keep_standard_files(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
	}
}

bool cmd_progress_wanted(void)
{
	return isatty(STDERR_FILENO) && !getenv("ALLOCSIM_NO_PROGRESS");
}

static int unknown_command(const char *name)
{
	const char *names[sizeof(commands) / sizeof(commands[0])];
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		names[i] = commands[i].name;
	const char *near = suggest_nearest(name, names, sizeof(commands) / sizeof(commands[0]));
	fprintf(stderr, "allocsim: unknown command '%s'", name);
	if (strcmp(name, "curve") == 0 || strcmp(name, "scaling") == 0) /* of earlier versions */
		fprintf(stderr, "; did you mean 'plot --x KEY --y FIGURE'?");
	else if (near)
		fprintf(stderr, "; did you mean '%s'?", near);
	fprintf(stderr, " (see allocsim --help)\n");
	return ERR_USAGE;
}

static int run_command(const struct command *c, int argc, char **argv)
{
	char name[64];
	struct err err = {.code = ERR_NONE};
	snprintf(name, sizeof(name), "allocsim %s", c->name);
	argv[1] = name;
	if (c->run(argc - 1, argv + 1, &err) == 0)
		return 0;
	if (cmd_stop && err.code != ERR_INTERRUPTED) /* as when gnuplot got the signal, too */
		err = (struct err){.code = ERR_INTERRUPTED, .text = "interrupted"};
	return fail(&err);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	}
	return NULL;
}

/* `allocsim help`, or `allocsim help COMMAND`. */
static int help(int argc, char **argv)
{
	static char option[] = "--help";
	const struct command *c = argc > 2 ? find_command(argv[2]) : NULL;
	if (argc > 2 && !c)
		return unknown_command(argv[2]);
	if (c) {
		argv[2] = option;
		return run_command(c, 3, argv);
	}
	print_help(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	catch_signal(SIGINT);
	catch_signal(SIGTERM);
	catch_signal(SIGHUP);
	keep_standard_files();
	signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of writing, reported like others */
	signal(SIGXFSZ, SIG_IGN); /* likewise a file that exceeds the limit */
	if (atexit(check_stdout) != 0)
		return ERR_INTERNAL;
	if (argc < 2) {
		print_help(stderr);
		return ERR_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "help") == 0)
		return help(argc, argv);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
		printf("allocsim " ALLOCSIM_VERSION "\n");
		return 0;
	}
	const struct command *c = find_command(argv[1]);
	return c ? run_command(c, argc, argv) : unknown_command(argv[1]);
}
