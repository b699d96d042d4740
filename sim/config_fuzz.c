/*
 * config_fuzz.c - fuzz target of the configuration loader.
 *
 * The input is a YAML file; what follows its first NUL byte are --set texts, one each up to the
 * next NUL. Nothing may crash, leak or read out of bounds. A configuration that loads is printed,
 * loaded again and printed again, and both texts have to be the same.
 *
 * With clang: -fsanitize=fuzzer,address,undefined. With FUZZ_STANDALONE defined it is a plain
 * program that runs the files named on its command line, such as the corpus in
 * sim/fuzz_corpus/config.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kern/bug.h"
#include "sim/config.h"

#define SETS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file without a name that holds @text; its path goes to @path. */
static int memory_file(const void *text, size_t size, char path[64])
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	BUG_ON(fd < 0 || write(fd, text, size) != (ssize_t)size, "no memory file");
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static int load(struct config *c, const void *text, size_t size, const char *const *sets,
		unsigned sets_count)
{
	char path[64];
	const char *files[] = {path};
	struct err err = {0};
	char *diagnostics = NULL;
	size_t diagnostics_size = 0;
	int fd = memory_file(text, size, path);
	FILE *out = open_memstream(&diagnostics, &diagnostics_size);
	BUG_ON(!out, "no memory stream");
	config_init(c);
	int rc = config_load(c, files, 1, sets, sets_count, out, &err);
	fclose(out);
	BUG_ON((rc != 0) != (err.code != ERR_NONE), "result %d with error code %d", rc, err.code);
	BUG_ON((rc != 0) != (diagnostics_size != 0), "result %d with diagnostics '%s'", rc,
	       diagnostics);
	free(diagnostics);
	close(fd);
	return rc;
}

static char *print(const struct config *c, size_t *size)
{
	struct err err = {0};
	char *text = NULL;
	FILE *out = open_memstream(&text, size);
	BUG_ON(!out, "no memory stream");
	BUG_ON(config_print_yaml(c, out, &err) != 0, "%s", err.text);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config first, second;
	const char *sets[SETS_MAX];
	unsigned sets_count = 0;
	char *copy = malloc(size + 1);
	BUG_ON(!copy, "no memory");
	memcpy(copy, data, size);
	copy[size] = '\0';
	size_t yaml_size = strlen(copy);
	for (size_t at = yaml_size + 1; at < size && sets_count < SETS_MAX;
	     at += strlen(copy + at) + 1)
		sets[sets_count++] = copy + at;
	if (load(&first, copy, yaml_size, sets, sets_count) == 0) {
		size_t first_size, second_size;
		char *first_text = print(&first, &first_size);
		int rc = load(&second, first_text, first_size, NULL, 0);
		BUG_ON(rc != 0, "does not load what it printed:\n%s", first_text);
		char *second_text = print(&second, &second_size);
		BUG_ON(strcmp(first_text, second_text) != 0, "prints two texts:\n%s\n%s",
		       first_text, second_text);
		free(first_text);
		free(second_text);
		config_release(&second);
	}
	config_release(&first);
	free(copy);
	return 0;
}

#ifdef FUZZ_STANDALONE
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "rb");
		uint8_t *data = malloc(1 << 20);
		if (!f || !data) {
			fprintf(stderr, "%s: can't read\n", argv[i]);
			return 1;
		}
		size_t size = fread(data, 1, 1 << 20, f);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
		fclose(f);
	}
	return 0;
}
#endif
