/*
 * runjson.h - reading a result's run.json.
 */
#ifndef SIM_RUNJSON_H
#define SIM_RUNJSON_H

#include <cjson/cJSON.h>

#include "kern/err.h"

/*
 * Read @dir/run.json. The caller deletes the document. It is an object of schema_version 1; nothing
 * else is checked, since a result may have been edited or come from another program: whoever reads
 * a member looks at its type.
 *
 * NULL with @err: ERR_NO_INPUT (can't be read, no directory of a result), ERR_TRACE (no JSON,
 * nested more than 1000 levels deep, larger than 256 MiB, of another version).
 */
cJSON *runjson_load(const char *dir, struct err *err);

#endif
