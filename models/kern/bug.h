/*
 * bug.h - what happens when allocsim itself is wrong: stop at once and say everything that is
 * known.
 *
 * These checks stay on in release builds. A handler that knows the simulated time, CPU, operation
 * number and seed is installed by the simulator (bug_context); native builds and unit tests run
 * without one.
 */
#ifndef KERN_BUG_H
#define KERN_BUG_H

/* Called before abort() to print where the simulation was; NULL outside a simulation. */
extern void (*bug_context)(void);

_Noreturn void bug(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define BUG(...) bug(__FILE__, __LINE__, __VA_ARGS__)

/* Abort with the given text if @cond holds. */
#define BUG_ON(cond, ...)                                                                          \
	do {                                                                                       \
		if (__builtin_expect(!!(cond), 0))                                                 \
			BUG(__VA_ARGS__);                                                          \
	} while (0)

#endif
