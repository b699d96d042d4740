/*
 * Fuzz target: tables of a fleet. What is accepted has sums that grow, and every draw gives a row
 * that has a part in the whole.
 */
#include "kern/bug.h"
#include "sim/fleet.h"
#include "sim/fuzz_main.h"
#include "sim/textin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct err err = {0};
	struct fleet fleet;
	struct textin *in = textin_open_memory(data, bytes, &err);
	BUG_ON(!in, "%s", err.text);
	if (fleet_read(&fleet, in, &err) != 0) {
		BUG_ON(err.code == ERR_NONE || !err.text[0], "refused without a reason");
		BUG_ON(fleet.rows, "refused, but not empty");
	} else {
		BUG_ON(!fleet.count || !(fleet.rate_per_s > 0), "accepted without a rate");
		for (unsigned i = 0; i < 64; i++) {
			double at = i / 64.0;
			BUG_ON(!(fleet_by_rate(&fleet, at)->rate_per_s > 0), "row without a rate");
			if (fleet.live > 0)
				BUG_ON(!(fleet_by_live(&fleet, at)->live > 0),
				       "row without objects");
		}
	}
	fleet_release(&fleet);
	textin_close(in);
	return 0;
}
