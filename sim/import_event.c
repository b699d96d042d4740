/*
 * import_event.c - the fields of kmem's page events, by key=value.
 *
 * Keys come in any order and unknown ones are passed over, so the many variants that kernels have
 * printed need no cases: extra keys, `pfn` in decimal or hex, a `(function+0x10)` in front. What a
 * kind of event can't do without is a set of keys; the order and page frame must be ones that the
 * simulator can hold.
 *
 * Migratetypes are stored as recorded. From 5 on they depend on the kernel's configuration (CMA
 * moves isolation from 4 to 5), so 4 to 7 are all taken as isolated, which no replay allocates
 * from.
 */
#include <string.h>

#include "sim/import_line.h"

enum key {
	KEY_PFN = 1 << 0,
	KEY_PAGE = 1 << 1,
	KEY_ORDER = 1 << 2,
	KEY_MIGRATETYPE = 1 << 3,
	KEY_GFP = 1 << 4,
	KEY_FALLBACK_ORDER = 1 << 5,
	KEY_ALLOC_MIGRATETYPE = 1 << 6,
	KEY_FALLBACK_MIGRATETYPE = 1 << 7,
	KEY_CHANGE_OWNERSHIP = 1 << 8,
};

static const struct {
	const char *name;
	unsigned bytes;
	enum key key;
	size_t field; /* of struct page_event, for plain numbers */
} keys[] = {
#define NUMBER(name, key, field) {name, sizeof(name) - 1, key, offsetof(struct page_event, field)}
	NUMBER("pfn", KEY_PFN, pfn),
	NUMBER("order", KEY_ORDER, order),
	NUMBER("migratetype", KEY_MIGRATETYPE, migratetype),
	{"gfp_flags", 9, KEY_GFP, 0},
	{"page", 4, KEY_PAGE, 0},
	NUMBER("alloc_order", KEY_ORDER, order),
	NUMBER("fallback_order", KEY_FALLBACK_ORDER, fallback_order),
	NUMBER("alloc_migratetype", KEY_ALLOC_MIGRATETYPE, alloc_migratetype),
	NUMBER("fallback_migratetype", KEY_FALLBACK_MIGRATETYPE, fallback_migratetype),
	NUMBER("change_ownership", KEY_CHANGE_OWNERSHIP, change_ownership),
#undef NUMBER
};

static const unsigned keys_needed[] = {
	[PAGE_EVENT_ALLOC] = KEY_PFN | KEY_ORDER | KEY_GFP,
	[PAGE_EVENT_FREE] = KEY_PFN | KEY_ORDER,
	[PAGE_EVENT_TAKEN] = KEY_PFN | KEY_ORDER | KEY_MIGRATETYPE,
	[PAGE_EVENT_DRAINED] = KEY_PFN | KEY_ORDER | KEY_MIGRATETYPE,
	[PAGE_EVENT_EXTFRAG] = KEY_PFN | KEY_ORDER | KEY_FALLBACK_ORDER | KEY_ALLOC_MIGRATETYPE |
			       KEY_FALLBACK_MIGRATETYPE,
};

enum page_event_kind page_event_kind(const struct text_event *event)
{
	static const struct {
		const char *name;
		size_t bytes;
		enum page_event_kind kind;
	} names[] = {
#define NAME(name, kind) {name, sizeof(name) - 1, kind}
		NAME("mm_page_alloc", PAGE_EVENT_ALLOC),
		NAME("mm_page_free", PAGE_EVENT_FREE),
		NAME("mm_page_free_batched", PAGE_EVENT_FREE_BATCHED),
		NAME("mm_page_alloc_zone_locked", PAGE_EVENT_TAKEN),
		NAME("mm_page_pcpu_drain", PAGE_EVENT_DRAINED),
		NAME("mm_page_alloc_extfrag", PAGE_EVENT_EXTFRAG),
		/* What Linux 2.6.32 to 3.1 called two of them. */
		NAME("mm_page_free_direct", PAGE_EVENT_FREE),
		NAME("mm_pagevec_free", PAGE_EVENT_FREE_BATCHED),
#undef NAME
	};
	if (event->name_bytes < 12 || memcmp(event->name, "mm_page", 7) != 0)
		return PAGE_EVENT_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].bytes == event->name_bytes &&
		    memcmp(names[i].name, event->name, event->name_bytes) == 0)
			return names[i].kind;
	}
	return PAGE_EVENT_NONE;
}

bool parse_number(const char *p, const char *end, uint64_t *value)
{
	uint64_t v = 0;
	bool hex = end - p > 2 && p[0] == '0' && (p[1] | 32) == 'x';
	if (hex)
		p += 2;
	if (p == end)
		return false;
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		unsigned d = is_digit(*p) ? c - (unsigned)'0' : 99;
		if (hex && (c | 32) >= 'a' && (c | 32) <= 'f')
			d = (c | 32u) - (unsigned)'a' + 10;
		if (d >= (hex ? 16u : 10u) || __builtin_mul_overflow(v, hex ? 16u : 10u, &v) ||
		    __builtin_add_overflow(v, d, &v))
			return false;
	}
	*value = v;
	return true;
}

/* How kernels print a null page: (nil), (null), 0, 0x0, 0000000000000000. */
static bool is_null_page(const char *p, const char *end)
{
	if (*p == '(')
		return true;
	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		p += 2;
	for (; p < end; p++) {
		if (*p != '0')
			return false;
	}
	return true;
}

static gfp_t parse_gfp(const char *p, const char *end, unsigned *unknown)
{
	gfp_t all = 0;
	*unknown = 0;
	for (;;) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		const char *word_end = bar ? bar : end;
		gfp_t bits;
		if (gfp_parse(p, (size_t)(word_end - p), &bits, NULL, NULL) == 0)
			all |= bits;
		else
			++*unknown;
		if (!bar)
			return all;
		p = bar + 1;
	}
}

gfp_t parse_gfp_cached(struct gfp_cache *cache, const char *p, const char *end, unsigned *unknown)
{
	size_t bytes = (size_t)(end - p);
	if (!bytes || bytes > sizeof(cache->entries[0].text))
		return parse_gfp(p, end, unknown);
	size_t hash = bytes * 7 + (unsigned char)p[bytes / 2] * 5u + (unsigned char)end[-1] * 3u;
	size_t i = hash % ARRAY_SIZE(cache->entries);
	if (cache->entries[i].bytes != bytes || memcmp(cache->entries[i].text, p, bytes) != 0) {
		memcpy(cache->entries[i].text, p, bytes);
		cache->entries[i].bytes = bytes;
		cache->entries[i].gfp = parse_gfp(p, end, &cache->entries[i].unknown);
	}
	*unknown = cache->entries[i].unknown;
	return cache->entries[i].gfp;
}

/* One key=value; returns the key's bit, 0 for a key of no interest or a value that is no number. */
static unsigned parse_key(const char *key, const char *equals, const char *end,
			  struct gfp_cache *cache, struct page_event *page)
{
	size_t bytes = (size_t)(equals - key);
	const char *value = equals + 1;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].bytes != bytes || memcmp(keys[i].name, key, bytes) != 0)
			continue;
		if (keys[i].key == KEY_GFP) {
			page->gfp = parse_gfp_cached(cache, value, end, &page->unknown_gfp_names);
		} else if (keys[i].key == KEY_PAGE) {
			page->failed = is_null_page(value, end);
		} else {
			uint64_t number;
			if (!parse_number(value, end, &number))
				return 0;
			memcpy((char *)page + keys[i].field, &number, sizeof(number));
		}
		return keys[i].key;
	}
	return 0;
}

static bool is_legal(const struct page_event *page, enum page_event_kind kind)
{
	if (page->order >= ORDER_LIMIT || page->migratetype > 7)
		return false;
	if (kind == PAGE_EVENT_EXTFRAG &&
	    (page->fallback_order >= ORDER_LIMIT || page->alloc_migratetype > 7 ||
	     page->fallback_migratetype > 7 || page->change_ownership > 1))
		return false;
	if (page->failed)
		return true;
	uint64_t pages = UINT64_C(1) << page->order;
	return !(page->pfn & (pages - 1)) && page->pfn < PFN_END_LIMIT &&
	       pages <= PFN_END_LIMIT - page->pfn;
}

static uint64_t limit_migratetype(uint64_t migratetype)
{
	return u64_min(migratetype, MIGRATE_ISOLATE);
}

enum page_event_flaw page_event_parse(const struct text_event *event, enum page_event_kind kind,
				      struct gfp_cache *cache, struct page_event *page)
{
	unsigned found = 0;
	const char *p = event->args;
	*page = (struct page_event){0};
	for (;;) {
		while (p < event->end && !is_word(*p))
			p++;
		if (p == event->end)
			break;
		const char *key = p;
		while (is_word(*p) && *p != '=')
			p++;
		const char *equals = p;
		while (is_word(*p))
			p++;
		if (*equals == '=')
			found |= parse_key(key, equals, p, cache, page);
	}
	if (~found & keys_needed[kind])
		return PAGE_EVENT_KEY_MISSING;

	/* -1 is "no page"; a 32-bit kernel's -1 as well, being beyond the limit otherwise. */
	bool no_pfn = page->pfn == UINT64_MAX || page->pfn == UINT32_MAX;
	page->failed = kind == PAGE_EVENT_ALLOC && (page->failed || no_pfn);
	if (!is_legal(page, kind))
		return PAGE_EVENT_ILLEGAL;
	if (kind == PAGE_EVENT_ALLOC && !(found & KEY_MIGRATETYPE))
		page->migratetype = gfp_migratetype(page->gfp);
	page->migratetype = limit_migratetype(page->migratetype);
	page->alloc_migratetype = limit_migratetype(page->alloc_migratetype);
	page->fallback_migratetype = limit_migratetype(page->fallback_migratetype);
	return PAGE_EVENT_FINE;
}
