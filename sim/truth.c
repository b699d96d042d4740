/*
 * truth.c - readers of the /proc snapshots and free maps beside a trace; see truth.h.
 *
 * Each file has a small line reader that keys on words, as the files of other kernel versions have
 * more lines. What is needed and missing is an error that names the file.
 */
#include "sim/truth.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/textin.h"

struct reader {
	struct truth *truth;
	struct textin *in;
	char path[4096];         /* which @in keeps for messages */
	struct err *err;
	struct truth_zone *zone; /* zoneinfo: that lines belong to; NULL before the first */
	unsigned cpu;            /* zoneinfo: of the pageset */
	bool end;                /* an end.* file */
	bool has_proc, has_freemap; /* start.time, end.time: these lines were there */
	uint64_t found;          /* lines that mattered */
};

typedef int (*line_fn)(struct reader *r, char *line);

static int bad(struct reader *r, const char *what)
{
	return err_set(r->err, ERR_TRACE, "%s:%" PRIu64 ": %s", textin_name(r->in),
		       textin_line_number(r->in), what);
}

/* A decimal number at *@p (after blanks, and after '>' if @allow_more), which moves behind it. */
static bool take_u64(char **p, uint64_t *v)
{
	char *s = *p + strspn(*p, " \t>");
	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoull(s, p, 10);
	return errno == 0;
}

/* The path of @name as it is, compressed or not. False: there is none. */
static bool find_file(const char *dir, const char *name, char *path, size_t size)
{
	static const char *const suffixes[] = {"", ".zst", ".gz"};
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		int n = snprintf(path, size, "%s/%s%s", dir, name, suffixes[i]);
		if (n > 0 && (size_t)n < size && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* --- time ------------------------------------------------------------------------------------- */

/* "1154.351291" -> nanoseconds. */
static bool take_seconds(char **p, uint64_t *ns)
{
	char *end;
	double s = strtod(*p, &end);
	if (end == *p || !(s >= 0.0) || s > 9e9)
		return false;
	*p = end;
	*ns = (uint64_t)floor(s * 1e6 + 0.5) * 1000;
	return true;
}

static int time_line(struct reader *r, char *line)
{
	struct truth *t = r->truth;
	uint64_t first, last;
	char *p = line + strcspn(line, " ");
	bool proc = strncmp(line, "proc ", 5) == 0;
	if (!proc && strncmp(line, "freemap ", 8) != 0)
		return 0;
	if (!take_seconds(&p, &first) || !take_seconds(&p, &last) || last < first)
		return bad(r, "expected two times in seconds, the earlier one first");
	r->found++;
	*(proc ? &r->has_proc : &r->has_freemap) = true;
	if (r->end && proc) {
		t->end_ns = first;
	} else if (!r->end && !proc) {
		t->freemap_start_ns = first;
		t->freemap_end_ns = last;
	}
	return 0;
}

static int finish_time(struct reader *r)
{
	if (r->has_proc && (r->has_freemap || r->end))
		return 0;
	return err_set(r->err, ERR_TRACE, "%s: no line `%s`", textin_name(r->in),
		       r->has_proc ? "freemap T0 T1" : "proc T0 T1");
}

/* --- any file --------------------------------------------------------------------------------- */

/* "Node 0, zone   Normal..." -> node, zone name; *@rest is what follows. */
static bool parse_zone(char *line, unsigned *nid, char *name, char **rest)
{
	uint64_t node;
	if (strncmp(line, "Node", 4) != 0)
		return false;
	char *p = line + 4;
	if (!take_u64(&p, &node) || *p != ',' || node >= NODES_LIMIT)
		return false;
	p += 1 + strspn(p + 1, " ");
	if (strncmp(p, "zone", 4) != 0)
		return false;
	p += 4;
	p += strspn(p, " ");
	size_t n = strcspn(p, " ,");
	if (n == 0 || n >= ZONE_NAME_SIZE)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	*nid = (unsigned)node;
	*rest = p + n;
	return true;
}

static struct truth_zone *find_zone(struct truth *t, unsigned nid, const char *name)
{
	for (unsigned i = 0; i < t->zones_count; i++) {
		if (t->zones[i].nid == nid && strcmp(t->zones[i].name, name) == 0)
			return &t->zones[i];
	}
	return NULL;
}

/* --- zoneinfo --------------------------------------------------------------------------------- */

static int begin_zone(struct reader *r, unsigned nid, const char *name)
{
	struct truth *t = r->truth;
	r->zone = NULL;
	/* The zone before had nothing: its slot is free again. */
	if (t->zones_count && !t->zones[t->zones_count - 1].managed_pages)
		t->zones_count--;
	for (unsigned type = 0; type < ZONE_TYPES; type++) {
		if (strcmp(zone_type_names[type], name) != 0)
			continue;
		if (t->zones_count == ARRAY_SIZE(t->zones))
			return bad(r, "too many zones");
		r->zone = &t->zones[t->zones_count++];
		memset(r->zone, 0, sizeof(*r->zone));
		snprintf(r->zone->name, sizeof(r->zone->name), "%s", name);
		r->zone->type = (enum zone_type)type;
		r->zone->nid = nid;
	}
	return 0; /* others, such as Device, hold no memory of ours */
}

static int pageset_line(struct reader *r, const char *key, uint64_t v)
{
	if (strcmp(key, "cpu:") == 0) {
		if (v >= CPUS_LIMIT)
			return bad(r, "more CPUs than this version simulates");
		r->cpu = (unsigned)v;
		if (v >= r->truth->cpus_count)
			r->truth->cpus_count = (unsigned)v + 1;
	} else if (strcmp(key, "count:") == 0) {
		r->zone->pcp[r->cpu].count_pages = v;
	} else if (strcmp(key, "high:") == 0) {
		r->zone->pcp[r->cpu].high_pages = v;
	} else if (strcmp(key, "start_pfn:") == 0) {
		r->zone->start_pfn = v;
	}
	return 0;
}

static int zoneinfo_line(struct reader *r, char *line)
{
	char name[ZONE_NAME_SIZE], *p;
	unsigned nid;
	uint64_t v;
	if (parse_zone(line, &nid, name, &p))
		return begin_zone(r, nid, name);
	if (!r->zone)
		return 0;
	char *key = line + strspn(line, " ");
	p = key + strcspn(key, " ");
	if (!*p)
		return 0;
	*p++ = '\0';
	if (!take_u64(&p, &v))
		return 0;
	struct truth_zone *z = r->zone;
	const struct {
		const char *key;
		uint64_t *to;
	} fields[] = {
		{"boost", &z->watermark_boost_pages},     {"min", &z->watermark_pages[WMARK_MIN]},
		{"low", &z->watermark_pages[WMARK_LOW]},  {"high", &z->watermark_pages[WMARK_HIGH]},
		{"promo", &z->watermark_pages[WMARK_PROMO]}, {"spanned", &z->spanned_pages},
		{"present", &z->present_pages},           {"managed", &z->managed_pages},
	};
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(key, fields[i].key) == 0) {
			*fields[i].to = v;
			r->found++;
			return 0;
		}
	}
	return pageset_line(r, key, v);
}

/* --- pagetypeinfo ----------------------------------------------------------------------------- */

static int free_counts_line(struct reader *r, struct truth_zone *z, char *p)
{
	p += strspn(p, " ");
	size_t n = strcspn(p, " ");
	for (unsigned mt = 0; mt < MIGRATE_TYPES; mt++) {
		if (strlen(migratetype_names[mt]) != n || strncmp(p, migratetype_names[mt], n) != 0)
			continue;
		p += n;
		for (unsigned o = 0; o < ORDER_LIMIT; o++) {
			if (!take_u64(&p, &z->free_blocks_by_type[o][mt]))
				break;
			if (o > r->truth->max_order)
				r->truth->max_order = o;
		}
		r->found++;
		return 0;
	}
	return 0; /* CMA of kernels that have it: its pageblocks are treated as movable */
}

static int pagetypeinfo_line(struct reader *r, char *line)
{
	char name[ZONE_NAME_SIZE], *p;
	unsigned nid;
	uint64_t v;
	if (strncmp(line, "Page block order:", 17) == 0) {
		p = line + 17;
		if (!take_u64(&p, &v) || v >= ORDER_LIMIT)
			return bad(r, "not a page block order");
		r->truth->pageblock_order = (unsigned)v;
		return 0;
	}
	if (!parse_zone(line, &nid, name, &p))
		return 0;
	struct truth_zone *z = find_zone(r->truth, nid, name);
	if (!z)
		return 0;
	if (strncmp(p, ", type", 6) == 0)
		return free_counts_line(r, z, p + 6);
	uint64_t blocks[MIGRATE_TYPES + 1] = {0};
	unsigned n = 0;
	while (n < MIGRATE_TYPES + 1 && take_u64(&p, &blocks[n]))
		n++;
	if (n < MIGRATE_TYPES)
		return bad(r, "a row of pageblock counts is cut short");
	memcpy(z->pageblocks, blocks, sizeof(z->pageblocks));
	if (n > MIGRATE_TYPES) { /* with CMA between HighAtomic and Isolate */
		z->pageblocks[MIGRATE_MOVABLE] += blocks[MIGRATE_HIGHATOMIC + 1];
		z->pageblocks[MIGRATE_ISOLATE] = blocks[MIGRATE_TYPES];
	}
	return 0;
}

/* --- buddyinfo, freemap ----------------------------------------------------------------------- */

static int buddyinfo_line(struct reader *r, char *line)
{
	char name[ZONE_NAME_SIZE], *p;
	unsigned nid;
	if (!parse_zone(line, &nid, name, &p))
		return bad(r, "not a line of buddyinfo");
	struct truth_zone *z = find_zone(r->truth, nid, name);
	unsigned orders = 0;
	while (z && orders < ORDER_LIMIT && take_u64(&p, &z->free_blocks_end[orders]))
		orders++;
	if (z && orders != r->truth->max_order + 1)
		return bad(r, "the number of orders is not start.pagetypeinfo's");
	if (z)
		z->has_end = true;
	r->found++;
	return 0;
}

static int add_free_block(struct truth *t, pfn_t pfn, unsigned order)
{
	if (t->free_blocks_count == t->free_blocks_room) {
		uint64_t room = t->free_blocks_room ? 2 * t->free_blocks_room : 1024;
		struct truth_block *more = realloc(t->free_blocks, room * sizeof(*more));
		if (!more)
			return -1;
		t->free_blocks = more;
		t->free_blocks_room = room;
	}
	t->free_blocks[t->free_blocks_count++] =
		(struct truth_block){.pfn = (uint32_t)pfn, .order = (uint8_t)order};
	return 0;
}

static int freemap_line(struct reader *r, char *line)
{
	struct truth *t = r->truth;
	uint64_t pfn, order;
	char *p = line;
	if (!take_u64(&p, &pfn) || !take_u64(&p, &order) || *(p + strspn(p, " ")) != '\0')
		return bad(r, "expected `pfn order`");
	if (order > t->max_order || pfn >= PFN_END_LIMIT || (pfn & ((UINT64_C(1) << order) - 1)))
		return bad(r, "a block must have a legal order and be aligned to it");
	const struct truth_zone *z = truth_zone_of(t, pfn);
	if (!z || pfn + (UINT64_C(1) << order) > z->start_pfn + z->spanned_pages)
		return bad(r, "the block lies in no zone of start.zoneinfo");
	if (t->free_blocks_count) {
		const struct truth_block *last = &t->free_blocks[t->free_blocks_count - 1];
		if (pfn < last->pfn + (UINT64_C(1) << last->order))
			return bad(r, "blocks must be in ascending order and must not overlap");
	}
	r->found++;
	if (add_free_block(t, pfn, (unsigned)order) != 0)
		return err_set(r->err, ERR_IO, "out of memory for the free map");
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

unsigned truth_nodes(const struct truth *t)
{
	unsigned nodes = 0;
	for (unsigned i = 0; i < t->zones_count; i++)
		nodes = t->zones[i].nid >= nodes ? t->zones[i].nid + 1 : nodes;
	return nodes;
}

const struct truth_zone *truth_zone_of(const struct truth *t, pfn_t pfn)
{
	for (unsigned i = 0; i < t->zones_count; i++) {
		const struct truth_zone *z = &t->zones[i];
		if (pfn >= z->start_pfn && pfn < z->start_pfn + z->spanned_pages)
			return z;
	}
	return NULL;
}

/* --- slabinfo --------------------------------------------------------------------------------- */

#define CACHES_MAX 4096

static struct truth_cache *add_cache(struct reader *r)
{
	struct truth *t = r->truth;
	unsigned count = t->caches_count[r->end];
	if ((count & (count - 1)) == 0) { /* grows at powers of two */
		size_t room = count ? (size_t)count * 2 : 1;
		struct truth_cache *grown =
			reallocarray(t->caches[r->end], room, sizeof(*grown));
		if (!grown)
			return NULL;
		t->caches[r->end] = grown;
	}
	t->caches_count[r->end]++;
	return memset(&t->caches[r->end][count], 0, sizeof(struct truth_cache));
}

static bool cache_is_sane(const struct truth_cache *c)
{
	uint64_t bytes = c->pages_per_slab * PAGE_BYTES;
	return c->size_bytes >= 1 && c->size_bytes <= bytes && c->objects_per_slab >= 1 &&
	       c->pages_per_slab <= 1u << (ORDER_LIMIT - 1) &&
	       !(c->pages_per_slab & (c->pages_per_slab - 1)) &&
	       c->objects_per_slab <= bytes / c->size_bytes &&
	       c->slabs_count <= PFN_END_LIMIT / c->pages_per_slab &&
	       c->objects_count <= c->slabs_count * c->objects_per_slab &&
	       c->active_count <= c->objects_count;
}

/* "dentry 144014 144018 192 21 1 : tunables 0 0 0 : slabdata 6858 6858 0" */
static int slabinfo_line(struct reader *r, char *line)
{
	char *p = line + strcspn(line, " \t");
	if (*line == '#' || strncmp(line, "slabinfo", 8) == 0)
		return 0;
	char *slabs = strstr(line, ": slabdata");
	struct truth_cache c = {.name = ""};
	uint64_t active_slabs;
	if (p == line || (size_t)(p - line) >= sizeof(c.name) || !slabs)
		return bad(r, "no line of slabinfo");
	memcpy(c.name, line, (size_t)(p - line));
	slabs += strlen(": slabdata");
	if (!take_u64(&p, &c.active_count) || !take_u64(&p, &c.objects_count) ||
	    !take_u64(&p, &c.size_bytes) || !take_u64(&p, &c.objects_per_slab) ||
	    !take_u64(&p, &c.pages_per_slab) || !take_u64(&slabs, &active_slabs) ||
	    !take_u64(&slabs, &c.slabs_count))
		return bad(r, "numbers are missing");
	if (c.pages_per_slab > 1u << (ORDER_LIMIT - 1) || !cache_is_sane(&c))
		return bad(r, "the numbers of this cache contradict each other");
	if (truth_cache_find(r->truth, r->end, c.name))
		return bad(r, "a second line of this cache");
	if (r->truth->caches_count[r->end] == CACHES_MAX)
		return bad(r, "more caches than 4096");
	struct truth_cache *to = add_cache(r);
	if (!to)
		return err_set(r->err, ERR_IO, "%s: out of memory", textin_name(r->in));
	*to = c;
	r->found++;
	return 0;
}

const struct truth_cache *truth_cache_find(const struct truth *t, unsigned end, const char *name)
{
	for (unsigned i = 0; i < t->caches_count[end]; i++) {
		if (strcmp(t->caches[end][i].name, name) == 0)
			return &t->caches[end][i];
	}
	return NULL;
}

static bool overlap(const struct truth_zone *a, const struct truth_zone *b)
{
	return a->start_pfn < b->start_pfn + b->spanned_pages &&
	       b->start_pfn < a->start_pfn + a->spanned_pages;
}

/* Does zone @i make sense by itself and after those before it: ascending nodes and types, apart? */
static bool zone_is_sane(const struct truth *t, unsigned i)
{
	const struct truth_zone *z = &t->zones[i];
	if (z->managed_pages > z->spanned_pages || z->start_pfn > PFN_END_LIMIT ||
	    z->spanned_pages > PFN_END_LIMIT - z->start_pfn)
		return false;
	if (i && (z->nid < z[-1].nid || (z->nid == z[-1].nid && z->type <= z[-1].type)))
		return false;
	for (unsigned k = 0; k < i; k++) {
		if (overlap(&t->zones[k], z))
			return false;
	}
	return true;
}

static int check_zones(const struct truth *t, const char *name, struct err *err)
{
	for (unsigned i = 0; i < t->zones_count; i++) {
		if (!zone_is_sane(t, i))
			return err_set(err, ERR_TRACE,
				       "%s: zone %s of node %u has impossible sizes", name,
				       t->zones[i].name, t->zones[i].nid);
	}
	if (!t->zones_count || !t->cpus_count)
		return err_set(err, ERR_TRACE, "%s: no zone with memory and CPUs", name);
	return 0;
}

static int finish_zoneinfo(struct reader *r)
{
	struct truth *t = r->truth;
	if (t->zones_count && !t->zones[t->zones_count - 1].managed_pages)
		t->zones_count--;
	return check_zones(t, textin_name(r->in), r->err);
}

static int finish_pagetypeinfo(struct reader *r)
{
	const struct truth *t = r->truth;
	if (t->pageblock_order <= t->max_order)
		return 0;
	return err_set(r->err, ERR_TRACE, "%s: page block order %u, largest order %u",
		       textin_name(r->in), t->pageblock_order, t->max_order);
}

static int finish_buddyinfo(struct reader *r)
{
	const struct truth *t = r->truth;
	for (unsigned i = 0; i < t->zones_count; i++) {
		if (!t->zones[i].has_end)
			return err_set(r->err, ERR_TRACE, "%s: no row of zone %s of node %u",
				       textin_name(r->in), t->zones[i].name, t->zones[i].nid);
	}
	return 0;
}

static int finish_end_time(struct reader *r)
{
	if (finish_time(r) != 0)
		return -1;
	if (r->truth->end_ns > r->truth->freemap_start_ns)
		return 0;
	return err_set(r->err, ERR_TRACE, "%s: the end is not after the start", textin_name(r->in));
}

/* In the order in which they need each other. */
static const struct {
	const char *name;
	bool end;
	line_fn line;
	int (*finish)(struct reader *r); /* after the last line; may be NULL */
} truth_files[TRUTH_FILES] = {
	[TRUTH_ZONEINFO] = {"start.zoneinfo", false, zoneinfo_line, finish_zoneinfo},
	[TRUTH_PAGETYPEINFO] = {"start.pagetypeinfo", false, pagetypeinfo_line,
				finish_pagetypeinfo},
	[TRUTH_TIME] = {"start.time", false, time_line, finish_time},
	[TRUTH_FREEMAP] = {"start.freemap", false, freemap_line, NULL},
	[TRUTH_SLABINFO] = {"start.slabinfo", false, slabinfo_line, NULL},
	[TRUTH_END_BUDDYINFO] = {"end.buddyinfo", true, buddyinfo_line, finish_buddyinfo},
	[TRUTH_END_TIME] = {"end.time", true, time_line, finish_end_time},
	[TRUTH_END_SLABINFO] = {"end.slabinfo", true, slabinfo_line, NULL},
};

static int read_line(struct reader *r, const struct textline *line, line_fn fn)
{
	if (line->too_long)
		return bad(r, "the line is too long");
	if (line->unterminated)
		return bad(r, "the line is cut short");
	line->text[line->bytes] = '\0';
	return fn(r, line->text);
}

void truth_init(struct truth *t)
{
	memset(t, 0, sizeof(*t));
	t->pageblock_order = 9;
}

int truth_read(struct truth *t, enum truth_file file, struct textin *in, struct err *err)
{
	struct reader r = {.truth = t, .in = in, .err = err, .end = truth_files[file].end};
	struct textline line;
	int got;
	while ((got = textin_line(in, &line, err)) > 0) {
		if (read_line(&r, &line, truth_files[file].line) != 0)
			return -1;
	}
	if (got < 0)
		return -1;
	if (!r.found)
		return err_set(err, ERR_TRACE, "%s: nothing of what was expected is in this file",
			       textin_name(in));
	t->has_end |= file == TRUTH_END_TIME;
	return truth_files[file].finish ? truth_files[file].finish(&r) : 0;
}

int truth_load(struct truth *t, const char *dir, struct err *err)
{
	truth_init(t);
	for (unsigned i = 0; i < TRUTH_FILES; i++) {
		char path[4096];
		if (!find_file(dir, truth_files[i].name, path, sizeof(path))) {
			if (i == TRUTH_END_BUDDYINFO) /* no end state: nothing to score against */
				return 0;
			if (i == TRUTH_SLABINFO || i == TRUTH_END_SLABINFO)
				continue;
			err_set(err, ERR_NO_INPUT, "%s/%s: no such file (also tried .zst and .gz)",
				dir, truth_files[i].name);
			goto fail;
		}
		struct textin *in = textin_open(path, err);
		if (!in)
			goto fail;
		int rc = truth_read(t, (enum truth_file)i, in, err);
		textin_close(in);
		if (rc != 0)
			goto fail;
	}
	return 0;
fail:
	truth_release(t);
	return -1;
}

void truth_release(struct truth *t)
{
	free(t->free_blocks);
	free(t->caches[0]);
	free(t->caches[1]);
	memset(t, 0, sizeof(*t));
}
