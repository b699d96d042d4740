/*
 * expr.c - constraints of a sweep as trees: see expr.h. Evaluation is in expr_eval.c.
 *
 * The grammar, from what binds least to what binds most, one function each:
 *
 *   or      and { "or" and }
 *   and     not { "and" not }
 *   not     "not" not | compare
 *   compare sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
 *   sum     term { ("+" | "-") term }
 *   term    sign { ("*" | "/") sign }
 *   sign    "-" sign | primary
 *   primary NUMBER [UNIT] | 'text' | KEY | trace | repeat | true | false | "(" or ")"
 *
 * Each node has a type (number, condition, text) and numbers have a unit, both known when the node
 * is made, so that a sweep with a wrong constraint is refused before any point is made:
 *
 *   machine.memory >= 256MiB * machine.cpus     bytes >= bytes * plain: fine
 *   machine.memory >= 256                       bytes >= plain: refused, as a file would be
 *   slab.max_order == 'auto'                    the word of a number: fine
 *   slab.allocator == 3                         text == number: refused
 *
 * Numbers are doubles in base units; sums, products and quotients of doubles are the same on every
 * host. MODEL: integers above 2^53 (seeds) are compared as the nearest double.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/suggest.h"
#include "sim/sweep/expr_impl.h"

#define NONE UINT32_MAX

struct parser {
	const char *text, *at;
	const struct expr_scope *scope;
	struct expr *e;
	unsigned depth;
	unsigned column; /* of the mistake */
	struct err *err;
};

static unsigned column_at(const struct parser *p, const char *at)
{
	return (unsigned)(at - p->text) + 1;
}

__attribute__((format(printf, 3, 4)))
static unsigned wrong(struct parser *p, unsigned column, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!p->column)
		p->column = column;
	err_set(p->err, ERR_CONFIG, "%s", text);
	return NONE;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
		p->at++;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '[' || c == ']';
}

/* Pass over @word if it comes next: a whole one, if it is of letters. */
static bool take(struct parser *p, const char *word)
{
	size_t length = strlen(word);
	skip_blanks(p);
	if (strncmp(p->at, word, length) != 0 ||
	    (isalpha((unsigned char)*word) && is_name_char(p->at[length])))
		return false;
	p->at += length;
	return true;
}

static unsigned node_add(struct parser *p, enum expr_op op, enum expr_type type, unsigned column)
{
	if (p->e->count == EXPR_NODES_MAX)
		return wrong(p, column, "the condition is too long");
	p->e->nodes[p->e->count] = (struct expr_node){.op = op, .type = type, .column = column};
	return p->e->count++;
}

static unsigned join(struct parser *p, enum expr_op op, enum expr_type type, unsigned column,
		     unsigned left, unsigned right)
{
	unsigned n = node_add(p, op, type, column);
	if (n == NONE)
		return NONE;
	p->e->nodes[n].left = left;
	p->e->nodes[n].right = right;
	return n;
}

/* --- types and units -------------------------------------------------------------------------- */

static const char *type_name(const struct expr_node *n)
{
	static const char *const units[UNIT_KINDS] = {
		[UNIT_COUNT] = "a plain number", [UNIT_BYTES] = "a number of bytes",
		[UNIT_DURATION] = "a time",      [UNIT_FREQUENCY] = "a frequency",
		[UNIT_RATE] = "a rate",          [UNIT_BANDWIDTH] = "a bandwidth",
	};
	return n->type == EXPR_IS_TEXT ? "a text" : n->type == EXPR_IS_BOOL ? "a condition"
									   : units[n->unit];
}

static bool need(struct parser *p, unsigned index, enum expr_type type, const char *what)
{
	const struct expr_node *n = &p->e->nodes[index];
	if (n->type == type)
		return true;
	wrong(p, n->column, "is %s, where %s is needed", type_name(n), what);
	return false;
}

/* The word that may stand for the number of a key, such as auto; NULL: none. */
static const char *word_of(const struct expr_node *n)
{
	uint64_t value;
	return n->op == EXPR_KEY ? schema_word(n->field, &value) : NULL;
}

/* A literal that what it is compared with, @other, can never be. */
static bool check_literal(struct parser *p, const struct expr_node *literal,
			  const struct expr_node *other)
{
	const char *const *names = NULL;
	unsigned count = 0;
	if (literal->op != EXPR_TEXT)
		return true;
	if (other->op == EXPR_TRACE) {
		names = p->scope->traces;
		count = p->scope->traces_count;
	} else if (other->op == EXPR_KEY && other->field->names) {
		names = other->field->names;
		count = other->field->names_count;
	}
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(names[i], literal->text) == 0)
			return true;
	}
	if (!names)
		return true;
	const char *near = suggest_nearest(literal->text, names, count);
	wrong(p, literal->column, "%s is never '%.64s'%s%.64s%s",
	      other->op == EXPR_TRACE ? "trace" : other->text, literal->text,
	      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return false;
}

/* A number's key beside a text: only its word, only == and !=. */
static bool check_word(struct parser *p, const struct expr_node *key, const struct expr_node *text,
		       enum expr_op op)
{
	const char *word = word_of(key);
	if (!word || text->op != EXPR_TEXT || (op != EXPR_EQ && op != EXPR_NE))
		return false;
	if (strcmp(text->text, word) == 0)
		return true;
	wrong(p, text->column, "%s is a number or '%s', never '%.64s'", key->text, word,
	      text->text);
	return false;
}

static bool check_compare(struct parser *p, enum expr_op op, unsigned column, unsigned left,
			  unsigned right)
{
	const struct expr_node *a = &p->e->nodes[left], *b = &p->e->nodes[right];
	bool ordered = op != EXPR_EQ && op != EXPR_NE;
	if ((a->type == EXPR_IS_NUMBER && check_word(p, a, b, op)) ||
	    (b->type == EXPR_IS_NUMBER && check_word(p, b, a, op)))
		return true;
	if (a->type != b->type || a->unit != b->unit) {
		wrong(p, column, "compares %s with %s", type_name(a), type_name(b));
		return false;
	}
	if (ordered && a->type != EXPR_IS_NUMBER) {
		wrong(p, column, "%ss have no order; only == and != compare them",
		      a->type == EXPR_IS_TEXT ? "text" : "condition");
		return false;
	}
	return check_literal(p, a, b) && check_literal(p, b, a);
}

/* The unit of a sum, product or quotient; false if there is none. */
static bool unit_of(struct parser *p, enum expr_op op, const struct expr_node *a,
		    const struct expr_node *b, enum unit *unit)
{
	*unit = a->unit;
	if (op == EXPR_ADD || op == EXPR_SUB || (op == EXPR_DIV && b->unit != UNIT_COUNT)) {
		if (op == EXPR_DIV)
			*unit = UNIT_COUNT;
		return a->unit == b->unit;
	}
	if (op == EXPR_MUL && a->unit == UNIT_COUNT)
		*unit = b->unit;
	return a->unit == UNIT_COUNT || b->unit == UNIT_COUNT;
}

static unsigned arithmetic(struct parser *p, enum expr_op op, unsigned column, unsigned left,
			   unsigned right)
{
	static const char *const verbs[] = {
		[EXPR_ADD] = "adds", [EXPR_SUB] = "subtracts", [EXPR_MUL] = "multiplies",
		[EXPR_DIV] = "divides"};
	enum unit unit;
	if (left == NONE || right == NONE || !need(p, left, EXPR_IS_NUMBER, "a number") ||
	    !need(p, right, EXPR_IS_NUMBER, "a number"))
		return NONE;
	const struct expr_node *a = &p->e->nodes[left], *b = &p->e->nodes[right];
	if (!unit_of(p, op, a, b, &unit))
		return wrong(p, column, "%s %s and %s", verbs[op], type_name(a), type_name(b));
	unsigned n = join(p, op, EXPR_IS_NUMBER, column, left, right);
	if (n != NONE)
		p->e->nodes[n].unit = unit;
	return n;
}

/* --- the grammar ------------------------------------------------------------------------------ */

static unsigned parse_or(struct parser *p);

/* "/s" and the like directly behind a number belong to it. */
static size_t rate_length(const char *at)
{
	static const char *const rates[] = {"/s", "/ms", "/us"};
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		size_t length = strlen(rates[i]);
		if (strncmp(at, rates[i], length) == 0 && !is_name_char(at[length]))
			return length;
	}
	return 0;
}

static unsigned parse_number(struct parser *p)
{
	const char *begin = p->at;
	unsigned column = column_at(p, begin);
	char text[64], why[UNITS_WHY];
	while (isdigit((unsigned char)*p->at) || *p->at == '.')
		p->at++;
	while (isalpha((unsigned char)*p->at))
		p->at++;
	p->at += rate_length(p->at);
	if ((size_t)(p->at - begin) >= sizeof(text) || is_name_char(*p->at))
		return wrong(p, column, "is no number");
	snprintf(text, sizeof(text), "%.*s", (int)(p->at - begin), begin);
	double value;
	for (enum unit unit = UNIT_COUNT; unit < UNIT_KINDS; unit++) {
		if (units_parse_double(unit, text, &value, why) != 0)
			continue;
		unsigned n = node_add(p, EXPR_NUMBER, EXPR_IS_NUMBER, column);
		if (n != NONE) {
			p->e->nodes[n].number = value;
			p->e->nodes[n].unit = unit;
		}
		return n;
	}
	return wrong(p, column, "'%s' is no number with a unit that is known", text);
}

static unsigned text_node(struct parser *p, enum expr_op op, enum expr_type type, unsigned column,
			  const char *text, size_t length)
{
	unsigned n = node_add(p, op, type, column);
	if (n == NONE)
		return NONE;
	p->e->nodes[n].text = strndup(text, length);
	if (p->e->nodes[n].text)
		return n;
	err_set(p->err, ERR_IO, "out of memory");
	return NONE;
}

static unsigned parse_text(struct parser *p)
{
	unsigned column = column_at(p, p->at);
	char quote = *p->at++;
	const char *begin = p->at, *end = strchr(begin, quote);
	if (!end)
		return wrong(p, column, "the text has no end: %c is missing", quote);
	p->at = end + 1;
	return text_node(p, EXPR_TEXT, EXPR_IS_TEXT, column, begin, (size_t)(end - begin));
}

static unsigned key_node(struct parser *p, unsigned n)
{
	struct expr_node *node = &p->e->nodes[n];
	struct config_key key;
	struct config_value value;
	struct err err = {0};
	if (config_key_find(p->scope->base, node->text, &key, &err) != 0)
		return wrong(p, node->column, "%s", err.text);
	node->field = key.field;
	config_key_value(&key, &value);
	switch (value.kind) {
	case CONFIG_VALUE_NONE:
		return wrong(p, node->column, "%s has no single value to compare", node->text);
	case CONFIG_VALUE_NUMBER:
	case CONFIG_VALUE_WORD:
		node->type = EXPR_IS_NUMBER;
		node->unit = key.field->unit;
		break;
	case CONFIG_VALUE_BOOL:
		node->type = EXPR_IS_BOOL;
		break;
	case CONFIG_VALUE_TEXT:
		node->type = EXPR_IS_TEXT;
		break;
	}
	return n;
}

static unsigned parse_name(struct parser *p)
{
	const char *begin = p->at;
	unsigned column = column_at(p, begin);
	if (take(p, "true"))
		return node_add(p, EXPR_TRUE, EXPR_IS_BOOL, column);
	if (take(p, "false"))
		return node_add(p, EXPR_FALSE, EXPR_IS_BOOL, column);
	if (take(p, "trace"))
		return p->scope->traces_count
			       ? node_add(p, EXPR_TRACE, EXPR_IS_TEXT, column)
			       : wrong(p, column, "the sweep has no traces");
	if (take(p, "repeat"))
		return p->scope->has_repeat ? node_add(p, EXPR_REPEAT, EXPR_IS_NUMBER, column)
					    : wrong(p, column, "the sweep has no seeds");
	while (is_name_char(*p->at))
		p->at++;
	unsigned n = text_node(p, EXPR_KEY, EXPR_IS_NUMBER, column, begin,
			       (size_t)(p->at - begin));
	return n == NONE ? NONE : key_node(p, n);
}

static unsigned parse_primary(struct parser *p)
{
	skip_blanks(p);
	unsigned column = column_at(p, p->at);
	if (take(p, "(")) {
		if (p->depth == EXPR_DEPTH_MAX)
			return wrong(p, column, "is nested too deeply");
		p->depth++;
		unsigned n = parse_or(p);
		p->depth--;
		if (n != NONE && !take(p, ")"))
			return wrong(p, column, "the parenthesis is not closed");
		return n;
	}
	if (isdigit((unsigned char)*p->at) || *p->at == '.')
		return parse_number(p);
	if (*p->at == '\'' || *p->at == '"')
		return parse_text(p);
	if (isalpha((unsigned char)*p->at) || *p->at == '_')
		return parse_name(p);
	if (!*p->at)
		return wrong(p, column, "ends where a value is missing");
	return wrong(p, column, "a value is missing here");
}

static unsigned parse_sign(struct parser *p)
{
	skip_blanks(p);
	unsigned column = column_at(p, p->at), signs = 0;
	while (take(p, "-"))
		signs++;
	unsigned n = parse_primary(p);
	if (n == NONE || !(signs & 1))
		return n != NONE && signs && !need(p, n, EXPR_IS_NUMBER, "a number") ? NONE : n;
	if (!need(p, n, EXPR_IS_NUMBER, "a number"))
		return NONE;
	unsigned negated = join(p, EXPR_NEGATE, EXPR_IS_NUMBER, column, n, n);
	if (negated != NONE)
		p->e->nodes[negated].unit = p->e->nodes[n].unit;
	return negated;
}

/* Operands of @next with either of two operators between them, from left to right. */
static unsigned parse_chain(struct parser *p, unsigned (*next)(struct parser *p), const char *one,
			    enum expr_op one_op, const char *other, enum expr_op other_op)
{
	unsigned n = next(p);
	while (n != NONE) {
		skip_blanks(p);
		unsigned column = column_at(p, p->at);
		if (take(p, one))
			n = arithmetic(p, one_op, column, n, next(p));
		else if (take(p, other))
			n = arithmetic(p, other_op, column, n, next(p));
		else
			break;
	}
	return n;
}

static unsigned parse_term(struct parser *p)
{
	return parse_chain(p, parse_sign, "*", EXPR_MUL, "/", EXPR_DIV);
}

static unsigned parse_sum(struct parser *p)
{
	return parse_chain(p, parse_term, "+", EXPR_ADD, "-", EXPR_SUB);
}

/* The comparison that comes next; those of two characters first. */
static bool take_compare(struct parser *p, enum expr_op *op)
{
	static const struct {
		const char *sign;
		enum expr_op op;
	} signs[] = {{"==", EXPR_EQ}, {"!=", EXPR_NE}, {"<=", EXPR_LE},
		     {">=", EXPR_GE}, {"<", EXPR_LT},  {">", EXPR_GT}};
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (take(p, signs[i].sign)) {
			*op = signs[i].op;
			return true;
		}
	}
	return false;
}

static unsigned parse_compare(struct parser *p)
{
	enum expr_op op;
	unsigned left = parse_sum(p);
	skip_blanks(p);
	unsigned column = column_at(p, p->at);
	if (left == NONE)
		return NONE;
	if (!take_compare(p, &op)) {
		if (*p->at == '=')
			return wrong(p, column, "equality is written ==");
		return left;
	}
	unsigned right = parse_sum(p);
	if (right == NONE || !check_compare(p, op, column, left, right))
		return NONE;
	skip_blanks(p);
	column = column_at(p, p->at);
	enum expr_op second;
	if (take_compare(p, &second))
		return wrong(p, column, "a second comparison; join two by `and`");
	return join(p, op, EXPR_IS_BOOL, p->e->nodes[left].column, left, right);
}

static unsigned parse_not(struct parser *p)
{
	skip_blanks(p);
	unsigned column = column_at(p, p->at);
	if (!take(p, "not"))
		return parse_compare(p);
	if (p->depth == EXPR_DEPTH_MAX)
		return wrong(p, column, "is nested too deeply");
	p->depth++;
	unsigned n = parse_not(p);
	p->depth--;
	if (n == NONE || !need(p, n, EXPR_IS_BOOL, "a condition"))
		return NONE;
	return join(p, EXPR_NOT, EXPR_IS_BOOL, column, n, n);
}

/* Conditions joined by @word. */
static unsigned parse_joined(struct parser *p, const char *word, enum expr_op op,
			     unsigned (*operand)(struct parser *p))
{
	unsigned n = operand(p);
	while (n != NONE) {
		skip_blanks(p);
		unsigned column = column_at(p, p->at);
		if (!take(p, word))
			break;
		unsigned right = operand(p);
		if (right == NONE || !need(p, n, EXPR_IS_BOOL, "a condition") ||
		    !need(p, right, EXPR_IS_BOOL, "a condition"))
			return NONE;
		n = join(p, op, EXPR_IS_BOOL, column, n, right);
	}
	return n;
}

static unsigned parse_and(struct parser *p)
{
	return parse_joined(p, "and", EXPR_AND, parse_not);
}

static unsigned parse_or(struct parser *p)
{
	return parse_joined(p, "or", EXPR_OR, parse_and);
}

struct expr *expr_parse(const char *text, const struct expr_scope *scope, unsigned *column,
			struct err *err)
{
	struct expr *e = calloc(1, sizeof(*e));
	struct parser p = {.text = text, .at = text, .scope = scope, .e = e, .err = err};
	*column = 1;
	if (!e) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	e->root = parse_or(&p);
	skip_blanks(&p);
	if (e->root != NONE && *p.at)
		e->root = wrong(&p, column_at(&p, p.at), "is followed by something else");
	if (e->root != NONE && need(&p, e->root, EXPR_IS_BOOL, "a condition"))
		return e;
	*column = p.column ? p.column : 1;
	expr_free(e);
	return NULL;
}

void expr_free(struct expr *e)
{
	for (unsigned i = 0; e && i < e->count; i++)
		free(e->nodes[i].text);
	free(e);
}
