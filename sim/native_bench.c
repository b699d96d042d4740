/*
 * native_bench.c - the object allocators of models/ as plain C code, beside glibc's malloc and
 * mimalloc.
 *
 *   native_bench trace [TRACE.atrace]   the object demands of a recording, in its order
 *   native_bench pair                   loops over one size
 *
 * Without a trace, the sequence is a made one. docs/benchmarks.md tells how to read the tables.
 *
 * Time is the thread's CPU time. Contestants take turns, round by round, each round starting with
 * another one, so that what else the host does falls on all of them: other programs still take
 * cache and clock rate away. The first round warms up. From each time, that of the
 * contestant "nothing" in the same round is taken: it does the same loop, and writes to the same
 * offsets, but of one object that is always there. What is left is allocator, and the cost of the
 * places that it chose. Ratios are taken within a round; all figures are medians over the rounds.
 *
 * Memory is measured in a process of its own for each contestant, without huge pages, every SAMPLE
 * operations: what the allocator's books say that it holds, and by how much the resident memory of
 * the process grew. Both are maxima.
 *
 * One thread, no contention. Locks of the models compile to nothing, and those of glibc and
 * mimalloc are not taken either while there is one thread.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/native_contest.h"

#define CONTESTANTS_MAX 8
#define ROUNDS          15  /* and one more to warm up */
#define SAMPLE          1024
#define SLOW_NS         3e8 /* a contestant whose turn takes longer sits out most rounds */
#define MADE_OPS        1000000
#define PAIRS           20000

struct memory {
	uint64_t held_bytes, resident_bytes;
};

struct bench {
	struct native_ops ops;
	struct contestant all[CONTESTANTS_MAX];
	unsigned count, base; /* base: mimalloc's index; CONTESTANTS_MAX: is not there */
	uint8_t **slots;
	double ns[CONTESTANTS_MAX][ROUNDS + 1]; /* of an operation; < 0: no turn */
};

static void die(const struct err *err)
{
	fprintf(stderr, "native_bench: %s\n", err->text);
	exit((int)err->code);
}

static void give_up(const char *why)
{
	const struct err err = {.code = ERR_IO};
	fprintf(stderr, "native_bench: %s\n", why);
	exit((int)err.code);
}

/* --- time ------------------------------------------------------------------------------------- */

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* Of those that are not negative; -1 if none is. */
static double median(const double *values, unsigned count)
{
	double sorted[ROUNDS + 1];
	unsigned n = 0;
	for (unsigned i = 0; i < count; i++) {
		if (values[i] >= 0)
			sorted[n++] = values[i];
	}
	qsort(sorted, n, sizeof(*sorted), compare);
	return n ? sorted[n / 2] : -1;
}

/* What an operation of contestant @i costs beyond the loop. */
static double net_ns(const struct bench *b, unsigned i, unsigned round)
{
	double gross = b->ns[i][round];
	return gross < 0 ? -1 : gross > b->ns[0][round] ? gross - b->ns[0][round] : 0;
}

static double net_median(const struct bench *b, unsigned i)
{
	double net[ROUNDS];
	for (unsigned r = 0; r < ROUNDS; r++)
		net[r] = net_ns(b, i, r + 1);
	return median(net, ROUNDS);
}

/* Contestant @i's cost as a multiple of mimalloc's; < 0: not known. */
static double ratio_median(const struct bench *b, unsigned i)
{
	double ratios[ROUNDS];
	for (unsigned r = 0; r < ROUNDS; r++) {
		double base = b->base < b->count ? net_ns(b, b->base, r + 1) : 0;
		double own = net_ns(b, i, r + 1);
		ratios[r] = base > 0 && own >= 0 ? own / base : -1;
	}
	return median(ratios, ROUNDS);
}

/* All rounds of what @turn does, which returns the ns of an operation; of slow ones, two. */
static void run_rounds(struct bench *b, double (*turn)(struct bench *b, struct contestant *c))
{
	for (unsigned round = 0; round <= ROUNDS; round++) {
		for (unsigned k = 0; k < b->count; k++) {
			unsigned i = (k + round) % b->count;
			bool slow = round > 2 && b->ns[i][1] * (double)b->ops.count > SLOW_NS;
			b->ns[i][round] = slow ? -1 : turn(b, &b->all[i]);
		}
	}
}

static void print_ratio(double ratio)
{
	if (ratio < 0)
		printf(" %12s", "-");
	else
		printf(" %12.2f", ratio);
}

/* --- who takes part --------------------------------------------------------------------------- */

static void enter_all(struct bench *b)
{
	struct err err = {0};
	b->base = CONTESTANTS_MAX;
	for (unsigned i = 0; contestants[i]; i++) {
		if (!contestant_exists(contestants[i])) {
			printf("%s: not installed (Debian: libmimalloc-dev), so not compared\n",
			       contestants[i]->name);
			continue;
		}
		if (strcmp(contestants[i]->name, "mimalloc") == 0)
			b->base = b->count;
		if (contestant_init(&b->all[b->count++], contestants[i], &b->ops, &err) != 0)
			die(&err);
	}
}

static void leave_all(struct bench *b)
{
	for (unsigned i = 0; i < b->count; i++)
		contestant_release(&b->all[i]);
}

/* --- memory ----------------------------------------------------------------------------------- */

static uint64_t resident_bytes(int statm)
{
	char text[128];
	uint64_t pages = 0;
	ssize_t n = pread(statm, text, sizeof(text) - 1, 0);
	if (n > 0) {
		text[n] = '\0';
		if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
			pages = 0;
	}
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* In the child. */
static void measure_memory(struct bench *b, const struct contestant_ops *ops, struct memory *max)
{
	struct contestant c;
	struct err err = {0};
	uint64_t count = b->ops.count;
	int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	memset(b->slots, 0, b->ops.slots_count * sizeof(*b->slots));
	if (contestant_init(&c, ops, &b->ops, &err) != 0)
		die(&err);
	malloc_trim(0);
	uint64_t held = ops->held_bytes(&c), resident = resident_bytes(statm);
	*max = (struct memory){0};
	for (uint64_t i = 0; i < count; i += SAMPLE) {
		ops->run(&c, &b->ops, i, u64_min(i + SAMPLE, count), b->slots);
		uint64_t now_held = ops->held_bytes(&c), now_resident = resident_bytes(statm);
		max->held_bytes = u64_max(max->held_bytes, now_held > held ? now_held - held : 0);
		max->resident_bytes = u64_max(
			max->resident_bytes, now_resident > resident ? now_resident - resident : 0);
	}
}

static struct memory memory_of(struct bench *b, const struct contestant_ops *ops)
{
	struct memory m;
	int fds[2], status;
	fflush(NULL);
	pid_t pid = pipe(fds) == 0 ? fork() : -1;
	if (pid == 0) {
		measure_memory(b, ops, &m);
		_exit(write(fds[1], &m, sizeof(m)) == sizeof(m) ? 0 : 1);
	}
	if (pid < 0)
		give_up("no process to measure memory in");
	close(fds[1]);
	bool good = read(fds[0], &m, sizeof(m)) == sizeof(m);
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid || !good)
		give_up("memory could not be measured");
	return m;
}

/* --- a sequence ------------------------------------------------------------------------------- */

static double turn_sequence(struct bench *b, struct contestant *c)
{
	double start = cpu_ns();
	c->ops->run(c, &b->ops, 0, b->ops.count, b->slots);
	double end = cpu_ns();
	c->ops->end(c, &b->ops, b->slots);
	return (end - start) / (double)b->ops.count;
}

static double mib(uint64_t bytes)
{
	return (double)bytes / (1 << 20);
}

static void print_sequence(const struct bench *b, const char *name, const struct memory *memory)
{
	const struct native_ops *o = &b->ops;
	printf("objects of %s: %" PRIu64 " operations, %" PRIu64 " of them allocations\n", name,
	       o->count, o->allocs_count);
	printf("at most %" PRIu64 " objects live, %.1f MiB asked for; not in the sequence: %" PRIu64
	       " frees of objects from before it, %" PRIu64 " others\n",
	       o->live_objects_max, mib(o->live_bytes_max), o->early_frees_count,
	       o->left_out_count);
	printf("%-10s %9s %10s %12s %10s %10s %13s\n", "", "ns/op", "- nothing", "of mimalloc",
	       "held MiB", "overhead", "resident MiB");
	for (unsigned i = 0; i < b->count; i++) {
		printf("%-10s %9.1f", b->all[i].ops->name, median(b->ns[i] + 1, ROUNDS));
		if (i == 0) {
			printf("\n");
			continue;
		}
		printf(" %10.1f", net_median(b, i));
		print_ratio(ratio_median(b, i));
		printf(" %10.1f %8.1f %% %13.1f\n", mib(memory[i].held_bytes),
		       ((double)memory[i].held_bytes / (double)o->live_bytes_max - 1) * 100,
		       mib(memory[i].resident_bytes));
	}
}

static int bench_trace(const char *path)
{
	static struct bench b;
	struct memory memory[CONTESTANTS_MAX];
	struct err err = {0};
	if (path ? native_ops_read(&b.ops, path, &err) : native_ops_make(&b.ops, MADE_OPS, &err))
		die(&err);
	if (!b.ops.count) {
		printf("%s has no objects, only pages\n", path);
		native_ops_release(&b.ops);
		return 0;
	}
	b.slots = calloc(b.ops.slots_count, sizeof(*b.slots));
	if (!b.slots)
		give_up("out of memory");
	enter_all(&b);
	for (unsigned i = 0; i < b.count; i++)
		memory[i] = memory_of(&b, b.all[i].ops);
	run_rounds(&b, turn_sequence);
	print_sequence(&b, path ? path : "a made sequence", memory);
	leave_all(&b);
	free(b.slots);
	native_ops_release(&b.ops);
	return 0;
}

/* --- loops over one size ---------------------------------------------------------------------- */

static uint32_t loop_bytes;

static double turn_pair(struct bench *b, struct contestant *c)
{
	double start = cpu_ns();
	c->ops->pair(c, loop_bytes, PAIRS);
	return (cpu_ns() - start) / PAIRS;
}

static double turn_batch(struct bench *b, struct contestant *c)
{
	double start = cpu_ns();
	c->ops->batch(c, loop_bytes, PAIRS);
	return (cpu_ns() - start) / PAIRS;
}

static int bench_pair(void)
{
	static const uint32_t sizes[] = {8, 64, 256, 1024, 4096, 8192};
	static const struct {
		const char *name;
		double (*turn)(struct bench *b, struct contestant *c);
	} loops[] = {{"pair", turn_pair}, {"batch", turn_batch}};
	static struct bench b;
	b.ops.live_bytes_max = NATIVE_BATCH * UINT64_C(8192);
	enter_all(&b);
	printf("allocation and free of one object by its size, ns less those of the loop\n");
	printf("%-6s %6s", "loop", "bytes");
	for (unsigned i = 1; i < b.count; i++)
		printf(" %9s", b.all[i].ops->name);
	printf(" %14s\n", "slub/mimalloc");
	for (unsigned k = 0; k < ARRAY_SIZE(loops); k++) {
		for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
			loop_bytes = sizes[s];
			run_rounds(&b, loops[k].turn);
			printf("%-6s %6u", loops[k].name, loop_bytes);
			for (unsigned i = 1; i < b.count; i++)
				printf(" %9.1f", net_median(&b, i));
			print_ratio(ratio_median(&b, 1));
			printf("\n");
		}
	}
	leave_all(&b);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && argc <= 3 && strcmp(argv[1], "trace") == 0)
		return bench_trace(argv[2]);
	if (argc == 2 && strcmp(argv[1], "pair") == 0)
		return bench_pair();
	fprintf(stderr, "Usage: native_bench trace [TRACE.atrace] | pair\n");
	return ERR_USAGE;
}
