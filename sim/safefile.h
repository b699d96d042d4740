/*
 * safefile.h - a file that appears complete, or not at all.
 */
#ifndef SIM_SAFEFILE_H
#define SIM_SAFEFILE_H

#include <stdio.h>

#include "kern/err.h"

/* Private to safefile.c but for the stream. */
struct safefile {
	FILE *stream; /* write here; never fclose() it */
	char *path;   /* where it will be: links are followed */
	char *shown;  /* as the caller named it, for messages */
	char *work; /* DIR/.NAME.tmp.HOST.PID; NULL: the file is a device or pipe, written as it is
		     */
};

/*
 * Begin the file @path in the place where it will be; an earlier one stays until the commit. What
 * is no regular file (a pipe, /dev/stdout) is written directly. 0, or -1 with @err
 * (ERR_CANT_CREATE; ERR_IO: the disk is full) and nothing to release.
 */
int safefile_create(struct safefile *f, const char *path, struct err *err);
/*
 * Flush, sync, put in place, sync the directory. Returns 0, or -1 with @err (ERR_IO,
 * ERR_CANT_CREATE), and then nothing of the new file is left. Releases @f in both cases.
 */
int safefile_commit(struct safefile *f, struct err *err);
/* Give up; fine for a zeroed @f and after a commit. */
void safefile_abort(struct safefile *f);

/*
 * The same for the file @from that another program has written beside its place: sync it and rename
 * it to @to, in the same file system. Returns 0, or an errno and @from is where it was.
 */
int safefile_move(const char *from, const char *to);

/*
 * "HOST.PID" of this process into @buf (at least SAFEFILE_WHO bytes), which ends the names of what
 * is being made; returns @buf.
 */
#define SAFEFILE_WHO 96
char *safefile_who(char *buf);

#endif
