/*
 * size_class.h - which size classes waste least for a given mix of requests.
 *
 * The waste of a request is the class that serves it (the smallest that holds it) minus its size.
 */
#ifndef ALLOC_SIZE_CLASS_H
#define ALLOC_SIZE_CLASS_H

#include "kern/err.h"
#include "kern/types.h"

/* One size and how often it is asked for. Weights are whole numbers: counts, or percents. */
struct size_weight {
	uint32_t bytes; /* at least 1 */
	uint64_t weight;
};

/*
 * The classes that waste least, at most @classes_max of them (>= 1): into @classes, ascending, and
 * how many they are into *@classes_count. Classes are multiples of @grid_bytes; 0: they are sizes
 * that occur. There are fewer than @classes_max if more would change nothing. Of class sets that
 * waste equally little, the one with the smallest first class is chosen, then the smallest second,
 * and so on. @sizes come in any order, and may repeat.
 *
 * -1 with @err: ERR_CONFIG if there is no size, a size of 0 or one whose class does not fit 32
 * bits, or if weights times bytes do not fit 64 bits; ERR_IO if memory is short.
 *
 * Cost: classes_max * m^2 steps for m places where a class can be, and 12 * classes_max * m bytes.
 */
int size_classes_choose(const struct size_weight *sizes, size_t sizes_count, uint32_t grid_bytes,
			unsigned classes_max, uint32_t *classes, unsigned *classes_count,
			struct err *err);

/* What a class set does to a mix: sums over all requests. */
struct size_class_waste {
	uint64_t weight;          /* of requests that a class holds */
	uint64_t bytes;           /* that they ask for */
	uint64_t waste_bytes;     /* that they get on top of it */
	uint64_t unserved_weight; /* of requests above the largest class */
};

/* @classes ascend. Same limits on @sizes. */
void size_classes_waste(const struct size_weight *sizes, size_t sizes_count,
			const uint32_t *classes, unsigned classes_count,
			struct size_class_waste *waste);

#endif
