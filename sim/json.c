/*
 * json.c - a streaming JSON writer.
 *
 * A document is written as it is told, container by container; nothing is kept but one level record
 * per open container: whether it is an array (then members have no key), whether it is written on
 * one line, and how many members it has so far, which decides about the comma and the line break
 * before the next one. Level 0 stands for the document itself, which has exactly one value.
 *
 * What is inside a compact array is compact too, so a histogram [[1, 5], [2, 9]] takes one line. A
 * non-compact array breaks the line before each of its members.
 *
 * The text is a function of the calls alone: integers are whole, doubles have the shortest digits
 * that read back as the same double (so the printed text doesn't depend on how a C library rounds
 * at a fixed precision), and the decimal point is a point in every locale. Wrong nesting or a key
 * where none belongs is a bug of the caller and stops the program; a failing stream is not, it is
 * left in ferror().
 *
 * It does not check for duplicate keys.
 */
#include "sim/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kern/bug.h"

void json_init(struct json *j, FILE *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
	j->level[0].array = true; /* a value at the top has no key */
}

void json_init_line(struct json *j, FILE *out)
{
	json_init(j, out);
	j->level[0].compact = true;
}

void json_finish(struct json *j)
{
	BUG_ON(j->depth != 0, "JSON document finished with %u containers open", j->depth);
	BUG_ON(j->level[0].count != 1, "JSON document without a value");
	fputc('\n', j->out);
}

static void line_break(struct json *j)
{
	fprintf(j->out, "\n%*s", (int)(2 * j->depth), "");
}

/* The bytes of the UTF-8 sequence at @s (NUL-terminated), 0 if it is none. */
static unsigned utf8_bytes(const unsigned char *s)
{
	unsigned count, i;
	uint32_t code;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		count = 2;
		code = s[0] & 0x1f;
	} else if (s[0] >= 0xe0 && s[0] <= 0xef) {
		count = 3;
		code = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		count = 4;
		code = s[0] & 0x07;
	} else {
		return 0;
	}
	for (i = 1; i < count; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	/* Overlong forms, surrogates and what lies beyond Unicode. */
	if ((count == 3 && code < 0x800) || (count == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return count;
}

static void write_escaped(FILE *out, const char *text)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const unsigned char *s = (const unsigned char *)text;
	const char *found;
	unsigned count;

	fputc('"', out);
	for (; *s; s += count) {
		count = utf8_bytes(s);
		if (!count) {
			fputs("\xef\xbf\xbd", out);
			count = 1;
			continue;
		}
		found = strchr(special, *s);
		if (found)
			fprintf(out, "\\%c", letters[found - special]);
		else if (*s < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*s);
		else
			fwrite(s, 1, count, out);
	}
	fputc('"', out);
}

/* Everything that comes before a value: comma, line break, key. */
static void value_begin(struct json *j, const char *key)
{
	BUG_ON(j->level[j->depth].array && key, "JSON key \"%s\" inside an array", key);
	BUG_ON(!j->level[j->depth].array && !key, "JSON member without a key");
	BUG_ON(j->depth == 0 && j->level[0].count, "second value in a JSON document");
	if (j->level[j->depth].count++)
		fputs(j->level[j->depth].compact ? ", " : ",", j->out);
	if (j->depth > 0 && !j->level[j->depth].compact)
		line_break(j);
	if (key) {
		write_escaped(j->out, key);
		fputs(": ", j->out);
	}
}

static void container_begin(struct json *j, const char *key, bool array, bool compact)
{
	value_begin(j, key);
	BUG_ON(j->depth + 1 >= JSON_DEPTH_MAX, "JSON nested deeper than %d", JSON_DEPTH_MAX - 1);
	compact = compact || j->level[j->depth].compact;
	j->depth++;
	j->level[j->depth].array = array;
	j->level[j->depth].compact = compact;
	j->level[j->depth].count = 0;
	fputc(array ? '[' : '{', j->out);
}

static void container_end(struct json *j, bool array)
{
	bool broken;

	BUG_ON(j->depth == 0 || j->level[j->depth].array != array, "JSON %s closed that isn't open",
	       array ? "array" : "object");
	broken = j->level[j->depth].count && !j->level[j->depth].compact;
	j->depth--;
	if (broken)
		line_break(j);
	fputc(array ? ']' : '}', j->out);
}

void json_object_begin(struct json *j, const char *key)
{
	container_begin(j, key, false, false);
}

void json_object_end(struct json *j)
{
	container_end(j, false);
}

void json_array_begin(struct json *j, const char *key)
{
	container_begin(j, key, true, false);
}

void json_array_begin_compact(struct json *j, const char *key)
{
	container_begin(j, key, true, true);
}

void json_array_end(struct json *j)
{
	container_end(j, true);
}

void json_u64(struct json *j, const char *key, uint64_t value)
{
	value_begin(j, key);
	fprintf(j->out, "%" PRIu64, value);
}

void json_i64(struct json *j, const char *key, int64_t value)
{
	value_begin(j, key);
	fprintf(j->out, "%" PRId64, value);
}

char *json_format_double(double value, char text[JSON_NUMBER])
{
	char *comma;
	int digits;

	if (value == floor(value) && fabs(value) < 1e15) {
		/* %g would write 100000 as 1e+05. */
		snprintf(text, JSON_NUMBER, "%.0f", value);
		return text;
	}
	/* Whatever has up to 15 digits comes back from 15, and %g drops its zeros. */
	for (digits = 15; digits <= 17; digits++) {
		snprintf(text, JSON_NUMBER, "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	comma = strchr(text, ',');
	if (comma)
		*comma = '.';
	return text;
}

void json_double(struct json *j, const char *key, double value)
{
	char text[JSON_NUMBER];

	if (!isfinite(value)) {
		json_null(j, key);
		return;
	}
	value_begin(j, key);
	fputs(json_format_double(value, text), j->out);
}

void json_bool(struct json *j, const char *key, bool value)
{
	value_begin(j, key);
	fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key)
{
	value_begin(j, key);
	fputs("null", j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
	value_begin(j, key);
	write_escaped(j->out, value);
}
