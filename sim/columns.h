/*
 * columns.h - names of figures as columns of a table.
 *
 * Compare's names hold brackets and commas, which R, gnuplot and shells dislike. A column's name
 * has letters, digits, _, - and . only: what stands in brackets follows a _, and a position in a
 * list that is by order is called that.
 *
 *   latency[alloc,0,pcp].p99_ns      latency_alloc_0_pcp.p99_ns
 *   zones[node1/Normal].merges_count zones_node1_Normal.merges_count
 *   fragmentation.unusable_index[9]  fragmentation.unusable_index_order9
 *
 * A name of either form is accepted wherever a figure is named.
 */
#ifndef SIM_COLUMNS_H
#define SIM_COLUMNS_H

#include <stddef.h>

#include "sim/compare_keys.h"

/* The column's name of @key into @buf; returns @buf. */
char *column_name(const char *key, char *buf, size_t size);
/* The leaf that @name names, in either form, or NULL. A key comes before a column. */
const struct leaf *columns_find(const struct leaves *l, const char *name);

#endif
