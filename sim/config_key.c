/*
 * config_key.c - a configuration looked at by dotted keys, and its inputs.
 *
 * What a sweep needs of a key beyond setting it: whether there is one of this name, the value that
 * a configuration has there, and whether a text would be a legal value. Keys are resolved by the
 * code that --set uses, so that both know the same names and give the same advice.
 */
#include "sim/config_key.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/config_impl.h"

int config_key_find(const struct config *c, const char *key, struct config_key *found,
		    struct err *err)
{
	struct loader ld = {.c = (struct config *)(uintptr_t)c, .no_places = true};
	struct config_target t;
	char path[PATH_SIZE];
	if (strlen(key) >= sizeof(path))
		return err_set(err, ERR_CONFIG, "too long for a key");
	strcpy(path, key);
	if (set_resolve(&ld, path, &t) != 0)
		return err_set(err, ERR_CONFIG, "%s", ld.first_text);
	*found = (struct config_key){t.field, t.base};
	return 0;
}

static void number(struct config_value *v, double value)
{
	v->kind = CONFIG_VALUE_NUMBER;
	v->number = value;
}

static void word(struct config_value *v, const char *text)
{
	v->kind = CONFIG_VALUE_TEXT;
	snprintf(v->text, sizeof(v->text), "%s", text);
}

void config_key_value(const struct config_key *key, struct config_value *v)
{
	const struct field *f = key->field;
	const void *at = (const char *)key->base + f->offset;
	uint64_t integer, word_value;
	const char *auto_word = schema_word(f, &word_value);
	unsigned name;
	v->kind = CONFIG_VALUE_NONE;
	switch (f->kind) {
	case FIELD_U64:
	case FIELD_U32:
		integer = f->kind == FIELD_U32 ? *(const uint32_t *)at : *(const uint64_t *)at;
		if (auto_word && integer == word_value) {
			word(v, auto_word);
			v->kind = CONFIG_VALUE_WORD;
		} else {
			number(v, (double)integer);
		}
		break;
	case FIELD_DOUBLE:
		number(v, *(const double *)at);
		break;
	case FIELD_BOOL:
		v->kind = CONFIG_VALUE_BOOL;
		v->number = *(const bool *)at;
		break;
	case FIELD_ENUM:
		memcpy(&name, at, sizeof(name));
		word(v, f->names[name]);
		break;
	case FIELD_EITHER:
		word(v, f->names[*(const bool *)at]);
		break;
	case FIELD_NAME:
	case FIELD_FILE:
	case FIELD_DIR:
		word(v, at);
		break;
	case FIELD_GFP:
		gfp_format(*(const gfp_t *)at, v->text, sizeof(v->text));
		v->kind = CONFIG_VALUE_TEXT;
		break;
	default:
		break;
	}
}

bool config_key_is_path(const struct config_key *key)
{
	return key->field->kind == FIELD_FILE || key->field->kind == FIELD_DIR;
}

char *config_key_text(const struct config_key *key)
{
	const struct field *f = key->field;
	char *text = NULL;
	size_t size = 0;
	if (!value_is_scalar(f->kind))
		return NULL;
	if (f->kind == FIELD_NAME || config_key_is_path(key))
		return strdup((const char *)key->base + f->offset);
	FILE *out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	print_scalar(f, NULL, key->base, out);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int config_check_set(struct config *scratch, const char *set, struct err *err)
{
	struct loader ld = {.c = scratch, .no_places = true};
	int rc = 0;
	set_load(&ld, set);
	if (ld.problems_count)
		rc = err_set(err, ld.first_code, "%s", ld.first_text);
	else if (ld.out_of_memory)
		rc = err_set(err, ERR_IO, "out of memory");
	free(ld.ops_caches);
	diag_release(&ld);
	return rc;
}

int config_each_input(const struct config *c,
		      int (*visit)(const struct config_input *input, void *context), void *context)
{
	const struct config_workload *w = &c->workload;
	char key[PATH_SIZE];
	struct config_input in = {.key = "workload.trace", .path = w->trace, .fd = -1};
	if (w->trace[0] && visit(&in, context) != 0)
		return -1;
	in = (struct config_input){.key = "start.truth", .path = c->truth, .fd = -1};
	in.is_recording = true;
	if (c->truth[0] && visit(&in, context) != 0)
		return -1;
	in = (struct config_input){.key = "workload.operations", .fd = w->ops_fd};
	if (w->ops_fd >= 0 && visit(&in, context) != 0)
		return -1;
	for (unsigned i = 0; i < w->generators_count; i++) {
		snprintf(key, sizeof(key), "workload.generators[%u].fleet", i);
		in = (struct config_input){.key = key, .path = w->generators[i].fleet, .fd = -1};
		if (w->generators[i].what == GENERATOR_FLEET && visit(&in, context) != 0)
			return -1;
	}
	return 0;
}
