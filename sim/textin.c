/*
 * textin.c - see textin.h.
 *
 * Stored bytes go through a raw buffer and a decoder (copy, inflate, zstd) into a text buffer of
 * 1 MiB. Lines are handed out where they lie in it. When no line end is left, the rest is moved to
 * the front and the buffer filled up: one move of at most a line for each MiB, so no byte is copied
 * twice but the few that straddle. One byte is kept free at the end, so that a '\n' can be put
 * behind an unterminated last line; scanners rely on it as their sentinel.
 *
 * Concatenated gzip members and zstd frames are one text, as their own tools have it.
 */
#include "sim/textin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "kern/types.h"

#define RAW_BYTES  (256u << 10)
#define TEXT_BYTES (1u << 20)

enum encoding {
	ENCODING_PLAIN,
	ENCODING_GZIP,
	ENCODING_ZSTD,
};

struct textin {
	const char *name;
	int fd;
	bool close_fd;
	enum encoding encoding;
	z_stream z;
	ZSTD_DStream *zstd;
	bool frame_done; /* compressed input may end here */

	uint8_t *raw_storage; /* NULL for memory */
	const uint8_t *raw;   /* stored bytes [raw_start, raw_end) wait to be decoded */
	size_t raw_start, raw_end;
	bool raw_eof;

	char *text; /* TEXT_BYTES + 1; [start, end) wait to be handed out */
	size_t start, end;
	uint64_t lines, bytes_read, bytes_total;
};

static int read_error(const struct textin *in, struct err *err)
{
	return err_set(err, ERR_NO_INPUT, "%s: can't read: %s", in->name, strerror(errno));
}

/* Append to the raw buffer, which must have been emptied or not yet used. */
static int read_raw(struct textin *in, struct err *err)
{
	if (in->raw_eof)
		return 0;
	if (in->raw_start == in->raw_end)
		in->raw_start = in->raw_end = 0;
	ssize_t n;
	do {
		n = read(in->fd, in->raw_storage + in->raw_end, RAW_BYTES - in->raw_end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return read_error(in, err);
	in->raw_eof = n == 0;
	in->raw_end += (size_t)n;
	in->bytes_read += (uint64_t)n;
	return 0;
}

static int start_decoder(struct textin *in, struct err *err)
{
	static const uint8_t zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd};
	size_t bytes = in->raw_end;
	if (bytes >= 2 && in->raw[0] == 0x1f && in->raw[1] == 0x8b) {
		in->encoding = ENCODING_GZIP;
		if (inflateInit2(&in->z, 15 + 16) != Z_OK)
			return err_set(err, ERR_IO, "%s: out of memory", in->name);
	} else if (bytes >= 4 && memcmp(in->raw, zstd_magic, 4) == 0) {
		in->encoding = ENCODING_ZSTD;
		in->zstd = ZSTD_createDStream();
		if (!in->zstd)
			return err_set(err, ERR_IO, "%s: out of memory", in->name);
	}
	return 0;
}

/* The rest of opening: buffers and encoding. Closes @in on failure. */
static struct textin *textin_start(struct textin *in, struct err *err)
{
	in->text = malloc(TEXT_BYTES + 1);
	if (!in->text) {
		err_set(err, ERR_IO, "%s: out of memory", in->name);
		goto fail;
	}
	while (in->raw_end < 4 && !in->raw_eof) {
		if (read_raw(in, err) != 0)
			goto fail;
	}
	if (start_decoder(in, err) != 0)
		goto fail;
	return in;
fail:
	textin_close(in);
	return NULL;
}

static struct textin *textin_new(const char *name, struct err *err)
{
	struct textin *in = calloc(1, sizeof(*in));
	if (!in) {
		err_set(err, ERR_IO, "%s: out of memory", name);
		return NULL;
	}
	in->name = name;
	in->fd = -1;
	return in;
}

struct textin *textin_open(const char *path, struct err *err)
{
	bool standard = strcmp(path, "-") == 0;
	struct textin *in = textin_new(standard ? "<stdin>" : path, err);
	if (!in)
		return NULL;
	in->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (in->fd < 0) {
		err_set(err, ERR_NO_INPUT, "%s: can't open: %s", path, strerror(errno));
		goto fail;
	}
	in->close_fd = !standard;
	struct stat st;
	if (fstat(in->fd, &st) == 0 && S_ISREG(st.st_mode))
		in->bytes_total = (uint64_t)st.st_size;
	in->raw_storage = malloc(RAW_BYTES);
	if (!in->raw_storage) {
		err_set(err, ERR_IO, "%s: out of memory", in->name);
		goto fail;
	}
	in->raw = in->raw_storage;
	return textin_start(in, err);
fail:
	textin_close(in);
	return NULL;
}

struct textin *textin_open_memory(const void *data, size_t bytes, struct err *err)
{
	struct textin *in = textin_new("<memory>", err);
	if (!in)
		return NULL;
	in->raw = data;
	in->raw_end = bytes;
	in->raw_eof = true;
	in->bytes_read = in->bytes_total = bytes;
	return textin_start(in, err);
}

void textin_close(struct textin *in)
{
	if (!in)
		return;
	if (in->encoding == ENCODING_GZIP)
		inflateEnd(&in->z);
	ZSTD_freeDStream(in->zstd);
	if (in->close_fd)
		close(in->fd);
	free(in->raw_storage);
	free(in->text);
	free(in);
}

static int corrupt(const struct textin *in, const char *what, struct err *err)
{
	uint64_t line = in->lines + 1;
	for (size_t i = in->start; i < in->end; i++)
		line += in->text[i] == '\n';
	return err_set(err, ERR_TRACE, "%s:%llu: %s", in->name, (unsigned long long)line, what);
}

/* Decode from raw to text; either may run out. */
static int decode_gzip(struct textin *in, struct err *err)
{
	if (in->frame_done && inflateReset(&in->z) != Z_OK)
		return corrupt(in, "gzip data is corrupt", err);
	in->frame_done = false;
	/* zlib's pointer to its input is not const, but it only reads. */
	in->z.next_in = (Bytef *)(uintptr_t)(in->raw + in->raw_start);
	in->z.avail_in = (uInt)u64_min(in->raw_end - in->raw_start, UINT32_MAX);
	in->z.next_out = (Bytef *)in->text + in->end;
	in->z.avail_out = (uInt)(TEXT_BYTES - in->end);
	int result = inflate(&in->z, Z_NO_FLUSH);
	if (result == Z_MEM_ERROR)
		return err_set(err, ERR_IO, "%s: out of memory", in->name);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return corrupt(in, "gzip data is corrupt", err);
	in->frame_done = result == Z_STREAM_END;
	in->raw_start = (size_t)(in->z.next_in - in->raw);
	in->end = TEXT_BYTES - in->z.avail_out;
	return 0;
}

static int decode_zstd(struct textin *in, struct err *err)
{
	ZSTD_inBuffer from = {in->raw, in->raw_end, in->raw_start};
	ZSTD_outBuffer to = {in->text, TEXT_BYTES, in->end};
	size_t result = ZSTD_decompressStream(in->zstd, &to, &from);
	if (ZSTD_isError(result))
		return corrupt(in, ZSTD_getErrorName(result), err);
	in->frame_done = result == 0;
	in->raw_start = from.pos;
	in->end = to.pos;
	return 0;
}

static void copy_plain(struct textin *in)
{
	size_t bytes = u64_min(in->raw_end - in->raw_start, TEXT_BYTES - in->end);
	memcpy(in->text + in->end, in->raw + in->raw_start, bytes);
	in->raw_start += bytes;
	in->end += bytes;
}

/* Get more text behind in->end: 1, or 0 if there is none, or -1. Room must be there. */
static int fill(struct textin *in, struct err *err)
{
	size_t before = in->end;
	while (in->end == before) {
		if (in->raw_start == in->raw_end && read_raw(in, err) != 0)
			return -1;
		bool drained = in->raw_start == in->raw_end;
		if (drained && (in->encoding == ENCODING_PLAIN || in->frame_done))
			return 0;
		size_t raw_before = in->raw_start;
		if (in->encoding == ENCODING_PLAIN)
			copy_plain(in);
		else if ((in->encoding == ENCODING_GZIP ? decode_gzip(in, err)
							: decode_zstd(in, err)) != 0)
			return -1;
		/* With no input left, a decoder may still hold text, but not for ever. */
		if (drained && in->end == before && in->raw_start == raw_before)
			return in->frame_done ? 0
					      : corrupt(in, "compressed data is cut short", err);
	}
	return 1;
}

static int give_line(struct textin *in, struct textline *line, size_t bytes, bool unterminated)
{
	char *text = in->text + in->start;
	size_t used = bytes + !unterminated;
	text[bytes] = '\n';
	in->start += used;
	in->lines++;
	if (bytes && text[bytes - 1] == '\r')
		text[--bytes] = '\n';
	*line = (struct textline){.text = text, .bytes = bytes, .unterminated = unterminated};
	if (bytes > TEXTIN_LINE_BYTES_MAX) {
		line->text = NULL;
		line->too_long = true;
	}
	return 1;
}

/* Drop text up to the end of a line that is too long to be kept. */
static int drop_line(struct textin *in, struct textline *line, struct err *err)
{
	*line = (struct textline){.too_long = true};
	for (;;) {
		char *end = memchr(in->text + in->start, '\n', in->end - in->start);
		if (end) {
			in->start = (size_t)(end - in->text) + 1;
			break;
		}
		in->start = in->end = 0;
		int more = fill(in, err);
		if (more < 0)
			return -1;
		if (!more) {
			line->unterminated = true;
			break;
		}
	}
	in->lines++;
	return 1;
}

int textin_line(struct textin *in, struct textline *line, struct err *err)
{
	size_t searched = 0;
	for (;;) {
		size_t there = in->end - in->start;
		char *text = in->text + in->start;
		char *end = memchr(text + searched, '\n', there - searched);
		if (end)
			return give_line(in, line, (size_t)(end - text), false);
		if (there > TEXTIN_LINE_BYTES_MAX)
			return drop_line(in, line, err);
		searched = there;
		memmove(in->text, text, there);
		in->start = 0;
		in->end = there;
		int more = fill(in, err);
		if (more < 0)
			return -1;
		if (!more)
			return there ? give_line(in, line, there, true) : 0;
	}
}

int textin_peek(struct textin *in, const char **text, size_t *bytes, struct err *err)
{
	int more = 1;
	while (more == 1 && in->end - in->start < TEXTIN_PEEK_BYTES && in->end < TEXT_BYTES)
		more = fill(in, err);
	*text = in->text + in->start;
	*bytes = in->end - in->start;
	return more < 0 ? -1 : 0;
}

const char *textin_name(const struct textin *in)
{
	return in->name;
}

uint64_t textin_line_number(const struct textin *in)
{
	return in->lines;
}

uint64_t textin_bytes_read(const struct textin *in)
{
	return in->bytes_read;
}

uint64_t textin_bytes_total(const struct textin *in)
{
	return in->bytes_total;
}

int textin_fd(const struct textin *in)
{
	return in->fd;
}
