/*
 * spec.c - reading a sweep: see spec.h.
 *
 * The file is read once, section by section, into texts with their places (spec_read.c,
 * spec_vary.c, spec_sample.c); then the configuration that it names is loaded, and all texts are
 * checked against it (spec_check.c). So the order of the sections does not matter, and a mistake is
 * reported at the place where it stands, several of them in one go:
 *
 *   slub.yaml:6:9: grid.slab.max_ordr: slab: unknown key 'max_ordr'; did you mean 'max_order'?
 *   slub.yaml:9:3: constraints[0]: column 1: the sweep has no traces
 *
 * What a sweep is, after loading: dimensions, from the slowest to the fastest,
 *
 *   traces   trace            web, files            2
 *   grid     slab.max_order   0, 1, 2, 3            4
 *   (seeds)  repeat           0 to 4                5, made of seeds_count by make.c
 *
 * and point number i is the mixed-radix number i: 27 = (1, 1, 2), the trace files, order 1,
 * repeat 2.
 */
#include "sim/sweep/spec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep/spec_impl.h"

#define REPEATS_MAX 1000000

/* --- sections --------------------------------------------------------------------------------- */

static int read_name(struct spec_reader *r, void *target)
{
	return spec_name(r, &r->s->name);
}

static int read_title(struct spec_reader *r, void *target)
{
	return spec_text(r, &r->s->title);
}

static int read_question(struct spec_reader *r, void *target)
{
	return spec_text(r, &r->s->question);
}

static int take_config(struct spec_reader *r, void *target)
{
	char path[CONFIG_TEXT];
	struct config_pos pos = pos_here(&r->ld);
	struct spec_text *file = SPEC_PUSH(r, r->s->files, r->s->files_count);
	if (!file)
		return -1;
	int rc = spec_path(r, path);
	*file = (struct spec_text){strdup(path), pos.line, pos.column};
	return file->text ? rc : diag_no_memory(&r->ld);
}

static int read_config(struct spec_reader *r, void *target)
{
	if (r->ld.reader->event.type == YAML_SEQUENCE_START_EVENT)
		return spec_elements(r, "a path or a list of paths", take_config, NULL);
	return take_config(r, NULL);
}

static int take_set(struct spec_reader *r, const char *key, const struct config_pos *pos,
		    void *target)
{
	struct spec *s = r->s;
	unsigned keys = s->sets_count;
	struct spec_text *k = SPEC_PUSH(r, s->set_keys, keys);
	struct spec_text *v = k ? SPEC_PUSH(r, s->set_values, s->sets_count) : NULL;
	if (!v)
		return -1;
	*k = (struct spec_text){strdup(key), pos->line, pos->column};
	return k->text ? spec_value(r, v) : diag_no_memory(&r->ld);
}

static int read_set(struct spec_reader *r, void *target)
{
	return spec_keys(r, "a mapping of keys to values", take_set, NULL);
}

static int take_constraint(struct spec_reader *r, void *target)
{
	struct spec_constraint *c = SPEC_PUSH(r, r->s->constraints, r->s->constraints_count);
	if (!c)
		return -1;
	if (yaml_reader_scalar(r->ld.reader))
		return spec_value(r, &c->text);
	diag_here(&r->ld, "must be a condition in quotes");
	return yaml_reader_skip(r->ld.reader);
}

static int read_constraints(struct spec_reader *r, void *target)
{
	return spec_elements(r, "a list of conditions", take_constraint, NULL);
}

static int read_seeds_count(struct spec_reader *r, void *target)
{
	return spec_count(r, 1, REPEATS_MAX, &r->s->seeds_count);
}

static int read_seeds_master(struct spec_reader *r, void *target)
{
	return spec_count(r, 0, UINT64_MAX, &r->s->master_seed);
}

static int read_seeds_by(struct spec_reader *r, void *target)
{
	static const char *const names[] = {"point", "repeat"};
	unsigned choice = r->s->by_repeat;
	int rc = spec_choice(r, names, ARRAY_SIZE(names), &choice);
	r->s->by_repeat = choice == 1;
	return rc;
}

static int read_seeds(struct spec_reader *r, void *target)
{
	static const struct spec_member members[] = {
		{"count", read_seeds_count},
		{"master", read_seeds_master},
		{"by", read_seeds_by},
	};
	r->s->seeds_count = 1;
	if (yaml_reader_scalar(r->ld.reader))
		return read_seeds_count(r, NULL);
	return spec_members(r, members, ARRAY_SIZE(members), NULL);
}

/* --- plots ------------------------------------------------------------------------------------ */

#define PLOT_TEXT(member)                                                                          \
	static int read_plot_##member(struct spec_reader *r, void *target)                         \
	{                                                                                          \
		return spec_text(r, &((struct plan_plot *)target)->member);                        \
	}
PLOT_TEXT(title)
PLOT_TEXT(x)
PLOT_TEXT(z)
PLOT_TEXT(by)

static int read_plot_name(struct spec_reader *r, void *target)
{
	return spec_name(r, &((struct plan_plot *)target)->name);
}

static int take_plot_y(struct spec_reader *r, void *target)
{
	struct plan_plot *p = target;
	if (p->y_count == PLAN_PANELS_MAX) {
		diag_here(&r->ld, "is one panel more than the %d that fit a picture",
			  PLAN_PANELS_MAX);
		return yaml_reader_skip(r->ld.reader);
	}
	int rc = spec_text(r, &p->y[p->y_count]);
	p->y_count += p->y[p->y_count] != NULL;
	return rc;
}

static int take_plot_where(struct spec_reader *r, void *target)
{
	const char *text = yaml_reader_scalar(r->ld.reader);
	struct plan_plot *p = target;
	if (p->where_count == PLAN_WHERE_MAX) {
		diag_here(&r->ld, "is one condition more than %d", PLAN_WHERE_MAX);
		return yaml_reader_skip(r->ld.reader);
	}
	if (text && (!strchr(text, '=') || *text == '=')) {
		diag_here(&r->ld, "must be KEY=VALUE, such as slab.max_order=3");
		return yaml_reader_skip(r->ld.reader);
	}
	int rc = spec_text(r, &p->where[p->where_count]);
	p->where_count += p->where[p->where_count] != NULL;
	return rc;
}

/* One, or a list. */
static int read_plot_y(struct spec_reader *r, void *target)
{
	if (r->ld.reader->event.type == YAML_SEQUENCE_START_EVENT)
		return spec_elements(r, "a figure or a list of figures", take_plot_y, target);
	return take_plot_y(r, target);
}

static int read_plot_where(struct spec_reader *r, void *target)
{
	if (r->ld.reader->event.type == YAML_SEQUENCE_START_EVENT)
		return spec_elements(r, "KEY=VALUE or a list of such", take_plot_where, target);
	return take_plot_where(r, target);
}

static int read_plot_kind(struct spec_reader *r, void *target)
{
	static const char *const names[] = {"lines", "boxes", "heat"};
	struct plan_plot *p = target;
	unsigned choice = ARRAY_SIZE(names);
	int rc = spec_choice(r, names, ARRAY_SIZE(names), &choice);
	if (choice == ARRAY_SIZE(names))
		return rc;
	free(p->kind);
	p->kind = strdup(names[choice]);
	return p->kind ? rc : diag_no_memory(&r->ld);
}

static int read_plot_relative(struct spec_reader *r, void *target)
{
	static const char *const names[] = {"false", "true"};
	struct plan_plot *p = target;
	unsigned choice = p->relative;
	int rc = spec_choice(r, names, ARRAY_SIZE(names), &choice);
	p->relative = choice == 1;
	return rc;
}

static int take_plot(struct spec_reader *r, void *target)
{
	static const struct spec_member members[] = {
		{"name", read_plot_name},
		{"title", read_plot_title},
		{"x", read_plot_x},
		{"y", read_plot_y},
		{"z", read_plot_z},
		{"by", read_plot_by},
		{"kind", read_plot_kind},
		{"where", read_plot_where},
		{"relative", read_plot_relative},
	};
	struct spec *s = r->s;
	struct config_pos pos = pos_here(&r->ld);
	unsigned problems = r->ld.problems_count;
	struct plan_plot *p = SPEC_PUSH(r, s->plots, s->plots_count);
	if (!p)
		return -1;
	int rc = spec_members(r, members, ARRAY_SIZE(members), p);
	if (rc != 0 || problems != r->ld.problems_count)
		return rc;
	if (!p->name || !p->x || !p->y_count)
		diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path, "lacks '%s' (%s)",
			!p->name ? "name" : !p->x ? "x" : "y",
			!p->name ? "of its file" : !p->x ? "what varies along the axis"
							 : "the figure that is drawn");
	for (unsigned i = 0; p->name && i + 1 < s->plots_count; i++) {
		if (s->plots[i].name && strcmp(s->plots[i].name, p->name) == 0)
			diag_at(&r->ld, ERR_CONFIG, &pos, r->ld.path,
				"'%s' is the name of plots[%u] already", p->name, i);
	}
	return 0;
}

static int read_plots(struct spec_reader *r, void *target)
{
	return spec_elements(r, "a list of plots", take_plot, NULL);
}

/* --- the file --------------------------------------------------------------------------------- */

static const struct spec_member sections[] = {
	{"name", read_name},
	{"title", read_title},
	{"question", read_question},
	{"config", read_config},
	{"set", read_set},
	{"traces", spec_read_traces},
	{"grid", spec_read_grid},
	{"zip", spec_read_zip},
	{"list", spec_read_list},
	{"sample", spec_read_sample},
	{"constraints", read_constraints},
	{"seeds", read_seeds},
	{"plots", read_plots},
};

static int read_document(struct spec_reader *r)
{
	int rc = yaml_reader_begin(r->ld.reader);
	if (rc == 0) {
		struct config_pos pos = {r->s->path, 1, 1};
		diag_at(&r->ld, ERR_CONFIG, &pos, "", "is empty: a sweep needs `config`");
		return 0;
	}
	if (rc > 0)
		rc = spec_members(r, sections, ARRAY_SIZE(sections), NULL);
	return rc == 0 ? yaml_reader_end(r->ld.reader) : rc;
}

static void read_file(struct spec_reader *r, FILE *file)
{
	struct yaml_reader reader;
	if (yaml_reader_init(&reader, file, NULL, 0) != 0) {
		diag_no_memory(&r->ld);
		return;
	}
	r->ld.reader = &reader;
	if (read_document(r) != 0 && reader.problem[0]) {
		struct config_pos pos = {r->s->path, reader.problem_line, reader.problem_column};
		diag_at(&r->ld, reader.io_failed ? ERR_IO : ERR_CONFIG, &pos, r->ld.path, "%s",
			reader.problem);
	}
	yaml_reader_release(&reader);
	r->ld.reader = NULL;
	r->ld.path[0] = '\0';
}

/* The name of a sweep that gives none: that of its file without the end. */
static void name_by_stem(struct spec_reader *r)
{
	struct spec *s = r->s;
	const char *slash = strrchr(s->path, '/'), *begin = slash ? slash + 1 : s->path;
	const char *dot = strrchr(begin, '.');
	size_t length = dot && dot > begin ? (size_t)(dot - begin) : strlen(begin);
	struct config_pos pos = {s->path, 1, 1};
	s->name = strndup(begin, length);
	if (!s->name)
		diag_no_memory(&r->ld);
	else if (!spec_is_name(s->name))
		diag_at(&r->ld, ERR_CONFIG, &pos, "", "the file's name can't be the sweep's; give "
			"`name`");
}

/* The sum of what was reported. */
static int result(const struct loader *ld, struct err *err)
{
	if (ld->out_of_memory)
		return err_set(err, ERR_IO, "sweep: out of memory");
	if (!ld->problems_count)
		return 0;
	if (!ld->diagnostics)
		return err_set(err, ld->first_code, "%s", ld->first_text);
	return err_set(err, ld->first_code, "the sweep has %s%u error%s",
		       diag_is_full(ld) ? "at least " : "", ld->problems_count,
		       ld->problems_count == 1 ? "" : "s");
}

int spec_load(struct spec *s, const char *path, const char *const *sets, unsigned sets_count,
	      FILE *diagnostics, struct err *err)
{
	struct spec_reader r = {.s = s, .ld = {.diagnostics = diagnostics}};
	FILE *file = NULL;
	int rc = -1;
	memset(s, 0, sizeof(*s));
	config_init(&s->base);
	s->master_seed = 1;
	s->path = strdup(path);
	if (!s->path) {
		err_set(err, ERR_IO, "out of memory");
		goto out;
	}
	r.ld.source = s->path;
	file = fopen(path, "re");
	if (!file) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		goto out;
	}
	read_file(&r, file);
	if (!s->name && !r.ld.problems_count)
		name_by_stem(&r);
	rc = r.ld.problems_count || r.ld.out_of_memory ? 0 : spec_check(&r, sets, sets_count, err);
	if (rc == 0)
		rc = result(&r.ld, err);
out:
	if (file)
		fclose(file);
	diag_release(&r.ld);
	if (rc != 0)
		spec_release(s);
	return rc;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void release_drawn(struct spec_drawn *d)
{
	free(d->key.text);
	free(d->from.text);
	free(d->to.text);
	spec_texts_release(d->choices, d->choices_count);
}

void spec_release(struct spec *s)
{
	free(s->path);
	free(s->name);
	free(s->title);
	free(s->question);
	spec_texts_release(s->files, s->files_count);
	spec_texts_release(s->set_keys, s->sets_count);
	spec_texts_release(s->set_values, s->sets_count);
	for (unsigned i = 0; i < s->traces_count; i++) {
		free(s->traces[i].name);
		free(s->traces[i].trace);
		free(s->traces[i].truth);
	}
	free(s->traces);
	free(s->trace_places);
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		struct spec_dimension *d = &s->dimensions[i];
		spec_texts_release(d->keys, d->keys_count);
		spec_texts_release(d->values, d->count * d->keys_count);
	}
	free(s->dimensions);
	for (unsigned i = 0; i < s->sample.drawn_count; i++)
		release_drawn(&s->sample.drawn[i]);
	free(s->sample.drawn);
	for (unsigned i = 0; i < s->constraints_count; i++) {
		free(s->constraints[i].text.text);
		expr_free(s->constraints[i].expr);
	}
	free(s->constraints);
	for (unsigned i = 0; i < s->plots_count; i++)
		plan_plot_release(&s->plots[i]);
	free(s->plots);
	config_release(&s->base);
	memset(s, 0, sizeof(*s));
	s->base.workload.ops_fd = -1;
}

uint64_t spec_points_count(const struct spec *s)
{
	uint64_t count = s->seeds_count ? s->seeds_count : 1;
	for (unsigned i = 0; i < s->dimensions_count; i++) {
		if (__builtin_mul_overflow(count, s->dimensions[i].count, &count))
			return UINT64_MAX;
	}
	return count;
}
