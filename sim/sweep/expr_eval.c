/*
 * expr_eval.c - whether a constraint holds for a configuration: see expr.h.
 *
 * A walk from the root. `and` and `or` look at their right side only if the left one leaves the
 * answer open, so that
 *
 *   slab.cpu_partial == 'auto' or slab.cpu_partial <= 8
 *
 * never compares the word with 8. Types were checked when the tree was made; only two things
 * depend on the point: a number that is a word there, and a divisor that is zero.
 *
 * Cost: a key is looked up by its name, about half a microsecond.
 */
#include <string.h>

#include "sim/sweep/expr_impl.h"

struct evaluation {
	const struct expr *e;
	const struct config *c;
	const char *trace;
	uint64_t repeat;
	unsigned column; /* of the mistake */
	struct err *err;
};

static int value_of(struct evaluation *ev, unsigned index, struct config_value *v);

static int fail(struct evaluation *ev, const struct expr_node *n, const char *what)
{
	ev->column = n->column;
	return err_set(ev->err, ERR_CONFIG, "%s", what);
}

static int key_value(struct evaluation *ev, const struct expr_node *n, struct config_value *v)
{
	struct config_key key;
	struct err err = {0};
	if (config_key_find(ev->c, n->text, &key, &err) != 0)
		return fail(ev, n, err.text);
	config_key_value(&key, v);
	return 0;
}

/* The value of a number, which must be one for this point. */
static int number_of(struct evaluation *ev, unsigned index, double *number)
{
	const struct expr_node *n = &ev->e->nodes[index];
	struct config_value v;
	char what[CONFIG_TEXT + 160];
	if (value_of(ev, index, &v) != 0)
		return -1;
	*number = v.number;
	if (v.kind == CONFIG_VALUE_NUMBER)
		return 0;
	snprintf(what, sizeof(what), "%s is %.16s here, which only == and != '%.16s' compare",
		 n->text, v.text, v.text);
	return fail(ev, n, what);
}

static int arithmetic(struct evaluation *ev, const struct expr_node *n, struct config_value *v)
{
	double a, b;
	v->kind = CONFIG_VALUE_NUMBER;
	if (number_of(ev, n->left, &a) != 0 || number_of(ev, n->right, &b) != 0)
		return -1;
	if (n->op == EXPR_DIV && !(b < 0 || b > 0))
		return fail(ev, n, "divides by zero");
	v->number = n->op == EXPR_ADD	   ? a + b
		    : n->op == EXPR_SUB	   ? a - b
		    : n->op == EXPR_MUL	   ? a * b
		    : n->op == EXPR_DIV	   ? a / b
					   : -a;
	return 0;
}

static int condition(struct evaluation *ev, unsigned index)
{
	struct config_value v;
	if (value_of(ev, index, &v) != 0)
		return -1;
	return v.number != 0;
}

/* == of what need not be a number: 1, 0 or -1. */
static int is_equal(struct evaluation *ev, const struct expr_node *n)
{
	struct config_value a, b;
	if (value_of(ev, n->left, &a) != 0 || value_of(ev, n->right, &b) != 0)
		return -1;
	bool a_text = a.kind == CONFIG_VALUE_TEXT || a.kind == CONFIG_VALUE_WORD;
	bool b_text = b.kind == CONFIG_VALUE_TEXT || b.kind == CONFIG_VALUE_WORD;
	if (a_text && b_text)
		return strcmp(a.text, b.text) == 0;
	return !a_text && !b_text && !(a.number < b.number || a.number > b.number);
}

static int compare(struct evaluation *ev, const struct expr_node *n)
{
	double a, b;
	if (n->op == EXPR_EQ)
		return is_equal(ev, n);
	if (n->op == EXPR_NE) {
		int equal = is_equal(ev, n);
		return equal < 0 ? -1 : !equal;
	}
	if (number_of(ev, n->left, &a) != 0 || number_of(ev, n->right, &b) != 0)
		return -1;
	return n->op == EXPR_LT ? a < b : n->op == EXPR_LE ? a <= b : n->op == EXPR_GT ? a > b
										       : a >= b;
}

static int logic(struct evaluation *ev, const struct expr_node *n)
{
	int left;
	switch (n->op) {
	case EXPR_TRUE:
	case EXPR_FALSE:
		return n->op == EXPR_TRUE;
	case EXPR_OR:
	case EXPR_AND:
		left = condition(ev, n->left);
		return left < 0 || left == (n->op == EXPR_OR) ? left : condition(ev, n->right);
	case EXPR_NOT:
		left = condition(ev, n->left);
		return left < 0 ? -1 : !left;
	default:
		return compare(ev, n);
	}
}

static int value_of(struct evaluation *ev, unsigned index, struct config_value *v)
{
	const struct expr_node *n = &ev->e->nodes[index];
	switch (n->op) {
	case EXPR_NUMBER:
		v->kind = CONFIG_VALUE_NUMBER;
		v->number = n->number;
		return 0;
	case EXPR_REPEAT:
		v->kind = CONFIG_VALUE_NUMBER;
		v->number = (double)ev->repeat;
		return 0;
	case EXPR_TEXT:
	case EXPR_TRACE:
		v->kind = CONFIG_VALUE_TEXT;
		snprintf(v->text, sizeof(v->text), "%s", n->op == EXPR_TEXT ? n->text : ev->trace);
		return 0;
	case EXPR_KEY:
		return key_value(ev, n, v);
	case EXPR_ADD:
	case EXPR_SUB:
	case EXPR_MUL:
	case EXPR_DIV:
	case EXPR_NEGATE:
		return arithmetic(ev, n, v);
	default:
		break;
	}
	int holds = logic(ev, n);
	v->kind = CONFIG_VALUE_BOOL;
	v->number = holds;
	return holds < 0 ? -1 : 0;
}

int expr_holds(const struct expr *e, const struct config *c, const char *trace, uint64_t repeat,
	       unsigned *column, struct err *err)
{
	struct evaluation ev = {e, c, trace ? trace : "", repeat, 1, err};
	int holds = condition(&ev, e->root);
	*column = ev.column;
	return holds;
}
