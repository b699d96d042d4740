/* Tests of textin.c: encodings, line ends, limits, damaged compression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

#include "sim/textin.h"

/* gzip @text; the result is the caller's. */
static uint8_t *gzip(const char *text, size_t bytes, size_t *packed_bytes)
{
	z_stream z = {0};
	uint8_t *packed = malloc(bytes + 1000);
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)bytes;
	z.next_out = packed;
	z.avail_out = (uInt)bytes + 1000;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	*packed_bytes = z.total_out;
	deflateEnd(&z);
	return packed;
}

static uint8_t *zstd(const char *text, size_t bytes, size_t *packed_bytes)
{
	uint8_t *packed = malloc(ZSTD_compressBound(bytes));
	*packed_bytes = ZSTD_compress(packed, ZSTD_compressBound(bytes), text, bytes, 3);
	assert_false(ZSTD_isError(*packed_bytes));
	return packed;
}

/* Lines "0\n", "1\n", ... of varying length, several times the text buffer. */
static char *many_lines(unsigned count, size_t *bytes)
{
	char *text = malloc((size_t)count * 320);
	size_t used = 0;
	for (unsigned i = 0; i < count; i++)
		used += (size_t)sprintf(
			text + used, "%u %.*s\n", i, (int)(i * 7 % 300),
			"................................................................"
			"................................................................"
			"................................................................"
			"................................................................"
			"................................................................");
	*bytes = used;
	return text;
}

static void expect_many_lines(struct textin *in, unsigned count)
{
	struct err err = {0};
	struct textline line;
	assert_non_null(in);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_int_equal(strtoul(line.text, NULL, 10), i);
		size_t digits = (size_t)snprintf(NULL, 0, "%u ", i);
		assert_int_equal(line.bytes, digits + i * 7 % 300);
		assert_int_equal(line.text[line.bytes], '\n');
		assert_int_equal(textin_line_number(in), i + 1);
	}
	assert_int_equal(textin_line(in, &line, &err), 0);
	assert_int_equal(textin_line(in, &line, &err), 0);
	textin_close(in);
}

static void every_encoding(void **state)
{
	enum { COUNT = 20000 };
	struct err err = {0};
	size_t bytes, gz_bytes, zst_bytes;
	char *text = many_lines(COUNT, &bytes);
	uint8_t *gz = gzip(text, bytes, &gz_bytes), *zst = zstd(text, bytes, &zst_bytes);
	expect_many_lines(textin_open_memory(text, bytes, &err), COUNT);
	expect_many_lines(textin_open_memory(gz, gz_bytes, &err), COUNT);
	expect_many_lines(textin_open_memory(zst, zst_bytes, &err), COUNT);

	char path[] = "/tmp/allocsim-textin-test.XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, zst, zst_bytes), zst_bytes);
	struct textin *in = textin_open(path, &err);
	assert_int_equal(textin_bytes_total(in), zst_bytes);
	expect_many_lines(in, COUNT);
	close(fd);
	unlink(path);
	free(text);
	free(gz);
	free(zst);
}

/* Two members or frames, the cut between them inside a line. */
static void concatenated(void **state)
{
	for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
		struct err err = {0};
		struct textline line;
		size_t a_bytes, b_bytes;
		uint8_t *a = (is_gzip ? gzip : zstd)("one\ntw", 6, &a_bytes);
		uint8_t *b = (is_gzip ? gzip : zstd)("o\nthree\n", 8, &b_bytes);
		uint8_t *both = malloc(a_bytes + b_bytes);
		memcpy(both, a, a_bytes);
		memcpy(both + a_bytes, b, b_bytes);
		struct textin *in = textin_open_memory(both, a_bytes + b_bytes, &err);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_memory_equal(line.text, "two\n", 4);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_memory_equal(line.text, "three\n", 6);
		assert_int_equal(textin_line(in, &line, &err), 0);
		textin_close(in);
		free(a);
		free(b);
		free(both);
	}
}

static int drain(const void *data, size_t bytes, struct err *err)
{
	struct textline line;
	int more = 1;
	struct textin *in = textin_open_memory(data, bytes, err);
	assert_non_null(in);
	while (more == 1)
		more = textin_line(in, &line, err);
	textin_close(in);
	return more;
}

static void damaged_compression(void **state)
{
	size_t bytes;
	char *text = many_lines(2000, &bytes);
	for (int is_gzip = 0; is_gzip < 2; is_gzip++) {
		size_t packed_bytes;
		uint8_t *packed = (is_gzip ? gzip : zstd)(text, bytes, &packed_bytes);
		for (size_t cut = 4; cut < packed_bytes; cut += 1 + packed_bytes / 50) {
			struct err err = {0};
			assert_int_equal(drain(packed, cut, &err), -1);
			assert_int_equal(err.code, ERR_TRACE);
			assert_non_null(strstr(err.text, "cut short"));
			assert_non_null(strstr(err.text, "<memory>:"));
		}
		struct err err = {0};
		memset(packed + packed_bytes / 2, 0xa5, packed_bytes / 4);
		assert_int_equal(drain(packed, packed_bytes, &err), -1);
		assert_int_equal(err.code, ERR_TRACE);
		free(packed);
	}
	free(text);
}

static void line_ends(void **state)
{
	struct err err = {0};
	struct textline line;
	struct textin *in = textin_open_memory("a\r\n\n\r\nb", 7, &err);
	assert_int_equal(textin_line(in, &line, &err), 1);
	assert_int_equal(line.bytes, 1);
	assert_int_equal(line.text[1], '\n');
	assert_int_equal(textin_line(in, &line, &err), 1);
	assert_int_equal(line.bytes, 0);
	assert_int_equal(textin_line(in, &line, &err), 1);
	assert_int_equal(line.bytes, 0);
	assert_false(line.unterminated);
	assert_int_equal(textin_line(in, &line, &err), 1);
	assert_int_equal(line.bytes, 1);
	assert_true(line.unterminated);
	assert_int_equal(line.text[1], '\n');
	assert_int_equal(textin_line(in, &line, &err), 0);
	textin_close(in);
}

static void long_lines(void **state)
{
	static const size_t lengths[] = {TEXTIN_LINE_BYTES_MAX, TEXTIN_LINE_BYTES_MAX + 1, 1 << 20,
					 10 << 20};
	char *text = malloc((10 << 20) + 16);
	for (size_t i = 0; i < 4; i++) {
		struct err err = {0};
		struct textline line;
		size_t n = lengths[i];
		memset(text, 'x', n);
		memcpy(text + n, "\nafter\n", 7);
		struct textin *in = textin_open_memory(text, n + 7, &err);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_int_equal(line.too_long, n > TEXTIN_LINE_BYTES_MAX);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_memory_equal(line.text, "after\n", 6);
		assert_int_equal(textin_line_number(in), 2);
		assert_int_equal(textin_line(in, &line, &err), 0);
		textin_close(in);

		in = textin_open_memory(text, n, &err);
		assert_int_equal(textin_line(in, &line, &err), 1);
		assert_true(line.unterminated);
		assert_int_equal(textin_line(in, &line, &err), 0);
		textin_close(in);
	}
	free(text);
}

static void unreadable(void **state)
{
	struct err err = {0};
	struct textline line;
	assert_null(textin_open("/nonexistent/trace", &err));
	assert_int_equal(err.code, ERR_NO_INPUT);
	err = (struct err){0};
	struct textin *in = textin_open("/tmp", &err);
	assert_null(in);
	assert_int_equal(err.code, ERR_NO_INPUT);
	err = (struct err){0};
	in = textin_open_memory("", 0, &err);
	assert_int_equal(textin_line(in, &line, &err), 0);
	assert_int_equal(textin_line_number(in), 0);
	textin_close(in);
	textin_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_encoding),
		cmocka_unit_test(concatenated),
		cmocka_unit_test(damaged_compression),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(unreadable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
