/*
 * err.h - bad input and host failures, as text that is ready to be shown.
 *
 * Four kinds of trouble are kept apart. A bug in allocsim aborts (BUG_ON in bug.h). Bad input and a
 * failure of the host (disk full) fill a struct err and return -1. A modelled outcome, such as an
 * allocation that finds no page, is a result and never an error.
 */
#ifndef KERN_ERR_H
#define KERN_ERR_H

/* Exit status of the program for each kind of error; the numbers are sysexits(3)'s. */
enum err_code {
	ERR_NONE = 0,
	ERR_DIFFERENCE = 1,   /* a comparison or check found a difference */
	ERR_USAGE = 64,       /* wrong command line */
	ERR_TRACE = 65,       /* a trace is malformed, truncated or corrupt */
	ERR_NO_INPUT = 66,    /* an input file is missing or unreadable */
	ERR_PROGRAM = 69,     /* a program that is needed (gnuplot) is not there */
	ERR_INTERNAL = 70,    /* an invariant of allocsim itself broke */
	ERR_CANT_CREATE = 73, /* an output file or directory can't be made */
	ERR_IO = 74,          /* writing failed: disk full, device error */
	ERR_INTERRUPTED = 75, /* stopped by a signal; nothing half-written */
	ERR_CONFIG = 78,      /* a configuration is wrong */
};

struct err {
	enum err_code code;
	char text[1024]; /* complete, without newline: "file.yaml:3:5: machine.cpus: ..." */
};

/*
 * Fill @err (which may be NULL) and return -1, so that callers can `return err_set(...)`. An error
 * that is already set is kept: the first cause is the one worth showing. Over-long text is cut.
 */
int err_set(struct err *err, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
