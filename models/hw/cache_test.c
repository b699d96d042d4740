/* Tests of cache.c: against plain references of LRU and PLRU, and against closed forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hw/cache_impl.h"
#include "kern/rng.h"

static struct cache *make(uint64_t sets, uint64_t ways, enum hw_replacement replacement)
{
	const struct hw_cache params = {.size_bytes = sets * ways * 64,
					.ways = ways,
					.line_bytes = 64,
					.replacement = replacement};
	struct cache *c = cache_new(&params);
	assert_non_null(c);
	return c;
}

/* Access a line as a cache of one level does; true: it missed. */
static bool misses(struct cache *c, uint64_t line)
{
	uint8_t flags;
	if (cache_lookup(c, line))
		return false;
	cache_insert(c, line, 0, &flags);
	return true;
}

static void assert_in_order(const struct cache *c)
{
	char text[200] = "";
	cache_check(c, text, sizeof(text));
	assert_string_equal(text, "");
}

/* --- against references ----------------------------------------------------------------------- */

#define REF_WAYS 64
#define REF_SETS 8

/* One set, kept naively: lines with the time of last use (LRU), or a tree by halves (PLRU). */
struct ref_set {
	uint64_t lines[REF_WAYS];
	uint8_t flags[REF_WAYS];
	uint64_t used_at[REF_WAYS];
	bool used[REF_WAYS];
	/* [depth][prefix]: the half used last, of the ways that begin with prefix. */
	bool right[8][REF_WAYS];
};

static void ref_use(struct ref_set *s, unsigned ways, unsigned way, uint64_t now)
{
	s->used_at[way] = now;
	unsigned depth = 0;
	for (unsigned size = ways; size > 1; size /= 2, depth++)
		s->right[depth][way / size] = way % size >= size / 2;
}

static unsigned ref_victim(const struct ref_set *s, unsigned ways, bool lru)
{
	unsigned oldest = 0;
	for (unsigned way = 0; way < ways; way++) {
		if (!s->used[way])
			return way;
		if (s->used_at[way] < s->used_at[oldest])
			oldest = way;
	}
	if (lru)
		return oldest;
	unsigned way = 0, depth = 0;
	for (unsigned size = ways; size > 1; size /= 2, depth++)
		way += s->right[depth][way / size] ? 0 : size / 2;
	return way;
}

static int ref_find(const struct ref_set *s, unsigned ways, uint64_t line)
{
	for (unsigned way = 0; way < ways; way++) {
		if (s->used[way] && s->lines[way] == line)
			return (int)way;
	}
	return -1;
}

/* Random lookups, insertions, removals and changes of flags, each answered as the reference does.
 */
static void against_reference(uint64_t sets, unsigned ways, bool lru, unsigned lines)
{
	static struct ref_set ref[REF_SETS];
	struct cache *c = make(sets, ways, lru ? HW_LRU : HW_PLRU);
	struct rng r;
	memset(ref, 0, sizeof(ref));
	rng_init(&r, ways, lines);
	for (uint64_t now = 1; now < 20000; now++) {
		uint64_t line = rng_below(&r, lines);
		struct ref_set *s = &ref[line % sets];
		int way = ref_find(s, ways, line);
		if (rng_below(&r, 20) == 0) {
			assert_int_equal(cache_remove(c, line), way < 0 ? -1 : s->flags[way]);
			if (way >= 0)
				s->used[way] = false;
			continue;
		}
		uint8_t *flags = rng_below(&r, 5) ? cache_peek(c, line) : NULL;
		if (flags)
			assert_int_equal(*flags, s->flags[way]);
		flags = cache_lookup(c, line);
		assert_int_equal(flags != NULL, way >= 0);
		if (flags) {
			assert_int_equal(*flags, s->flags[way]);
			*flags = s->flags[way] = (uint8_t)rng_below(&r, 4);
			ref_use(s, ways, (unsigned)way, now);
			continue;
		}
		uint8_t had = 0;
		unsigned to = ref_victim(s, ways, lru);
		uint64_t victim = cache_insert(c, line, (uint8_t)(line & 3), &had);
		assert_true(victim == (s->used[to] ? s->lines[to] : CACHE_NO_LINE));
		if (s->used[to])
			assert_int_equal(had, s->flags[to]);
		s->lines[to] = line;
		s->flags[to] = (uint8_t)(line & 3);
		s->used[to] = true;
		ref_use(s, ways, to, now);
	}
	assert_in_order(c);
	cache_free(c);
}

static void like_the_references(void **state)
{
	for (unsigned lru = 0; lru < 2; lru++) {
		against_reference(1, 1, lru, 3);
		against_reference(8, 1, lru, 20);
		against_reference(8, 2, lru, 24);
		against_reference(4, 8, lru, 50);
		against_reference(1, 64, lru, 80);
	}
	against_reference(8, 11, true, 120);
	against_reference(2, 3, true, 9);
}

/* PLRU is another policy: on a random stream it drops lines that LRU keeps. */
static void plru_is_not_lru(void **state)
{
	struct cache *lru = make(1, 8, HW_LRU), *plru = make(1, 8, HW_PLRU);
	struct rng r;
	unsigned differ = 0;
	rng_init(&r, 1, 1);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t line = rng_below(&r, 12);
		differ += misses(lru, line) != misses(plru, line);
	}
	assert_true(differ > 50);
	cache_free(lru);
	cache_free(plru);
}

static void wide_trees(void **state)
{
	struct cache *c = make(2, 256, HW_PLRU);
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t line = 0; line < 512; line++)
			assert_int_equal(misses(c, line), round == 0);
	}
	assert_in_order(c);
	cache_free(c);
}

/* cache_walk() sees each line once, with its flags; looking without a trace leaves none. */
static void sum_lines(void *arg, uint64_t line, uint8_t flags)
{
	uint64_t *sum = arg;
	sum[0]++;
	sum[1] += line;
	sum[2] += flags;
}

static void walks_and_peeks(void **state)
{
	struct cache *c = make(4, 2, HW_LRU);
	uint64_t sum[3] = {0};
	uint8_t flags;
	for (uint64_t line = 0; line < 5; line++)
		cache_insert(c, line, (uint8_t)line, &flags);
	cache_walk(c, sum_lines, sum);
	assert_true(sum[0] == 5 && sum[1] == 10 && sum[2] == 10);
	assert_null(cache_peek(c, 8));
	assert_int_equal(*cache_peek(c, 0), 0); /* 4 was used after it, and stays so */
	assert_true(cache_insert(c, 8, 0, &flags) == 0);
	assert_in_order(c);
	cache_free(c);
}

/* --- closed forms ----------------------------------------------------------------------------- */

/* Misses of each line in the second half of @rounds over @lines lines of a stride. */
static double scan_missratio(struct cache *c, uint64_t lines, uint64_t stride, unsigned rounds)
{
	unsigned missed = 0;
	for (unsigned round = 0; round < rounds; round++) {
		for (uint64_t i = 0; i < lines; i++)
			missed += misses(c, i * stride) && round >= rounds / 2;
	}
	return missed / ((double)lines * (rounds - rounds / 2));
}

/*
 * A cyclic scan of what fits never misses, of one line more always does; not so with PLRU, as long
 * as its tree is large against the scans.
 */
static void cyclic_scan(void **state)
{
	struct cache *c = make(1, 512, HW_LRU);
	assert_true(scan_missratio(c, 512, 1, 8) == 0);
	assert_true(scan_missratio(c, 513, 1, 8) == 1);
	cache_free(c);
	c = make(1, 512, HW_PLRU);
	double off = scan_missratio(c, 513, 1, 8);
	assert_true(off > 0 && off < 0.5);
	cache_free(c);
	/* Lines that share a set: associativity counts, not size. */
	c = make(128, 12, HW_LRU);
	assert_true(scan_missratio(c, 12, 128, 8) == 0);
	assert_true(scan_missratio(c, 13, 128, 8) == 1);
	cache_free(c);
	c = make(1, 1536, HW_LRU);
	assert_true(scan_missratio(c, 13, 128, 8) == 0);
	cache_free(c);
}

static void assert_within_4_sigma(unsigned hits, unsigned trials, double p)
{
	double sigma = sqrt(p * (1 - p) / trials);
	assert_true(fabs((double)hits / trials - p) <= 4 * sigma);
}

/*
 * Two arrays begin in random ones of k sets of 64; element i of one and i + d of the other fall
 * into one set with probability (k - |d|) / k^2, or 1/64 where sets wrap around.
 */
static void pair_conflict(void **state)
{
	static const struct {
		unsigned k, d;
		double p;
	} rows[] = {
		{64, 0, 0.015625}, {64, 32, 0.015625}, {8, 0, 0.125}, {8, 4, 0.0625},
		{8, 8, 0},         {4, 0, 0.25},       {32, 32, 0},
	};
	enum { TRIALS = 20000 };
	struct rng r;
	rng_init(&r, 29, 0);
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		unsigned conflicts = 0;
		struct cache *c = make(64, 1, HW_LRU);
		for (unsigned i = 0; i < TRIALS; i++) {
			uint64_t a = rng_below(&r, rows[row].k);
			uint64_t b = 6400 + rng_below(&r, rows[row].k) + rows[row].d;
			misses(c, a);
			misses(c, b);
			conflicts += misses(c, a);
		}
		assert_within_4_sigma(conflicts, TRIALS, rows[row].p);
		cache_free(c);
		/* Off: with two ways a pair never conflicts. */
		c = make(64, 2, HW_LRU);
		misses(c, 5);
		misses(c, 6405);
		assert_false(misses(c, 5));
		cache_free(c);
	}
}

/*
 * How well the set in which an array begins is known, in bits: the cache is full, the array's first
 * line comes in, and what it pushed out tells its set. All of k starts are as likely.
 */
static double entropy_bits(unsigned sets, unsigned k)
{
	unsigned counts[64] = {0};
	double bits = 0;
	for (unsigned start = 0; start < k; start++) {
		struct cache *c = make(sets, 1, HW_LRU);
		uint8_t flags;
		for (uint64_t line = 0; line < sets; line++)
			misses(c, line);
		counts[cache_insert(c, 6400 + start, 0, &flags)]++;
		cache_free(c);
	}
	for (unsigned set = 0; set < sets; set++) {
		double p = (double)counts[set] / k;
		bits -= p > 0 ? p * log2(p) : 0;
	}
	return bits;
}

/* Off: a start that never varies, 0 bits; starts that wrap around, as many as there are sets. */
static void entropy_of_starts(void **state)
{
	static const unsigned rows[][2] = {{4, 2}, {8, 3}, {32, 5}, {64, 6}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(entropy_bits(64, rows[i][0]) == rows[i][1]);
	assert_true(entropy_bits(64, 1) == 0);
	assert_true(entropy_bits(16, 64) == 4);
}

/* Of @trials: in how many do @m lines, random in one of @sets each, not all hit when they come
 * again? */
static unsigned thrash(struct cache *c, struct rng *r, unsigned m, unsigned sets, unsigned trials)
{
	unsigned thrashed = 0;
	uint64_t lines[16], tag = 0;
	for (unsigned trial = 0; trial < trials; trial++) {
		bool missed = false;
		for (unsigned i = 0; i < m; i++)
			lines[i] = ++tag * sets + rng_below(r, sets);
		for (unsigned i = 0; i < 2 * m; i++)
			missed |= misses(c, lines[i % m]) && i >= m;
		thrashed += missed;
	}
	return thrashed;
}

/* Some set gets more than w of m lines: 1 - m! [x^m] (sum_{j<=w} x^j/j!)^S / S^m. */
static void thrash_probability(void **state)
{
	static const struct {
		unsigned m, sets, ways;
		double p;
	} rows[] = {
		{2, 64, 1, 0.015625},
		{4, 64, 1, 0.09108734130859375},
		{16, 64, 8, 3.680866722532983e-11},
		{12, 8, 8, 9.171082638204098e-06},
		{16, 8, 8, 0.0002967637437052417},
		{9, 64, 2, 0.019064244005363662},
	};
	enum { TRIALS = 20000 };
	struct rng r;
	rng_init(&r, 29, 1);
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		unsigned sets = rows[row].sets, ways = rows[row].ways;
		struct cache *c = make(sets, ways, HW_LRU);
		unsigned thrashed = thrash(c, &r, rows[row].m, sets, TRIALS);
		assert_within_4_sigma(thrashed, TRIALS, rows[row].p);
		cache_free(c);
		/* Off: without sets to fall into, lines that fit never do. */
		c = make(1, sets * ways, HW_LRU);
		assert_int_equal(thrash(c, &r, rows[row].m, sets, 100), 0);
		cache_free(c);
	}
}

/* Two arrays of 8-byte words read in lock-step, @apart sets from each other. */
static double lockstep(struct cache *c, unsigned apart)
{
	enum { WORDS = 64 * 8 };
	unsigned missed = 0;
	for (unsigned i = 0; i < WORDS; i++) {
		missed += misses(c, i / 8);
		missed += misses(c, 64 + (i / 8 + apart) % 64 + 64 * 7);
	}
	for (uint64_t line = 0; line < 64 * 9; line++)
		cache_remove(c, line);
	return missed / (2.0 * WORDS);
}

static void lockstep_missratio(void **state)
{
	struct cache *c = make(64, 1, HW_LRU), *two = make(64, 2, HW_LRU);
	double sum = 0;
	assert_true(lockstep(c, 0) == 1.0);
	for (unsigned apart = 0; apart < 64; apart++) {
		double ratio = lockstep(c, apart);
		assert_true(ratio == (apart ? 0.125 : 1.0));
		sum += ratio;
	}
	assert_true(fabs(sum / 64 - 0.138671875) < 1e-12); /* any start is as likely */
	assert_true(lockstep(two, 0) == 0.125);            /* off: a second way */
	cache_free(c);
	cache_free(two);
}

/* Object 0 of K slabs of 4 KiB with c colours of 64 bytes on a level of 64 sets and 8 ways. */
static void slab_colours(void **state)
{
	static const struct {
		unsigned slabs, colours;
		double missratio;
	} rows[] = {{8, 1, 0}, {9, 1, 1}, {16, 1, 1}, {16, 8, 0}, {64, 8, 0}, {65, 8, 9.0 / 65}};
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct cache *c = make(64, 8, HW_LRU);
		unsigned missed = 0;
		for (unsigned round = 0; round < 8; round++) {
			for (unsigned i = 0; i < rows[row].slabs; i++) {
				uint64_t offset = i % rows[row].colours * 64;
				bool miss = misses(c, (i * UINT64_C(4096) + offset) / 64);
				missed += miss && round >= 4;
			}
		}
		assert_true(fabs(missed / (4.0 * rows[row].slabs) - rows[row].missratio) < 1e-12);
		cache_free(c);
	}
}

/* --- invariants ------------------------------------------------------------------------------- */

static void assert_names(const struct cache *c, const char *invariant)
{
	char text[200] = "";
	assert_int_equal(cache_check(c, text, sizeof(text)), -1);
	assert_memory_equal(text, invariant, 2);
}

static void broken_caches_are_seen(void **state)
{
	struct cache *c = make(4, 4, HW_LRU);
	for (uint64_t line = 0; line < 16; line += 2)
		misses(c, line);
	assert_in_order(c);
	c->tags[1]++;
	assert_names(c, "C1");
	c->tags[1] = c->tags[0];
	assert_names(c, "C2");
	c->tags[1] = 0;
	assert_names(c, "C3");
	c->tags[1] = 8 + 1;
	assert_in_order(c);
	c->recent[2] = 1;
	assert_names(c, "C4");
	cache_free(c);
	c = make(4, 4, HW_PLRU);
	c->recent[2] = 4;
	assert_names(c, "C4");
	cache_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_the_references), cmocka_unit_test(plru_is_not_lru),
		cmocka_unit_test(wide_trees),          cmocka_unit_test(walks_and_peeks),
		cmocka_unit_test(cyclic_scan),         cmocka_unit_test(pair_conflict),
		cmocka_unit_test(entropy_of_starts),
		cmocka_unit_test(thrash_probability),  cmocka_unit_test(lockstep_missratio),
		cmocka_unit_test(slab_colours),        cmocka_unit_test(broken_caches_are_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
