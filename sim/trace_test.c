/* Tests of the binary trace: round trip, every kind of damage, and no trace of failed writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "kern/gfp.h"
#include "sim/trace_format.h"

static char dir[] = "/tmp/allocsim-trace-test.XXXXXX";

static struct trace_rec alloc_rec(uint64_t ns, uint32_t seq, unsigned cpu, uint32_t id,
				  uint32_t pfn, unsigned order)
{
	return (struct trace_rec){.time_ns = ns,
				  .seq = seq,
				  .id = id,
				  .pfn = pfn,
				  .cpu = (uint16_t)cpu,
				  .kind = TRACE_PAGE_ALLOC,
				  .order = (uint8_t)order};
}

static struct trace_rec free_rec(uint64_t ns, uint32_t seq, unsigned cpu, uint32_t id, uint32_t pfn,
				 unsigned order)
{
	struct trace_rec r = alloc_rec(ns, seq, cpu, id, pfn, order);
	r.kind = TRACE_PAGE_FREE;
	return r;
}

static int add(struct trace_writer *w, struct trace_rec r, uint32_t gfp)
{
	struct err err = {0};
	int raised = trace_writer_add(w, &r, gfp, &err);
	assert_int_not_equal(raised, -1);
	return raised;
}

/* On CPU 0: a slab, one object in it, a kmalloc, and frees of both and of an older object. */
static void add_objects(struct trace_writer *w)
{
	struct err err = {0};
	int dentry = trace_writer_add_cache(w, "dentry", 188, 192, &err);
	int other = trace_writer_add_cache(w, "other", 0, 0, &err);
	assert_int_equal(dentry, 0);
	assert_int_equal(other, 1);
	trace_writer_cache(w, 1)->flags = TRACE_CACHE_GREW;
	add(w, alloc_rec(16, 9, 0, 2, 256, 0), GFP_KERNEL);
	assert_int_equal(trace_writer_mark_slab(w, 2, &err), 0);
	struct trace_rec r = {.time_ns = 16, .seq = 10, .id = 3, .pfn = 256, .aux = 384,
			      .kind = TRACE_CACHE_ALLOC, .cache = 0,
			      .flags = 2 << TRACE_CONTEXT_SHIFT};
	add(w, r, GFP_KERNEL);
	r = (struct trace_rec){.time_ns = 16, .seq = 11, .id = 4, .pfn = 300, .aux = 100,
			       .kind = TRACE_KMALLOC, .slot = 128 / 8};
	add(w, r, GFP_KERNEL);
	r = (struct trace_rec){.time_ns = 16, .seq = 12, .id = 3, .pfn = 256, .aux = 384,
			       .kind = TRACE_OBJECT_FREE, .cache = 0};
	add(w, r, 0);
	r = (struct trace_rec){.time_ns = 16, .seq = 13, .id = 4, .pfn = 300, .aux = 128,
			       .kind = TRACE_OBJECT_FREE, .cache = TRACE_CACHE_NONE};
	add(w, r, 0);
	r.id = TRACE_ID_NONE;
	r.seq = 14;
	r.flags = TRACE_F_PREEXISTING;
	add(w, r, 0);
	add(w, free_rec(16, 15, 0, 2, 256, 0), 0);
}

/* Two CPUs, each kind of record once; every check of the reader has something to bite on. */
static void add_sample(struct trace_writer *w)
{
	struct err err = {0};
	struct trace_rec r;
	add(w, alloc_rec(10, 0, 0, 0, 64, 3), GFP_KERNEL);
	add(w, alloc_rec(11, 1, 1, 1, 128, 0), GFP_HIGHUSER_MOVABLE);
	r = alloc_rec(12, 2, 1, TRACE_ID_NONE, TRACE_PFN_NONE, 9);
	r.flags = TRACE_F_FAILED;
	add(w, r, GFP_TRANSHUGE);
	r = free_rec(13, 3, 1, 0, 66, 1);
	r.flags = TRACE_F_PARTIAL | TRACE_F_OTHER_CPU;
	r.aux = 2;
	add(w, r, 0);
	r.pfn = 64;
	r.aux = 0;
	r.seq = 4;
	add(w, r, 0);
	add(w, free_rec(14, 5, 1, 1, 128, 0), 0);
	r = free_rec(15, 6, 0, TRACE_ID_NONE, 1024, 2);
	r.flags = TRACE_F_PREEXISTING;
	add(w, r, 0);
	r = (struct trace_rec){.time_ns = 16, .seq = 7, .id = TRACE_ID_NONE, .pfn = 512, .cpu = 1,
			       .kind = TRACE_PAGE_TAKEN, .order = 4};
	add(w, r, 0);
	r.kind = TRACE_PAGE_EXTFRAG;
	r.seq = 8;
	r.aux = 10 | 1 << 16 | 1 << 24;
	add(w, r, 0);
	add_objects(w);
	assert_int_equal(trace_writer_add_preexisting(w, 1024, 2, &err), 0);
	assert_int_equal(trace_writer_add_preexisting(w, 2048, 0, &err), 0);
}

static char *path_of(const char *name)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_sample(const char *name)
{
	struct err err = {0};
	struct trace_report report = {.events = 42, .unknown_gfp_names = 3};
	struct trace_writer *w = trace_writer_new(path_of(name), &err);
	assert_non_null(w);
	add_sample(w);
	assert_int_equal(trace_writer_finish(w, 1000, &report, NULL, &err), 0);
}

static uint8_t *read_file(const char *name, size_t *bytes)
{
	FILE *f = fopen(path_of(name), "rb");
	uint8_t *data = malloc(1 << 20);
	assert_non_null(f);
	*bytes = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static void write_bytes(const char *name, const void *data, size_t bytes)
{
	FILE *f = fopen(path_of(name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	fclose(f);
}

static unsigned files_in_dir(void)
{
	unsigned n = 0;
	DIR *d = opendir(dir);
	for (struct dirent *e = readdir(d); e; e = readdir(d))
		n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	closedir(d);
	return n;
}

static void round_trip(void **state)
{
	struct err err = {0};
	struct trace t;
	write_sample("a");
	assert_int_equal(trace_open(&t, path_of("a"), &err), 0);
	assert_int_equal(t.cpus_count, 2);
	assert_int_equal(t.ids_count, 5);
	assert_int_equal(t.demands_count, 14);
	assert_int_equal(t.evidence_count, 2);
	assert_int_equal(t.preexisting_count, 2);
	assert_int_equal(t.base_ns, 1000);
	assert_int_equal(t.span_ns, 16);
	assert_int_equal(t.report.events, 42);
	assert_int_equal(t.report.unknown_gfp_names, 3);
	assert_int_equal(t.ops_count[0], 9);
	assert_int_equal(t.ops_count[1], 5);
	assert_int_equal(t.gfps[t.ops[0][0].gfp], GFP_KERNEL);
	assert_int_equal(t.gfps[t.ops[1][0].gfp], GFP_HIGHUSER_MOVABLE);
	assert_int_equal(t.gfps[t.ops[1][1].gfp], GFP_TRANSHUGE);
	assert_int_equal(t.ops[1][2].aux, 2);
	assert_int_equal(t.evidence[1].aux, 10 | 1 << 16 | 1 << 24);
	assert_int_equal(t.preexisting[0].pfn, 1024);
	assert_int_equal(t.caches_count, 2);
	assert_string_equal(t.caches[0].name, "dentry");
	assert_int_equal(t.caches[0].object_size_bytes, 188);
	assert_int_equal(t.caches[1].flags, TRACE_CACHE_GREW);
	assert_int_equal(t.ops[0][2].flags, TRACE_F_SLAB); /* marked after it was added */
	assert_int_equal(t.ops[0][3].cache, 0);
	assert_int_equal(t.ops[0][3].flags >> TRACE_CONTEXT_SHIFT, 2);
	assert_int_equal(t.ops[0][4].aux, 100);
	assert_int_equal(t.ops[0][8].flags, TRACE_F_SLAB);
	assert_int_equal(t.report.slab_page_allocs, 1);
	assert_int_equal(t.report.slab_page_frees, 1);
	trace_close(&t);
	trace_close(&t);
}

static void same_records_same_bytes(void **state)
{
	size_t a_bytes, b_bytes;
	write_sample("a");
	write_sample("b");
	uint8_t *a = read_file("a", &a_bytes), *b = read_file("b", &b_bytes);
	assert_int_equal(a_bytes, b_bytes);
	assert_memory_equal(a, b, a_bytes);
	free(a);
	free(b);
}

static void time_is_raised(void **state)
{
	struct err err = {0};
	struct trace_report report = {0};
	struct trace t;
	int fd;
	struct trace_writer *w = trace_writer_new(NULL, &err);
	struct trace_rec e = {
		.time_ns = 100, .seq = 2, .id = TRACE_ID_NONE, .kind = TRACE_PAGE_DRAINED};
	assert_int_equal(add(w, alloc_rec(50, 0, 0, 0, 1, 0), 0), 0);
	assert_int_equal(add(w, alloc_rec(40, 1, 0, 1, 2, 0), 0), 1);
	assert_int_equal(add(w, e, 0), 0);
	e.cpu = 1;
	e.seq = 3;
	e.time_ns = 90;
	assert_int_equal(add(w, e, 0), 1);
	assert_int_equal(add(w, alloc_rec(60, 4, 1, 2, 3, 0), 0), 1);
	assert_int_equal(trace_writer_finish(w, 0, &report, &fd, &err), 0);
	assert_int_equal(trace_open_fd(&t, fd, "anonymous", &err), 0);
	assert_int_equal(t.ops[0][1].time_ns, 50);
	assert_int_equal(t.evidence[1].time_ns, 100);
	assert_int_equal(t.ops[1][0].time_ns, 100);
	trace_close(&t);
	close(fd);
}

/* More than the buffers hold, so that every path through the temporary files is taken. */
static void long_trace(void **state)
{
	enum { COUNT = 50000 };
	struct err err = {0};
	struct trace_report report = {0};
	struct trace t;
	struct trace_writer *w = trace_writer_new(path_of("long"), &err);
	for (uint32_t i = 0; i < COUNT; i++) {
		add(w, alloc_rec(i, 2 * i, i & 3, i, i, 0), i % 1000);
		struct trace_rec e = {.time_ns = i, .seq = 2 * i + 1, .id = TRACE_ID_NONE, .pfn = i,
				      .kind = TRACE_PAGE_TAKEN};
		add(w, e, 0);
		assert_int_equal(trace_writer_add_preexisting(w, i, 0, &err), 0);
	}
	for (uint32_t i = 0; i < COUNT; i += 3)
		assert_int_equal(trace_writer_mark_slab(w, i, &err), 0);
	assert_int_equal(trace_writer_finish(w, 0, &report, NULL, &err), 0);
	assert_int_equal(report.slab_page_allocs, (COUNT + 2) / 3);
	assert_int_equal(trace_open(&t, path_of("long"), &err), 0);
	assert_int_equal(t.cpus_count, 4);
	assert_int_equal(t.evidence_count, COUNT);
	for (uint32_t i = 0; i < COUNT; i++) {
		const struct trace_rec *r = &t.ops[i & 3][i / 4];
		assert_int_equal(r->id, i);
		assert_int_equal(r->flags, i % 3 ? 0 : TRACE_F_SLAB);
		assert_int_equal(t.gfps[r->gfp], i % 1000);
		assert_int_equal(t.evidence[i].pfn, i);
		assert_int_equal(t.preexisting[i].pfn, i);
	}
	trace_close(&t);
	unlink(path_of("long"));
}

static void empty_trace(void **state)
{
	struct err err = {0};
	struct trace_report report = {0};
	struct trace t;
	int fd;
	struct trace_writer *w = trace_writer_new(NULL, &err);
	assert_int_equal(trace_writer_finish(w, 0, &report, &fd, &err), 0);
	assert_int_equal(trace_open_fd(&t, fd, "anonymous", &err), 0);
	assert_int_equal(t.demands_count, 0);
	trace_close(&t);
	close(fd);
}

static void expect_corrupt(const void *data, size_t bytes, const char *what)
{
	struct err err = {0};
	struct trace t;
	write_bytes("bad", data, bytes);
	if (trace_open(&t, path_of("bad"), &err) != -1)
		fail_msg("accepted, but should say \"%s\"", what ? what : "something");
	assert_int_equal(err.code, ERR_TRACE);
	assert_null(t.map);
	if (what && !strstr(err.text, what))
		fail_msg("\"%s\" lacks \"%s\"", err.text, what);
}

static void cut_anywhere(void **state)
{
	size_t bytes;
	write_sample("a");
	uint8_t *data = read_file("a", &bytes);
	for (size_t n = 0; n < bytes; n++)
		expect_corrupt(data, n, NULL);
	data[bytes] = 0;
	expect_corrupt(data, bytes + 1, "after its end");
	free(data);
}

/* Each bit of every byte that carries meaning; only the gaps between sections may change. */
static void any_flipped_bit(void **state)
{
	size_t bytes, gaps = 0;
	write_sample("a");
	uint8_t *data = read_file("a", &bytes);
	const struct trace_header *h = (const void *)data;
	for (size_t i = 0; i < bytes; i++) {
		bool gap = i >= trace_header_bytes(2);
		for (unsigned s = 0; s < TRACE_SECTION_OPS + 2; s++) {
			size_t first = h->sections[s].offset;
			if (i >= first && i < first + h->sections[s].count * trace_element_bytes(s))
				gap = false;
		}
		gaps += gap;
		for (unsigned bit = 0; bit < 8 && !gap; bit += 7) {
			data[i] ^= (uint8_t)(1u << bit);
			expect_corrupt(data, bytes, NULL);
			data[i] ^= (uint8_t)(1u << bit);
		}
	}
	assert_true(gaps < bytes / 3);
	free(data);
}

/* Make all checksums right again after a change, so that the checks behind them are reached. */
static void reseal(uint8_t *data)
{
	struct trace_header *h = (void *)data;
	for (unsigned i = 0; i < TRACE_SECTION_OPS + h->cpus_count; i++) {
		struct trace_section *s = &h->sections[i];
		s->crc = (uint32_t)crc32(0, data + s->offset,
					 (uInt)(s->count * trace_element_bytes(i)));
	}
	h->header_crc = 0;
	h->header_crc = (uint32_t)crc32(0, data, (uInt)trace_header_bytes(h->cpus_count));
}

struct damage {
	unsigned section, element;
	size_t offset, bytes;
	uint64_t value;
	const char *what;
};

#define REC(section, element, field, value, what)                                                  \
	{section, element, offsetof(struct trace_rec, field),                                      \
	 sizeof(((struct trace_rec *)0)->field), value, what}

enum {
	EV = TRACE_SECTION_EVIDENCE,
	PRE = TRACE_SECTION_PREEXISTING,
	CPU0 = TRACE_SECTION_OPS,
	CPU1,
};

static const struct damage damages[] = {
	REC(CPU0, 0, order, 16, "order out of range"),
	REC(CPU1, 0, order, 4, "order differs"),
	REC(CPU0, 0, migratetype, MIGRATE_TYPES, "migratetype"),
	REC(CPU0, 0, gfp, 99, "gfp index"),
	REC(CPU0, 2, flags, 0, "slab mark differs"),
	REC(CPU0, 3, pfn, 0xffffff00, "page frame out of range"),
	REC(CPU0, 3, flags, TRACE_F_SLAB, "flags that an object"),
	REC(CPU0, 3, aux, 4096, "outside its page"),
	REC(CPU0, 3, cache, 2, "cache out of range"),
	REC(CPU0, 3, cache, TRACE_CACHE_NONE, "cache out of range"),
	REC(CPU0, 4, slot, 512, "outside its page"),
	REC(CPU0, 5, id, 2, "free of another kind"),
	REC(CPU0, 8, id, 3, "free of another kind"),
	{TRACE_SECTION_CACHES, 0, 0, 1, 0, "name not ended, or empty"},
	{TRACE_SECTION_CACHES, 0, TRACE_CACHE_NAME_SIZE - 1, 1, 1, "name not ended"},
	{TRACE_SECTION_CACHES, 1, 60, 4, 1, "bytes set that are not used"},
	REC(CPU0, 0, flags, TRACE_F_PARTIAL, "flags that an allocation"),
	REC(CPU0, 1, time_ns, 17, "beyond the trace's span"),
	REC(CPU0, 0, time_ns, 16, "time goes back"),
	REC(CPU0, 0, seq, 7, "sequence goes back"),
	REC(CPU0, 0, cpu, 1, "another CPU"),
	REC(CPU0, 0, kind, TRACE_PAGE_TAKEN, "no demand"),
	REC(CPU0, 0, kind, 0, "no demand"),
	REC(CPU0, 0, pfn, 65, "unaligned"),
	REC(CPU0, 0, pfn, 0xffffff00, "out of range"),
	REC(CPU0, 0, aux, 65, "node out of range"),
	REC(CPU0, 0, id, 9, "id out of range"),
	REC(CPU0, 0, id, 1, "allocated twice"),
	REC(CPU0, 0, seq, 5, "before its allocation"),
	REC(CPU0, 1, id, 0, "preexisting block with an id"),
	REC(CPU0, 1, gfp, 1, "gfp set on a free"),
	REC(CPU0, 1, flags, TRACE_F_PREEXISTING | TRACE_F_IMPLICIT, "flags that a free"),
	REC(CPU0, 1, flags, TRACE_F_FAILED, "failed allocation with a page"),
	REC(CPU1, 1, pfn, 512, "failed allocation with a page"),
	REC(CPU1, 1, id, 1, "failed allocation with an id"),
	REC(CPU1, 2, aux, 3, "outside its object"),
	REC(CPU1, 2, aux, 8, "outside its object"),
	REC(CPU1, 2, aux, 0, "overlap"),
	REC(CPU1, 2, flags, 0, "not partial"),
	REC(CPU1, 3, flags, 0, "freed twice"),
	REC(CPU1, 4, id, 0, "freed twice"),
	REC(CPU1, 4, id, TRACE_ID_NONE, "id out of range"),
	REC(EV, 0, kind, TRACE_PAGE_ALLOC, "no evidence"),
	REC(EV, 0, kind, 19, "no evidence"),
	REC(EV, 0, flags, TRACE_F_OTHER_CPU, "set on evidence"),
	REC(EV, 0, id, 0, "set on evidence"),
	REC(EV, 0, aux, 1, "aux set on evidence"),
	REC(EV, 0, cpu, 2, "cpu out of range"),
	REC(EV, 1, time_ns, 15, "time goes back"),
	REC(EV, 1, seq, 7, "sequence goes back"),
	{PRE, 0, 4, 1, 16, "illegal"},
	{PRE, 0, 5, 1, 1, "illegal"},
	{PRE, 0, 0, 4, 1026, "illegal"},
	{PRE, 1, 0, 4, 1027, "overlaps"},
	{TRACE_SECTION_GFPS, 0, 0, 4, 1, "first gfp mask"},
};

static void every_check(void **state)
{
	size_t bytes;
	write_sample("a");
	uint8_t *data = read_file("a", &bytes), *copy = malloc(bytes);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];
		memcpy(copy, data, bytes);
		const struct trace_header *h = (void *)copy;
		memcpy(copy + h->sections[d->section].offset +
			       d->element * trace_element_bytes(d->section) + d->offset,
		       &d->value, d->bytes);
		reseal(copy);
		expect_corrupt(copy, bytes, d->what);
	}
	free(data);
	free(copy);
}

static void header_checks(void **state)
{
	size_t bytes;
	write_sample("a");
	uint8_t *data = read_file("a", &bytes);
	struct trace_header *h = (void *)data;
	h->version++;
	expect_corrupt(data, bytes, "import it again");
	h->version--;
	h->ids_count = 6;
	reseal(data);
	expect_corrupt(data, bytes, "6 ids but 5 allocations");
	h->ids_count = UINT64_MAX;
	reseal(data);
	expect_corrupt(data, bytes, "contradict");
	h->ids_count = 5;
	h->cpus_count = 257;
	expect_corrupt(data, bytes, "header cut short");
	h->cpus_count = 2;
	h->sections[3].count = UINT64_MAX / 2;
	h->header_crc = 0;
	h->header_crc = (uint32_t)crc32(0, data, (uInt)trace_header_bytes(2));
	expect_corrupt(data, bytes, "does not fit");
	free(data);
	expect_corrupt("# tracer: nop\n", 14, "not a binary trace");
	expect_corrupt("", 0, "empty file");
}

static void missing_input(void **state)
{
	struct err err = {0};
	struct trace t;
	assert_int_equal(trace_open(&t, path_of("nothing"), &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
	err = (struct err){0};
	assert_int_equal(trace_open(&t, dir, &err), -1);
	assert_int_equal(err.code, ERR_NO_INPUT);
}

static void unwritable_output(void **state)
{
	struct err err = {0};
	assert_null(trace_writer_new(path_of("no/such/dir"), &err));
	assert_int_equal(err.code, ERR_CANT_CREATE);
	err = (struct err){0};
	assert_null(trace_writer_new(dir, &err));
	assert_int_equal(err.code, ERR_CANT_CREATE);
	assert_non_null(strstr(err.text, "no regular file"));
}

static void abort_leaves_nothing(void **state)
{
	struct err err = {0};
	unsigned before = files_in_dir();
	struct trace_writer *w = trace_writer_new(path_of("aborted"), &err);
	add_sample(w);
	trace_writer_abort(w);
	trace_writer_abort(NULL);
	assert_int_equal(files_in_dir(), before);
}

/* A file size limit stands for a full disk: writes fail the same way, at any byte. */
static void disk_full(void **state)
{
	size_t bytes;
	write_sample("old");
	uint8_t *old = read_file("old", &bytes);
	unsigned before = files_in_dir();
	signal(SIGXFSZ, SIG_IGN);
	for (size_t limit = 0; limit < bytes; limit += 97) {
		struct err err = {0};
		struct trace_report report = {0};
		struct rlimit unlimited, limited;
		struct trace_writer *w = trace_writer_new(path_of("old"), &err);
		add_sample(w);
		getrlimit(RLIMIT_FSIZE, &unlimited);
		limited = unlimited;
		limited.rlim_cur = limit;
		setrlimit(RLIMIT_FSIZE, &limited);
		int result = trace_writer_finish(w, 0, &report, NULL, &err);
		setrlimit(RLIMIT_FSIZE, &unlimited);
		assert_int_equal(result, -1);
		assert_int_equal(err.code, ERR_IO);
		assert_non_null(strstr(err.text, "old: can't write"));
		assert_int_equal(files_in_dir(), before);
	}
	size_t bytes_after;
	uint8_t *after = read_file("old", &bytes_after);
	assert_int_equal(bytes, bytes_after);
	assert_memory_equal(old, after, bytes);
	free(old);
	free(after);
}

static void too_many_masks(void **state)
{
	struct err err = {0};
	struct trace_writer *w = trace_writer_new(NULL, &err);
	int result = 0;
	uint32_t i = 0;
	for (; i < 2000 && result == 0; i++) {
		struct trace_rec r = alloc_rec(i, i, 0, i, i, 0);
		result = trace_writer_add(w, &r, i, &err);
	}
	assert_int_equal(i, TRACE_GFP_LIMIT + 1);
	assert_int_equal(err.code, ERR_TRACE);
	trace_writer_abort(w);
}

static int make_dir(void **state)
{
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"a", "b", "bad", "old"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(same_records_same_bytes),
		cmocka_unit_test(time_is_raised),
		cmocka_unit_test(long_trace),
		cmocka_unit_test(empty_trace),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(any_flipped_bit),
		cmocka_unit_test(every_check),
		cmocka_unit_test(header_checks),
		cmocka_unit_test(missing_input),
		cmocka_unit_test(unwritable_output),
		cmocka_unit_test(abort_leaves_nothing),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(too_many_masks),
	};
	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
