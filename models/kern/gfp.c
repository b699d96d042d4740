/*
 * gfp.c - names of allocation flags: see gfp.h.
 */
#include "kern/gfp.h"

#include <stdio.h>
#include <string.h>

struct gfp_name {
	const char *name;
	gfp_t bits;
};

/* Composites first, those with most bits before their subsets: gfp_format() takes the first fit. */
static const struct gfp_name names[] = {
	{"GFP_TRANSHUGE", GFP_TRANSHUGE},
	{"GFP_TRANSHUGE_LIGHT", GFP_TRANSHUGE_LIGHT},
	{"GFP_HIGHUSER_MOVABLE", GFP_HIGHUSER_MOVABLE},
	{"GFP_HIGHUSER", GFP_HIGHUSER},
	{"GFP_USER", GFP_USER},
	{"GFP_KERNEL_ACCOUNT", GFP_KERNEL | __GFP_ACCOUNT},
	{"GFP_KERNEL", GFP_KERNEL},
	{"GFP_NOFS", GFP_NOFS},
	{"GFP_ATOMIC", GFP_ATOMIC},
	{"GFP_NOIO", GFP_NOIO},
	{"GFP_NOWAIT", GFP_NOWAIT},
	{"GFP_DMA", __GFP_DMA},
	{"GFP_DMA32", __GFP_DMA32},
	{"__GFP_RECLAIM", __GFP_RECLAIM},
	{"__GFP_DMA", __GFP_DMA},
	{"__GFP_HIGHMEM", __GFP_HIGHMEM},
	{"__GFP_DMA32", __GFP_DMA32},
	{"__GFP_MOVABLE", __GFP_MOVABLE},
	{"__GFP_RECLAIMABLE", __GFP_RECLAIMABLE},
	{"__GFP_HIGH", __GFP_HIGH},
	{"__GFP_IO", __GFP_IO},
	{"__GFP_FS", __GFP_FS},
	{"__GFP_ZERO", __GFP_ZERO},
	{"__GFP_DIRECT_RECLAIM", __GFP_DIRECT_RECLAIM},
	{"__GFP_KSWAPD_RECLAIM", __GFP_KSWAPD_RECLAIM},
	{"__GFP_WRITE", __GFP_WRITE},
	{"__GFP_NOWARN", __GFP_NOWARN},
	{"__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL},
	{"__GFP_NOFAIL", __GFP_NOFAIL},
	{"__GFP_NORETRY", __GFP_NORETRY},
	{"__GFP_MEMALLOC", __GFP_MEMALLOC},
	{"__GFP_COMP", __GFP_COMP},
	{"__GFP_NOMEMALLOC", __GFP_NOMEMALLOC},
	{"__GFP_HARDWALL", __GFP_HARDWALL},
	{"__GFP_THISNODE", __GFP_THISNODE},
	{"__GFP_ACCOUNT", __GFP_ACCOUNT},
	{"__GFP_ZEROTAGS", __GFP_ZEROTAGS},
	{"__GFP_NO_OBJ_EXT", __GFP_NO_OBJ_EXT},
	/* Names that older kernels print and that change nothing here. */
	{"__GFP_ATOMIC", __GFP_HIGH},
	{"__GFP_REPEAT", __GFP_RETRY_MAYFAIL},
	{"__GFP_COLD", 0},
	{"__GFP_NOTRACK", 0},
	{"__GFP_SKIP_KASAN", 0},
	{"__GFP_SKIP_KASAN_POISON", 0},
	{"__GFP_SKIP_ZERO", 0},
	{"__GFP_NOLOCKDEP", 0},
	{"GFP_NOTRACK", 0},
	{"none", 0},
};

static int parse_number(const char *text, size_t len, gfp_t *bits)
{
	unsigned base = 10;
	if (len > 2 && text[0] == '0' && (text[1] | 32) == 'x') {
		base = 16;
		text += 2;
		len -= 2;
	}
	if (len == 0 || len > 10)
		return -1;
	uint64_t v = 0;
	for (size_t i = 0; i < len; i++) {
		int c = text[i], lower = c | 32; /* maps letters only to letters */
		unsigned d = c >= '0' && c <= '9'	    ? (unsigned)(c - '0')
			     : lower >= 'a' && lower <= 'f' ? (unsigned)(lower - 'a') + 10
							    : 99;
		if (d >= base)
			return -1;
		v = v * base + d;
	}
	if (v > UINT32_MAX)
		return -1;
	*bits = (gfp_t)v;
	return 0;
}

static int parse_word(const char *text, size_t len, gfp_t *bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strlen(names[i].name) == len && memcmp(names[i].name, text, len) == 0) {
			*bits = names[i].bits;
			return 0;
		}
	}
	return parse_number(text, len, bits);
}

int gfp_parse(const char *text, size_t len, gfp_t *gfp, size_t *bad_off, size_t *bad_len)
{
	gfp_t all = 0;
	size_t start = 0;
	while (start <= len) {
		const char *bar = memchr(text + start, '|', len - start);
		size_t end = bar ? (size_t)(bar - text) : len;
		gfp_t bits = 0;
		if (parse_word(text + start, end - start, &bits) != 0) {
			if (bad_off) {
				*bad_off = start;
				*bad_len = end - start;
			}
			return -1;
		}
		all |= bits;
		start = end + 1;
	}
	*gfp = all;
	return 0;
}

char *gfp_format(gfp_t gfp, char *buf, size_t size)
{
	size_t used = 0;
	gfp_t left = gfp;
	if (size)
		buf[0] = '\0';
	if (!gfp)
		snprintf(buf, size, "none");
	for (size_t i = 0; i < ARRAY_SIZE(names) && left; i++) {
		if (!names[i].bits || (left & names[i].bits) != names[i].bits)
			continue;
		left &= ~names[i].bits;
		int n = snprintf(buf + used, size - used, "%s%s", used ? "|" : "", names[i].name);
		if (n < 0 || (size_t)n >= size - used)
			return buf;
		used += (size_t)n;
	}
	if (left)
		snprintf(buf + used, size - used, "%s0x%x", used ? "|" : "", left);
	return buf;
}
