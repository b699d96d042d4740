/*
 * resultdir.h - a result directory that is there completely or not at all.
 *
 * resultdir_create() makes a hidden work directory beside the final one, files are written through
 * it, and resultdir_commit() syncs and renames it into place. Until then an older result stays as
 * it is; after resultdir_abort() nothing of the new one is left.
 */
#ifndef SIM_RESULTDIR_H
#define SIM_RESULTDIR_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "kern/err.h"

#define RESULTDIR_FILES_MAX 8 /* open at one time */

/* A file in the making; private. */
struct resultdir_file {
	FILE *stream;
	char *name;
	int fd;
	int error; /* errno of the first write that failed */
};

/* Private to resultdir.c. */
struct resultdir {
	const char *marker;       /* a file that only such a directory holds */
	char *final;              /* path that the user named, without trailing slashes */
	char *parent;             /* directory that holds it */
	char *work;               /* parent/.NAME.tmp.HOST.PID */
	size_t made_parent_bytes; /* length of the first parent that was created, 0 if none was */
	struct resultdir_file files[RESULTDIR_FILES_MAX];
};

/*
 * Prepare the result directory @path. Missing parents are created. @path may be absent, an empty
 * directory, or an earlier result (it holds a run.json of allocsim), which will be replaced with
 * all that is in it; anything else is ERR_CANT_CREATE, as is a place that can't be written. On
 * failure nothing is left and @rd needs no abort.
 */
int resultdir_create(struct resultdir *rd, const char *path, struct err *err);

/*
 * The same for a directory of another kind, which is known by the file @marker (a literal): a JSON
 * object with a schema_version near its beginning, as run.json.
 */
int resultdir_create_kind(struct resultdir *rd, const char *path, const char *marker,
			  struct err *err);

/* The directory in which the files are made, for programs that write there themselves. */
const char *resultdir_work(const struct resultdir *rd);

/*
 * Open the new file @name (no slash) for writing. The stream belongs to @rd: end it with
 * resultdir_close(), never fclose(). NULL with @err (ERR_CANT_CREATE) on failure.
 */
FILE *resultdir_open(struct resultdir *rd, const char *name, struct err *err);

/* The first error in writing @stream so far (ERR_IO), for stopping a long run early; or 0. */
int resultdir_check(struct resultdir *rd, FILE *stream, struct err *err);

/*
 * Flush, sync and close @stream. A write that failed at any time before is reported here: ERR_IO
 * with the file's name and the cause. @stream is gone in any case.
 */
int resultdir_close(struct resultdir *rd, FILE *stream, struct err *err);

/*
 * Sync the directory and put it in its final place; an earlier result is deleted after that. No
 * file may be open. Releases @rd, also on failure, and then nothing of the new result is left.
 */
int resultdir_commit(struct resultdir *rd, struct err *err);

/*
 * Give up: close what is open, delete what was written, release @rd. An @rd that is zeroed, was
 * committed or aborted is fine. Not for signal handlers; call it when normal code sees the signal's
 * flag.
 */
void resultdir_abort(struct resultdir *rd);

/*
 * Delete the work directories of any @path in the directory @parent that processes of this host
 * left which are gone: they were killed. Those of other hosts and of processes that run are left
 * alone, whatever they hold. Returns how many were deleted.
 *
 * Hosts that share a directory must have different names. A number that is a process of somebody
 * else by now keeps what it names until that ends.
 */
unsigned resultdir_remove_leftovers(const char *parent);
/* Of this host: gone, or dead and not buried yet, as long as its parent does not ask for it. */
bool resultdir_process_is_gone(pid_t pid);
/* The same of one process, which the caller knows to be gone, and one @path. */
void resultdir_remove_leftover(const char *path, pid_t pid);

/*
 * Whether the directory @path holds a run.json of allocsim.
 */
bool resultdir_is_result(const char *path);

/*
 * Delete the directory @path and everything below it, without following symbolic links. Returns 0,
 * or -1 with errno set if anything is left. A path that doesn't exist is fine.
 */
int resultdir_remove_tree(const char *path);

#endif
