/*
 * slab_layout.c - how the objects of a cache lie in its slabs, as Linux's SLAB decided it.
 *
 * Stride. The object rounded up to words, then to its alignment; at least 16 bytes, so that the
 * numbers of a page's objects fit into bytes. With red zones, guard words stand on both sides:
 *
 *   | pad | left guard 8 | object ... | right guard: rest of the word and 8 | size asked for 8 |
 *
 * (the last only in size classes, whose guards start at the size that was asked for).
 *
 * Index. A slab's free objects are known by number, one byte each (two in recorded layouts of more
 * than 256 objects). Three places are tried, the cheapest in memory first:
 *
 *   in an object  the index lies in a free object; when all are taken, it is not needed. The whole
 *                 index must fit into one object, and free objects must not have to keep what is
 *                 in them (constructors, TYPESAFE_BY_RCU, poison)
 *   off slab      objects of at least 512 bytes (an eighth of a page), unless the slab has room
 *   on the slab   at its end
 *
 * Order. The smallest for which the rest of the slab is at most an eighth of it; the largest
 * allowed (1 by itself) if there is none. Reclaimable caches take the first that holds an object,
 * because they grow in contexts where larger blocks are hard to get.
 *
 * Colours. What is left is used to start successive slabs at different offsets, multiples of a
 * cache line (or of the alignment, if that is more), so that the first objects of all slabs don't
 * meet in the same sets of the CPU's cache.
 *
 * Examples. 704 bytes, index on the slab: 5 * 705 bytes of 4096, 571 left, 8 colours at 0 .. 448.
 * 32 bytes: 4096 / 33 = 124 objects, 33.03 bytes each; 64 bytes: index in an object, 64 objects.
 *
 * MODEL: since 4.6 Linux compares the memory for an index off slab with half an object; here, as
 * before, 512 bytes decide. Linux leaves out red zones of objects that are aligned to more than a
 * word; here, these are padded.
 */
#include "alloc/slab.h"

#define WORD_BYTES       8
#define CACHE_LINE_BYTES 64
#define SIZE_BYTES_MIN   16  /* a page's objects are then at most 256 */
#define NUMBERED_MAX     255 /* objects of a slab with a byte index */
#define OFF_SLAB_BYTES   (PAGE_BYTES / 8)
#define ORDER_AUTO_MAX   1

static uint64_t round_up(uint64_t v, uint64_t unit)
{
	return (v + unit - 1) / unit * unit;
}

uint64_t slab_layout_align(const struct object_cache_params *params)
{
	uint64_t align = u64_max(params->align_bytes, WORD_BYTES);
	if (!(params->flags & CACHE_HWCACHE_ALIGN))
		return align;
	uint64_t line = CACHE_LINE_BYTES;
	while (params->object_size_bytes <= line / 2)
		line /= 2;
	return u64_max(align, line);
}

unsigned slab_layout_objects(uint64_t size_bytes, unsigned order, enum slab_index_place place,
			     uint64_t *left_bytes)
{
	uint64_t bytes = (uint64_t)PAGE_BYTES << order;
	uint64_t each = size_bytes + (place == SLAB_INDEX_ON_SLAB ? 1 : 0);
	*left_bytes = bytes % each;
	return (unsigned)(bytes / each);
}

bool slab_layout_order(struct slab_layout *l, enum slab_index_place place,
		       const struct slab_order_limits *limits)
{
	unsigned max_order =
		limits->max_order == SLAB_ORDER_AUTO ? ORDER_AUTO_MAX : limits->max_order;
	l->objects_count = 0;
	for (unsigned order = 0; order <= limits->largest_order; order++) {
		uint64_t left;
		unsigned objects = slab_layout_objects(l->size_bytes, order, place, &left);
		if (!objects)
			continue;
		if (objects > NUMBERED_MAX)
			break;
		l->order = order;
		l->objects_count = objects;
		l->left_bytes = left;
		if (order < limits->min_order)
			continue;
		if (l->flags & CACHE_RECLAIM_ACCOUNT || order >= max_order ||
		    left * 8 <= (uint64_t)PAGE_BYTES << order)
			break;
	}
	return l->objects_count > 0;
}

static bool index_fits_object(const struct slab_layout *l, bool ctor)
{
	return !ctor && !(l->flags & (CACHE_TYPESAFE_BY_RCU | CACHE_POISON)) &&
	       (uint64_t)l->objects_count * l->index_entry_bytes <= l->object_size_bytes;
}

/* Order, objects and place of the index by the allocator's own rules. */
static bool choose(struct slab_layout *l, bool ctor, const struct slab_order_limits *limits)
{
	l->index_entry_bytes = 1;
	l->index_place = SLAB_INDEX_IN_OBJECT;
	if (slab_layout_order(l, l->index_place, limits) && index_fits_object(l, ctor))
		return true;
	l->index_place = SLAB_INDEX_OFF_SLAB;
	if (l->size_bytes >= OFF_SLAB_BYTES && slab_layout_order(l, l->index_place, limits) &&
	    l->left_bytes < l->objects_count)
		return true;
	l->index_place = SLAB_INDEX_ON_SLAB;
	return slab_layout_order(l, l->index_place, limits);
}

/* Order and objects are recorded: only the index has to find a place. */
static int fit_recorded(struct slab_layout *l, bool ctor, const struct object_cache_params *params,
			const struct slab_order_limits *limits, struct err *err)
{
	l->order = params->slab_order;
	l->objects_count = params->objects_per_slab;
	if (l->order > limits->largest_order || l->objects_count > SLAB_OBJECTS_LIMIT ||
	    l->objects_count * l->size_bytes > slab_bytes(l))
		return err_set(err, ERR_CONFIG,
			       "cache %s: a slab of order %u can't hold %u objects of %llu bytes",
			       params->name, l->order, l->objects_count,
			       (unsigned long long)l->size_bytes);
	l->index_entry_bytes = l->objects_count > 256 ? 2 : 1;
	l->left_bytes = slab_bytes(l) - l->objects_count * l->size_bytes;
	uint64_t index_bytes = (uint64_t)l->objects_count * l->index_entry_bytes;
	l->index_place = SLAB_INDEX_OFF_SLAB;
	if (index_fits_object(l, ctor)) {
		l->index_place = SLAB_INDEX_IN_OBJECT;
	} else if (l->left_bytes >= index_bytes) {
		l->index_place = SLAB_INDEX_ON_SLAB;
		l->left_bytes -= index_bytes;
	}
	return 0;
}

static void add_guards(struct slab_layout *l)
{
	uint64_t words = round_up(l->object_size_bytes, WORD_BYTES) + SLAB_RED_BYTES;
	if (l->flags & CACHE_KMALLOC)
		words += WORD_BYTES;
	l->left_pad_bytes = round_up(SLAB_RED_BYTES, l->align_bytes);
	l->size_bytes = l->left_pad_bytes + words;
}

static int set_sizes(struct slab_layout *l, const struct object_cache_params *params,
		     struct err *err)
{
	l->size_bytes = round_up(l->object_size_bytes, WORD_BYTES);
	if (l->flags & CACHE_RED_ZONE)
		add_guards(l);
	l->size_bytes = u64_max(round_up(l->size_bytes, l->align_bytes),
				round_up(SIZE_BYTES_MIN, l->align_bytes));
	if (!params->size_bytes)
		return 0;
	if (params->size_bytes < l->object_size_bytes || params->size_bytes > OBJECT_BYTES_MAX ||
	    params->size_bytes % l->align_bytes)
		return err_set(err, ERR_CONFIG,
			       "cache %s: a recorded size of %llu bytes does not suit objects of "
			       "%llu bytes, aligned to %llu",
			       params->name, (unsigned long long)params->size_bytes,
			       (unsigned long long)l->object_size_bytes,
			       (unsigned long long)l->align_bytes);
	if (params->size_bytes < l->size_bytes && l->flags & CACHE_RED_ZONE) {
		l->flags &= ~(unsigned)CACHE_RED_ZONE; /* the recording has no room for guards */
		l->left_pad_bytes = 0;
	}
	l->size_bytes = params->size_bytes;
	return 0;
}

int slab_layout_choose(struct slab_layout *l, const struct object_cache_params *params,
		       unsigned flags, const struct slab_order_limits *limits, struct err *err)
{
	bool ctor = params->ctor != NULL;
	*l = (struct slab_layout){
		.object_size_bytes = params->object_size_bytes,
		.align_bytes = slab_layout_align(params),
		.flags = flags,
	};
	if (!params->object_size_bytes || params->object_size_bytes > OBJECT_BYTES_MAX)
		return err_set(err, ERR_CONFIG, "cache %s: objects of %llu bytes", params->name,
			       (unsigned long long)params->object_size_bytes);
	if (params->align_bytes & (params->align_bytes - 1) ||
	    params->align_bytes > OBJECT_BYTES_MAX)
		return err_set(err, ERR_CONFIG,
			       "cache %s: alignment %llu is no power of two up to %llu",
			       params->name, (unsigned long long)params->align_bytes,
			       (unsigned long long)OBJECT_BYTES_MAX);
	/* What a constructor or the last user left in a free object has to stay. */
	if (ctor || flags & CACHE_TYPESAFE_BY_RCU)
		l->flags &= ~(unsigned)CACHE_POISON;
	if (set_sizes(l, params, err))
		return -1;
	if (params->objects_per_slab) {
		if (fit_recorded(l, ctor, params, limits, err))
			return -1;
	} else if (!choose(l, ctor, limits)) {
		return err_set(err, ERR_CONFIG,
			       "cache %s: no slab can hold an object of %llu bytes", params->name,
			       (unsigned long long)l->size_bytes);
	}
	l->colour_off_bytes = u64_max(CACHE_LINE_BYTES, l->align_bytes);
	l->colours_count = (unsigned)u64_clamp(l->left_bytes / l->colour_off_bytes, 1, 65536);
	return 0;
}
