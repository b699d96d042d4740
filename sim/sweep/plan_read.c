/*
 * plan_read.c - reading a plan: see plan.h.
 *
 * Line by line, each parsed by cJSON and taken apart at once, so that memory holds the plan and one
 * line. A plan is input like any other: whatever in it is not as plan_write.c writes it is an error
 * with its line. Keys that are not known are passed over, so that later versions may add some.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cjson/cJSON.h>

#include "sim/sweep/plan.h"

struct reader {
	struct plan *plan;
	const char *path;
	uint64_t line;
	uint64_t points_room;
	struct err *err;
};

__attribute__((format(printf, 2, 3))) static int wrong(struct reader *r, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(r->err, ERR_TRACE, "%s:%" PRIu64 ": %s", r->path, r->line, text);
}

static int no_memory(struct reader *r)
{
	return err_set(r->err, ERR_IO, "%s: out of memory", r->path);
}

/* --- members ---------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* A copy of the text at @key; one that is null or missing is NULL if it @may_lack. */
static int take_text(struct reader *r, const cJSON *object, const char *key, bool may_lack,
		     char **text)
{
	const cJSON *item = member(object, key);

	if (may_lack && (!item || cJSON_IsNull(item)))
		return 0;
	if (!cJSON_IsString(item))
		return wrong(r, "needs a text at \"%s\"", key);
	*text = strdup(item->valuestring);
	return *text ? 0 : no_memory(r);
}

/* An integer up to 2^53, which cJSON's doubles hold. */
static int take_count(struct reader *r, const cJSON *object, const char *key, uint64_t *count)
{
	const cJSON *item = member(object, key);
	double value = cJSON_IsNumber(item) ? item->valuedouble : -1;

	if (!(value >= 0 && value <= 0x1p53) || value != (double)(uint64_t)value)
		return wrong(r, "needs a whole number at \"%s\"", key);
	*count = (uint64_t)value;
	return 0;
}

/* A number of 64 bits in a text: all of it, in @base. */
static int take_u64(struct reader *r, const cJSON *object, const char *key, int base,
		    uint64_t *value)
{
	const cJSON *item = member(object, key);
	const char *text = cJSON_IsString(item) ? item->valuestring : "";
	char *end;

	errno = 0;
	*value = strtoull(text, &end, base);
	if (!*text || *end || errno || strspn(text, "0123456789abcdef") != strlen(text))
		return wrong(r, "needs a number in quotes at \"%s\"", key);
	return 0;
}

/* Room for the elements of the list at @key, zeroed; *@count of them. */
static int take_list(struct reader *r, const cJSON *object, const char *key, unsigned max,
		     size_t size, const cJSON **list, void *elements, unsigned *count)
{
	void *room;
	int length;

	*list = member(object, key);
	if (!cJSON_IsArray(*list))
		return wrong(r, "needs a list at \"%s\"", key);
	length = cJSON_GetArraySize(*list);
	if ((unsigned)length > max)
		return wrong(r, "\"%s\" has more than %u elements", key, max);
	room = calloc((size_t)length + 1, size);
	if (!room)
		return no_memory(r);
	memcpy(elements, &room, sizeof(room));
	*count = (unsigned)length;
	return 0;
}

static int take_texts(struct reader *r, const cJSON *object, const char *key, unsigned max,
		      char ***texts, unsigned *count)
{
	const cJSON *list, *item;
	unsigned i = 0;

	if (take_list(r, object, key, max, sizeof(**texts), &list, texts, count))
		return -1;
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item))
			return wrong(r, "\"%s\" holds something other than texts", key);
		(*texts)[i] = strdup(item->valuestring);
		if (!(*texts)[i++])
			return no_memory(r);
	}
	return 0;
}

/* --- the first line --------------------------------------------------------------------------- */

static int take_parameters(struct reader *r, const cJSON *head)
{
	struct plan *p = r->plan;
	const cJSON *list, *item;
	unsigned i = 0;

	if (take_list(r, head, "parameters", PLAN_PARAMS_MAX, sizeof(*p->parameters), &list,
		      &p->parameters, &p->parameters_count))
		return -1;
	cJSON_ArrayForEach(item, list)
	{
		struct plan_parameter *q = &p->parameters[i++];
		if (take_text(r, item, "key", false, &q->key) ||
		    take_texts(r, item, "values", UINT32_MAX, &q->values, &q->values_count))
			return -1;
	}
	return 0;
}

static int take_traces(struct reader *r, const cJSON *head)
{
	struct plan *p = r->plan;
	const cJSON *list, *item;
	unsigned i = 0;

	if (take_list(r, head, "traces", UINT16_MAX, sizeof(*p->traces), &list, &p->traces,
		      &p->traces_count))
		return -1;
	cJSON_ArrayForEach(item, list)
	{
		struct plan_trace *t = &p->traces[i++];
		if (take_text(r, item, "name", false, &t->name) ||
		    take_text(r, item, "trace", false, &t->trace) ||
		    take_text(r, item, "truth", true, &t->truth))
			return -1;
	}
	return 0;
}

static int take_inputs(struct reader *r, const cJSON *head)
{
	struct plan *p = r->plan;
	const cJSON *list, *item;
	unsigned i = 0;

	if (take_list(r, head, "inputs", UINT16_MAX, sizeof(*p->inputs), &list, &p->inputs,
		      &p->inputs_count))
		return -1;
	cJSON_ArrayForEach(item, list)
	{
		struct plan_input *in = &p->inputs[i++];
		in->is_recording = cJSON_IsTrue(member(item, "is_recording"));
		if (take_text(r, item, "path", false, &in->path) ||
		    take_count(r, item, "bytes", &in->bytes) ||
		    take_u64(r, item, "digest", 16, &in->digest))
			return -1;
	}
	return 0;
}

/* A name that becomes one of files. */
static bool is_name(const char *text)
{
	return *text && *text != '.' && *text != '-' && strlen(text) < 128 &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		       strlen(text);
}

/* The texts of the list at @key, at most @max, into an array that a plot holds. */
static int take_few(struct reader *r, const cJSON *item, const char *key, unsigned max, char **few,
		    unsigned *few_count)
{
	char **texts = NULL;
	unsigned i, count = 0;
	int failed = take_texts(r, item, key, max, &texts, &count);

	for (i = 0; texts && i < count; i++)
		few[i] = texts[i];
	free(texts);
	*few_count = failed ? 0 : count;
	return failed;
}

static int take_plot(struct reader *r, const cJSON *item, struct plan_plot *plot)
{
	if (take_few(r, item, "y", PLAN_PANELS_MAX, plot->y, &plot->y_count) ||
	    take_few(r, item, "where", PLAN_WHERE_MAX, plot->where, &plot->where_count))
		return -1;
	plot->relative = cJSON_IsTrue(member(item, "relative"));
	if (take_text(r, item, "name", false, &plot->name) ||
	    take_text(r, item, "title", true, &plot->title) ||
	    take_text(r, item, "x", false, &plot->x) || take_text(r, item, "z", true, &plot->z) ||
	    take_text(r, item, "by", true, &plot->by) ||
	    take_text(r, item, "kind", true, &plot->kind))
		return -1;
	if (!is_name(plot->name))
		return wrong(r, "the name of a plot must be one of a file");
	return plot->y_count ? 0 : wrong(r, "a plot needs \"y\"");
}

static int take_plots(struct reader *r, const cJSON *head)
{
	struct plan *p = r->plan;
	const cJSON *list, *item;
	unsigned i = 0;

	if (take_list(r, head, "plots", UINT16_MAX, sizeof(*p->plots), &list, &p->plots,
		      &p->plots_count))
		return -1;
	cJSON_ArrayForEach(item, list)
	{
		if (take_plot(r, item, &p->plots[i++]))
			return -1;
	}
	return 0;
}

static int read_head(struct reader *r, const cJSON *head)
{
	const cJSON *version = member(head, "schema_version");
	struct plan *p = r->plan;

	if (!cJSON_IsObject(head) || !cJSON_IsString(member(head, "allocsim_version")))
		return wrong(r, "is no plan of a sweep; `allocsim sweep plan` makes one");
	if (!cJSON_IsNumber(version) || version->valuedouble != 1)
		return wrong(r, "schema_version is not 1: another version of allocsim made it");
	if (take_text(r, head, "name", false, &p->name) ||
	    take_text(r, head, "title", true, &p->title) ||
	    take_text(r, head, "question", true, &p->question) ||
	    take_text(r, head, "allocsim_version", false, &p->version) ||
	    take_text(r, head, "config", false, &p->config) ||
	    take_u64(r, head, "master_seed", 10, &p->master_seed) ||
	    take_count(r, head, "points_count", &p->points_count))
		return -1;
	r->points_room = p->points_count;
	p->points_count = 0;
	if (!is_name(p->name))
		return wrong(r, "the name of a sweep must be one of a file");
	return take_parameters(r, head) || take_traces(r, head) || take_inputs(r, head) ||
			       take_plots(r, head)
		       ? -1
		       : 0;
}

/* --- points ----------------------------------------------------------------------------------- */

/* Room for one more; what the head promises is no reason to take gigabytes at once. */
static struct plan_point *add_point(struct reader *r)
{
	struct plan *p = r->plan;
	uint64_t room = p->points_count;
	struct plan_point *points;

	if (!(room & (room - 1))) {
		points = reallocarray(p->points, room ? 2 * room : 1, sizeof(*points));
		if (!points)
			return NULL;
		p->points = points;
	}
	p->points[room] = (struct plan_point){
		.values = calloc((size_t)p->parameters_count + 1, sizeof(char *)),
	};
	if (!p->points[room].values)
		return NULL;
	return &p->points[p->points_count++];
}

static int take_values(struct reader *r, const cJSON *params, struct plan_point *point)
{
	const struct plan *p = r->plan;
	unsigned i;

	if (!cJSON_IsObject(params) ||
	    (unsigned)cJSON_GetArraySize(params) != p->parameters_count)
		return wrong(r, "needs a value of each of the %u parameters in \"params\"",
			     p->parameters_count);
	for (i = 0; i < p->parameters_count; i++)
		if (take_text(r, params, p->parameters[i].key, false, &point->values[i]))
			return -1;
	if (p->traces_count && !plan_point_trace(p, point))
		return wrong(r, "names a trace that the first line doesn't list");
	return 0;
}

static int read_point(struct reader *r, const cJSON *line)
{
	const cJSON *id = member(line, "id");
	struct plan_point *point = add_point(r);

	if (!point)
		return no_memory(r);
	if (take_count(r, line, "i", &point->index))
		return -1;
	if (r->plan->points_count > 1 && point[-1].index >= point->index)
		return wrong(r, "points are not in order of \"i\"");
	if (!cJSON_IsString(id) || strlen(id->valuestring) != DIGEST_TEXT - 1 ||
	    strspn(id->valuestring, "0123456789abcdef") != DIGEST_TEXT - 1)
		return wrong(r, "needs 16 hexadecimal digits at \"id\"");
	strcpy(point->id, id->valuestring);
	return take_values(r, member(line, "params"), point);
}

static int read_lines(struct reader *r, FILE *f)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t bytes;
	cJSON *line;
	int failed = 0;

	while (!failed && (bytes = getline(&text, &room, f)) >= 0) {
		r->line++;
		line = strlen(text) == (size_t)bytes ? cJSON_Parse(text) : NULL;
		if (!line)
			failed = wrong(r, "is no JSON%s",
				       r->line == 1
					       ? ": no plan of a sweep, as `allocsim sweep plan "
						 "SWEEP.yaml -o plan.jsonl` writes it"
					       : "");
		else
			failed = r->line == 1 ? read_head(r, line) : read_point(r, line);
		cJSON_Delete(line);
	}
	if (!failed && ferror(f))
		failed = err_set(r->err, ERR_NO_INPUT, "%s: %s", r->path, strerror(errno));
	free(text);
	if (!failed && !r->line)
		failed = err_set(r->err, ERR_TRACE, "%s: is empty, no plan of a sweep", r->path);
	if (!failed && r->plan->points_count != r->points_room)
		failed = err_set(r->err, ERR_TRACE,
				 "%s: has %" PRIu64 " points and should have %" PRIu64
				 ": it is not complete",
				 r->path, r->plan->points_count, r->points_room);
	return failed;
}

int plan_load(struct plan *p, const char *path, struct err *err)
{
	struct reader r = {.plan = p, .path = path, .err = err};
	FILE *f = fopen(path, "re");
	struct stat st;
	int failed;

	memset(p, 0, sizeof(*p));
	if (!f || fstat(fileno(f), &st)) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		if (f)
			fclose(f);
		return -1;
	}
	if (S_ISDIR(st.st_mode))
		failed = err_set(err, ERR_NO_INPUT, "%s: is a directory, no plan", path);
	else
		failed = read_lines(&r, f);
	fclose(f);
	if (failed)
		plan_release(p);
	return failed;
}
