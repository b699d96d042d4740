/*
 * expr.h - constraints of a sweep: "slab.min_order <= slab.max_order or trace == 'web'".
 *
 * A constraint is a condition on the resolved configuration of a point. Everything that can be
 * wrong with it whatever the point, unknown keys, texts compared with numbers, bytes added to
 * nanoseconds, is found when it is parsed.
 */
#ifndef SIM_SWEEP_EXPR_H
#define SIM_SWEEP_EXPR_H

#include <stdbool.h>
#include <stdint.h>

#include "kern/err.h"
#include "sim/config.h"

#define EXPR_NODES_MAX 256
#define EXPR_DEPTH_MAX 32

/* What names mean beside keys of the configuration. */
struct expr_scope {
	const struct config *base; /* has the keys */
	const char *const *traces; /* that `trace` may be; none: there is no `trace` */
	unsigned traces_count;
	bool has_repeat;
};

struct expr;

/*
 * Parse @text. NULL if something is wrong: then @err (ERR_CONFIG, ERR_IO without memory) says what
 * and *@column, from 1, where in @text. Nothing of @scope is kept.
 */
struct expr *expr_parse(const char *text, const struct expr_scope *scope, unsigned *column,
			struct err *err);
void expr_free(struct expr *e); /* NULL is fine */

/*
 * Does it hold for @c, the trace @trace (NULL without) and the repetition @repeat? 1, 0, or -1 with
 * @err and *@column as above: a division by zero, or a comparison with something that is auto.
 */
int expr_holds(const struct expr *e, const struct config *c, const char *trace, uint64_t repeat,
	       unsigned *column, struct err *err);

#endif
