/*
 * Tests of the account of CPUs' time: its parts add up, to the cycle and to the picosecond.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/rng.h"
#include "sim/cycles.h"

static void assert_adds_up(const struct cycle_account *a, ps_t clock_ps)
{
	uint64_t cycles = 0;
	ps_t ps = a->lock_wait_ps + a->ipi_wait_ps;
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		cycles += a->cycles[i];
		ps += a->ps[i];
	}
	assert_int_equal(cycles, a->charged_cycles);
	assert_int_equal(ps, a->active_ps);
	assert_int_equal(a->active_ps + a->idle_ps, clock_ps);
}

/* The example of cycles.c. */
static void test_example(void **state)
{
	struct engine_cpu cpu = {.khz = 4000000};
	struct cycle_account a;
	(void)state;
	cpu.env.cycles += 20;
	env_charge_to(&cpu.env, CAUSE_ZERO, 10);
	engine_collect(&cpu);
	engine_idle_until(&cpu, cpu.now_ps + 5000);
	cpu.lock_wait_ps += 5000;
	engine_idle_until(&cpu, 20000);
	cycles_of_cpu(&a, &cpu);
	assert_int_equal(a.cycles[PART_ALLOCATOR], 20);
	assert_int_equal(a.cycles[CAUSE_ZERO], 10);
	assert_int_equal(a.ps[PART_ALLOCATOR], 5000);
	assert_int_equal(a.ps[CAUSE_ZERO], 2500);
	assert_int_equal(a.active_ps, 12500);
	assert_int_equal(a.idle_ps, 7500);
	assert_adds_up(&a, 20000);
}

/* A clock at which no cycle is a whole number of picoseconds, and fractions are often dropped. */
static void test_odd_clock(void **state)
{
	struct engine_cpu cpu = {.khz = 2449999};
	struct cycle_account a, sum = {.idle_ps = 0};
	struct rng rng;
	ps_t clocks = 0;
	(void)state;
	rng_init(&rng, 1, 0);
	for (unsigned i = 0; i < 20000; i++) {
		ps_t wait = rng_below(&rng, 3000);
		cpu.env.cycles += rng_below(&rng, 100);
		env_charge_to(&cpu.env, (enum cycle_cause)rng_below(&rng, CYCLE_CAUSES),
			      rng_below(&rng, 50));
		engine_collect(&cpu);
		engine_idle_until(&cpu, cpu.now_ps + wait);
		if (i % 3 == 0)
			cpu.lock_wait_ps += wait;
		if (i % 3 == 1)
			cpu.ipi_wait_ps += wait;
		if (i % 1000)
			continue;
		cycles_of_cpu(&a, &cpu);
		assert_adds_up(&a, cpu.now_ps);
		cycles_add(&sum, &a);
		clocks += cpu.now_ps;
		assert_adds_up(&sum, clocks);
	}
	cycles_of_cpu(&a, &cpu);
	/* No part is off by more than what idling drops, its share of 20000 ps at most, and 1. */
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		double exact = (double)a.cycles[i] * 1e9 / (double)cpu.khz;
		assert_true((double)a.ps[i] <= exact + 1);
		assert_true((double)a.ps[i] >= exact - 20001);
	}
}

/* Cycles of an operation under way are counted; their time has not passed yet. */
static void test_uncollected(void **state)
{
	struct engine_cpu cpu = {.khz = 1000000};
	struct cycle_account a;
	(void)state;
	cycles_of_cpu(&a, &cpu);
	assert_adds_up(&a, 0);
	env_charge_to(&cpu.env, CAUSE_DRAM, 7);
	cycles_of_cpu(&a, &cpu);
	assert_int_equal(a.cycles[CAUSE_DRAM], 7);
	assert_int_equal(a.active_ps, 0);
	assert_adds_up(&a, 0);
}

/* Numbers beyond 64 bits on the way: ten days of one CPU at 5 GHz. */
static void test_large(void **state)
{
	struct engine_cpu cpu = {.khz = 5000000};
	struct cycle_account a;
	(void)state;
	uint64_t cycles = UINT64_C(5000000000) * 86400 * 10;
	env_charge_to(&cpu.env, CAUSE_WORK, cycles / 4);
	cpu.env.cycles += cycles / 4 * 3;
	engine_collect(&cpu);
	cycles_of_cpu(&a, &cpu);
	assert_adds_up(&a, PS_PER_S * 86400 * 10);
	assert_int_equal(a.ps[CAUSE_WORK], PS_PER_S * 86400 * 10 / 4);
}

static void test_parts(void **state)
{
	struct cycle_account sum = {.charged_cycles = 0};
	(void)state;
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		unsigned times = 0;
		for (unsigned k = 0; k < CYCLE_PARTS; k++)
			times += cycle_parts[k].part == i;
		assert_int_equal(times, 1);
		assert_true(cycles_shown(&sum, &cycle_parts[i], true));
		assert_int_equal(cycles_shown(&sum, &cycle_parts[i], false), cycle_parts[i].always);
	}
	/* Whatever has cycles is shown: else what is shown would not add up. */
	sum.cycles[CAUSE_FLUSH] = 1;
	for (unsigned i = 0; i < CYCLE_PARTS; i++) {
		if (cycle_parts[i].part == CAUSE_FLUSH)
			assert_true(cycles_shown(&sum, &cycle_parts[i], false));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_example),     cmocka_unit_test(test_odd_clock),
		cmocka_unit_test(test_uncollected), cmocka_unit_test(test_large),
		cmocka_unit_test(test_parts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
