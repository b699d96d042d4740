/*
 * Fuzz target: the reader of binary traces.
 *
 * A mutated file hardly ever has the right checksums, so each input is also tried with its
 * checksums made right, which is what leads behind them. What the reader accepts is walked through
 * with the promises of trace.h checked.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "kern/bug.h"
#include "sim/fuzz_main.h"
#include "sim/trace_format.h"

static void reseal(uint8_t *data, size_t bytes)
{
	struct trace_header h;
	if (bytes < sizeof(h))
		return;
	memcpy(&h, data, sizeof(h));
	if (h.cpus_count > TRACE_CPUS_LIMIT || bytes < trace_header_bytes(h.cpus_count))
		return;
	for (unsigned i = 0; i < TRACE_SECTION_OPS + h.cpus_count; i++) {
		uint8_t *at = data + sizeof(h) + i * sizeof(struct trace_section);
		struct trace_section s;
		memcpy(&s, at, sizeof(s));
		if (s.offset > bytes || s.count > (bytes - s.offset) / trace_element_bytes(i))
			return;
		s.crc = (uint32_t)crc32_z(0, data + s.offset, s.count * trace_element_bytes(i));
		memcpy(at, &s, sizeof(s));
	}
	memset(data + offsetof(struct trace_header, header_crc), 0, sizeof(h.header_crc));
	uint32_t crc = (uint32_t)crc32(0, data, (uInt)trace_header_bytes(h.cpus_count));
	memcpy(data + offsetof(struct trace_header, header_crc), &crc, sizeof(crc));
}

static void walk(const struct trace *t)
{
	uint64_t demands = 0;
	for (uint32_t cpu = 0; cpu < t->cpus_count; cpu++) {
		for (uint64_t i = 0; i < t->ops_count[cpu]; i++) {
			const struct trace_rec *r = &t->ops[cpu][i];
			BUG_ON(r->id != TRACE_ID_NONE && r->id >= t->ids_count, "id");
			BUG_ON(r->gfp >= t->gfps_count, "gfp");
			BUG_ON(i && r->time_ns < r[-1].time_ns, "time");
			demands++;
		}
	}
	BUG_ON(demands != t->demands_count, "count of demands");
	for (uint64_t i = 0; i < t->evidence_count; i++)
		BUG_ON(t->evidence[i].cpu >= t->cpus_count, "cpu");
}

static void try_open(const uint8_t *data, size_t bytes)
{
	struct err err = {0};
	struct trace trace;
	int fd = memfd_create("trace", MFD_CLOEXEC);
	BUG_ON(fd < 0 || write(fd, data, bytes) != (ssize_t)bytes, "can't write the input");
	if (trace_open_fd(&trace, fd, "fuzz", &err) == 0) {
		walk(&trace);
		trace_close(&trace);
	} else {
		BUG_ON(err.code != ERR_TRACE || trace.map, "%d %s", err.code, err.text);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	try_open(data, bytes);
	uint8_t *copy = malloc(bytes ? bytes : 1);
	BUG_ON(!copy, "out of memory");
	memcpy(copy, data, bytes);
	reseal(copy, bytes);
	try_open(copy, bytes);
	free(copy);
	return 0;
}
