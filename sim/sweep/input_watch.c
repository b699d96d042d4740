/*
 * input_watch.c - whether what a sweep reads stays as it was: see input_watch.h.
 *
 * The inputs are compared with the plan when a sweep begins, which may be hours before its last run
 * reads them. A trace that is imported again in the meantime would give results of other inputs
 * under the old ids; one that is overwritten takes pages away from runs that have it mapped, which
 * die of SIGBUS without any fault of their point. So inputs are looked at before a run begins,
 * before its result takes its place, and when a run failed.
 *
 * A look is what stat() tells: the file's number, length and time. Only if that is not as before is
 * the file read again, so touching or copying files without changing them does no harm.
 *
 * MODEL: of a recorded state, a directory, the directory is looked at. Editors and `import` replace
 * its files, which shows; overwriting one in place does not.
 *
 * Example: 200 points of one trace, which is replaced after 80: those under way are not kept, no
 * other begins, the sweep ends with status 65, and the 80 are done.
 */
#include "sim/sweep/input_watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/config_key.h"

struct input_look {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec modified;
};

/* What can't be looked at looks like nothing else. */
static struct input_look look_at(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return (struct input_look){.bytes = -1};
	return (struct input_look){.device = st.st_dev,
				   .inode = st.st_ino,
				   .bytes = st.st_size,
				   .modified = st.st_mtim};
}

static bool is_same(const struct input_look *a, const struct input_look *b)
{
	return a->bytes >= 0 && a->bytes == b->bytes && a->device == b->device &&
	       a->inode == b->inode && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

int input_watch_begin(struct input_watch *w, const struct plan *p, struct err *err)
{
	*w = (struct input_watch){.plan = p};
	w->looks = calloc((size_t)p->inputs_count + 1, sizeof(*w->looks));
	if (!w->looks)
		return err_set(err, ERR_IO, "out of memory");
	/* Before they are read, so that no change falls between. */
	for (unsigned i = 0; i < p->inputs_count; i++)
		w->looks[i] = look_at(p->inputs[i].path);
	if (plan_check_inputs(p, err) == 0)
		return 0;
	input_watch_release(w);
	return -1;
}

struct visit {
	struct input_watch *watch;
	struct err *err;
};

static int check_input(const struct config_input *in, void *context)
{
	const struct visit *v = context;
	const struct plan *p = v->watch->plan;

	for (unsigned i = 0; in->path && i < p->inputs_count; i++) {
		struct input_look now;

		if (p->inputs[i].is_recording != in->is_recording ||
		    strcmp(p->inputs[i].path, in->path) != 0)
			continue;
		now = look_at(in->path); /* before it is read, as above */
		if (is_same(&now, &v->watch->looks[i]))
			return 0;
		if (plan_check_input(&p->inputs[i], v->err) != 0)
			return -1;
		v->watch->looks[i] = now;
		return 0;
	}
	return 0;
}

int input_watch_check(struct input_watch *w, const struct config *c, struct err *err)
{
	struct visit v = {.watch = w, .err = err};

	return w->plan ? config_each_input(c, check_input, &v) : 0;
}

void input_watch_release(struct input_watch *w)
{
	free(w->looks);
	*w = (struct input_watch){.plan = NULL};
}
