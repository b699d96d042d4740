/*
 * make_id.c - ids of points: see plan.h.
 *
 * The id of a run is a digest of all that its result follows from:
 *
 *   "allocsim"  the version  the resolved configuration as JSON  (key, digest) of each input
 *
 * The JSON has no directories, and no key that has no effect beside others, so that two points
 * that are the same run have the same id. An input is read once, whatever the number of points that
 * use it; operations that were compiled from YAML are known by their file, which copies of a
 * configuration share.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/json.h"
#include "sim/sweep/make_impl.h"

int make_ids_init(struct make_ids *ids, struct plan *p, struct err *err)
{
	*ids = (struct make_ids){.plan = p};
	ids->json = open_memstream(&ids->text, &ids->bytes);
	return ids->json ? 0 : err_set(err, ERR_IO, "out of memory");
}

void make_ids_release(struct make_ids *ids)
{
	if (ids->json)
		fclose(ids->json);
	free(ids->text);
}

static struct plan_input *input_find(const struct plan *p, const struct config_input *in)
{
	for (unsigned i = 0; i < p->inputs_count; i++) {
		struct plan_input *have = &p->inputs[i];
		if (have->is_recording == in->is_recording && strcmp(have->path, in->path) == 0)
			return have;
	}
	return NULL;
}

static struct plan_input *input_add(struct plan *p, const struct config_input *in, struct err *err)
{
	struct plan_input *grown =
		reallocarray(p->inputs, p->inputs_count + 1, sizeof(*p->inputs));
	if (!grown) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	p->inputs = grown;
	struct plan_input *have = &p->inputs[p->inputs_count];
	*have = (struct plan_input){.is_recording = in->is_recording};
	int rc = in->is_recording ? digest_recording(in->path, &have->digest, &have->bytes, err)
				  : digest_file(in->path, &have->digest, &have->bytes, err);
	if (rc != 0)
		return NULL;
	have->path = strdup(in->path);
	if (!have->path) {
		err_set(err, ERR_IO, "out of memory");
		return NULL;
	}
	p->inputs_count++;
	return have;
}

static int digest_fd(int fd, uint64_t *digest, struct err *err)
{
	static const size_t size = 64 << 10;
	struct digest d;
	off_t at = 0;
	ssize_t got;
	char *buffer = malloc(size);
	if (!buffer || digest_begin(&d) != 0) {
		free(buffer);
		return err_set(err, ERR_IO, "out of memory");
	}
	while ((got = pread(fd, buffer, size, at)) > 0) {
		digest_add(&d, buffer, (size_t)got);
		at += got;
	}
	*digest = digest_end(&d);
	free(buffer);
	return got == 0 ? 0 : err_set(err, ERR_IO, "workload.operations: %s", strerror(errno));
}

static int operations_digest(struct make_ids *ids, int fd, uint64_t *digest, struct err *err)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return err_set(err, ERR_IO, "workload.operations: %s", strerror(errno));
	if (!ids->has_ops || ids->ops_device != st.st_dev || ids->ops_inode != st.st_ino) {
		if (digest_fd(fd, &ids->ops_digest, err) != 0)
			return -1;
		ids->ops_device = st.st_dev;
		ids->ops_inode = st.st_ino;
		ids->has_ops = true;
	}
	*digest = ids->ops_digest;
	return 0;
}

struct visit {
	struct make_ids *ids;
	struct digest digest;
	struct err *err;
};

static int visit_input(const struct config_input *in, void *context)
{
	struct visit *v = context;
	char text[DIGEST_TEXT];
	uint64_t digest = 0;
	if (!in->path) {
		if (operations_digest(v->ids, in->fd, &digest, v->err) != 0)
			return -1;
	} else {
		const struct plan_input *have = input_find(v->ids->plan, in);
		if (!have)
			have = input_add(v->ids->plan, in, v->err);
		if (!have)
			return -1;
		digest = have->digest;
	}
	digest_format(digest, text);
	digest_add_text(&v->digest, in->key);
	digest_add_text(&v->digest, text);
	return 0;
}

static int write_json(struct make_ids *ids, const struct config *c, struct err *err)
{
	struct json j;
	if (fseeko(ids->json, 0, SEEK_SET) != 0)
		return err_set(err, ERR_IO, "out of memory");
	json_init_line(&j, ids->json);
	json_object_begin(&j, NULL);
	config_write_json(c, &j);
	json_object_end(&j);
	json_finish(&j);
	return fflush(ids->json) == 0 ? 0 : err_set(err, ERR_IO, "out of memory");
}

int make_id(struct make_ids *ids, const struct config *c, uint64_t *id, struct err *err)
{
	struct visit v = {.ids = ids, .err = err};
	if (write_json(ids, c, err) != 0)
		return -1;
	if (digest_begin(&v.digest) != 0)
		return err_set(err, ERR_IO, "out of memory");
	digest_add_text(&v.digest, "allocsim");
	digest_add_text(&v.digest, ALLOCSIM_VERSION);
	digest_add(&v.digest, ids->text, ids->bytes);
	int rc = config_each_input(c, visit_input, &v);
	*id = digest_end(&v.digest);
	return rc;
}
