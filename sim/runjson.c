/*
 * runjson.c - reading a result's run.json.
 *
 * The document is read whole and parsed by cJSON, whose limit of 1000 nested levels keeps a hostile
 * file from exhausting the stack. Numbers become doubles: counters above 2^53 lose their last bits,
 * which no picture and no comparison needs.
 */
#include "sim/runjson.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define RUN_JSON_BYTES_MAX (256L << 20)

static char *read_file(const char *path, struct err *err)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	struct stat st;
	size_t bytes;

	if (!f || fstat(fileno(f), &st)) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		err_set(err, ERR_NO_INPUT, "%s: is no regular file", path);
		goto out;
	}
	if (st.st_size > RUN_JSON_BYTES_MAX) {
		err_set(err, ERR_TRACE, "%s: has more than %ld bytes", path, RUN_JSON_BYTES_MAX);
		goto out;
	}
	bytes = (size_t)st.st_size;
	text = malloc(bytes + 1);
	if (!text || fread(text, 1, bytes, f) != bytes) {
		err_set(err, ERR_NO_INPUT, "%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
		goto out;
	}
	text[bytes] = '\0';
	if (strlen(text) != bytes) {
		err_set(err, ERR_TRACE, "%s: is no JSON, it holds a byte of value 0", path);
		free(text);
		text = NULL;
	}
out:
	if (f)
		fclose(f);
	return text;
}

cJSON *runjson_load(const char *dir, struct err *err)
{
	char path[PATH_MAX], *text;
	const char *end = NULL, *c;
	const cJSON *version;
	unsigned line = 1;
	cJSON *run;

	if (snprintf(path, sizeof(path), "%s/run.json", dir) >= (int)sizeof(path)) {
		err_set(err, ERR_NO_INPUT, "%.200s...: the name is too long", dir);
		return NULL;
	}
	text = read_file(path, err);
	if (!text)
		return NULL;
	run = cJSON_ParseWithOpts(text, &end, true);
	for (c = text; !run && end && c < end; c++)
		line += *c == '\n';
	free(text);
	if (!run) {
		err_set(err, ERR_TRACE, "%s:%u: is no JSON", path, line);
		return NULL;
	}
	version = cJSON_GetObjectItemCaseSensitive(run, "schema_version");
	if (cJSON_IsNumber(version) && version->valuedouble == 1)
		return run;
	err_set(err, ERR_TRACE, "%s: schema_version is not 1", path);
	cJSON_Delete(run);
	return NULL;
}
