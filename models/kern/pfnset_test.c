/* Tests of pfnset.c against an array of bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "kern/pfnset.h"

static void blocks_of_every_size(void **state)
{
	static uint8_t model[1 << 18];
	struct pfnset set;
	uint64_t random = 1;
	assert_int_equal(pfnset_init(&set), 0);
	memset(model, 0, sizeof(model));
	for (int i = 0; i < 3000; i++) {
		random = random * 6364136223846793005u + 1442695040888963407u;
		unsigned order = (random >> 33) % 15 % (1 + (random >> 40) % 15);
		uint64_t pages = UINT64_C(1) << order;
		pfn_t pfn = (random >> 20) % (sizeof(model) / pages) * pages;
		int before = 0;
		for (uint64_t p = pfn; p < pfn + pages; p++) {
			before |= model[p];
			model[p] = 1;
		}
		assert_int_equal(pfnset_add(&set, pfn, pages), before);
	}
	pfnset_release(&set);
}

static void last_frame_of_all(void **state)
{
	struct pfnset set;
	assert_int_equal(pfnset_init(&set), 0);
	assert_int_equal(pfnset_add(&set, PFN_END_LIMIT - 1, 1), 0);
	assert_int_equal(pfnset_add(&set, PFN_END_LIMIT - 256, 256), 1);
	pfnset_release(&set);
	pfnset_release(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_every_size),
		cmocka_unit_test(last_frame_of_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
