/* Tests of the marks in allocated memory: found again, zeroed, and lost to another owner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "sim/contents.h"

static void machine(struct physmem *pm)
{
	static const struct zone_span span = {
		.type = ZONE_NORMAL,
		.end_pfn = 4096,
		.managed_pages = 4096,
	};
	const struct physmem_params params = {
		.spans = &span,
		.spans_count = 1,
		.max_order = 10,
		.pageblock_order = 9,
	};
	assert_int_equal(physmem_init(pm, &params, NULL), 0);
	assert_int_equal(contents_init(pm, NULL), 0);
}

static void marks_are_found_again(void **state)
{
	struct physmem pm;
	machine(&pm);
	for (unsigned order = 0; order <= 10; order++) {
		contents_write(&pm, order, 1024, order, false);
		assert_true(contents_check(&pm, order, 1024, order));
		assert_false(contents_check(&pm, order + 1, 1024, order));
	}
	physmem_release(&pm);
}

static void a_second_owner_is_noticed(void **state)
{
	struct physmem pm;
	machine(&pm);
	contents_write(&pm, 7, 64, 3, false);
	contents_write(&pm, 8, 71, 0, false); /* the last page of the block */
	assert_false(contents_check(&pm, 7, 64, 3));
	assert_true(contents_check(&pm, 8, 71, 0));
	contents_write(&pm, 9, 128, 3, false);
	contents_write(&pm, 10, 128, 2, false); /* its first half */
	assert_false(contents_check(&pm, 9, 128, 3));
	physmem_release(&pm);
}

/* Of any length, however they overlap; a change of either end is noticed. */
static void bytes_of_any_number(void **state)
{
	struct physmem pm;
	machine(&pm);
	for (uint64_t bytes = 1; bytes < 40; bytes++) {
		const uint64_t paddr = 3 * PAGE_BYTES + 4088; /* most cross a page */
		contents_write_bytes(&pm, bytes, paddr, bytes);
		assert_true(contents_check_bytes(&pm, bytes, paddr, bytes));
		pm.ram[paddr] ^= 1;
		assert_false(contents_check_bytes(&pm, bytes, paddr, bytes));
		pm.ram[paddr] ^= 1;
		pm.ram[paddr + bytes - 1] ^= 1;
		assert_false(contents_check_bytes(&pm, bytes, paddr, bytes));
	}
	physmem_release(&pm);
}

static void zeroing_clears_what_was_there(void **state)
{
	struct physmem pm;
	machine(&pm);
	memset(physmem_ram(&pm, 33, NULL), 0x6b, PAGE_BYTES);
	contents_write(&pm, 1, 32, 1, true);
	assert_true(contents_check(&pm, 1, 32, 1));
	const uint8_t *page = physmem_ram(&pm, 33, NULL);
	for (size_t i = 0; i < PAGE_BYTES - 8; i++)
		assert_int_equal(page[i], 0);
	physmem_release(&pm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_are_found_again),
		cmocka_unit_test(a_second_owner_is_noticed),
		cmocka_unit_test(bytes_of_any_number),
		cmocka_unit_test(zeroing_clears_what_was_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
