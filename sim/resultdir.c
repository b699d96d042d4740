/*
 * resultdir.c - a result directory that is there completely or not at all.
 *
 *   results/sqlite                  the result, if there is one from an earlier run
 *   results/.sqlite.tmp.apple.4711  the work directory of process 4711 of the host apple
 *
 * Every file is written in the work directory and synced when it is closed. Commit syncs the work
 * directory and renames it to the final name, then syncs the parent, so that after a power failure
 * the name leads to the old result or to the complete new one. An old result is exchanged with the
 * new one in one step (renameat2 with RENAME_EXCHANGE), so there is no moment without a result; on
 * file systems that can't do this the old one is renamed away first and renamed back if the second
 * step fails. Only then is the old one deleted.
 *
 * Replacing means deleting, so a directory is replaced only if it is empty or has a run.json that
 * begins as allocsim's does. This is looked at twice: before the run, so that a long run isn't made
 * in vain, and at commit.
 *
 * A stream's writes go through a small cookie that remembers the first errno, because stdio keeps
 * only the fact that something failed, and "no space left on device" is what the user must read.
 *
 * A process that is killed (SIGKILL, power) leaves its work directory behind; its name tells what
 * it is, and it is never taken for a result. The host is in the name because directories are shared
 * by hosts, and process numbers are not: only on its own host can it be known whether the process
 * that a name speaks of is gone, and what it left may be deleted.
 */
#include "sim/resultdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kern/bug.h"
#include "kern/types.h"

#define STREAM_BUFFER_BYTES (64 << 10)
#define RUN_MARKER          "run.json"

static ssize_t stream_write(void *cookie, const char *buf, size_t bytes)
{
	struct resultdir_file *f = cookie;
	size_t done = 0;
	ssize_t n;

	while (done < bytes && !f->error) {
		n = write(f->fd, buf + done, bytes - done);
		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			f->error = errno;
	}
	/* 0 is what tells stdio of an error; after one, no later text may follow the gap. */
	return f->error ? 0 : (ssize_t)done;
}

/* A disk that is full is one thing, whether it stops a write or the making of a file. */
static enum err_code create_error(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EIO ? ERR_IO : ERR_CANT_CREATE;
}

static int remove_entries(int dir_fd);

static int remove_at(int parent_fd, const char *name)
{
	int fd, failed = 0;

	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			return 0;
		return unlinkat(parent_fd, name, 0);
	}
	failed = remove_entries(fd);
	if (unlinkat(parent_fd, name, AT_REMOVEDIR))
		failed = -1;
	return failed;
}

/* Takes over @dir_fd. */
static int remove_entries(int dir_fd)
{
	DIR *dir = fdopendir(dir_fd);
	struct dirent *entry;
	int failed = 0;

	if (!dir) {
		close(dir_fd);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (remove_at(dirfd(dir), entry->d_name))
			failed = -1;
	}
	closedir(dir);
	return failed;
}

int resultdir_remove_tree(const char *path)
{
	return remove_at(AT_FDCWD, path);
}

static bool is_of_kind(const char *path, const char *marker)
{
	char *name, head[64];
	size_t bytes;
	FILE *f;

	if (asprintf(&name, "%s/%s", path, marker) < 0)
		return false;
	f = fopen(name, "re");
	free(name);
	if (!f)
		return false;
	bytes = fread(head, 1, sizeof(head) - 1, f);
	fclose(f);
	head[bytes] = '\0';
	return head[0] == '{' && strstr(head, "\"schema_version\"");
}

bool resultdir_is_result(const char *path)
{
	return is_of_kind(path, RUN_MARKER);
}

const char *resultdir_work(const struct resultdir *rd)
{
	return rd->work;
}

/* 1 and 0: @path is a directory with and without entries; -1 with errno: no directory. */
static int has_entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int found = 0;

	if (!dir)
		return -1;
	while (!found && (entry = readdir(dir)))
		found = strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return found;
}

/* May @path be replaced by a new result? */
static int check_final(const struct resultdir *rd, struct err *err)
{
	const char *path = rd->final;
	int entries = has_entries(path);

	if (entries < 0)
		return errno == ENOENT ? 0
				       : err_set(err, ERR_CANT_CREATE,
						 "%s: can't be the result directory: %s", path,
						 strerror(errno));
	if (entries && !is_of_kind(path, rd->marker))
		return err_set(err, ERR_CANT_CREATE,
			       "%s: is not empty and holds no %s of allocsim; it is left "
			       "as it is, choose another directory",
			       path, rd->marker);
	return 0;
}

/* Create the missing parents, and remember the first for taking them back. */
static int make_parents(struct resultdir *rd, struct err *err)
{
	char *end = rd->parent;
	char saved;
	int error;

	do {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		saved = *end;
		*end = '\0';
		error = mkdir(rd->parent, 0777) ? errno : 0;
		if (!error && !rd->made_parent_bytes)
			rd->made_parent_bytes = strlen(rd->parent);
		if (error && error != EEXIST && access(rd->parent, F_OK))
			return err_set(err, create_error(error), "%s: can't create directory: %s",
				       rd->parent, strerror(error));
		*end = saved;
	} while (saved);
	return 0;
}

static void remove_made_parents(struct resultdir *rd)
{
	char *slash;

	while (rd->made_parent_bytes && strlen(rd->parent) >= rd->made_parent_bytes) {
		if (rmdir(rd->parent))
			break; /* someone else put something in: theirs now */
		slash = strrchr(rd->parent, '/');
		if (!slash)
			break;
		*slash = '\0';
	}
}

static void release(struct resultdir *rd)
{
	free(rd->final);
	free(rd->parent);
	free(rd->work);
	memset(rd, 0, sizeof(*rd));
}

#define WORK_INFIX ".tmp."
#define WORK_OLD   ".old" /* what replace_in_two_steps() moves away */

struct host_name {
	char text[HOST_NAME_MAX + 1];
};

static struct host_name host_name(void)
{
	struct host_name host = {""};
	char *slash;

	if (gethostname(host.text, sizeof(host.text) - 1) || !host.text[0])
		strcpy(host.text, "localhost");
	while ((slash = strchr(host.text, '/')))
		*slash = '_';
	return host;
}

/* The path of the work directory of process @pid for the name @name; NULL without memory. */
static char *work_path(const char *parent, const char *name, pid_t pid)
{
	struct host_name host = host_name();
	char *work;

	if (asprintf(&work, "%s/.%s" WORK_INFIX "%s.%ld", parent, name, host.text, (long)pid) < 0)
		return NULL;
	return work;
}

/* Split @path into parent and name, following a symbolic link at its end. */
static int resolve(struct resultdir *rd, const char *path, struct err *err)
{
	const char *name;
	struct stat st;
	size_t bytes = strlen(path);
	char *slash;

	while (bytes > 1 && path[bytes - 1] == '/')
		bytes--;
	rd->final = strndup(path, bytes);
	if (rd->final && !lstat(rd->final, &st) && S_ISLNK(st.st_mode)) {
		free(rd->final);
		rd->final = realpath(path, NULL);
		if (!rd->final)
			return err_set(err, ERR_CANT_CREATE, "%s: %s", path, strerror(errno));
	}
	if (!rd->final)
		return err_set(err, ERR_CANT_CREATE, "%s: out of memory", path);
	slash = strrchr(rd->final, '/');
	name = slash ? slash + 1 : rd->final;
	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		return err_set(err, ERR_CANT_CREATE, "\"%s\": is no name for a result directory",
			       path);
	if (slash == rd->final)
		rd->parent = strdup("/");
	else
		rd->parent = slash ? strndup(rd->final, (size_t)(slash - rd->final)) : strdup(".");
	if (rd->parent)
		rd->work = work_path(rd->parent, name, getpid());
	return rd->work ? 0 : err_set(err, ERR_CANT_CREATE, "%s: out of memory", path);
}

int resultdir_create(struct resultdir *rd, const char *path, struct err *err)
{
	return resultdir_create_kind(rd, path, RUN_MARKER, err);
}

int resultdir_create_kind(struct resultdir *rd, const char *path, const char *marker,
			  struct err *err)
{
	memset(rd, 0, sizeof(*rd));
	rd->marker = marker;
	if (resolve(rd, path, err) || check_final(rd, err))
		goto out;
	if (make_parents(rd, err))
		goto out_parents;
	/* Left by a killed process that had our number. */
	resultdir_remove_tree(rd->work);
	if (!mkdir(rd->work, 0777))
		return 0;
	err_set(err, create_error(errno), "%s: can't create: %s", rd->final, strerror(errno));
out_parents:
	remove_made_parents(rd);
out:
	release(rd);
	return -1;
}

static struct resultdir_file *file_of(struct resultdir *rd, FILE *stream)
{
	unsigned i;

	for (i = 0; i < RESULTDIR_FILES_MAX; i++)
		if (rd->files[i].stream == stream)
			return &rd->files[i];
	BUG("stream is no open file of a result directory, or too many are open");
}

FILE *resultdir_open(struct resultdir *rd, const char *name, struct err *err)
{
	struct resultdir_file *f = file_of(rd, NULL);
	char *path;

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	if (asprintf(&path, "%s/%s", rd->work, name) < 0)
		path = NULL;
	f->name = strdup(name);
	if (path && f->name)
		f->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	free(path);
	if (f->fd >= 0)
		f->stream = fopencookie(f, "w", (cookie_io_functions_t){.write = stream_write});
	if (f->stream) {
		setvbuf(f->stream, NULL, _IOFBF, STREAM_BUFFER_BYTES);
		return f->stream;
	}
	err_set(err, create_error(errno), "%s/%s: can't create: %s", rd->final, name,
		strerror(errno));
	if (f->fd >= 0)
		close(f->fd);
	free(f->name);
	return NULL;
}

static int write_error(const struct resultdir *rd, const struct resultdir_file *f, struct err *err)
{
	return err_set(err, ERR_IO, "%s/%s: writing failed: %s", rd->final, f->name,
		       strerror(f->error));
}

int resultdir_check(struct resultdir *rd, FILE *stream, struct err *err)
{
	const struct resultdir_file *f = file_of(rd, stream);

	return f->error ? write_error(rd, f, err) : 0;
}

int resultdir_close(struct resultdir *rd, FILE *stream, struct err *err)
{
	struct resultdir_file *f = file_of(rd, stream);
	int failed = 0;

	if (fflush(stream) && !f->error)
		f->error = errno;
	if (!f->error && fsync(f->fd) && errno != EINVAL && errno != EROFS)
		f->error = errno;
	fclose(stream);
	if (close(f->fd) && errno != EINTR && !f->error)
		f->error = errno;
	if (f->error)
		failed = write_error(rd, f, err);
	free(f->name);
	memset(f, 0, sizeof(*f));
	return failed;
}

/* Sync a directory; file systems that can't sync one say EINVAL. Returns 0 or an errno. */
static int sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return errno == EACCES ? 0 : errno;
	if (fsync(fd) && errno != EINVAL && errno != EROFS)
		error = errno;
	close(fd);
	return error;
}

/* The old result is renamed away and back if the new one can't be moved in. Returns errno. */
static int replace_in_two_steps(struct resultdir *rd)
{
	int error = 0;
	char *old;

	if (asprintf(&old, "%s" WORK_OLD, rd->work) < 0)
		return ENOMEM;
	if (rename(rd->final, old)) {
		error = errno;
	} else if (rename(rd->work, rd->final)) {
		error = errno;
		if (rename(old, rd->final))
			error = errno;
	} else {
		sync_dir(rd->parent);
		resultdir_remove_tree(old);
	}
	free(old);
	return error;
}

/* Returns 0 or an errno. */
static int put_in_place(struct resultdir *rd)
{
	/* Succeeds for a name that is free or an empty directory. */
	if (!rename(rd->work, rd->final))
		return sync_dir(rd->parent);
	if (errno != ENOTEMPTY && errno != EEXIST)
		return errno;
	if (renameat2(AT_FDCWD, rd->work, AT_FDCWD, rd->final, RENAME_EXCHANGE)) {
		if (errno == EINVAL || errno == ENOSYS)
			return replace_in_two_steps(rd);
		return errno;
	}
	sync_dir(rd->parent);
	resultdir_remove_tree(rd->work); /* now the old result */
	return 0;
}

int resultdir_commit(struct resultdir *rd, struct err *err)
{
	unsigned i;
	int error;

	BUG_ON(!rd->work, "commit of a result directory that isn't open");
	for (i = 0; i < RESULTDIR_FILES_MAX; i++)
		BUG_ON(rd->files[i].stream, "commit with %s still open", rd->files[i].name);
	if (check_final(rd, err))
		goto abort;
	error = sync_dir(rd->work);
	if (!error)
		error = put_in_place(rd);
	if (error) {
		err_set(err, create_error(error),
			"%s: can't be put in place: %s", rd->final, strerror(error));
		goto abort;
	}
	release(rd);
	return 0;
abort:
	resultdir_abort(rd);
	return -1;
}

void resultdir_abort(struct resultdir *rd)
{
	unsigned i;

	if (!rd->work)
		return;
	for (i = 0; i < RESULTDIR_FILES_MAX; i++) {
		if (!rd->files[i].stream)
			continue;
		rd->files[i].error = ECANCELED; /* fclose() need not write what is deleted next */
		fclose(rd->files[i].stream);
		close(rd->files[i].fd);
		free(rd->files[i].name);
	}
	resultdir_remove_tree(rd->work);
	remove_made_parents(rd);
	release(rd);
}

/* --- what killed processes left --------------------------------------------------------------- */

void resultdir_remove_leftover(const char *path, pid_t pid)
{
	struct resultdir rd = {0};
	const char *name;
	char *work = NULL, *old;

	if (resolve(&rd, path, NULL))
		goto out;
	name = strrchr(rd.final, '/');
	work = work_path(rd.parent, name ? name + 1 : rd.final, pid);
	if (!work)
		goto out;
	resultdir_remove_tree(work);
	if (asprintf(&old, "%s" WORK_OLD, work) >= 0) {
		resultdir_remove_tree(old);
		free(old);
	}
out:
	free(work);
	release(&rd);
}

bool resultdir_process_is_gone(pid_t pid)
{
	char path[64], text[512], *state = NULL;
	size_t bytes;
	FILE *f;

	if (kill(pid, 0))
		return errno == ESRCH;
	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	f = fopen(path, "re");
	if (f) {
		bytes = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
		text[bytes] = '\0';
		state = strrchr(text, ')'); /* the program's name may hold anything */
	}
	return state && (!strncmp(state, ") Z", 3) || !strncmp(state, ") X", 3));
}

/* Whether @name is that of a work directory of @host whose process is gone, or had our number. */
static bool is_leftover(const char *name, const struct host_name *host)
{
	size_t host_bytes = strlen(host->text);
	const char *at = NULL, *next = name + 1;
	char *end;
	long pid;

	if (name[0] != '.')
		return false;
	while ((next = strstr(next, WORK_INFIX)))
		at = next += strlen(WORK_INFIX);
	if (!at || strncmp(at, host->text, host_bytes) || at[host_bytes] != '.')
		return false;
	at += host_bytes + 1;
	if (*at < '1' || *at > '9')
		return false;
	errno = 0;
	pid = strtol(at, &end, 10);
	if (errno || pid > INT_MAX || (*end && strcmp(end, WORK_OLD)))
		return false;
	return pid == getpid() || resultdir_process_is_gone((pid_t)pid);
}

unsigned resultdir_remove_leftovers(const char *parent)
{
	struct host_name host = host_name();
	DIR *dir = opendir(parent);
	struct dirent *entry;
	unsigned count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (is_leftover(entry->d_name, &host) && !remove_at(dirfd(dir), entry->d_name))
			count++;
	closedir(dir);
	return count;
}
