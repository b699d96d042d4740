/*
 * config.c - the configuration of a run: built-in values, files, includes and --set.
 *
 * Loading is one pass from left to right over the files and then over the --set texts. Each is read
 * as a stream of YAML events straight into struct config (config_value.c), so "later wins" needs no
 * tree to merge: a mapping touches only the keys it names, a list or scalar overwrites. `include`
 * is the first key of a file and is loaded on the spot, before the rest of the file, for the same
 * reason.
 *
 *   built-in values -> base.yaml (included) -> a.yaml -> b.yaml -> --set x=y -> config_check.c
 *
 * A --set is a dotted key of the schema with its value. The value of a key that is a single value
 * is taken as it stands, so no character of a path needs quotes; anything else is read as YAML.
 */
#include "sim/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/config_impl.h"
#include "sim/utf8.h"

#define FILES_MAX 64 /* with includes: they could multiply */

/* A current x86-64 server where a machine says nothing; docs/machines.md has the sources. */
static const struct hw_machine hw_defaults = {
	.tlb_hit2_cycles = 8,
	.pwc_pde_entries = 32,
	.pwc_pdpte_entries = 4,
	.pwc_pml4e_entries = 2,
	.walk_cycles = HW_AUTO,
	.paging_levels = 4,
	.direct_map_page = HW_PAGE_2M,
	.dram_latency_ns = 100,
	.transfer_cache_ns = 48,
	.transfer_node_ns = 100,
	.transfer_remote_ns = 149,
	.ipi_send_ns = 200,
	.ipi_flight_ns = 600,
	.interrupt_ns = 400,
	.tlb_flush_page_cycles = 120,
	.tlb_flush_all_cycles = 3000,
	.tlb_flush_ceiling_pages = 33,
	.context_switch_ns = 1500,
	.lock_wakeup_ns = 2000,
	.waiter_bytes = 64,
};

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	strcpy(c->name, "run");
	c->machine = (struct config_machine){
		.cpus = 2,
		.cpu_khz = 2450000,
		.nodes = 1,
		.memory_bytes = UINT64_C(4) << 30,
		.layout = LAYOUT_X86_64,
		.min_free_kbytes = CONFIG_AUTO,
		.watermark_scale_factor = 10,
		.watermark_boost_factor = 15000,
		.lowmem_reserve_ratio = {[ZONE_DMA] = 256, [ZONE_DMA32] = 256, [ZONE_NORMAL] = 32},
		.hw = hw_defaults,
	};
	strcpy(c->page_allocator, "buddy");
	c->buddy = (struct config_buddy){
		.max_order = 10,
		.pageblock_order = 9,
		.group_by_mobility = true,
		.highatomic = true,
		.coalesce = true,
		.split_steps_max = CONFIG_AUTO,
	};
	c->pcp = (struct config_pcp){
		.enabled = true,
		.batch_pages = CONFIG_AUTO,
		.high_min_pages = CONFIG_AUTO,
		.high_max_pages = CONFIG_AUTO,
		.decay_interval_ns = 1000000000,
	};
	strcpy(c->slab.allocator, "slub");
	c->slab.merge = true;
	c->slab.max_order = CONFIG_AUTO;
	c->slab.min_objects = CONFIG_AUTO;
	c->slab.cpu_partial_objects = CONFIG_AUTO;
	c->slab.min_partial_slabs = CONFIG_AUTO;
	c->slab.remote_node_defrag_ratio = 100;
#define X(id, name, cycles, meaning) c->cost_cycles[COST_##id] = cycles;
	COST_LIST(X)
#undef X
	c->virtual_memory = (struct config_virtual_memory){
		.batch_flushes = true,
		.vmalloc_guard = true,
		.vmalloc_lazy_max_pages = CONFIG_AUTO,
	};
	c->workload.ops_fd = -1;
	c->workload.time_scale = 1.0;
	c->workload.copies = 1;
	c->measurement = (struct config_measurement){
		.sample_interval_ns = CONFIG_AUTO,
		.check = CHECK_END,
	};
	c->seed = 1;
}

void config_release(struct config *c)
{
	value_release(c);
}

/* Read the reader's whole document as the root mapping. */
static int document_load(struct loader *ld)
{
	uint64_t seen;
	int rc = yaml_reader_begin(ld->reader);
	if (rc > 0)
		rc = value_load_mapping(ld, &schema_root, ld->c, &seen);
	if (rc == 0)
		rc = yaml_reader_end(ld->reader);
	return rc;
}

/* Run @load with a reader over @file or @text; reports what breaks the stream. */
static int stream_load(struct loader *ld, FILE *file, const char *text,
		       int (*load)(struct loader *ld))
{
	struct yaml_reader reader, *outer = ld->reader;
	char outer_path[PATH_SIZE];
	memcpy(outer_path, ld->path, sizeof(outer_path));
	if (yaml_reader_init(&reader, file, text, text ? strlen(text) : 0) != 0)
		return diag_no_memory(ld);
	ld->reader = &reader;
	int rc = load(ld);
	if (rc != 0 && reader.problem[0]) {
		struct config_pos pos = {.source = ld->source};
		if (!ld->is_set) {
			pos.line = reader.problem_line;
			pos.column = reader.problem_column;
		}
		diag_at(ld, reader.io_failed ? ERR_IO : ERR_CONFIG, &pos, ld->path, "%s",
			reader.problem);
	}
	yaml_reader_release(&reader);
	ld->reader = outer;
	memcpy(ld->path, outer_path, sizeof(outer_path));
	return rc;
}

/* A file that can't be read: at the include that names it, or for itself. */
static void file_problem(struct loader *ld, const char *name, const char *why)
{
	struct config_pos whole_file = {.source = name, .line = 1, .column = 0};
	struct config_pos pos = pos_here(ld);
	if (ld->reader)
		diag_at(ld, ERR_NO_INPUT, &pos, ld->path, "%s: %s", name, why);
	else
		diag_at(ld, ERR_NO_INPUT, &whole_file, "", "%s", why);
}

static bool is_including(const struct loader *ld, const struct stat *st)
{
	for (unsigned i = 0; i < ld->include_depth; i++) {
		if (ld->including[i].dev == st->st_dev && ld->including[i].ino == st->st_ino)
			return true;
	}
	return false;
}

/* Checks before a file is read; reports and returns -1 if it must not be. */
static int file_admit(struct loader *ld, const char *name, FILE *file, struct stat *st)
{
	if (!file || fstat(fileno(file), st) != 0) {
		file_problem(ld, name, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st->st_mode)) {
		file_problem(ld, name, "is a directory");
		return -1;
	}
	if (is_including(ld, st))
		return diag_here(ld, "%s includes itself", name);
	if (ld->include_depth == ARRAY_SIZE(ld->including) || ld->files_count == FILES_MAX)
		return diag_here(ld, "too many included files");
	return 0;
}

static int file_load(struct loader *ld, const char *name)
{
	const char *outer_source = ld->source;
	struct stat st;
	FILE *file = fopen(name, "rbe");
	int rc = -1;
	if (file_admit(ld, name, file, &st) != 0)
		goto out;
	ld->source = source_add(ld, name);
	if (!ld->source)
		goto out;
	ld->including[ld->include_depth].dev = st.st_dev;
	ld->including[ld->include_depth++].ino = st.st_ino;
	ld->files_count++;
	/*
	 * Its keys stand at the root, wherever the include stands; include_one() restores the path.
	 */
	ld->path[0] = '\0';
	rc = stream_load(ld, file, NULL, document_load);
	ld->include_depth--;
out:
	ld->source = outer_source;
	if (file)
		fclose(file);
	return rc;
}

/* One path of an include; what is wrong in it does not end the file that includes it. */
static void include_one(struct loader *ld)
{
	static const struct field path_field = {.key = "include", .kind = FIELD_FILE};
	const char *text = yaml_reader_scalar(ld->reader);
	char name[CONFIG_TEXT], path[PATH_SIZE];
	if (!text || !*text) {
		diag_here(ld, "must be a path or a list of paths");
		return;
	}
	if (value_set_scalar(ld, &path_field, name, text) != 0)
		return;
	memcpy(path, ld->path, sizeof(path));
	file_load(ld, name);
	memcpy(ld->path, path, sizeof(path));
}

int include_load(struct loader *ld)
{
	struct yaml_reader *r = ld->reader;
	if (ld->is_set) {
		diag_here(ld, "belongs into a file; name the file on the command line instead");
		return yaml_reader_skip(r);
	}
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		include_one(ld);
		return yaml_reader_skip(r);
	}
	for (;;) {
		if (yaml_reader_next(r) != 0 || diag_is_full(ld))
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		include_one(ld);
		if (yaml_reader_skip(r) != 0)
			return -1;
	}
}

/* Elements of these have no place of their own. */
static bool is_list_of_values(enum field_kind kind)
{
	return kind == FIELD_SIZES || kind == FIELD_NAMES || kind == FIELD_SET ||
	       kind == FIELD_MATRIX || kind == FIELD_NODE_CPUS || kind == FIELD_CPUS;
}

/* One step along the dotted key: "key" or "key[3]" of @t, which must be a mapping. */
static int set_step(struct loader *ld, struct config_target *t, char *step)
{
	char quoted[QUOTE_SIZE], why[UNITS_WHY];
	char *bracket = strchr(step, '[');
	if (bracket)
		*bracket = '\0';
	int i = schema_find(t->field, step);
	if (i < 0) {
		const char *near = schema_suggest(t->field, step);
		return diag_here(ld, "unknown key '%s'%s%s%s", diag_quote(step, quoted),
				 near ? "; did you mean '" : "", near ? near : "",
				 near ? "'?" : "");
	}
	if (t->field->kind == FIELD_MAP)
		t->base = (char *)t->base + t->field->offset;
	else if (ld->is_set)
		list_note_given(t->field->list, t->base, UINT64_C(1) << i);
	t->field = &t->field->keys[i];
	path_push(ld, step);
	if (!bracket)
		return 0;
	char *end = strchr(bracket + 1, ']');
	uint64_t index;
	unsigned count;
	if (is_list_of_values(t->field->kind))
		return diag_here(ld, "is a list that is set as a whole, as in %s=[...]", step);
	if (t->field->kind != FIELD_LIST || !end || end[1])
		return diag_here(ld, "only a list has elements, written as %s[0]", step);
	*end = '\0';
	char *items = schema_list_items(t->field, t->base, &count);
	if (units_parse_u64(UNIT_COUNT, bracket + 1, &index, why) != 0 || index >= count)
		return diag_here(ld, "has no element '%s'; it has %u",
				 diag_quote(bracket + 1, quoted), count);
	path_push_index(ld, index);
	t->base = items + index * t->field->list->element_bytes;
	return 1;
}

int set_resolve(struct loader *ld, char *path, struct config_target *t)
{
	int element = 0;
	*t = (struct config_target){&schema_root, ld->c};
	for (char *step = path, *dot; step; step = dot) {
		dot = strchr(step, '.');
		if (dot)
			*dot++ = '\0';
		if (t->field->kind != FIELD_MAP && !element)
			return diag_here(ld, "has no keys below it");
		element = set_step(ld, t, step);
		if (element < 0)
			return -1;
	}
	if (element)
		return diag_here(ld, "is an element of a list; set one of its keys, or the list");
	return 0;
}

static int set_value_load(struct loader *ld)
{
	int rc = yaml_reader_begin(ld->reader);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		diag_here(ld, "has no value");
		return 0;
	}
	place_add(ld);
	if (value_load(ld, ld->set.field, ld->set.base) != 0)
		return -1;
	return yaml_reader_end(ld->reader);
}

static bool is_utf8(const char *text)
{
	while (*text) {
		unsigned length = utf8_length(text);
		if (!length)
			return false;
		text += length;
	}
	return true;
}

void set_load(struct loader *ld, const char *text)
{
	char path[PATH_SIZE];
	const char *equals = strchr(text, '=');
	ld->is_set = true;
	ld->path[0] = '\0';
	ld->source = source_add(ld, text);
	if (!ld->source)
		return;
	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(path)) {
		diag_here(ld, "must be KEY=VALUE, such as machine.cpus=4");
		return;
	}
	if (!is_utf8(text)) {
		diag_here(ld, "is not UTF-8");
		return;
	}
	snprintf(path, sizeof(path), "%.*s", (int)(equals - text), text);
	if (set_resolve(ld, path, &ld->set) != 0)
		return;
	if (!value_is_scalar(ld->set.field->kind)) {
		stream_load(ld, NULL, equals + 1, set_value_load);
		return;
	}
	place_add(ld);
	value_set_scalar(ld, ld->set.field, ld->set.base, equals + 1);
}

/* The sum of what was reported, for the caller. */
static int load_result(const struct loader *ld, struct err *err)
{
	if (ld->out_of_memory)
		return err_set(err, ERR_IO, "configuration: out of memory");
	if (ld->problems_count == 0)
		return 0;
	if (!ld->diagnostics)
		return err_set(err, ld->first_code, "%s", ld->first_text);
	return err_set(err, ld->first_code, "the configuration has %s%u error%s",
		       diag_is_full(ld) ? "at least " : "", ld->problems_count,
		       ld->problems_count == 1 ? "" : "s");
}

static void read_all(struct loader *ld, const char *const *files, unsigned files_count,
		     const char *const *sets, unsigned sets_count)
{
	for (unsigned i = 0; i < files_count && !diag_is_full(ld); i++) {
		ld->path[0] = '\0';
		file_load(ld, files[i]);
	}
	for (unsigned i = 0; i < sets_count && !diag_is_full(ld); i++)
		set_load(ld, sets[i]);
}

/* Check what was read, sum up and end the loader. */
static int load_finish(struct loader *ld, struct err *err)
{
	/*
	 * Relations between values that could not be read would only report the same thing again.
	 */
	if (ld->problems_count == 0 && !ld->out_of_memory)
		check_all(ld);
	int rc = load_result(ld, err);
	free(ld->ops_caches);
	diag_release(ld);
	return rc;
}

/* The same for a base: the checks' words and limits of the machine are not taken over. */
static int base_finish(struct loader *ld, struct err *err)
{
	struct hw_machine hw = ld->c->machine.hw;
	int rc = load_finish(ld, err);
	ld->c->machine.hw = hw;
	return rc;
}

int config_load(struct config *c, const char *const *files, unsigned files_count,
		const char *const *sets, unsigned sets_count, FILE *diagnostics, struct err *err)
{
	struct loader ld = {.c = c, .diagnostics = diagnostics};
	read_all(&ld, files, files_count, sets, sets_count);
	return load_finish(&ld, err);
}

int config_load_base(struct config *c, const char *const *files, unsigned files_count,
		     const char *const *sets, unsigned sets_count, FILE *diagnostics,
		     struct err *err)
{
	struct loader ld = {.c = c, .diagnostics = diagnostics};
	read_all(&ld, files, files_count, sets, sets_count);
	return base_finish(&ld, err);
}

int config_load_base_text(struct config *c, const char *name, const char *text, struct err *err)
{
	struct loader ld = {.c = c};
	ld.source = source_add(&ld, name);
	if (ld.source)
		stream_load(&ld, NULL, text, document_load);
	return base_finish(&ld, err);
}

int config_apply(struct config *c, const char *const *sets, unsigned count, FILE *diagnostics,
		 struct err *err)
{
	struct loader ld = {.c = c, .diagnostics = diagnostics, .is_applied = true};
	if (c->workload.ops_fd >= 0)
		ops_recall(&ld);
	read_all(&ld, NULL, 0, sets, count);
	return load_finish(&ld, err);
}

int config_take_recorded(struct config *c, unsigned cpus_count, unsigned nodes_count,
			 struct err *err)
{
	struct loader ld = {.no_places = true};
	c->machine.cpus = cpus_count;
	c->machine.nodes = nodes_count;
	check_machine_cpus(&ld, &c->machine);
	if (!ld.problems_count)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "the recorded state, start.truth, has %u CPU%s on %u node%s: %s", cpus_count,
		       cpus_count == 1 ? "" : "s", nodes_count, nodes_count == 1 ? "" : "s",
		       ld.first_text);
}

int config_check_runnable(const struct config *c, struct err *err)
{
	const struct config_workload *w = &c->workload;
	if (w->trace[0] || w->ops_fd >= 0 || w->generators_count || w->programs_count)
		return 0;
	return err_set(err, ERR_CONFIG,
		       "workload: nothing to run; give one of trace, operations, generators "
		       "and programs (for example --set workload.trace=FILE)");
}
