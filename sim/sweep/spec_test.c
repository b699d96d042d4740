/*
 * spec_test.c - the YAML of sweeps: what is read, and each kind of mistake with its whole line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/config_rig.h"
#include "sim/sweep/spec.h"

static int setup(void **state)
{
	if (config_rig_setup(state) != 0)
		return -1;
	config_rig_write("base.yaml", "name: base\n", 11);
	config_rig_write("web.atrace", "", 0);
	return 0;
}

static int teardown(void **state)
{
	unlink("web.atrace");
	unlink("s.yaml");
	return config_rig_teardown(state);
}

static int load(struct spec *s, const char *yaml, const char *set, FILE *out, struct err *err)
{
	config_rig_write("s.yaml", yaml, strlen(yaml));
	return spec_load(s, "s.yaml", &set, set ? 1 : 0, out, err);
}

static void loaded(struct spec *s, const char *yaml)
{
	struct err err = {0};
	if (load(s, yaml, NULL, NULL, &err) != 0)
		fail_msg("%s", err.text);
}

/* Loading @yaml with @set fails and prints exactly @expected. */
static void refused_set(const char *yaml, const char *set, const char *expected)
{
	struct spec s;
	struct err err = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(load(&s, yaml, set, out, &err), -1);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void refused(const char *yaml, const char *expected)
{
	refused_set(yaml, NULL, expected);
}

#define BASE "config: base.yaml\n"

static void test_sections(void **state)
{
	refused("", "s.yaml:1:1: is empty: a sweep needs `config`\n");
	refused("name: a\n", "s.yaml:1:1: lacks 'config' (what to run)\n");
	refused("- a\n", "s.yaml:1:1: must be a mapping (key: value)\n");
	refused(BASE "gird: {}\nseeds: 0\nseeds: 2\n",
		"s.yaml:2:1: unknown key 'gird'; did you mean 'grid'?\n"
		"s.yaml:3:8: seeds: '0' is out of range (legal range: 1..1000000)\n"
		"s.yaml:4:1: seeds: given twice in one mapping\n");
	refused(BASE "name: a b\ntitle: [a]\n",
		"s.yaml:2:7: name: 'a b' can't be a name of files (letters, digits, _, . and -, "
		"not . or - at the beginning)\n"
		"s.yaml:3:8: title: must be a text\n");
	refused("config: nowhere.yaml\n",
		"s.yaml:1:9: config: nowhere.yaml: No such file or directory\n");
	refused(BASE "grid: {slab.max_order: [1]}\nmachine: {cpus: 2}\nslab.min_order: [0]\n",
		"s.yaml:3:1: unknown key 'machine'; keys of the configuration belong under 'set' "
		"or "
		"what varies (grid, zip, list, sample)\n"
		"s.yaml:4:1: unknown key 'slab.min_order'; keys of the configuration belong under "
		"'set' or what varies (grid, zip, list, sample)\n");
	refused("config: []\n", "s.yaml:1:1: lacks 'config' (what to run)\n");
	refused(BASE "grid: [\n", "s.yaml:2:7: grid: must be a mapping of keys to lists of values\n"
				  "s.yaml:3:1: grid: did not find expected node content, while "
				  "parsing a flow node\n");
}

static void test_values(void **state)
{
	refused(BASE "grid:\n  slab.max_ordr: [1]\n  slab.min_order: 1\n  pcp.batch: []\n",
		"s.yaml:4:19: grid.slab.min_order: must be a list of values, such as [0, 1]\n"
		"s.yaml:5:14: grid.pcp.batch: is empty\n");
	refused(BASE "grid:\n  slab:\n    max_order: [1]\n",
		"s.yaml:4:5: grid.slab: must be a list of values, such as [0, 1]; keys are written "
		"with dots, as slab.max_order\n");
	refused(BASE "grid:\n  slab.max_ordr: [1]\n  machine: [1]\n",
		"s.yaml:3:3: grid.slab.max_ordr: slab: unknown key 'max_ordr'; did you mean "
		"'max_order'?\n"
		"s.yaml:4:13: grid.machine: must be a mapping (key: value)\n");
	refused(BASE "grid: {slab.max_order: [1, x, 99], pcp.enabled: [yes]}\n",
		"s.yaml:2:28: grid.slab.max_order: 'x' is not a number (legal range: 0..15 or "
		"auto)\n"
		"s.yaml:2:31: grid.slab.max_order: '99' is out of range (legal range: 0..15 or "
		"auto)\n"
		"s.yaml:2:50: grid.pcp.enabled: 'yes' is neither true nor false (legal range: "
		"true or false)\n");
	refused(BASE "grid: {slab.max_order: [~]}\n",
		"s.yaml:2:25: grid.slab.max_order[0]: has no value\n");
	refused(BASE "set: {machine.cpus: 0, cpus: 1}\n",
		"s.yaml:2:21: set.machine.cpus: '0' is out of range (legal range: 1..256)\n"
		"s.yaml:2:24: set.cpus: unknown key 'cpus'\n");
}

static void test_zip_and_list(void **state)
{
	refused(BASE "zip: {pcp.high_min: [1, 2], pcp.high_max: [3]}\n",
		"s.yaml:2:29: zip.pcp.high_max: has 1 value but pcp.high_min has 2: values of a "
		"zip go together\n");
	refused(BASE "zip: 3\n", "s.yaml:2:6: zip: must be a mapping of keys to lists of "
		"values\n");
	refused(BASE "list: [{seed: 1}, 3, {}]\n",
		"s.yaml:2:19: list[1]: must be a mapping of keys to values\n");
	refused(BASE "list: []\n", "s.yaml:2:7: list: is empty\n");
	refused(BASE "list: [{seed: 1, seed: 2}]\n",
		"s.yaml:2:18: list[0].seed: given twice in one mapping\n");
	refused(BASE "list: [{kmalloc.classes: [8, 4096]}, {seed: 2}]\n",
		"s.yaml:2:38: list.kmalloc.classes: must be given in every entry of the list, "
		"since "
		"it is no single value\n");
}

static void test_traces(void **state)
{
	refused(BASE "traces: [none.atrace]\n",
		"s.yaml:2:10: traces[0]: none.atrace: No such file or directory\n");
	refused(BASE "traces: [web.atrace, {trace: web.atrace}, {name: x}, {nam: y}]\n",
		"s.yaml:2:22: traces[1]: 'web' is the name of traces[0] already; give another "
		"`name`\n"
		"s.yaml:2:43: traces[2]: lacks 'trace' (path of a trace)\n"
		"s.yaml:2:55: traces[3]: unknown key 'nam'; did you mean 'name'?\n");
	refused(BASE "traces: []\n", "s.yaml:2:9: traces: is empty\n");
}

static void test_sample(void **state)
{
	refused(BASE "sample: {method: lhs}\n",
		"s.yaml:2:18: sample.method: unknown value 'lhs' (legal range: one of random, "
		"latin_hypercube)\n");
	refused(BASE "sample: {}\n",
		"s.yaml:2:9: sample: lacks 'count' (how many points)\n"
		"s.yaml:2:9: sample: lacks 'parameters' (what is drawn)\n");
	refused(BASE "sample: {count: 2, parameters: {seed: {from: 1}, pcp.batch: {choices: [1], "
		     "to: 3}}}\n",
		"s.yaml:2:33: sample.parameters.seed: needs either 'from' and 'to' or 'choices'\n"
		"s.yaml:2:50: sample.parameters.pcp.batch: needs either 'from' and 'to' or "
		"'choices'\n");
	refused(BASE "sample:\n  count: 2\n  parameters:\n"
		     "    slab.max_order: {from: 3, to: 1}\n"
		     "    slab.min_order: {from: 0, to: 3, scale: log}\n"
		     "    machine.memory: {from: 5000KiB, to: 1GiB}\n"
		     "    pcp.enabled: {from: true, to: false}\n",
		"s.yaml:5:35: sample.parameters.slab.max_order: is below 'from'\n"
		"s.yaml:6:28: sample.parameters.slab.min_order: must be above 0 on a logarithmic "
		"scale\n"
		"s.yaml:8:5: sample.parameters.pcp.enabled: is no number; give `choices`\n");
	refused(BASE "sample: {count: 1, parameters: {machine.memory: {from: 64MiB, to: "
		     "100000001B}}}\n",
		"s.yaml:2:67: sample.parameters.machine.memory: is not a multiple of the page "
		"size, 4KiB\n");
	refused(BASE "sample: {count: 1, parameters: {slab.max_order: {from: auto, to: 3}}}\n",
		"s.yaml:2:56: sample.parameters.slab.max_order: 'auto' is not a number\n");
}

static void test_givers(void **state)
{
	refused(BASE "grid: {pcp.batch: [1]}\nlist: [{pcp.batch: 2}]\n",
		"s.yaml:2:8: grid.pcp.batch: list gives it too\n");
	refused(BASE "grid: {pcp.batch: [1], pcp.batch: [2]}\n",
		"s.yaml:2:24: grid.pcp.batch: grid gives it too\n");
	refused(BASE "grid: {seed: [1]}\nseeds: 2\n",
		"s.yaml:2:8: grid.seed: seeds gives it too\n");
	refused(BASE "traces: [web.atrace]\ngrid: {workload.trace: [web.atrace]}\n",
		"s.yaml:3:8: grid.workload.trace: traces gives it too\n");
	refused(BASE "set: {pcp.batch: 3}\ngrid: {pcp.batch: [1]}\n",
		"s.yaml:2:7: set.pcp.batch: has no effect: grid gives it\n");
	refused_set(BASE "grid: {pcp.batch: [1]}\n", "pcp.batch=4",
		    "--set pcp.batch=4: pcp.batch: has no effect: grid gives it\n");
}

static void test_constraints(void **state)
{
	refused(BASE "constraints: [\"slab.max_order < x\", \"trace == 'a'\", [a]]\n",
		"s.yaml:2:53: constraints[2]: must be a condition in quotes\n");
	refused(BASE "constraints:\n  - slab.max_order < x\n  - trace == 'a'\n",
		"s.yaml:3:5: constraints[0]: column 18: unknown key 'x'\n"
		"s.yaml:4:5: constraints[1]: column 1: the sweep has no traces\n");
}

static void test_plots(void **state)
{
	refused(BASE
		"plots: [{name: a, x: seed}, {name: a/b, x: k, y: [1, 2, 3, 4], kind: bars}]\n",
		"s.yaml:2:9: plots[0]: lacks 'y' (the figure that is drawn)\n"
		"s.yaml:2:36: plots[1].name: 'a/b' can't be a name of files (letters, digits, _, . "
		"and -, not . or - at the beginning)\n"
		"s.yaml:2:60: plots[1].y[3]: is one panel more than the 3 that fit a picture\n"
		"s.yaml:2:70: plots[1].kind: unknown value 'bars' (legal range: one of lines, "
		"boxes, heat)\n");
	refused(BASE "plots: [{name: a, x: k, y: z, where: [p=1, q]}]\n",
		"s.yaml:2:44: plots[0].where[1]: must be KEY=VALUE, such as slab.max_order=3\n");
	refused(BASE "plots: [{name: a, x: k, y: z}, {name: a, x: k, y: z}]\n",
		"s.yaml:2:32: plots[1]: 'a' is the name of plots[0] already\n");
}

static void test_seeds(void **state)
{
	struct spec s;
	loaded(&s, BASE "seeds: {count: 3, master: 18446744073709551615, by: repeat}\n");
	assert_int_equal(s.seeds_count, 3);
	assert_true(s.master_seed == UINT64_MAX && s.by_repeat);
	assert_int_equal(spec_points_count(&s), 3);
	assert_string_equal(s.name, "s");
	spec_release(&s);
	loaded(&s, BASE "seeds: {master: 2}\n");
	assert_int_equal(s.seeds_count, 1);
	spec_release(&s);
	loaded(&s, BASE);
	assert_int_equal(s.seeds_count, 0);
	assert_int_equal(spec_points_count(&s), 1);
	spec_release(&s);
	refused(BASE "seeds: {by: run}\n", "s.yaml:2:13: seeds.by: unknown value 'run' (legal "
		"range: one of point, repeat)\n");
}

/* Dimensions stand from the slowest to the fastest, whatever the order in the file. */
static void test_order(void **state)
{
	static const char *const first_keys[] = {"trace", "slab.merge", "pcp.high_min",
						 "slab.red_zone", "slab.poison", "slab.min_order",
						 "pcp.batch", "buddy.coalesce"};
	struct spec s;
	loaded(&s, "sample: {count: 4, parameters: {buddy.coalesce: {choices: [true, false]}}}\n"
		   "grid: {slab.min_order: [0, 1], pcp.batch: [1]}\n"
		   "zip: [{pcp.high_min: [1], pcp.high_max: [2]}, {slab.red_zone: [true]},\n"
		   "  {slab.poison: [true]}]\n"
		   "list: [{slab.merge: true}]\ntraces: [web.atrace]\n" BASE);
	assert_int_equal(s.dimensions_count, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_string_equal(s.dimensions[i].keys[0].text, first_keys[i]);
	assert_int_equal(spec_points_count(&s), 8);
	spec_release(&s);
}

static void test_texts(void **state)
{
	struct spec s;
	loaded(&s, BASE "grid:\n"
		   "  kmalloc.classes: [[8, 64, 4KiB], [\"16\"]]\n"
		   "  name: ['a, b', plain]\n"
		   "  workload.generators:\n"
		   "    - - {name: \"g\", order: {uniform: {min: 0, max: 2}}, lifetime: 1ms,\n"
		   "         rate: 1/s, count: 3}\n");
	assert_string_equal(s.dimensions[0].values[0].text, "[8, 64, 4KiB]");
	assert_string_equal(s.dimensions[0].values[1].text, "[\"16\"]");
	assert_string_equal(s.dimensions[1].values[0].text, "a, b");
	assert_string_equal(s.dimensions[2].values[0].text,
			    "[{name: \"g\", order: {uniform: {min: 0, max: 2}}, lifetime: 1ms, "
			    "rate: 1/s, count: 3}]");
	spec_release(&s);
}

/* An entry of a list that leaves a key out has the configuration's value, with its sets. */
static void test_list_filled(void **state)
{
	struct spec s;
	loaded(&s, BASE "set: {pcp.batch: 9}\n"
		   "list: [{name: one, slab.max_order: 2}, {pcp.high_min: 4}]\n");
	const struct spec_dimension *d = &s.dimensions[0];
	assert_int_equal(d->keys_count, 3);
	assert_string_equal(d->values[2].text, "auto");
	assert_string_equal(d->values[3].text, "base");
	assert_string_equal(d->values[4].text, "auto");
	assert_string_equal(d->values[5].text, "4");
	assert_int_equal(s.base.pcp.batch_pages, 9);
	spec_release(&s);
}

/* Drawn values follow from the master seed and the key, not from what else is drawn. */
static void test_drawn(void **state)
{
	struct spec s, more;
	loaded(&s, BASE "sample: {count: 50, method: latin_hypercube, parameters: {machine.memory: "
			"{from: 64MiB, to: 4GiB, scale: log}}}\n");
	loaded(&more, BASE "sample: {count: 50, method: latin_hypercube, parameters: {pcp.batch: "
			   "{choices: [1, 7]}, machine.memory: {from: 64MiB, to: 4GiB, scale: "
			   "log}}}\n");
	unsigned sevens = 0;
	for (unsigned i = 0; i < 50; i++) {
		assert_string_equal(s.dimensions[0].values[i].text,
				    more.dimensions[0].values[2 * i + 1].text);
		sevens += strcmp(more.dimensions[0].values[2 * i].text, "7") == 0;
	}
	assert_int_equal(sevens, 25); /* each half of the strata is one choice */
	spec_release(&s);
	spec_release(&more);
	loaded(&more, BASE "seeds: {master: 2}\nsample: {count: 50, parameters: {machine.memory: "
			   "{from: 64MiB, to: 4GiB}}}\n");
	spec_release(&more);
}

static void test_endless_errors(void **state)
{
	char *yaml = NULL, *text = NULL;
	size_t size = 0, text_size = 0;
	FILE *out = open_memstream(&yaml, &size);
	fputs(BASE "grid:\n  slab.max_order:\n", out);
	for (unsigned i = 0; i < 200; i++)
		fprintf(out, "    - wrong%u\n", i);
	fclose(out);
	struct spec s;
	struct err err = {0};
	out = open_memstream(&text, &text_size);
	assert_int_equal(load(&s, yaml, NULL, out, &err), -1);
	fclose(out);
	assert_string_equal(err.text, "the sweep has at least 50 errors");
	assert_non_null(strstr(text, "50 errors; not looking for more\n"));
	free(text);
	free(yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sections),     cmocka_unit_test(test_values),
		cmocka_unit_test(test_zip_and_list), cmocka_unit_test(test_traces),
		cmocka_unit_test(test_sample),       cmocka_unit_test(test_givers),
		cmocka_unit_test(test_constraints),  cmocka_unit_test(test_plots),
		cmocka_unit_test(test_seeds),        cmocka_unit_test(test_order),
		cmocka_unit_test(test_texts),        cmocka_unit_test(test_list_filled),
		cmocka_unit_test(test_drawn),        cmocka_unit_test(test_endless_errors),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
