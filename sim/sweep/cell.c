/*
 * cell.c - what became of a point of a sweep: see cell.h.
 *
 * status.json is small and says of a run that is done how long run.json is and what its digest is.
 * A cell is put in place with one rename, so normally both are there or neither is; the digest
 * finds what file systems, copying and people do to them later.
 */
#include "sim/sweep/cell.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "sim/json.h"

#define STATUS_BYTES_MAX (64 << 10)
#define DIR_BYTES        32 /* of "/proc/self/fd/N" */

static const char *const state_names[] = {
	[CELL_MISSING] = "missing", [CELL_DONE] = "done", [CELL_FAILED] = "failed"};

const char *cell_state_name(enum cell_state state)
{
	return state_names[state];
}

int cell_path(const char *results, const struct plan_point *point, char *path, size_t size,
	      struct err *err)
{
	int length = snprintf(path, size, "%s/%s", results, point->id);

	if (length >= 0 && (size_t)length < size)
		return 0;
	return err_set(err, ERR_USAGE, "%.200s...: the name is too long", results);
}

/* --- reading ---------------------------------------------------------------------------------- */

static cJSON *read_json(const char *path)
{
	char *text = malloc(STATUS_BYTES_MAX);
	FILE *f = fopen(path, "re");
	cJSON *object = NULL;
	size_t bytes = 0;

	if (f && text)
		bytes = fread(text, 1, STATUS_BYTES_MAX, f);
	if (bytes && bytes < STATUS_BYTES_MAX)
		object = cJSON_ParseWithLength(text, bytes);
	if (f)
		fclose(f);
	free(text);
	return object;
}

static double number(const cJSON *object, const char *key, double otherwise)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(item) ? item->valuedouble : otherwise;
}

static const char *text(const cJSON *object, const char *key)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(item) ? item->valuestring : "";
}

static bool truth(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* A number of the file as one of ours: what is out of range becomes @otherwise. */
static int small(const cJSON *object, const char *key, int otherwise)
{
	double value = number(object, key, otherwise);

	return value >= -1 && value <= 1000000 ? (int)value : otherwise;
}

static bool run_is_whole(const char *dir, const struct cell *cell)
{
	char path[DIR_BYTES + sizeof("/" CELL_MARKER)];
	uint64_t digest, bytes;

	snprintf(path, sizeof(path), "%.*s/run.json", DIR_BYTES - 1, dir);
	return !digest_file(path, &digest, &bytes, NULL) && bytes == cell->run_json_bytes &&
	       digest == cell->run_json_digest;
}

static void take(struct cell *cell, const cJSON *status)
{
	double bytes = number(status, "run_json_bytes", 0);
	int attempts = small(status, "attempts", 0);

	cell->exit_code = small(status, "exit_code", -1);
	cell->signal = small(status, "signal", 0);
	cell->timed_out = truth(status, "timed_out");
	cell->transient = truth(status, "transient");
	cell->wall_seconds = number(status, "wall_seconds", 0);
	cell->attempts = attempts > 0 ? (unsigned)attempts : 0;
	snprintf(cell->host, sizeof(cell->host), "%s", text(status, "host"));
	snprintf(cell->message, sizeof(cell->message), "%s", text(status, "message"));
	cell->run_json_bytes = bytes >= 0 && bytes <= 0x1p53 ? (uint64_t)bytes : 0;
	cell->run_json_digest = strtoull(text(status, "run_json_digest"), NULL, 16);
}

/* @dir is the cell's directory, whatever its name leads to by now. */
static void read_in(const char *dir, const struct plan_point *point, struct cell *cell)
{
	char path[DIR_BYTES + sizeof("/" CELL_MARKER)];
	const char *state;
	cJSON *status;

	memset(cell, 0, sizeof(*cell));
	snprintf(path, sizeof(path), "%.*s/" CELL_MARKER, DIR_BYTES - 1, dir);
	status = read_json(path);
	if (!status || strcmp(text(status, "id"), point->id))
		goto out;
	take(cell, status);
	state = text(status, "state");
	if (!strcmp(state, state_names[CELL_FAILED]))
		cell->state = CELL_FAILED;
	else if (!strcmp(state, state_names[CELL_DONE]) && run_is_whole(dir, cell))
		cell->state = CELL_DONE;
out:
	cJSON_Delete(status);
}

/* Has the directory at @path been replaced since it was opened as @fd? */
static bool is_replaced(const char *path, int fd)
{
	struct stat now, then;

	return !stat(path, &now) && !fstat(fd, &then) &&
	       (now.st_ino != then.st_ino || now.st_dev != then.st_dev);
}

void cell_read(const char *results, const struct plan_point *point, struct cell *cell)
{
	char dir[DIR_BYTES], *path;
	unsigned tries;
	bool again;
	int fd;

	memset(cell, 0, sizeof(*cell));
	if (asprintf(&path, "%s/%s", results, point->id) < 0)
		return;
	/* Another process that runs the same point puts its own directory here and deletes this. */
	for (tries = 0, again = true; again && tries < 8; tries++) {
		fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			break;
		snprintf(dir, sizeof(dir), "/proc/self/fd/%d", fd);
		read_in(dir, point, cell);
		again = cell->state == CELL_MISSING && is_replaced(path, fd);
		close(fd);
	}
	free(path);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_status(const struct plan_point *point, const struct cell *cell, FILE *f)
{
	char digest[DIGEST_TEXT];
	struct json j;

	json_init(&j, f);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	json_string(&j, "id", point->id);
	json_u64(&j, "index", point->index);
	json_string(&j, "state", cell_state_name(cell->state));
	if (cell->signal)
		json_null(&j, "exit_code");
	else
		json_i64(&j, "exit_code", cell->exit_code);
	if (cell->signal)
		json_i64(&j, "signal", cell->signal);
	else
		json_null(&j, "signal");
	json_bool(&j, "timed_out", cell->timed_out);
	json_bool(&j, "transient", cell->transient);
	json_string(&j, "message", cell->message);
	json_double(&j, "wall_seconds", cell->wall_seconds);
	json_string(&j, "host", cell->host);
	json_u64(&j, "attempts", cell->attempts);
	json_string(&j, "allocsim_version", ALLOCSIM_VERSION);
	if (cell->state == CELL_DONE) {
		json_u64(&j, "run_json_bytes", cell->run_json_bytes);
		digest_format(cell->run_json_digest, digest);
		json_string(&j, "run_json_digest", digest);
	}
	json_object_end(&j);
	json_finish(&j);
}

int cell_write_status(struct resultdir *rd, const struct plan_point *point, const struct cell *cell,
		      struct err *err)
{
	FILE *f = resultdir_open(rd, CELL_MARKER, err);

	if (!f)
		return -1;
	write_status(point, cell, f);
	return resultdir_close(rd, f, err);
}

char *cell_reason(const struct cell *cell, char *buf, size_t size)
{
	if (cell->timed_out)
		snprintf(buf, size, "timed out after %.1f s", cell->wall_seconds);
	else if (cell->signal)
		snprintf(buf, size, "signal %d (%s)", cell->signal, strsignal(cell->signal));
	else
		snprintf(buf, size, "exit status %d", cell->exit_code);
	return buf;
}
