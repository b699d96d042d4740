/*
 * digest.h - names of contents: 64 bits of XXH3, the same on every host.
 *
 * They tell whether two things are the same, not whether somebody meant harm.
 */
#ifndef SIM_SWEEP_DIGEST_H
#define SIM_SWEEP_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "kern/err.h"

#define DIGEST_TEXT 17 /* 16 hexadecimal digits and the end */

struct digest {
	void *state; /* XXH3's */
};

/* 0, or -1 without memory. Between a begin and its end, add as much as you like. */
int digest_begin(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t count);
/* The text and its terminating zero, so that "ab" "c" is not "a" "bc". */
void digest_add_text(struct digest *d, const char *text);
/* Ends with the value; releases @d. */
uint64_t digest_end(struct digest *d);

void digest_format(uint64_t digest, char text[DIGEST_TEXT]);

/*
 * The contents of the file @path, its length in *@bytes (may be NULL). 0, or -1 with @err:
 * ERR_NO_INPUT.
 */
int digest_file(const char *path, uint64_t *digest, uint64_t *bytes, struct err *err);
/* The names and contents of the regular files of the directory @path whose names begin with
 * "start." or "end.", in the order of their names: a recorded state. */
int digest_recording(const char *path, uint64_t *digest, uint64_t *bytes, struct err *err);

#endif
