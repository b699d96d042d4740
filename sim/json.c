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
#include "sim/utf8.h"

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

/* Bytes at the beginning of @s that are written as they stand. */
static unsigned plain_bytes(const char *s)
{
	unsigned count = 0;

	while ((unsigned char)s[count] >= 0x20 && (unsigned char)s[count] < 0x80 &&
	       s[count] != '"' && s[count] != '\\')
		count++;
	return count;
}

static void write_escaped(FILE *out, const char *text)
{
	static const char special[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *s, *found;
	unsigned count;

	fputc('"', out);
	for (s = text; *s; s += count) {
		count = plain_bytes(s);
		if (count) {
			fwrite(s, 1, count, out);
			continue;
		}
		count = utf8_length(s);
		if (!count) {
			fputs("\xef\xbf\xbd", out);
			count = 1;
			continue;
		}
		found = strchr(special, *s);
		if (found)
			fprintf(out, "\\%c", letters[found - special]);
		else if ((unsigned char)*s < 0x20)
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
	char digits[20];
	unsigned at = sizeof(digits);

	/* Most members of a document are such; printf takes several times as long. */
	value_begin(j, key);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	fwrite(digits + at, 1, sizeof(digits) - at, j->out);
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

void json_written(struct json *j, const char *key, const char *text)
{
	value_begin(j, key);
	fputs(text, j->out);
}
