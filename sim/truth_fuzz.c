/*
 * Fuzz target: the readers of recorded states, and the start states made from what they accept.
 *
 * An input is the texts of all files in the order of enum truth_file, each ended by a NUL. A
 * state that is accepted, of a machine that is not too large for a quick look, is loaded into the
 * allocators of pages and objects, whose invariants must hold then.
 */
#include <string.h>

#include "kern/bug.h"
#include "sim/config.h"
#include "sim/fuzz_main.h"
#include "sim/seed_slabs.h"
#include "sim/start_state.h"
#include "sim/textin.h"
#include "sim/truth.h"

#define PAGES_MAX (UINT64_C(1) << 20) /* 4 GiB */

/* The next NUL-ended text; false after the last. */
static bool next_text(const uint8_t **data, size_t *bytes, const uint8_t **text, size_t *length)
{
	const uint8_t *end = *bytes ? memchr(*data, 0, *bytes) : NULL;
	if (!end)
		return false;
	*text = *data;
	*length = (size_t)(end - *data);
	*bytes -= *length + 1;
	*data = end + 1;
	return true;
}

static int read_texts(struct truth *t, const uint8_t *data, size_t bytes, struct err *err)
{
	const uint8_t *text;
	size_t length;
	for (unsigned i = 0; i < TRUTH_FILES; i++) {
		if (!next_text(&data, &bytes, &text, &length))
			return i >= TRUTH_END_BUDDYINFO ? 0 : -1;
		struct textin *in = textin_open_memory(text, length, err);
		BUG_ON(!in, "%s", err->text);
		int rc = truth_read(t, (enum truth_file)i, in, err);
		textin_close(in);
		if (rc != 0) {
			BUG_ON(err->code != ERR_TRACE || !err->text[0], "%d %s", err->code,
			       err->text);
			return -1;
		}
	}
	return 0;
}

static bool is_small(const struct truth *t)
{
	const struct truth_zone *last = &t->zones[t->zones_count - 1];
	return last->start_pfn + last->spanned_pages <= PAGES_MAX && t->cpus_count <= 8;
}

/* Caches that no slab can hold may be refused; what is accepted must be in order. */
static void load_slabs(struct machine *m, const struct config *c, const struct truth *t,
		       struct start_report *report)
{
	struct err err = {.code = ERR_NONE};
	struct check_report check;
	if (object_stack_init(&m->objects, c, m->pa, m->cpus_count, m->cpu_nid, NULL, t, &err) !=
	    0) {
		BUG_ON(err.code != ERR_CONFIG, "%s", err.text);
		return;
	}
	struct object_allocator *oa = m->objects.oa;
	BUG_ON(seed_slabs(m, t, NULL, 0, UINT64_MAX, report, &err) != 0, "%s", err.text);
	BUG_ON(oa->ops->check(oa, &check) != 0, "%s", check.text);
}

static void load_state(const struct truth *t)
{
	struct config c;
	struct machine m;
	struct start_report report;
	struct check_report check;
	struct err err = {.code = ERR_NONE};
	config_init(&c);
	c.machine.cpus = t->cpus_count;
	c.buddy.max_order = t->max_order;
	c.buddy.pageblock_order = t->pageblock_order;
	BUG_ON(machine_init(&m, &c, t, &err) != 0, "%s", err.text);
	BUG_ON(start_recorded(&m, t, NULL, UINT64_MAX, &report, &err) != 0, "%s", err.text);
	load_slabs(&m, &c, t, &report);
	BUG_ON(m.pa->ops->check(m.pa, &check) != 0, "%s", check.text);
	machine_release(&m);
	config_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct truth t;
	struct err err = {.code = ERR_NONE};
	truth_init(&t);
	if (read_texts(&t, data, bytes, &err) == 0 && is_small(&t))
		load_state(&t);
	truth_release(&t);
	return 0;
}
