/*
 * digest.c - names of contents: see digest.h.
 *
 * XXH3 of 64 bits (libxxhash), which reads memory about as fast as it can be read: the digest of a
 * trace costs less than mapping it. Two of 100,000 different points have the same digest with a
 * probability of 3e-10.
 */
#include "sim/sweep/digest.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "kern/types.h"

int digest_begin(struct digest *d)
{
	d->state = XXH3_createState();
	if (!d->state)
		return -1;
	XXH3_64bits_reset(d->state);
	return 0;
}

void digest_add(struct digest *d, const void *bytes, size_t count)
{
	XXH3_64bits_update(d->state, bytes, count);
}

void digest_add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

uint64_t digest_end(struct digest *d)
{
	uint64_t value = XXH3_64bits_digest(d->state);

	XXH3_freeState(d->state);
	d->state = NULL;
	return value;
}

void digest_format(uint64_t digest, char text[DIGEST_TEXT])
{
	snprintf(text, DIGEST_TEXT, "%016" PRIx64, digest);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory");
}

/* The contents of @path; their length is added to *@bytes. */
static int add_file(struct digest *d, const char *path, uint64_t *bytes, struct err *err)
{
	static const size_t room = 1 << 18;
	FILE *f = fopen(path, "re");
	char *buf = malloc(room);
	struct stat st;
	size_t count;
	int failed = -1;

	if (!buf) {
		no_memory(err);
		goto out;
	}
	if (!f || fstat(fileno(f), &st)) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_NO_INPUT, "%s: is no regular file", path);
		goto out;
	}
	setvbuf(f, NULL, _IONBF, 0);
	while ((count = fread(buf, 1, room, f))) {
		digest_add(d, buf, count);
		*bytes += count;
	}
	failed = ferror(f) ? err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno)) : 0;
out:
	free(buf);
	if (f)
		fclose(f);
	return failed;
}

int digest_file(const char *path, uint64_t *digest, uint64_t *bytes, struct err *err)
{
	struct digest d;
	uint64_t length = 0, value;
	int failed;

	if (digest_begin(&d))
		return no_memory(err);
	failed = add_file(&d, path, &length, err);
	value = digest_end(&d);
	if (failed)
		return -1;
	*digest = value;
	if (bytes)
		*bytes = length;
	return 0;
}

static int is_of_recording(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "start.", 6) || !strncmp(entry->d_name, "end.", 4);
}

/* Not by the locale, as alphasort() would. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_recording(struct digest *d, const char *dir, struct dirent **entries, int count,
			 uint64_t *bytes, struct err *err)
{
	uint64_t before;
	char *path;
	int i, failed = 0;

	for (i = 0; i < count && !failed; i++) {
		if (asprintf(&path, "%s/%s", dir, entries[i]->d_name) < 0)
			return no_memory(err);
		digest_add_text(d, entries[i]->d_name);
		before = *bytes;
		failed = add_file(d, path, bytes, err);
		before = *bytes - before;
		digest_add(d, &before, sizeof(before));
		free(path);
	}
	return failed;
}

int digest_recording(const char *path, uint64_t *digest, uint64_t *bytes, struct err *err)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_of_recording, by_name), failed = -1, i;
	uint64_t length = 0, value;
	struct digest d;

	if (count < 0)
		return err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
	if (digest_begin(&d)) {
		no_memory(err);
		goto out;
	}
	failed = add_recording(&d, path, entries, count, &length, err);
	value = digest_end(&d);
	if (failed)
		goto out;
	*digest = value;
	if (bytes)
		*bytes = length;
out:
	for (i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return failed;
}
