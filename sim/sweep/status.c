/*
 * status.c - how far a sweep is: see status.h.
 *
 * What a directory holds is told by names and by the cells' status.json; nothing else keeps count,
 * so nothing can be out of step with what is there, however runs were ended:
 *
 *   plan.jsonl               the points that there should be
 *   ID/                      a cell: done or failed; if ID is no point of the plan, another plan's
 *   .ID.tmp.HOST.PID/        a run under way, if process PID lives on HOST. Whether it does can be
 *                            said of this host alone; of others it is "perhaps".
 *
 * Example: 4 points, of which the cells of 0 and 2 are done and that of 1 failed. Point 3 is
 * missing; a work directory of it, whose process lives, says that it is under way.
 *
 * Cost: reads every run.json of the plan once, for its digest.
 *
 * MODEL: a process number may have been given to another process since; then a directory that was
 * left behind counts as running until that one ends.
 */
#include "sim/sweep/status.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/json.h"

#define ID_LENGTH (DIGEST_TEXT - 1)

/* --- reading --------------------------------------------------------------------------------- */

static bool is_id(const char *name)
{
	return strspn(name, "0123456789abcdef") >= ID_LENGTH;
}

static enum sweep_work_state work_state(const struct sweep_work *w)
{
	char host[65] = "", *c;

	gethostname(host, sizeof(host) - 1);
	/* As safefile_who() writes it. */
	for (c = host; *c; c++)
		if (*c == '/')
			*c = '_';
	if (w->host[0] && strcmp(w->host, host) && strcmp(w->host, "localhost"))
		return WORK_PERHAPS;
	return resultdir_process_is_gone((pid_t)w->pid) ? WORK_LEFT : WORK_RUNNING;
}

/* Is @name that of a work directory of a run, ".ID.tmp.HOST.PID"? */
static bool parse_work(const char *name, struct sweep_work *w)
{
	const char *mark = strstr(name, ".tmp."), *who, *pid;
	char *end;

	*w = (struct sweep_work){0};
	if (name[0] != '.' || !is_id(name + 1) || mark != name + 1 + ID_LENGTH)
		return false;
	who = mark + strlen(".tmp.");
	pid = strrchr(who, '.');
	pid = pid ? pid + 1 : who;
	w->pid = strtol(pid, &end, 10);
	if (!isdigit((unsigned char)*pid) || *end || w->pid <= 0 || w->pid > INT_MAX)
		return false;
	snprintf(w->id, sizeof(w->id), "%.*s", ID_LENGTH, name + 1);
	if (pid > who)
		snprintf(w->host, sizeof(w->host), "%.*s", (int)(pid - 1 - who), who);
	w->state = work_state(w);
	return true;
}

static int compare_work(const void *a, const void *b)
{
	const struct sweep_work *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	order = order ? order : strcmp(x->host, y->host);
	return order ? order : (x->pid > y->pid) - (x->pid < y->pid);
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The ids of the plan, sorted; NULL without memory. */
static const char **sorted_ids(const struct plan *p)
{
	const char **ids = calloc(p->points_count + 1, sizeof(*ids));
	uint64_t i;

	for (i = 0; ids && i < p->points_count; i++)
		ids[i] = p->points[i].id;
	if (ids)
		qsort(ids, p->points_count, sizeof(*ids), compare_ids);
	return ids;
}

static int add_work(struct sweep_status *s, const struct sweep_work *w)
{
	struct sweep_work *work = realloc(s->work, (s->work_count + 1) * sizeof(*work));

	if (!work)
		return -1;
	s->work = work;
	s->work[s->work_count++] = *w;
	s->work_states_count[w->state]++;
	return 0;
}

/* What lies in @dir beside the plan's cells. */
static int read_entries(struct sweep_status *s, const char *dir, struct err *err)
{
	const char **ids = sorted_ids(&s->plan), *name;
	DIR *stream = opendir(dir);
	struct sweep_work work;
	struct dirent *entry;
	int failed = -1;

	if (!stream) {
		err_set(err, ERR_NO_INPUT, "%s: %s", dir, strerror(errno));
		goto out;
	}
	while (ids && (entry = readdir(stream))) {
		name = entry->d_name;
		if (parse_work(name, &work) && add_work(s, &work))
			goto out;
		if (is_id(name) && !name[ID_LENGTH] &&
		    !bsearch(&name, ids, s->plan.points_count, sizeof(*ids), compare_ids))
			s->others_count++;
	}
	failed = ids ? 0 : -1;
	if (s->work_count)
		qsort(s->work, s->work_count, sizeof(*s->work), compare_work);
out:
	if (stream)
		closedir(stream);
	free(ids);
	return failed ? err_set(err, ERR_IO, "out of memory") : 0;
}

int sweep_status_read(struct sweep_status *s, const char *dir, struct err *err)
{
	char *path;
	uint64_t i;

	*s = (struct sweep_status){0};
	if (asprintf(&path, "%s/plan.jsonl", dir) < 0)
		return err_set(err, ERR_IO, "out of memory");
	if (plan_load(&s->plan, path, err)) {
		free(path);
		return -1;
	}
	free(path);
	s->cells = calloc(s->plan.points_count + 1, sizeof(*s->cells));
	if (!s->cells)
		err_set(err, ERR_IO, "out of memory");
	for (i = 0; s->cells && i < s->plan.points_count; i++) {
		cell_read(dir, &s->plan.points[i], &s->cells[i]);
		s->states_count[s->cells[i].state]++;
	}
	if (s->cells && !read_entries(s, dir, err))
		return 0;
	sweep_status_release(s);
	return -1;
}

void sweep_status_release(struct sweep_status *s)
{
	plan_release(&s->plan);
	free(s->cells);
	free(s->work);
	*s = (struct sweep_status){0};
}

/* --- printing -------------------------------------------------------------------------------- */

/* The indices of the points without a cell: "3,7-9", as --points takes them. */
static void print_missing(const struct sweep_status *s, FILE *out)
{
	const struct plan_point *points = s->plan.points;
	uint64_t i, end;
	bool first = true;

	for (i = 0; i < s->plan.points_count; i = end) {
		end = i + 1;
		if (s->cells[i].state != CELL_MISSING)
			continue;
		while (end < s->plan.points_count && s->cells[end].state == CELL_MISSING &&
		       points[end].index == points[end - 1].index + 1)
			end++;
		fprintf(out, "%s%" PRIu64, first ? "" : ",", points[i].index);
		if (end - i > 1)
			fprintf(out, "-%" PRIu64, points[end - 1].index);
		first = false;
	}
}

static void print_failed(const struct sweep_status *s, uint64_t at, FILE *out)
{
	const struct plan_point *point = &s->plan.points[at];
	const struct cell *cell = &s->cells[at];
	char reason[256];
	const char *c;
	unsigned i;

	fprintf(out, "  %" PRIu64 "  %s  %s", point->index, point->id,
		cell_reason(cell, reason, sizeof(reason)));
	if (cell->attempts > 1)
		fprintf(out, ", %u attempts", cell->attempts);
	fputs("\n    ", out);
	for (i = 0; i < s->plan.parameters_count; i++)
		fprintf(out, " %s=%s", s->plan.parameters[i].key, point->values[i]);
	if (cell->message[0])
		fputs("\n     ", out);
	/* Any text: a terminal must not obey it. */
	for (c = cell->message; *c; c++)
		fputc(iscntrl((unsigned char)*c) ? '?' : *c, out);
	fputc('\n', out);
}

static void print_work(const struct sweep_status *s, FILE *out)
{
	unsigned i;

	if (s->work_states_count[WORK_RUNNING])
		fprintf(out, "running on this host: %" PRIu64 "\n",
			s->work_states_count[WORK_RUNNING]);
	if (s->work_states_count[WORK_PERHAPS]) {
		fprintf(out, "perhaps running on other hosts: %" PRIu64 " (",
			s->work_states_count[WORK_PERHAPS]);
		for (i = 0; i < s->work_count && s->work[i].state != WORK_PERHAPS; i++)
			;
		fprintf(out, "%s%s)\n", s->work[i].host,
			s->work_states_count[WORK_PERHAPS] > 1 ? ", ..." : "");
	}
	if (s->work_states_count[WORK_LEFT])
		fprintf(out, "left behind by runs that were killed: %" PRIu64 "\n",
			s->work_states_count[WORK_LEFT]);
	if (s->others_count)
		fprintf(out, "cells of other plans: %" PRIu64 "\n", s->others_count);
}

void sweep_status_print(const struct sweep_status *s, bool all, FILE *out)
{
	uint64_t i, named = 0, failed = s->states_count[CELL_FAILED];

	fprintf(out,
		"%s: %" PRIu64 " points: %" PRIu64 " done, %" PRIu64 " failed, %" PRIu64
		" missing\n",
		s->plan.name, s->plan.points_count, s->states_count[CELL_DONE], failed,
		s->states_count[CELL_MISSING]);
	if (failed)
		fputs("failed:\n", out);
	for (i = 0; i < s->plan.points_count && (all || named < STATUS_NAMED_MAX); i++) {
		if (s->cells[i].state != CELL_FAILED)
			continue;
		print_failed(s, i, out);
		named++;
	}
	if (named < failed)
		fprintf(out, "  and %" PRIu64 " more (--all names them)\n", failed - named);
	if (s->states_count[CELL_MISSING]) {
		fputs("missing: ", out);
		print_missing(s, out);
		fputc('\n', out);
	}
	print_work(s, out);
}

static void json_failed(const struct sweep_status *s, uint64_t at, struct json *j)
{
	const struct plan_point *point = &s->plan.points[at];
	const struct cell *cell = &s->cells[at];
	char reason[256];
	unsigned i;

	json_object_begin(j, NULL);
	json_u64(j, "index", point->index);
	json_string(j, "id", point->id);
	json_object_begin(j, "params");
	for (i = 0; i < s->plan.parameters_count; i++)
		json_string(j, s->plan.parameters[i].key, point->values[i]);
	json_object_end(j);
	json_string(j, "reason", cell_reason(cell, reason, sizeof(reason)));
	if (cell->signal)
		json_null(j, "exit_code");
	else
		json_i64(j, "exit_code", cell->exit_code);
	if (cell->signal)
		json_i64(j, "signal", cell->signal);
	else
		json_null(j, "signal");
	json_bool(j, "timed_out", cell->timed_out);
	json_bool(j, "transient", cell->transient);
	json_string(j, "message", cell->message);
	json_u64(j, "attempts", cell->attempts);
	json_string(j, "host", cell->host);
	json_object_end(j);
}

static void json_work(const struct sweep_status *s, struct json *j)
{
	static const char *const names[] = {"running", "perhaps", "left"};
	unsigned i;

	json_array_begin(j, "work");
	for (i = 0; i < s->work_count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "id", s->work[i].id);
		json_string(j, "host", s->work[i].host);
		json_i64(j, "pid", s->work[i].pid);
		json_string(j, "state", names[s->work[i].state]);
		json_object_end(j);
	}
	json_array_end(j);
}

void sweep_status_print_json(const struct sweep_status *s, FILE *out)
{
	char *missing = NULL;
	size_t size = 0;
	struct json j;
	uint64_t i;
	FILE *text = open_memstream(&missing, &size);

	if (text) {
		print_missing(s, text);
		fclose(text);
	}
	json_init(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	json_string(&j, "name", s->plan.name);
	json_u64(&j, "points_count", s->plan.points_count);
	json_u64(&j, "done_count", s->states_count[CELL_DONE]);
	json_u64(&j, "failed_count", s->states_count[CELL_FAILED]);
	json_u64(&j, "missing_count", s->states_count[CELL_MISSING]);
	json_array_begin(&j, "failed");
	for (i = 0; i < s->plan.points_count; i++)
		if (s->cells[i].state == CELL_FAILED)
			json_failed(s, i, &j);
	json_array_end(&j);
	json_string(&j, "missing", missing ? missing : "");
	json_work(s, &j);
	json_u64(&j, "other_cells_count", s->others_count);
	json_object_end(&j);
	json_finish(&j);
	free(missing);
}
