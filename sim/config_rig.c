/*
 * config_rig.c - see config_rig.h.
 */
#include "sim/config_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void config_rig_write(const char *name, const char *text, size_t size)
{
	FILE *f = fopen(name, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

char *config_rig_load(struct config *c, const char *yaml, const char *set, int *code)
{
	const char *files[] = {"c.yaml"};
	struct err err = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	config_rig_write("c.yaml", yaml, strlen(yaml));
	config_init(c);
	int rc = config_load(c, files, 1, &set, set ? 1 : 0, out, &err);
	fclose(out);
	assert_int_equal(rc != 0, err.code != ERR_NONE);
	*code = err.code;
	return text;
}

void config_rig_refused(const char *yaml, const char *set, int expected_code, const char *expected)
{
	struct config c;
	int code;
	char *text = config_rig_load(&c, yaml, set, &code);
	assert_string_equal(text, expected);
	assert_int_equal(code, expected_code);
	free(text);
	config_release(&c);
}

char *config_rig_print(const struct config *c)
{
	struct err err = {0};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(config_print_yaml(c, out, &err), 0);
	fclose(out);
	return text;
}

int config_rig_setup(void **state)
{
	static char dir[] = "/tmp/config_test.XXXXXX";
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

int config_rig_teardown(void **state)
{
	char dir[256];
	unlink("c.yaml");
	unlink("base.yaml");
	return getcwd(dir, sizeof(dir)) ? rmdir(dir) : -1;
}
