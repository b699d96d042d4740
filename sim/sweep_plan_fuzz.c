/*
 * Fuzz target: plans of sweeps. What is accepted is written and read again as the same plan, and
 * its first points become configurations, or errors with a text.
 */
#include "sim/fuzz_main.h"
#include "sim/sweep/fuzz_memory.h"

#define POINTS_TRIED 4

static void configure(const struct plan *p)
{
	struct config base, c;
	struct err err = {0};
	config_init(&base);
	if (plan_base(p, &base, &err) == 0) {
		for (uint64_t i = 0; i < p->points_count && i < POINTS_TRIED; i++) {
			err = (struct err){0};
			int rc = plan_config(p, &p->points[i], &base, &c, &err);
			BUG_ON((rc != 0) != (err.code != ERR_NONE), "result %d with error code %d",
			       rc, err.code);
			config_release(&c);
		}
	}
	config_release(&base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct plan p;
	struct err err = {0};
	char path[64];
	int fd = fuzz_file(data, bytes, path);
	int rc = plan_load(&p, path, &err);
	BUG_ON((rc != 0) != (err.code != ERR_NONE), "result %d with error code %d", rc, err.code);
	if (rc == 0) {
		fuzz_plan_again(&p);
		configure(&p);
		plan_release(&p);
	}
	close(fd);
	return 0;
}
