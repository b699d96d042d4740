/*
 * cmd_config.c - loading configurations for the commands that take them.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/cmd.h"
#include "sim/config.h"

int cmd_load_config(struct config *c, const char *const *files, unsigned files_count,
		    const char *const *sets, unsigned sets_count, struct err *err)
{
	char *text = NULL;
	size_t size = 0;
	FILE *diagnostics = open_memstream(&text, &size);
	if (!diagnostics)
		return err_set(err, ERR_IO, "out of memory");
	int rc = config_load(c, files, files_count, sets, sets_count, diagnostics, err);
	if (fclose(diagnostics) != 0)
		rc = err_set(err, ERR_IO, "out of memory");
	char *end = rc != 0 && size ? strchr(text, '\n') : NULL;
	if (end && !end[1])
		snprintf(err->text, sizeof(err->text), "%.*s", (int)(end - text), text);
	else if (end)
		fputs(text, stderr);
	free(text);
	return rc;
}
