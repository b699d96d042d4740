/*
 * import_object_event.c - the fields of kmem's object events, by key=value.
 *
 *   kmem_cache_alloc: call_site=f+0x24 ptr=0xffff88810086f000 name=names_cache bytes_req=4096
 *                     bytes_alloc=4096 gfp_flags=GFP_KERNEL node=-1 accounted=false
 *   kmalloc:          the same without the name
 *   kmem_cache_free:  call_site=f+0x59/0x90 ptr=ffff88813344b300 name=filp
 *   kfree:            call_site=f+0x160 ptr=0xffff8881043fc8c0
 *
 * What kernels have varied: kmalloc_node and kmem_cache_alloc_node until 6.1; `name` from 5.13 on
 * frees, later on allocations; pointers with 0x or without, hashed to 32 bits in ftrace's text from
 * 4.15 on unless its option hash-ptr is off, and null as 0, (nil), (null) or "          (null)".
 */
#include <string.h>

#include "sim/import_line.h"

enum key {
	KEY_PTR = 1 << 0,
	KEY_REQ = 1 << 1,
	KEY_ALLOC = 1 << 2,
	KEY_OTHER = 1 << 3,
};

static const unsigned keys_needed[] = {
	[OBJECT_EVENT_KMALLOC] = KEY_PTR | KEY_REQ | KEY_ALLOC,
	[OBJECT_EVENT_CACHE_ALLOC] = KEY_PTR | KEY_REQ | KEY_ALLOC,
	[OBJECT_EVENT_KFREE] = KEY_PTR,
	[OBJECT_EVENT_CACHE_FREE] = KEY_PTR,
};

enum object_event_kind object_event_kind(const struct text_event *event)
{
	static const struct {
		const char *name;
		size_t bytes;
		enum object_event_kind kind;
	} names[] = {
#define NAME(name, kind) {name, sizeof(name) - 1, kind}
		NAME("kmem_cache_alloc", OBJECT_EVENT_CACHE_ALLOC),
		NAME("kmem_cache_free", OBJECT_EVENT_CACHE_FREE),
		NAME("kfree", OBJECT_EVENT_KFREE),
		NAME("kmalloc", OBJECT_EVENT_KMALLOC),
		NAME("kmem_cache_alloc_node", OBJECT_EVENT_CACHE_ALLOC),
		NAME("kmalloc_node", OBJECT_EVENT_KMALLOC),
#undef NAME
	};
	if (event->name_bytes < 5 || event->name[0] != 'k')
		return OBJECT_EVENT_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].bytes == event->name_bytes &&
		    memcmp(names[i].name, event->name, event->name_bytes) == 0)
			return names[i].kind;
	}
	return OBJECT_EVENT_NONE;
}

/* Hex, with 0x or without. What stands in brackets, or is not there, is null. */
static bool parse_pointer(const char *p, const char *end, uint64_t *value)
{
	uint64_t v = 0;
	*value = 0;
	if (p == end || *p == '(')
		return true;
	if (end - p > 2 && p[0] == '0' && (p[1] | 32) == 'x')
		p += 2;
	if (end - p > 16)
		return false;
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;
		if (is_digit(*p))
			v = v << 4 | (c - (unsigned)'0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v << 4 | ((c | 32u) - (unsigned)'a' + 10);
		else
			return false;
	}
	*value = v;
	return true;
}

static bool is_key(const char *key, size_t bytes, const char *name, size_t name_bytes)
{
	return bytes == name_bytes && memcmp(key, name, name_bytes) == 0;
}

#define IS(text) is_key(key, bytes, text, sizeof(text) - 1)

/* One key=value; the key's bit, or 0 if its value makes no sense. */
static unsigned parse_key(const char *key, const char *equals, const char *end,
			  struct gfp_cache *cache, struct object_event *object)
{
	size_t bytes = (size_t)(equals - key);
	const char *value = equals + 1;
	if (IS("ptr"))
		return parse_pointer(value, end, &object->ptr) ? KEY_PTR : 0;
	if (IS("bytes_req"))
		return parse_number(value, end, &object->bytes_req) ? KEY_REQ : 0;
	if (IS("bytes_alloc"))
		return parse_number(value, end, &object->bytes_alloc) ? KEY_ALLOC : 0;
	if (IS("gfp_flags")) {
		object->gfp = parse_gfp_cached(cache, value, end, &object->unknown_gfp_names);
	} else if (IS("name") && value < end) {
		object->name = value;
		object->name_bytes = (size_t)(end - value);
	}
	return KEY_OTHER;
}

enum page_event_flaw object_event_parse(const struct text_event *event, enum object_event_kind kind,
					struct gfp_cache *cache, struct object_event *object)
{
	unsigned found = 0;
	const char *p = event->args;
	*object = (struct object_event){0};
	for (;;) {
		while (p < event->end && !is_word(*p))
			p++;
		if (p >= event->end)
			break;
		const char *key = p;
		while (is_word(*p) && *p != '=')
			p++;
		const char *equals = p;
		while (is_word(*p))
			p++;
		if (*equals != '=')
			continue;
		unsigned bit = parse_key(key, equals, p, cache, object);
		if (!bit)
			return PAGE_EVENT_ILLEGAL;
		found |= bit;
	}
	return keys_needed[kind] & ~found ? PAGE_EVENT_KEY_MISSING : PAGE_EVENT_FINE;
}
