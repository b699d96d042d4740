/*
 * Fuzz target: the YAML of sweeps. Sweeps name their configuration "/proc/self/fd/99", which is one
 * that can be run. A plan that is made has points in order, each once, and reads back as it was
 * written.
 *
 * Inputs with numbers of more than four digits are passed over: a sample of a million points is
 * legal, and slow.
 */
#include <ctype.h>
#include <fcntl.h>

#include "sim/fuzz_main.h"
#include "sim/sweep/fuzz_memory.h"
#include "sim/sweep/make.h"

#define CONFIG_FD 99
#define RUNS_MAX  64

static const char config[] =
	"name: fuzz\n"
	"workload: {generators: [{name: g, order: 0, rate: 1/s, lifetime: 1ms, count: 1}]}\n";

static void config_file(void)
{
	char path[64];
	if (fcntl(CONFIG_FD, F_GETFD) >= 0)
		return;
	int fd = fuzz_file(config, sizeof(config) - 1, path);
	BUG_ON(dup2(fd, CONFIG_FD) < 0, "no descriptor");
	close(fd);
}

static bool has_long_number(const uint8_t *data, size_t bytes)
{
	size_t digits = 0;
	for (size_t i = 0; i < bytes && digits < 5; i++)
		digits = isdigit(data[i]) ? digits + 1 : 0;
	return digits == 5;
}

static void check_plan(const struct plan *p)
{
	BUG_ON(!p->points_count || p->points_count > RUNS_MAX, "%llu points",
	       (unsigned long long)p->points_count);
	for (uint64_t i = 1; i < p->points_count; i++) {
		BUG_ON(p->points[i].index <= p->points[i - 1].index, "points out of order");
		for (uint64_t k = 0; k < i; k++)
			BUG_ON(strcmp(p->points[i].id, p->points[k].id) == 0, "an id twice");
	}
	fuzz_plan_again(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const struct make_options options = {.runs_max = RUNS_MAX};
	struct make_report report;
	struct spec s;
	struct plan p;
	struct err err = {0};
	char path[64];
	if (has_long_number(data, bytes))
		return 0;
	config_file();
	int fd = fuzz_file(data, bytes, path);
	int rc = spec_load(&s, path, NULL, 0, NULL, &err);
	BUG_ON((rc != 0) != (err.code != ERR_NONE), "result %d with error code %d", rc, err.code);
	if (rc == 0) {
		rc = make_plan(&p, &s, &options, &report, NULL, &err);
		BUG_ON((rc != 0) != (err.code != ERR_NONE), "result %d with error code %d", rc,
		       err.code);
		if (rc == 0) {
			check_plan(&p);
			plan_release(&p);
		}
		spec_release(&s);
	}
	close(fd);
	return 0;
}
