/*
 * slab_debug.c - red zones and poison: bytes that tell that somebody wrote where he must not.
 *
 *   red zones  guard bytes before and after each object, 0xbb while it is free and 0xcc while it is
 *              live. They are looked at when it changes hands: a write past the end is found at the
 *              free, as is a second free of the same object.
 *   poison     a free object is full of 0x6b and ends with 0xa5, looked at when it is handed out
 *              next or when its slab goes back: a use after the free is found there.
 *
 * In size classes the right guard starts at the size that was asked for, which is kept behind it.
 * What they find stops the run, as a bug: the simulated kernel's memory is corrupt.
 */
#include "alloc/slab.h"
#include "kern/bug.h"

#define RED_FREE   0xbb
#define RED_LIVE   0xcc
#define POISON     0x6b
#define POISON_END 0xa5

static uint64_t guard_end(const struct slab_layout *l, uint64_t object)
{
	return object + (l->object_size_bytes + 7) / 8 * 8 + SLAB_RED_BYTES;
}

static uint64_t asked_bytes(const struct slab_allocator *sa, const struct slab_layout *l,
			    uint64_t object)
{
	uint64_t bytes = l->object_size_bytes;
	if (l->flags & CACHE_KMALLOC)
		memcpy(&bytes, sa->base.pm->ram + guard_end(l, object), sizeof(bytes));
	return bytes;
}

static bool filled(const uint8_t *bytes, uint64_t count, uint8_t with)
{
	for (uint64_t i = 0; i < count; i++) {
		if (bytes[i] != with)
			return false;
	}
	return true;
}

static uint64_t lines(uint64_t bytes)
{
	return (bytes + 63) / 64;
}

static void set_guards(struct slab_allocator *sa, const struct slab_layout *l, uint64_t object,
		       uint64_t bytes, uint8_t with)
{
	uint8_t *ram = sa->base.pm->ram;
	uint64_t end = guard_end(l, object);
	memset(ram + object - SLAB_RED_BYTES, with, SLAB_RED_BYTES);
	memset(ram + object + bytes, with, end - object - bytes);
	if (l->flags & CACHE_KMALLOC)
		memcpy(ram + end, &bytes, sizeof(bytes));
}

static bool guards_are(const struct slab_allocator *sa, const struct slab_layout *l,
		       uint64_t object, uint8_t with)
{
	const uint8_t *ram = sa->base.pm->ram;
	uint64_t bytes = asked_bytes(sa, l, object);
	return bytes <= l->object_size_bytes &&
	       filled(ram + object - SLAB_RED_BYTES, SLAB_RED_BYTES, with) &&
	       filled(ram + object + bytes, guard_end(l, object) - object - bytes, with);
}

const char *slab_debug_wrong(const struct slab_allocator *sa, const struct slab_cache *c,
			     uint64_t object, bool live)
{
	const struct slab_layout *l = &c->layout;
	if (l->flags & CACHE_RED_ZONE && !guards_are(sa, l, object, live ? RED_LIVE : RED_FREE)) {
		if (live && guards_are(sa, l, object, RED_FREE))
			return "freed twice";
		return "red zone overwritten";
	}
	const uint8_t *bytes = sa->base.pm->ram + object;
	uint64_t last = l->object_size_bytes - 1;
	if (l->flags & CACHE_POISON && !live &&
	    (!filled(bytes, last, POISON) || bytes[last] != POISON_END))
		return "poison overwritten: used after it was freed";
	return NULL;
}

void slab_debug_fill(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		     uint64_t object)
{
	const struct slab_layout *l = &c->layout;
	uint8_t *bytes = sa->base.pm->ram + object;
	if (l->flags & CACHE_RED_ZONE)
		set_guards(sa, l, object, l->object_size_bytes, RED_FREE);
	if (l->flags & CACHE_POISON) {
		memset(bytes, POISON, l->object_size_bytes);
		bytes[l->object_size_bytes - 1] = POISON_END;
	}
	env_charge_n(env, COST_ZERO_LINE, lines(l->size_bytes));
}

void slab_debug_alloc(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		      uint64_t object, uint64_t bytes)
{
	const char *wrong = slab_debug_wrong(sa, c, object, false);
	BUG_ON(wrong, "cache %s, free object %#llx: %s", c->name, (unsigned long long)object,
	       wrong);
	env_charge_n(env, COST_ZERO_LINE, lines(c->layout.size_bytes));
	if (c->layout.flags & CACHE_RED_ZONE)
		set_guards(sa, &c->layout, object, bytes, RED_LIVE);
}

void slab_debug_free(struct slab_allocator *sa, const struct slab_cache *c, struct env *env,
		     uint64_t object)
{
	const char *wrong = slab_debug_wrong(sa, c, object, true);
	BUG_ON(wrong, "cache %s, object %#llx: %s", c->name, (unsigned long long)object, wrong);
	slab_debug_fill(sa, c, env, object);
}
