/* Tests of the scores: by hand on a small machine, and where a figure is not defined. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sim/fidelity.h"

static struct config config;
static struct machine machine;
static struct truth truth;
static struct fidelity fidelity;

/* One zone with 2 free blocks of order 3 and 1 of order 5. */
static int setup(void **state)
{
	struct err err = {0};
	config_init(&config);
	config.machine.layout = LAYOUT_FLAT;
	config.machine.memory_bytes = UINT64_C(64) << 20;
	if (machine_init(&machine, &config, NULL, &err) != 0)
		return -1;
	machine.pa->ops->add_block(machine.pa, 64, 3);
	machine.pa->ops->add_block(machine.pa, 128, 3);
	machine.pa->ops->add_block(machine.pa, 256, 5);
	memset(&truth, 0, sizeof(truth));
	return 0;
}

static int teardown(void **state)
{
	machine_release(&machine);
	config_release(&config);
	return 0;
}

static const struct fidelity_zone *score(const struct free_counts *start)
{
	fidelity_score(&fidelity, &machine, &truth, start);
	assert_int_equal(fidelity.zones_count, 1);
	return &fidelity.zones[0];
}

static void test_by_hand(void **state)
{
	struct free_counts start = {.max_order = 10, .blocks = {[3] = 10}};
	double error, drift, skill;
	truth.zones[0].free_blocks_end[3] = 4; /* simulated: 2 */
	truth.zones[0].free_blocks_end[0] = 4; /* simulated: 0 */
	const struct fidelity_zone *z = score(&start); /* and 1 of order 5 that should not be */
	assert_int_equal(z->true_blocks, 8);
	assert_int_equal(z->error_blocks, 2 + 4 + 1);
	assert_int_equal(z->drift_blocks, 6 + 4);
	assert_true(fidelity_error(z, &error) && fidelity_drift(z, &drift) &&
		    fidelity_skill(z, &skill));
	assert_true(error == 7.0 / 8 && drift == 10.0 / 8 && skill == 1 - 7.0 / 10);
	assert_int_equal(z->sim.blocks[3], 2);
	assert_int_equal(z->sim.blocks[5], 1);
	assert_int_equal(z->start.blocks[3], 10);
}

static void test_perfect(void **state)
{
	struct free_counts start = {.max_order = 10};
	double error, skill;
	truth.zones[0].free_blocks_end[3] = 2;
	truth.zones[0].free_blocks_end[5] = 1;
	const struct fidelity_zone *z = score(&start);
	assert_true(fidelity_error(z, &error) && error == 0);
	assert_true(fidelity_skill(z, &skill) && skill == 1);
}

/* Worse than doing nothing is below 0. */
static void test_negative_skill(void **state)
{
	struct free_counts start = {.max_order = 10, .blocks = {[0] = 9}};
	double skill;
	truth.zones[0].free_blocks_end[0] = 10;
	assert_true(fidelity_skill(score(&start), &skill));
	assert_true(skill == 1.0 - 13.0 / 1.0);
}

static void test_undefined(void **state)
{
	struct free_counts start = {.max_order = 10};
	double x = 42;
	const struct fidelity_zone *z = score(&start); /* nothing free in the truth, and before */
	assert_false(fidelity_error(z, &x));
	assert_false(fidelity_drift(z, &x));
	assert_false(fidelity_skill(z, &x));
	start.blocks[2] = 1;
	truth.zones[0].free_blocks_end[2] = 1; /* nothing changed */
	z = score(&start);
	assert_true(fidelity_error(z, &x));
	assert_false(fidelity_skill(z, &x));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_hand, setup, teardown),
		cmocka_unit_test_setup_teardown(test_perfect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_negative_skill, setup, teardown),
		cmocka_unit_test_setup_teardown(test_undefined, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
