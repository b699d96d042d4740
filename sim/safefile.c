/*
 * safefile.c - a file that appears complete, or not at all: see safefile.h.
 *
 * It is written as .NAME.tmp.HOST.PID beside its place, synced, and renamed; then the directory is
 * synced, so that after a power failure there is the old file or the whole new one. The host's name
 * keeps processes of several hosts apart that share a file system.
 */
#include "sim/safefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *safefile_who(char *buf)
{
	char host[65] = "";
	char *c;

	if (gethostname(host, sizeof(host) - 1) || !host[0])
		strcpy(host, "localhost");
	for (c = host; *c; c++)
		if (*c == '/')
			*c = '_';
	snprintf(buf, SAFEFILE_WHO, "%s.%ld", host, (long)getpid());
	return buf;
}

static void release(struct safefile *f)
{
	free(f->path);
	free(f->shown);
	free(f->work);
	memset(f, 0, sizeof(*f));
}

/* Where the file will be, and what it is called until then. -1 without memory. */
static int name_work(struct safefile *f, const char *path)
{
	char who[SAFEFILE_WHO];
	struct stat st;
	char *slash;

	if (!lstat(path, &st) && S_ISLNK(st.st_mode))
		f->path = realpath(path, NULL);
	if (!f->path)
		f->path = strdup(path);
	f->shown = strdup(path);
	if (!f->path || !f->shown)
		return -1;
	if (!stat(f->path, &st) && !S_ISREG(st.st_mode))
		return 0;
	slash = strrchr(f->path, '/');
	return asprintf(&f->work, "%.*s.%s.tmp.%s", slash ? (int)(slash - f->path + 1) : 0, f->path,
			slash ? slash + 1 : f->path, safefile_who(who)) < 0
		       ? -1
		       : 0;
}

int safefile_create(struct safefile *f, const char *path, struct err *err)
{
	int fd;

	memset(f, 0, sizeof(*f));
	if (name_work(f, path)) {
		release(f);
		return err_set(err, ERR_CANT_CREATE, "%s: out of memory", path);
	}
	fd = f->work ? open(f->work, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666)
		     : open(f->path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		f->stream = fdopen(fd, "w");
	if (f->stream)
		return 0;
	err_set(err, errno == ENOSPC || errno == EDQUOT || errno == EIO ? ERR_IO : ERR_CANT_CREATE,
		"%s: can't create: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	release(f);
	return -1;
}

/* Returns 0 or an errno: file systems and pipes that can't be synced are none. */
static int sync_fd(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != EROFS ? errno : 0;
}

static int sync_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, error = 0;

	free(dir);
	if (fd < 0)
		return 0; /* a directory that may be written but not read */
	error = sync_fd(fd);
	close(fd);
	return error;
}

int safefile_move(const char *from, const char *to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC), error;

	if (fd < 0)
		return errno;
	error = sync_fd(fd);
	close(fd);
	if (!error && rename(from, to))
		error = errno;
	return error ? error : sync_parent(to);
}

int safefile_commit(struct safefile *f, struct err *err)
{
	int error = 0;

	errno = 0;
	if (fflush(f->stream) || ferror(f->stream))
		error = errno ? errno : EIO;
	if (!error)
		error = sync_fd(fileno(f->stream));
	if (fclose(f->stream) && !error)
		error = errno;
	f->stream = NULL;
	if (!error && f->work && rename(f->work, f->path))
		error = errno;
	if (!error && f->work)
		error = sync_parent(f->path);
	if (error && f->work)
		unlink(f->work);
	if (error)
		err_set(err, ERR_IO, "%s: writing failed: %s", f->shown, strerror(error));
	release(f);
	return error ? -1 : 0;
}

void safefile_abort(struct safefile *f)
{
	if (!f->stream)
		return;
	fclose(f->stream);
	if (f->work)
		unlink(f->work);
	release(f);
}
