/*
 * plan_write.c - a plan as text, one JSON object a line: see plan.h.
 *
 * Numbers of 64 bits (seeds) are texts, since most readers of JSON keep numbers as doubles.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/json.h"
#include "sim/safefile.h"
#include "sim/sweep/plan.h"

static void write_text(struct json *j, const char *key, const char *text)
{
	if (text)
		json_string(j, key, text);
	else
		json_null(j, key);
}

static void write_parameters(const struct plan *p, struct json *j)
{
	unsigned i, k;

	json_array_begin(j, "parameters");
	for (i = 0; i < p->parameters_count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "key", p->parameters[i].key);
		json_array_begin(j, "values");
		for (k = 0; k < p->parameters[i].values_count; k++)
			json_string(j, NULL, p->parameters[i].values[k]);
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_traces(const struct plan *p, struct json *j)
{
	unsigned i;

	json_array_begin(j, "traces");
	for (i = 0; i < p->traces_count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "name", p->traces[i].name);
		json_string(j, "trace", p->traces[i].trace);
		write_text(j, "truth", p->traces[i].truth);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_inputs(const struct plan *p, struct json *j)
{
	char text[DIGEST_TEXT];
	unsigned i;

	json_array_begin(j, "inputs");
	for (i = 0; i < p->inputs_count; i++) {
		json_object_begin(j, NULL);
		json_string(j, "path", p->inputs[i].path);
		json_bool(j, "is_recording", p->inputs[i].is_recording);
		json_u64(j, "bytes", p->inputs[i].bytes);
		digest_format(p->inputs[i].digest, text);
		json_string(j, "digest", text);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_plots(const struct plan *p, struct json *j)
{
	unsigned i, k;

	json_array_begin(j, "plots");
	for (i = 0; i < p->plots_count; i++) {
		const struct plan_plot *plot = &p->plots[i];
		json_object_begin(j, NULL);
		json_string(j, "name", plot->name);
		write_text(j, "title", plot->title);
		json_string(j, "x", plot->x);
		json_array_begin(j, "y");
		for (k = 0; k < plot->y_count; k++)
			json_string(j, NULL, plot->y[k]);
		json_array_end(j);
		write_text(j, "z", plot->z);
		write_text(j, "by", plot->by);
		write_text(j, "kind", plot->kind);
		json_array_begin(j, "where");
		for (k = 0; k < plot->where_count; k++)
			json_string(j, NULL, plot->where[k]);
		json_array_end(j);
		json_bool(j, "relative", plot->relative);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_head(const struct plan *p, FILE *out)
{
	char seed[24];
	struct json j;

	json_init_line(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "schema_version", 1);
	json_string(&j, "name", p->name);
	write_text(&j, "title", p->title);
	write_text(&j, "question", p->question);
	json_string(&j, "allocsim_version", p->version);
	snprintf(seed, sizeof(seed), "%" PRIu64, p->master_seed);
	json_string(&j, "master_seed", seed);
	json_u64(&j, "points_count", p->points_count);
	write_parameters(p, &j);
	write_traces(p, &j);
	write_inputs(p, &j);
	write_plots(p, &j);
	json_string(&j, "config", p->config);
	json_object_end(&j);
	json_finish(&j);
}

static void write_point(const struct plan *p, const struct plan_point *point, FILE *out)
{
	struct json j;
	unsigned i;

	json_init_line(&j, out);
	json_object_begin(&j, NULL);
	json_u64(&j, "i", point->index);
	json_string(&j, "id", point->id);
	json_object_begin(&j, "params");
	for (i = 0; i < p->parameters_count; i++)
		json_string(&j, p->parameters[i].key, point->values[i]);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
}

void plan_write(const struct plan *p, FILE *out)
{
	uint64_t i;

	write_head(p, out);
	for (i = 0; i < p->points_count; i++)
		write_point(p, &p->points[i], out);
}

/* Has the file @path these contents already? */
static bool is_same(const char *path, const char *text, size_t bytes)
{
	FILE *f = fopen(path, "re");
	char *have = malloc(bytes + 1);
	bool same;

	same = f && have && fread(have, 1, bytes + 1, f) == bytes && !memcmp(have, text, bytes);
	free(have);
	if (f)
		fclose(f);
	return same;
}

int plan_save(const struct plan *p, const char *path, struct err *err)
{
	struct safefile file;
	char *text = NULL;
	size_t bytes = 0;
	FILE *memory;
	int failed = 0;

	if (!strcmp(path, "-")) {
		plan_write(p, stdout);
		return 0;
	}
	memory = open_memstream(&text, &bytes);
	if (memory)
		plan_write(p, memory);
	if (!memory || fclose(memory)) {
		free(text);
		return err_set(err, ERR_IO, "%s: out of memory", path);
	}
	if (!is_same(path, text, bytes)) {
		failed = safefile_create(&file, path, err);
		if (!failed) {
			fwrite(text, 1, bytes, file.stream);
			failed = safefile_commit(&file, err);
		}
	}
	free(text);
	return failed;
}
