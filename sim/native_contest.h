/*
 * native_contest.h - allocators that are measured against each other, all behind the same loops.
 */
#ifndef SIM_NATIVE_CONTEST_H
#define SIM_NATIVE_CONTEST_H

#include "sim/native_machine.h"

#define NATIVE_BATCH 1000 /* objects that the loop `batch` holds at once */

struct contestant;

struct contestant_ops {
	const char *name;
	const char *model; /* the object allocator to make a machine with; NULL: none */
	/* Operations @from up to @to of a sequence; objects are kept in @slots. */
	void (*run)(struct contestant *c, const struct native_ops *o, uint64_t from, uint64_t to,
		    uint8_t **slots);
	/* Free what lives at the end of a sequence. */
	void (*end)(struct contestant *c, const struct native_ops *o, uint8_t **slots);
	/* @count times allocate and free an object of @bytes: at once, or in batches, in order. */
	void (*pair)(struct contestant *c, uint32_t bytes, uint64_t count);
	void (*batch)(struct contestant *c, uint32_t bytes, uint64_t count);
	/* Bytes that it holds, by its own books. */
	uint64_t (*held_bytes)(struct contestant *c);
};

struct contestant {
	const struct contestant_ops *ops;
	struct native_machine m; /* of models */
	uint8_t *scratch;        /* of "nothing" */
	uint8_t *batch[NATIVE_BATCH];
};

/*
 * All contestants, ended by NULL: "nothing", which is the loop alone, first, then the models, glibc
 * and mimalloc.
 */
extern const struct contestant_ops *const contestants[];

/* Is it there? mimalloc may not be installed. */
bool contestant_exists(const struct contestant_ops *ops);

/* Ready for @o's operations. Returns 0, or -1 with @err and nothing to release. */
int contestant_init(struct contestant *c, const struct contestant_ops *ops,
		    const struct native_ops *o, struct err *err);
void contestant_release(struct contestant *c);

#endif
