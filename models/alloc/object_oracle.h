/*
 * object_oracle.h - test helper: a machine with an object allocator and kmalloc, and a record of
 * who holds which byte of its memory.
 *
 * The record shares nothing with the allocators that it judges: one byte for each byte of simulated
 * RAM, and a list of live objects. Every object is filled with a pattern of its own when it is
 * taken, which has to be there when it is given back.
 */
#ifndef ALLOC_OBJECT_ORACLE_H
#define ALLOC_OBJECT_ORACLE_H

#include "alloc/kmalloc.h"
#include "alloc/op_script.h"

/* --- the machine ------------------------------------------------------------------------------ */

struct object_machine {
	struct op_machine m;
	struct object_allocator *oa;
	struct kmalloc km;
};

/*
 * @ops stands in for the allocator of that name. @params: pm, pa and CPUs are filled in here; debug
 * flags that the allocator refuses are dropped. Aborts if the machine can't be made otherwise.
 */
void object_machine_init(struct object_machine *om, const struct op_params *machine,
			 const struct object_allocator_ops *ops,
			 const struct object_allocator_params *params,
			 const uint32_t *classes_bytes, unsigned classes_count);
void object_machine_release(struct object_machine *om);
/* Pages that the page allocator has on any list. */
uint64_t object_machine_free_pages(struct object_machine *om);
/* Free every cache; all objects must have been freed. 0, or -1 with @text (256 bytes). */
int object_machine_free_caches(struct object_machine *om, char *text);

/* --- the record ------------------------------------------------------------------------------- */

struct oracle_object {
	uint64_t paddr, bytes;      /* that the user may write */
	uint64_t id;                /* decides the pattern */
	struct object_cache *cache; /* NULL: pages, or KMALLOC_ZERO */
	void (*ctor)(void *object, uint64_t object_size_bytes);
	bool by_kmalloc;
	unsigned slot; /* the caller's */
};

struct object_oracle {
	struct object_machine *om;
	uint8_t *held;              /* by address */
	struct oracle_object *live; /* in no order that matters */
	size_t live_count, live_capacity;
	uint64_t cache_live[OBJECT_CACHES_LIMIT]; /* by index of the cache */
	uint64_t pages;                           /* of the machine */
	uint64_t ids;                             /* objects so far */
	char error[256];
};

void object_oracle_init(struct object_oracle *o, struct object_machine *om);
void object_oracle_release(struct object_oracle *o);

/* What was asked for, and where it has to lie. */
struct oracle_request {
	uint64_t bytes;
	uint64_t align_bytes;
	gfp_t gfp; /* with the zone that the cache asks for */
	unsigned nid;
	struct object_cache *cache;
	void (*ctor)(void *object, uint64_t object_size_bytes);
	bool by_kmalloc;
	unsigned slot;
};

/* @paddr was handed out: 0, or -1 with o->error if it can't be right. */
int object_oracle_take(struct object_oracle *o, const struct oracle_request *r, uint64_t paddr);
/*
 * A request failed for the reason @why. Wrong if it is none, or if half of the machine is on free
 * lists and any page of it would do.
 */
int object_oracle_failure(struct object_oracle *o, const struct oracle_request *r,
			  enum alloc_failure why);
/* Check the pattern of live object @i and free it on CPU @cpu. */
int object_oracle_give(struct object_oracle *o, size_t i, unsigned cpu);
/* Counters and walks of every cache, the allocators' own checks, and every page accounted for. */
int object_oracle_verify(struct object_oracle *o);

#endif
