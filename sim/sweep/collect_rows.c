/*
 * collect_rows.c - the rows of a sweep's table before its columns are known: see collect_rows.h.
 *
 * Which columns a table has is known when all runs were read, and reading them takes most of the
 * time. So what a run gives is put into a file without a name, in the temporary directory, and the
 * table is written from that. A row in the file is
 *
 *   bytes of the rest (32 bits), then for each cell: its number (32 bits), its text, a zero byte
 *
 * in the host's order of bytes, as nobody else reads it. A text is what stands in the table: in CSV
 * quoted by RFC 4180 where it holds what separates others, in JSON lines a value of JSON.
 *
 * Example: cell 3 of CSV is a,b and there is no other: 10 0 0 0, 3 0 0 0, "a,b" with its quotation
 * marks, 0.
 *
 * Cost: about 14 bytes a cell, so 30 MB for 10,000 runs with 200 figures each; of memory, one row.
 */
#include "sim/sweep/collect_rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/json.h"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_IO, "out of memory");
}

static int file_failed(struct err *err)
{
	return err_set(err, ERR_IO, "temporary file: %s", strerror(errno ? errno : EIO));
}

/* tmpfile() would not look at TMPDIR, which is where there is room. */
static FILE *open_nameless(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	FILE *f = NULL;
	char *path;
	int fd;

	if (asprintf(&path, "%s/allocsim-rows.XXXXXX", dir && *dir ? dir : "/tmp") < 0) {
		no_memory(err);
		return NULL;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	f = fd >= 0 ? fdopen(fd, "w+") : NULL;
	if (!f)
		err_set(err, ERR_CANT_CREATE, "%s: %s", path, strerror(errno));
	if (!f && fd >= 0)
		close(fd);
	free(path);
	return f;
}

int collect_rows_init(struct collect_rows *r, enum collect_format format, struct err *err)
{
	*r = (struct collect_rows){.format = format};
	r->cells = open_memstream(&r->text, &r->bytes);
	if (!r->cells)
		return no_memory(err);
	r->file = open_nameless(err);
	return r->file ? 0 : -1;
}

void collect_rows_release(struct collect_rows *r)
{
	if (r->cells)
		fclose(r->cells);
	if (r->file)
		fclose(r->file);
	free(r->text);
	free(r->read);
	*r = (struct collect_rows){0};
}

/* --- cells ----------------------------------------------------------------------------------- */

static void cell_begin(struct collect_rows *r, size_t number)
{
	uint32_t stored = (uint32_t)number;

	fwrite(&stored, sizeof(stored), 1, r->cells);
}

static void cell_end(struct collect_rows *r)
{
	fputc('\0', r->cells);
}

static void write_quoted(const char *text, FILE *out)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

void collect_rows_text(struct collect_rows *r, size_t number, const char *text)
{
	struct json j;

	if (!text)
		return;
	cell_begin(r, number);
	if (r->format == COLLECT_JSONL) {
		json_init_line(&j, r->cells);
		json_string(&j, NULL, text);
	} else {
		write_quoted(text, r->cells);
	}
	cell_end(r);
}

/* What needs no quotation in either format. */
static void put_plain(struct collect_rows *r, size_t number, const char *text)
{
	cell_begin(r, number);
	fputs(text, r->cells);
	cell_end(r);
}

void collect_rows_integer(struct collect_rows *r, size_t number, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	put_plain(r, number, text);
}

bool collect_rows_whole(struct collect_rows *r, size_t number, const char *digits)
{
	size_t count = strspn(digits, "0123456789");

	if (!count || digits[count] || (digits[0] == '0' && count > 1) || count > 20 ||
	    (count == 20 && strcmp(digits, "18446744073709551615") > 0))
		return false;
	put_plain(r, number, digits);
	return true;
}

void collect_rows_item(struct collect_rows *r, size_t number, const cJSON *item)
{
	const cJSON *constant = cJSON_GetObjectItemCaseSensitive(item, "constant");
	char text[JSON_NUMBER], *json;

	item = cJSON_IsNumber(constant) ? constant : item;
	if (!item || cJSON_IsNull(item) ||
	    (cJSON_IsNumber(item) && !isfinite(item->valuedouble))) {
		return;
	} else if (cJSON_IsString(item)) {
		collect_rows_text(r, number, item->valuestring);
	} else if (cJSON_IsBool(item)) {
		put_plain(r, number, cJSON_IsTrue(item) ? "true" : "false");
	} else if (cJSON_IsNumber(item)) {
		put_plain(r, number, json_format_double(item->valuedouble, text));
	} else {
		json = cJSON_PrintUnformatted(item);
		collect_rows_text(r, number, json);
		cJSON_free(json);
	}
}

/* --- rows ------------------------------------------------------------------------------------ */

int collect_rows_end(struct collect_rows *r, struct err *err)
{
	off_t bytes = ftello(r->cells);
	uint32_t stored = (uint32_t)bytes;

	if (bytes < 0 || bytes > UINT32_MAX || fflush(r->cells) || ferror(r->cells))
		return no_memory(err);
	errno = 0;
	if (fwrite(&stored, sizeof(stored), 1, r->file) != 1 ||
	    fwrite(r->text, 1, stored, r->file) != stored)
		return file_failed(err);
	return fseeko(r->cells, 0, SEEK_SET) ? no_memory(err) : 0;
}

int collect_rows_rewind(struct collect_rows *r, struct err *err)
{
	errno = 0;
	return fflush(r->file) || fseeko(r->file, 0, SEEK_SET) ? file_failed(err) : 0;
}

int collect_rows_next(struct collect_rows *r, const char **texts, size_t count, struct err *err)
{
	uint32_t bytes, number;
	size_t at;
	char *grown;

	memset(texts, 0, count * sizeof(*texts));
	errno = 0;
	if (fread(&bytes, sizeof(bytes), 1, r->file) != 1)
		return file_failed(err);
	if (bytes > r->room) {
		grown = realloc(r->read, bytes);
		if (!grown)
			return no_memory(err);
		r->read = grown;
		r->room = bytes;
	}
	if (fread(r->read, 1, bytes, r->file) != bytes)
		return file_failed(err);
	for (at = 0; at < bytes; at += strlen(r->read + at) + 1) {
		memcpy(&number, r->read + at, sizeof(number));
		at += sizeof(number);
		if (number < count)
			texts[number] = r->read + at;
	}
	return 0;
}
