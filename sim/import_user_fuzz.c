/*
 * Fuzz target: traces of user programs. The first line of the input is the format, for csv followed
 * by a blank and a map; "sniff" stands for none.
 */
#include <string.h>

#include "sim/import_fuzz.h"
#include "sim/import_user.h"

#define CHOICE_MAX 80

static void import_fuzz_user(const uint8_t *data, size_t bytes, struct import_user_options *user)
{
	struct err err = {0};
	struct trace_report report;
	struct trace trace;
	int fd = -1;
	struct textin *in = textin_open_memory(data, bytes, &err);
	BUG_ON(!in, "%s", err.text);
	if (!user->format && user_format_sniff(in, &user->format, &err) != 0)
		goto out;
	if (!user->format)
		goto out;
	struct trace_writer *writer = trace_writer_new(NULL, &err);
	BUG_ON(!writer, "%s", err.text);
	if (import_user_text(in, user, false, NULL, NULL, writer, &report, &fd, &err) != 0) {
		BUG_ON(err.code == ERR_NONE || !err.text[0], "failed without a reason");
	} else {
		int result = trace_open_fd(&trace, fd, "imported", &err);
		BUG_ON(result != 0, "%s", err.text);
		BUG_ON(trace.demands_count != report.demands ||
			       report.object_allocs + report.object_frees != report.demands,
		       "counts differ from the report's");
		trace_close(&trace);
		close(fd);
	}
out:
	textin_close(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct import_user_options user = {.gap_ns = IMPORT_GAP_NS};
	char choice[CHOICE_MAX];
	const uint8_t *newline = bytes ? memchr(data, '\n', bytes) : NULL;
	size_t length = newline ? (size_t)(newline - data) : 0;
	if (!newline || length >= sizeof(choice))
		return 0;
	memcpy(choice, data, length);
	choice[length] = '\0';
	char *map = strchr(choice, ' ');
	if (map)
		*map++ = '\0';
	user.format = user_format_find(choice);
	if (!user.format && strcmp(choice, "sniff") != 0)
		return 0;
	struct err err = {0};
	if (user.format == &user_csv && csv_map_parse(map ? map : "", &user.map, &err) != 0) {
		BUG_ON(err.code != ERR_USAGE || !err.text[0], "refused without a reason");
		return 0;
	}
	import_fuzz_user(newline + 1, bytes - length - 1, &user);
	return 0;
}
