/*
 * json.h - a streaming JSON writer.
 *
 * cJSON keeps numbers as doubles, so a counter above 2^53 would lose bits; this writer prints
 * 64-bit integers whole, doubles in one fixed way on every host, and never NaN or infinity (null
 * instead). Output is indented by two spaces, arrays of scalars on one line. Errors of the stream
 * are left to the caller's ferror().
 */
#ifndef SIM_JSON_H
#define SIM_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH_MAX 32
#define JSON_NUMBER    32 /* holds every formatted double */

struct json {
	FILE *out;
	unsigned depth;
	struct {
		bool array, compact;
		uint64_t count;
	} level[JSON_DEPTH_MAX];
};

void json_init(struct json *j, FILE *out);
/* The same for a document on one line, as in a file of one document a line. */
void json_init_line(struct json *j, FILE *out);
/* End the document with a newline; a BUG if a container is still open. */
void json_finish(struct json *j);

/* @key is NULL inside an array and at the top, and only there. */
void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);      /* one element a line */
void json_array_begin_compact(struct json *j, const char *key); /* all on one line */
void json_array_end(struct json *j);
void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
/* Shortest decimal text that reads back as the same double; null if not finite. */
void json_double(struct json *j, const char *key, double value);
/* That text of a finite @value into @text, which is returned. */
char *json_format_double(double value, char text[JSON_NUMBER]);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* UTF-8 in, escaped; bytes that are no UTF-8 become U+FFFD. */
void json_string(struct json *j, const char *key, const char *value);
/* A value that is JSON already, on one line. */
void json_written(struct json *j, const char *key, const char *text);

#endif
