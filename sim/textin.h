/*
 * textin.h - lines of a text that may be compressed, from a file, standard input or memory.
 *
 * Plain, gzip and zstd are told apart by their first bytes. Memory use is bounded whatever comes
 * in: a line longer than TEXTIN_LINE_BYTES_MAX is reported as such, without its text.
 */
#ifndef SIM_TEXTIN_H
#define SIM_TEXTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kern/err.h"

#define TEXTIN_LINE_BYTES_MAX (64u << 10)
#define TEXTIN_PEEK_BYTES     (8u << 10)

struct textin;

/* A line. The text is writable, valid until the next call, and always followed by a '\n'. */
struct textline {
	char *text; /* NULL if too_long */
	size_t bytes; /* without the line end, "\n" or "\r\n" */
	bool too_long;
	bool unterminated; /* the input ended without a line end: the line is probably cut */
};

/*
 * Open @path ("-": standard input) or the @bytes at @data. Both stay the caller's and must outlive
 * the result. NULL and @err (ERR_NO_INPUT, ERR_IO) on failure.
 */
struct textin *textin_open(const char *path, struct err *err);
struct textin *textin_open_memory(const void *data, size_t bytes, struct err *err);
void textin_close(struct textin *in); /* NULL is fine */

/*
 * The next line: 1, or 0 at the end, or -1 and @err: ERR_NO_INPUT (can't read), ERR_TRACE
 * (compressed data is corrupt or cut short), ERR_IO.
 */
int textin_line(struct textin *in, struct textline *line, struct err *err);

/*
 * Look at what comes next without taking it: at least TEXTIN_PEEK_BYTES unless the text ends
 * before. For use before the first line. *@text is valid until the next call. Returns as
 * textin_line() does, but 0 for success.
 */
int textin_peek(struct textin *in, const char **text, size_t *bytes, struct err *err);

const char *textin_name(const struct textin *in);      /* for messages */
uint64_t textin_line_number(const struct textin *in);  /* of the latest line; the first is 1 */
uint64_t textin_bytes_read(const struct textin *in);   /* as stored, so compressed if it is */
uint64_t textin_bytes_total(const struct textin *in);  /* likewise; 0: not known */
int textin_fd(const struct textin *in);                /* -1 for memory */

#endif
