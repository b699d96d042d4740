/*
 * suggest.h - "did you mean ...?" for mistyped keys, values and command names.
 */
#ifndef SIM_SUGGEST_H
#define SIM_SUGGEST_H

/*
 * The one of @names (@count of them) that @word most likely meant, or NULL if none is near: at most
 * a third of the letters wrong (one, in short words), where a letter in the wrong case counts as
 * right and two swapped neighbours count as one mistake. The first of equally near names wins. The
 * answer is one of the given pointers.
 */
const char *suggest_nearest(const char *word, const char *const *names, unsigned count);

#endif
