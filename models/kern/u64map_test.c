/* Tests of u64map.c against a direct-indexed array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/u64map.h"

#define KEYS 700

/* Few keys, many operations: runs form, wrap around the table's end and are closed by removals. */
static void against_array(void **state)
{
	for (uint64_t stride = 1; stride <= (UINT64_C(1) << 40); stride <<= 5) {
		struct u64map map = {0};
		uint64_t model[KEYS] = {0}, random = stride, count = 0;
		for (int i = 0; i < 20000; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			uint64_t k = (random >> 33) % KEYS;
			uint64_t key = k * stride;
			if (random >> 62 & 1) {
				assert_int_equal(u64map_put(&map, key, random | 1), 0);
				count += !model[k];
				model[k] = random | 1;
			} else {
				assert_int_equal(u64map_remove(&map, key), model[k] != 0);
				count -= model[k] != 0;
				model[k] = 0;
			}
			assert_int_equal(map.count, count);
		}
		for (uint64_t k = 0; k < KEYS; k++) {
			uint64_t *value = u64map_get(&map, k * stride);
			assert_int_equal(value ? *value : 0, model[k]);
		}
		u64map_release(&map);
	}
}

static void empty_and_forbidden(void **state)
{
	struct u64map map = {0};
	assert_null(u64map_get(&map, 0));
	assert_false(u64map_remove(&map, 0));
	assert_int_equal(u64map_put(&map, U64MAP_KEY_NONE, 1), -1);
	assert_int_equal(u64map_put(&map, 0, 7), 0);
	assert_null(u64map_get(&map, U64MAP_KEY_NONE));
	assert_int_equal(*u64map_get(&map, 0), 7);
	u64map_release(&map);
	assert_null(u64map_get(&map, 0));
	u64map_release(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_array),
		cmocka_unit_test(empty_and_forbidden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
