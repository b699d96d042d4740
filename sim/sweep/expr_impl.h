/*
 * expr_impl.h - the tree of a constraint: expr.c makes it, expr_eval.c walks it.
 */
#ifndef SIM_SWEEP_EXPR_IMPL_H
#define SIM_SWEEP_EXPR_IMPL_H

#include "sim/config_key.h"
#include "sim/sweep/expr.h"

enum expr_op {
	EXPR_OR,
	EXPR_AND,
	EXPR_NOT,
	EXPR_EQ,
	EXPR_NE,
	EXPR_LE,
	EXPR_GE,
	EXPR_LT,
	EXPR_GT,
	EXPR_ADD,
	EXPR_SUB,
	EXPR_MUL,
	EXPR_DIV,
	EXPR_NEGATE,
	EXPR_NUMBER,
	EXPR_TEXT,
	EXPR_TRUE,
	EXPR_FALSE,
	EXPR_KEY,
	EXPR_TRACE,
	EXPR_REPEAT,
};

enum expr_type { EXPR_IS_NUMBER, EXPR_IS_BOOL, EXPR_IS_TEXT };

struct expr_node {
	enum expr_op op;
	enum expr_type type;
	enum unit unit;           /* of a number; UNIT_COUNT: a plain one */
	unsigned column;          /* of its first character, or of the operator */
	unsigned left, right;     /* nodes; of one operand: left */
	double number;            /* NUMBER */
	char *text;               /* TEXT, KEY; heap */
	const struct field *field; /* KEY */
};

struct expr {
	struct expr_node nodes[EXPR_NODES_MAX];
	unsigned count, root;
};

#endif
