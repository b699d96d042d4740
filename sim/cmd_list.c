/*
 * cmd_list.c - allocsim list: what there is to choose from.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc/object_allocator.h"
#include "sim/cmd.h"
#include "sim/import.h"
#include "sim/metrics_list.h"
#include "sim/plot.h"
#include "sim/suggest.h"

static const char doc[] = "List what there is: allocators, machines, workloads, sweeps, metrics, "
			  "plots or formats (of "
			  "traces)."
			  "\vExamples:\n"
			  "  allocsim list allocators\n"
			  "  allocsim list machines\n"
			  "  allocsim list plots\n";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **what = state->input;
	switch (key) {
	case ARGP_KEY_ARG:
		if (*what)
			argp_error(state, "one list at a time");
		*what = arg;
		return 0;
	case ARGP_KEY_END:
		if (!*what)
			argp_error(state, "list what? allocators, machines, workloads, sweeps, "
					  "metrics, plots or "
					  "formats");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void row(const char *name, const char *summary)
{
	printf("%-24s %s\n", name, summary);
}

static int list_allocators(struct err *err)
{
	printf("pages (page_allocator:)\n");
	for (const struct page_allocator_ops *const *p = page_allocators; *p; p++)
		row((*p)->name, (*p)->summary);
	printf("objects (slab.allocator:)\n");
	for (const struct object_allocator_ops *const *p = object_allocators; *p; p++)
		row((*p)->name, (*p)->summary);
	return 0;
}

static int list_plots(struct err *err)
{
	const struct plot_info *p;
	for (unsigned i = 0; (p = plot_info(i)); i++)
		row(p->name, p->summary);
	return 0;
}

static int list_formats(struct err *err)
{
	for (const struct import_format *f = import_formats; f->name; f++)
		row(f->name, f->summary);
	return 0;
}

static int list_metrics(struct err *err)
{
	for (const struct metric_info *m = metrics_list; m->key; m++)
		printf("%-40s %-12s %s%s%s\n", m->key, m->unit, m->meaning,
		       m->direction ? "; " : "", metric_direction_text(m->direction));
	return 0;
}

/* The first line of @about, after its #, says what @path is. */
static void described_row(const char *path, const char *about)
{
	char line[256] = "";
	FILE *f = fopen(about, "re");
	if (f && fgets(line, sizeof(line), f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
	const char *text = line[0] == '#' ? line + 1 + strspn(line + 1, " ") : "";
	/* Headings are no sentences. */
	printf("%-40s %s%s\n", path, text,
	       *text && !strchr(".:)", text[strlen(text) - 1]) ? "." : "");
}

static void file_row(const char *dir, const char *name)
{
	char path[4096];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	described_row(path, path);
}

/* The recordings below @dir, each in a directory of its own with a README.md; returns how many. */
static unsigned list_recordings(const char *dir)
{
	struct dirent **names;
	unsigned shown = 0;
	int n = scandir(dir, &names, NULL, alphasort);
	for (int k = 0; k < n; k++) {
		char path[4096], about[4096];
		if (names[k]->d_name[0] == '.') {
			free(names[k]);
			continue;
		}
		snprintf(path, sizeof(path), "%s/%s/trace.ftrace.zst", dir, names[k]->d_name);
		snprintf(about, sizeof(about), "%s/%s/README.md", dir, names[k]->d_name);
		free(names[k]);
		if (access(path, R_OK) != 0)
			continue;
		described_row(path, about);
		shown++;
	}
	if (n >= 0)
		free(names);
	return shown;
}

static int is_yaml(const struct dirent *d)
{
	size_t n = strlen(d->d_name);
	return n > 5 && strcmp(d->d_name + n - 5, ".yaml") == 0;
}

/* The YAML files of @dir; returns how many. */
static unsigned list_files(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, is_yaml, alphasort);
	for (int k = 0; k < n; k++) {
		file_row(dir, names[k]->d_name);
		free(names[k]);
	}
	if (n >= 0)
		free(names);
	return n > 0 ? (unsigned)n : 0;
}

static int list_workloads(struct err *err)
{
	unsigned shown = list_files("workloads");
	shown += list_recordings("workloads");
	shown += list_files("configs");
	shown += list_files("configs/examples");
	if (!shown)
		return err_set(err, ERR_NO_INPUT,
			       "there is no workloads/ or configs/ here: run this in allocsim's "
			       "directory");
	return 0;
}

static int list_machines(struct err *err)
{
	if (!list_files("configs/machines"))
		return err_set(err, ERR_NO_INPUT,
			       "there is no configs/machines/ here: run this in allocsim's "
			       "directory");
	return 0;
}

static int list_sweeps(struct err *err)
{
	if (!list_files("configs/sweeps"))
		return err_set(err, ERR_NO_INPUT,
			       "there is no configs/sweeps/ here: run this in allocsim's "
			       "directory");
	return 0;
}

static const struct {
	const char *name;
	int (*list)(struct err *err);
} lists[] = {
	{"allocators", list_allocators}, {"machines", list_machines}, {"workloads", list_workloads},
	{"sweeps", list_sweeps},         {"metrics", list_metrics},   {"plots", list_plots},
	{"formats", list_formats},
};

int cmd_list(int argc, char **argv, struct err *err)
{
	const struct argp argp = {
		NULL, parse, "allocators|machines|workloads|metrics|plots|formats", doc, NULL, NULL,
		NULL};
	const char *what = NULL, *names[sizeof(lists) / sizeof(lists[0])];
	argp_parse(&argp, argc, argv, 0, NULL, &what);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		names[i] = lists[i].name;
		if (strcmp(what, lists[i].name) == 0)
			return lists[i].list(err);
	}
	const char *near = suggest_nearest(what, names, sizeof(lists) / sizeof(lists[0]));
	return err_set(err, ERR_USAGE, "there is no list of '%s'%s%s%s", what,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}
