/*
 * suggest.h - "did you mean ...?" for mistyped keys, values and command names.
 */
#ifndef SIM_SUGGEST_H
#define SIM_SUGGEST_H

#include <stddef.h>

/*
 * The one of @names (@count of them) that @word most likely meant, or NULL if none is near: at most
 * a third of the letters wrong (one, in short words), where a letter in the wrong case counts as
 * right and two swapped neighbours count as one mistake. The first of equally near names wins. The
 * answer is one of the given pointers.
 */
const char *suggest_nearest(const char *word, const char *const *names, unsigned count);

/*
 * '; did you mean "A", "B" or "C"?' into @buf, which is returned: the nearest of @names, or else
 * the three shortest that have all words of @word, as slab.min_order and slab.max_order have those
 * of slab.order; "" if there are none.
 */
char *suggest_keys(const char *word, const char *const *names, unsigned count, char *buf,
		   size_t size);

#endif
