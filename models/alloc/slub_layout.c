/*
 * slub_layout.c - sizes: what surrounds an object, how many objects make a slab, how many slabs are
 * kept. Linux 6.18's calculate_alignment(), calculate_sizes(), calculate_order() and
 * set_cpu_partial().
 *
 * Stride. The object is rounded up to words. The link of the free list lies in its middle, far from
 * both neighbours that may overrun it; behind it where a free object's contents matter: to a
 * constructor, to readers under RCU, to poison. Red zones take a word behind the object (or what
 * rounding left) and a pad before it. The sum is rounded up to the alignment.
 *
 * Order. A slab should hold 4 * (fls(CPUs) + 1) objects, for the more CPUs the dearer is a visit to
 * the node's list, but be no larger than max_order. From the order that this takes, the first order
 * wins that wastes at most 1/16 of the slab; if none does, 1/8, 1/4, 1/2. An object for which all
 * are too small gets the order that holds one.
 *
 *   700 bytes, 2 CPUs: stride 704, 12 objects wished for, 8448 bytes: order 2, 23 objects, 192 lost
 *
 * MODEL: no user tracking (SLAB_STORE_USER) and no KASAN areas. Of them only the word for the
 * requested size is there, in size classes with red zones.
 */
#include "alloc/slub.h"

#define COSTLY_ORDER 3 /* Linux's PAGE_ALLOC_COSTLY_ORDER: larger blocks are hard to get */
#define CACHE_LINE 64
#define WORD       8

static uint64_t round_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

/* Bits up to the highest that is set. */
static unsigned fls(uint64_t v)
{
	return v ? 64 - (unsigned)__builtin_clzll(v) : 0;
}

static unsigned order_for(uint64_t bytes)
{
	return fls((bytes - 1) >> PAGE_SHIFT);
}

static uint64_t objects_in(unsigned order, uint64_t size)
{
	return ((uint64_t)PAGE_BYTES << order) / size;
}

static uint32_t alignment(const struct object_cache_params *params, unsigned flags)
{
	uint64_t align = params->align_bytes;
	if (flags & CACHE_HWCACHE_ALIGN) {
		uint64_t line = CACHE_LINE;
		while (params->object_size_bytes <= line / 2)
			line /= 2;
		align = u64_max(align, line);
	}
	return (uint32_t)u64_max(align, WORD);
}

static void lay_out(struct slub_layout *l, const struct object_cache_params *params, unsigned flags)
{
	uint64_t size = round_up(params->object_size_bytes, WORD);
	bool red = flags & CACHE_RED_ZONE, class_red = red && (flags & CACHE_KMALLOC);
	bool content = params->ctor || (flags & CACHE_TYPESAFE_BY_RCU);
	l->object_size = (uint32_t)params->object_size_bytes;
	l->align = alignment(params, flags);
	if (red && size == params->object_size_bytes)
		size += WORD;
	l->inuse_bytes = (uint32_t)size;
	if (content || (flags & CACHE_POISON) || class_red ||
	    (red && params->object_size_bytes < WORD)) {
		l->link_offset = (uint32_t)size;
		size += WORD;
	} else {
		l->link_offset = (uint32_t)(params->object_size_bytes / 2 / WORD * WORD);
	}
	if (class_red) {
		l->asked_offset = (uint32_t)size;
		size += WORD;
	}
	if (red) {
		l->left_pad = (uint32_t)round_up(WORD, l->align);
		size += WORD + l->left_pad;
	}
	l->size = (uint32_t)round_up(size, l->align);
	l->debug = flags & SLUB_DEBUG_FLAGS;
	l->fill_free = (flags & CACHE_POISON) && !content;
}

/* The smallest order from @low to @high that wastes at most 1/@fraction; above @high: none. */
static unsigned order_wasting(uint64_t size, unsigned low, unsigned high, unsigned fraction)
{
	unsigned order = low;
	for (; order <= high; order++) {
		uint64_t bytes = (uint64_t)PAGE_BYTES << order;
		if (bytes % size <= bytes / fraction)
			break;
	}
	return order;
}

/* Above the machine's largest block if there is none. */
static unsigned choose_order(uint64_t size, const struct object_allocator_params *p)
{
	unsigned max_order = p->max_order == SLAB_ORDER_AUTO ? COSTLY_ORDER : p->max_order;
	max_order = (unsigned)u64_min(max_order, p->pm->max_order);
	uint64_t wish = p->min_objects;
	if (wish == SLAB_AUTO)
		wish = 4 * (fls(p->cpus_count) + 1);
	wish = u64_min(u64_max(wish, 1), u64_max(objects_in(max_order, size), 1));
	unsigned low = (unsigned)u64_min(p->min_order, ORDER_LIMIT);
	low = (unsigned)u64_max(low, order_for(wish * size));
	if (objects_in(low, size) > SLAB_OBJECTS_MAX)
		return order_for(size * SLAB_OBJECTS_MAX) - 1;
	for (unsigned fraction = 16; fraction > 1; fraction /= 2) {
		unsigned order = order_wasting(size, low, max_order, fraction);
		if (order <= max_order)
			return order;
	}
	return order_for(size);
}

static void choose_partials(struct slub_layout *l, const struct object_allocator_params *p)
{
	uint64_t objects = p->cpu_partial_objects;
	if (objects == SLAB_AUTO)
		objects = l->size >= 4096 ? 6 : l->size >= 1024 ? 24 : l->size >= 256 ? 52 : 120;
	if (l->debug)
		objects = 0;
	l->cpu_partial_objects = objects;
	/* A slab is taken to be half full. */
	uint64_t most = UINT64_MAX / 4;
	l->cpu_partial_slabs = (2 * u64_min(objects, most) + l->objects - 1) / l->objects;
	l->min_partial = p->min_partial_slabs;
	if (l->min_partial == SLAB_AUTO)
		l->min_partial = u64_clamp((fls(l->size) - 1) / 2, 5, 10);
}

/*
 * Division by multiplication, for every 32-bit number (Granlund and Montgomery, PLDI 1994, figure
 * 4.1): with l = ceil(log2 d), magic = floor(2^32 * (2^l - d) / d) + 1.
 */
static void prepare_division(struct slub_layout *l)
{
	unsigned bits = fls(l->size - 1);
	uint64_t magic = ((UINT64_C(1) << 32) * ((UINT64_C(1) << bits) - l->size)) / l->size + 1;
	l->magic = (uint32_t)magic;
	l->shift = bits;
}

static int use_recorded(struct slub_layout *l, const struct object_cache_params *params,
			const struct object_allocator_params *p, struct err *err)
{
	uint64_t size = params->size_bytes ? params->size_bytes : l->size;
	uint64_t least = l->debug ? l->size : round_up(params->object_size_bytes, WORD);
	uint64_t slab_bytes = (uint64_t)PAGE_BYTES << u64_min(params->slab_order, ORDER_LIMIT);
	if (size % WORD || size < least || size > UINT64_C(2) * OBJECT_BYTES_MAX)
		return err_set(err, ERR_CONFIG,
			       "cache %s: a recorded size of %llu bytes; %llu are needed",
			       params->name, (unsigned long long)size, (unsigned long long)least);
	/* The recorded kernel had the link inside where this one would not. */
	if (size < l->link_offset + WORD)
		l->link_offset = (uint32_t)(params->object_size_bytes / 2 / WORD * WORD);
	l->size = (uint32_t)size;
	if (!params->objects_per_slab)
		return 0;
	if (params->slab_order > p->pm->max_order || params->objects_per_slab > SLAB_OBJECTS_MAX ||
	    params->objects_per_slab * size > slab_bytes)
		return err_set(err, ERR_CONFIG,
			       "cache %s: %u objects of %llu bytes in a slab of order %u",
			       params->name, params->objects_per_slab, (unsigned long long)size,
			       params->slab_order);
	l->order = params->slab_order;
	l->objects = params->objects_per_slab;
	return 0;
}

int slub_layout_init(struct slub_layout *l, const struct object_cache_params *params,
		     unsigned flags, const struct object_allocator_params *p, struct err *err)
{
	*l = (struct slub_layout){0};
	if (!params->object_size_bytes || params->object_size_bytes > OBJECT_BYTES_MAX)
		return err_set(err, ERR_CONFIG, "cache %s: objects of %llu bytes, not 1 to %llu",
			       params->name, (unsigned long long)params->object_size_bytes,
			       (unsigned long long)OBJECT_BYTES_MAX);
	if (params->align_bytes > OBJECT_BYTES_MAX ||
	    (params->align_bytes & (params->align_bytes - 1)))
		return err_set(err, ERR_CONFIG,
			       "cache %s: alignment %llu is not a power of two up to %llu",
			       params->name, (unsigned long long)params->align_bytes,
			       (unsigned long long)OBJECT_BYTES_MAX);
	lay_out(l, params, flags);
	if ((params->size_bytes || params->objects_per_slab) &&
	    use_recorded(l, params, p, err) != 0)
		return -1;
	if (!l->objects) {
		l->order = choose_order(l->size, p);
		l->objects = (unsigned)u64_min(objects_in(l->order, l->size), SLAB_OBJECTS_MAX);
	}
	if (l->order > p->pm->max_order)
		return err_set(err, ERR_CONFIG,
			       "cache %s: an object takes %u bytes, the largest block has %llu",
			       params->name, l->size,
			       (unsigned long long)PAGE_BYTES << p->pm->max_order);
	l->min_order = order_for(l->size);
	l->min_objects = (unsigned)objects_in(l->min_order, l->size);
	/* A slab's order is told by its number of objects. */
	if (l->min_order >= l->order || l->min_objects >= l->objects) {
		l->min_order = l->order;
		l->min_objects = l->objects;
	}
	choose_partials(l, p);
	prepare_division(l);
	return 0;
}
