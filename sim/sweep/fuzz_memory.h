/*
 * fuzz_memory.h - files without a name, for targets of functions that take paths.
 */
#ifndef SIM_SWEEP_FUZZ_MEMORY_H
#define SIM_SWEEP_FUZZ_MEMORY_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/bug.h"
#include "sim/sweep/plan.h"

/* A file that holds @text; its path goes to @path. close() ends it. */
static inline int fuzz_file(const void *text, size_t size, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	BUG_ON(fd < 0 || write(fd, text, size) != (ssize_t)size, "no memory file");
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

/* What plan_write() writes; to be freed. */
static inline char *fuzz_plan_text(const struct plan *p, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	BUG_ON(!out, "no memory stream");
	plan_write(p, out);
	fclose(out);
	return text;
}

/* A plan that is written reads back, and is written as the same text again. */
static inline void fuzz_plan_again(const struct plan *p)
{
	struct plan again;
	struct err err = {0};
	size_t size, again_size;
	char path[64], *text = fuzz_plan_text(p, &size);
	int fd = fuzz_file(text, size, path);
	int rc = plan_load(&again, path, &err);
	BUG_ON(rc != 0, "does not read what it wrote: %s\n%s", err.text, text);
	char *again_text = fuzz_plan_text(&again, &again_size);
	BUG_ON(size != again_size || memcmp(text, again_text, size) != 0,
	       "writes two texts:\n%s\n%s", text, again_text);
	plan_release(&again);
	free(text);
	free(again_text);
	close(fd);
}

#endif
