/*
 * trace_write.c - the writing half of trace.h.
 *
 * A recording comes as one sequence, but the file holds one run of records for each CPU, whose
 * lengths are known only at the end. So every section is a stream of its own: a buffer of 128 KiB
 * that spills to an unlinked temporary file in the output's directory, with its CRC kept up to date
 * as it spills. A short trace never leaves its buffers. trace_writer_finish() then writes header,
 * table and the streams one after another to a nameless file, syncs it, links it as
 * `.NAME.tmp.HOST.PID` and renames that to NAME. Whatever fails or kills the program before,
 * nothing of the new trace remains and an older NAME is as it was. A file system without nameless
 * files (NFS) gets a file with the temporary name from the start, which only a kill can leave
 * behind.
 *
 * The output is a function of the records alone: no time, path or host gets into it.
 *
 * It does not check that records make sense together (ids dense, frees after allocations): that is
 * the caller's duty, and trace_open() verifies it.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "kern/bug.h"
#include "kern/types.h"
#include "kern/u64map.h"
#include "sim/safefile.h"
#include "sim/trace_format.h"

#define STREAM_BUFFER_BYTES (128u << 10)

struct stream {
	uint8_t *buffer; /* NULL: nothing was ever added */
	size_t used;
	uint64_t spilled_bytes;
	uint32_t crc; /* of what was spilled */
	int fd;       /* where it was spilled to; -1: nowhere yet */
};

struct trace_writer {
	char *path;     /* NULL: anonymous */
	char *dir;      /* where temporary files go */
	char *tmp_path; /* what becomes path; NULL: anonymous */
	int out_fd;
	bool out_named; /* out_fd has the name tmp_path */
	struct stream sections[TRACE_SECTIONS_MAX];
	uint64_t last_ns[TRACE_CPUS_LIMIT]; /* latest record of each CPU, in any section */
	uint64_t evidence_last_ns;
	uint64_t span_ns;
	uint64_t ids_count;
	uint64_t demands_count;
	uint32_t cpus_count;
	struct u64map gfp_index; /* mask -> its index in the table */
	uint32_t gfps[TRACE_GFP_LIMIT];
	uint32_t gfps_count;
	struct trace_cache *caches; /* TRACE_CACHES_LIMIT of them; NULL: none yet */
	uint32_t caches_count;
	uint64_t *slab_ids; /* a bit for each id that trace_writer_mark_slab() named */
	uint64_t slab_ids_words;
	uint32_t object_base; /* to be taken from the pfn of objects */
	gfp_t gfp_last; /* most records repeat the mask of the one before */
	uint16_t gfp_last_index;
};

static const char *writer_name(const struct trace_writer *w)
{
	return w->path ? w->path : "temporary trace";
}

static int write_error(const struct trace_writer *w, struct err *err)
{
	return err_set(err, ERR_IO, "%s: can't write: %s", writer_name(w), strerror(errno));
}

static int memory_error(const struct trace_writer *w, struct err *err)
{
	return err_set(err, ERR_IO, "%s: out of memory", writer_name(w));
}

static int write_all(int fd, const void *data, size_t bytes)
{
	const uint8_t *p = data;
	while (bytes) {
		ssize_t n = write(fd, p, bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		p += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* A nameless file in @dir. *@unsupported: the file system has no such thing. */
static int open_tmpfile(const char *dir, mode_t mode, bool *unsupported)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
	*unsupported = fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
	return fd;
}

/* A file in @dir that vanishes with its descriptor. */
static int open_unlinked(const char *dir)
{
	bool unsupported;
	int fd = open_tmpfile(dir, 0600, &unsupported);
	if (!unsupported)
		return fd;
	char *name;
	if (asprintf(&name, "%s/.allocsim.XXXXXX", dir) < 0)
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	free(name);
	return fd;
}

/* Split the path into a directory for temporary files and a temporary name in it. */
static int name_temporaries(struct trace_writer *w, const char *path)
{
	if (!path) {
		const char *dir = getenv("TMPDIR");
		w->dir = strdup(dir && *dir ? dir : "/tmp");
		return w->dir ? 0 : -1;
	}
	char *for_dirname = strdup(path), *for_basename = strdup(path), who[SAFEFILE_WHO];
	w->path = strdup(path);
	if (for_dirname && for_basename && w->path)
		w->dir = strdup(dirname(for_dirname));
	int result = -1;
	if (w->dir && asprintf(&w->tmp_path, "%s/.%s.tmp.%s", w->dir, basename(for_basename),
			       safefile_who(who)) >= 0)
		result = 0;
	else
		w->tmp_path = NULL;
	free(for_dirname);
	free(for_basename);
	return result;
}

/* Fail now, not after an hour, if the output can't be made. */
static int open_output(struct trace_writer *w, struct err *err)
{
	if (!w->path) {
		w->out_fd = open_unlinked(w->dir);
		if (w->out_fd < 0)
			return err_set(err, ERR_CANT_CREATE,
				       "%s: can't create a temporary file: %s", w->dir,
				       strerror(errno));
		return 0;
	}
	struct stat st;
	if (stat(w->path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(err, ERR_CANT_CREATE, "%s: exists and is no regular file", w->path);
	bool unsupported;
	w->out_fd = open_tmpfile(w->dir, 0666, &unsupported);
	if (unsupported) {
		w->out_fd = open(w->tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
				 0666);
		w->out_named = w->out_fd >= 0;
	}
	if (w->out_fd < 0)
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", w->path,
			       strerror(errno));
	return 0;
}

struct trace_writer *trace_writer_new(const char *path, struct err *err)
{
	struct trace_writer *w = calloc(1, sizeof(*w));
	if (!w) {
		err_set(err, ERR_IO, "%s: out of memory", path ? path : "temporary trace");
		return NULL;
	}
	w->out_fd = -1;
	for (unsigned i = 0; i < TRACE_SECTIONS_MAX; i++)
		w->sections[i].fd = -1;
	/* Mask 0 is the first entry, which frees and evidence point at. */
	w->gfps_count = 1;
	if (name_temporaries(w, path) != 0 || u64map_put(&w->gfp_index, 0, 0) != 0) {
		memory_error(w, err);
		goto fail;
	}
	if (open_output(w, err) != 0)
		goto fail;
	return w;
fail:
	trace_writer_abort(w);
	return NULL;
}

void trace_writer_abort(struct trace_writer *w)
{
	if (!w)
		return;
	if (w->out_fd >= 0)
		close(w->out_fd);
	if (w->out_named)
		unlink(w->tmp_path);
	for (unsigned i = 0; i < TRACE_SECTIONS_MAX; i++) {
		free(w->sections[i].buffer);
		if (w->sections[i].fd >= 0)
			close(w->sections[i].fd);
	}
	u64map_release(&w->gfp_index);
	free(w->caches);
	free(w->slab_ids);
	free(w->path);
	free(w->dir);
	free(w->tmp_path);
	free(w);
}

static int stream_spill(struct trace_writer *w, struct stream *s, struct err *err)
{
	if (s->fd < 0) {
		s->fd = open_unlinked(w->dir);
		if (s->fd < 0)
			return err_set(err, ERR_IO, "%s: can't create a temporary file: %s", w->dir,
				       strerror(errno));
	}
	if (write_all(s->fd, s->buffer, s->used) != 0)
		return write_error(w, err);
	s->crc = (uint32_t)crc32(s->crc, s->buffer, (uInt)s->used);
	s->spilled_bytes += s->used;
	s->used = 0;
	return 0;
}

/* Element sizes divide the buffer's, so that an element always fits whole. */
static int stream_add(struct trace_writer *w, unsigned section, const void *element, size_t bytes,
		      struct err *err)
{
	struct stream *s = &w->sections[section];
	if (!s->buffer) {
		s->buffer = malloc(STREAM_BUFFER_BYTES);
		if (!s->buffer)
			return memory_error(w, err);
	}
	if (s->used == STREAM_BUFFER_BYTES && stream_spill(w, s, err) != 0)
		return -1;
	memcpy(s->buffer + s->used, element, bytes);
	s->used += bytes;
	return 0;
}

static int gfp_to_index(struct trace_writer *w, gfp_t gfp, uint16_t *index, struct err *err)
{
	if (gfp != w->gfp_last) {
		uint64_t *known = u64map_get(&w->gfp_index, gfp);
		if (!known && w->gfps_count == TRACE_GFP_LIMIT)
			return err_set(err, ERR_TRACE, "%s: more than %d different gfp masks",
				       writer_name(w), TRACE_GFP_LIMIT);
		if (!known) {
			if (u64map_put(&w->gfp_index, gfp, w->gfps_count) != 0)
				return memory_error(w, err);
			w->gfps[w->gfps_count++] = gfp;
		}
		w->gfp_last = gfp;
		w->gfp_last_index = (uint16_t)(known ? *known : w->gfps_count - 1);
	}
	*index = w->gfp_last_index;
	return 0;
}

int trace_writer_add(struct trace_writer *w, struct trace_rec *rec, uint32_t gfp, struct err *err)
{
	BUG_ON(rec->cpu >= TRACE_CPUS_LIMIT, "trace record with cpu %u", rec->cpu);
	bool demand = trace_kind_is_demand(rec->kind);
	if (gfp_to_index(w, gfp, &rec->gfp, err) != 0)
		return -1;

	uint64_t earliest_ns = w->last_ns[rec->cpu];
	if (!demand)
		earliest_ns = u64_max(earliest_ns, w->evidence_last_ns);
	int raised = rec->time_ns < earliest_ns;
	if (raised)
		rec->time_ns = earliest_ns;

	unsigned section = demand ? TRACE_SECTION_OPS + rec->cpu : TRACE_SECTION_EVIDENCE;
	if (stream_add(w, section, rec, sizeof(*rec), err) != 0)
		return -1;
	w->last_ns[rec->cpu] = rec->time_ns;
	w->span_ns = u64_max(w->span_ns, rec->time_ns);
	if (rec->cpu >= w->cpus_count)
		w->cpus_count = rec->cpu + 1u;
	if (!demand)
		w->evidence_last_ns = rec->time_ns;
	else
		w->demands_count++;
	if (trace_kind_is_alloc(rec->kind) && rec->id != TRACE_ID_NONE)
		w->ids_count = u64_max(w->ids_count, (uint64_t)rec->id + 1);
	return raised;
}

int trace_writer_add_preexisting(struct trace_writer *w, uint32_t pfn, unsigned order,
				 struct err *err)
{
	struct trace_block block = {.pfn = pfn, .order = (uint8_t)order};
	return stream_add(w, TRACE_SECTION_PREEXISTING, &block, sizeof(block), err);
}

int trace_writer_add_cache(struct trace_writer *w, const char *name, uint32_t object_size_bytes,
			   uint32_t size_bytes, struct err *err)
{
	if (!w->caches)
		w->caches = calloc(TRACE_CACHES_LIMIT, sizeof(*w->caches));
	if (!w->caches)
		return memory_error(w, err);
	if (w->caches_count == TRACE_CACHES_LIMIT)
		return err_set(err, ERR_TRACE, "%s: more than %d object caches", writer_name(w),
			       TRACE_CACHES_LIMIT);
	struct trace_cache *c = &w->caches[w->caches_count];
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->object_size_bytes = object_size_bytes;
	c->size_bytes = size_bytes;
	return (int)w->caches_count++;
}

struct trace_cache *trace_writer_cache(struct trace_writer *w, unsigned cache)
{
	return &w->caches[cache];
}

int trace_writer_mark_slab(struct trace_writer *w, uint32_t id, struct err *err)
{
	uint64_t word = id / 64;
	if (word >= w->slab_ids_words) {
		uint64_t words = u64_max(word + 1, w->slab_ids_words * 2 + 64);
		uint64_t *grown = realloc(w->slab_ids, words * sizeof(*grown));
		if (!grown)
			return memory_error(w, err);
		memset(grown + w->slab_ids_words, 0, (words - w->slab_ids_words) * sizeof(*grown));
		w->slab_ids = grown;
		w->slab_ids_words = words;
	}
	w->slab_ids[word] |= UINT64_C(1) << (id % 64);
	return 0;
}

static bool is_slab(const struct trace_writer *w, const struct trace_rec *r)
{
	uint64_t word = r->id / 64;
	return (r->kind == TRACE_PAGE_ALLOC || r->kind == TRACE_PAGE_FREE) &&
	       r->id != TRACE_ID_NONE && word < w->slab_ids_words &&
	       w->slab_ids[word] >> (r->id % 64) & 1;
}

void trace_writer_set_object_base(struct trace_writer *w, uint32_t first_page)
{
	w->object_base = first_page;
}

/* What became known of a record only after it had been written. */
static void complete_records(const struct trace_writer *w, struct trace_rec *r, size_t count,
			 struct trace_report *report)
{
	for (size_t i = 0; i < count; i++) {
		if (trace_kind_is_object(r[i].kind) && r[i].pfn != TRACE_PFN_NONE) {
			r[i].pfn -= w->object_base;
			if (r[i].pfn >= PFN_END_LIMIT)
				r[i].pfn = TRACE_PFN_NONE;
		}
		if (is_slab(w, &r[i]))
			r[i].flags |= TRACE_F_SLAB;
		if (!(r[i].flags & TRACE_F_SLAB))
			continue;
		if (r[i].kind == TRACE_PAGE_ALLOC)
			report->slab_page_allocs++;
		else
			report->slab_page_frees++;
	}
}

/* Read or write what a stream spilled: all of @bytes at @at, or -1. */
static int spilled_io(const struct stream *s, void *buffer, size_t bytes, uint64_t at, bool write)
{
	uint8_t *p = buffer;
	while (bytes) {
		ssize_t n = write ? pwrite(s->fd, p, bytes, (off_t)at)
				  : pread(s->fd, p, bytes, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return -1;
		p += n;
		at += (uint64_t)n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* Go over all records once more with what is known only now: slabs, and where objects lay. */
static int complete_ops(struct trace_writer *w, struct trace_report *report, struct err *err)
{
	report->slab_page_allocs = report->slab_page_frees = 0;
	uint8_t *buffer = malloc(STREAM_BUFFER_BYTES);
	if (!buffer)
		return memory_error(w, err);
	int result = 0;
	for (unsigned i = 0; i < w->cpus_count && result == 0; i++) {
		struct stream *s = &w->sections[TRACE_SECTION_OPS + i];
		s->crc = 0;
		for (uint64_t at = 0; at < s->spilled_bytes && result == 0;) {
			size_t bytes = (size_t)u64_min(s->spilled_bytes - at, STREAM_BUFFER_BYTES);
			result = spilled_io(s, buffer, bytes, at, false);
			if (result != 0)
				break;
			complete_records(w, (void *)buffer, bytes / sizeof(struct trace_rec),
					 report);
			s->crc = (uint32_t)crc32(s->crc, buffer, (uInt)bytes);
			result = spilled_io(s, buffer, bytes, at, true);
			at += bytes;
		}
		complete_records(w, (void *)s->buffer, s->used / sizeof(struct trace_rec), report);
	}
	free(buffer);
	return result == 0 ? 0 : write_error(w, err);
}

static struct trace_header *make_header(struct trace_writer *w, uint64_t base_ns,
					const struct trace_report *report)
{
	struct trace_header *h = calloc(1, trace_header_bytes(w->cpus_count));
	if (!h)
		return NULL;
	memcpy(h->magic, TRACE_MAGIC, sizeof(h->magic));
	h->version = TRACE_VERSION;
	h->cpus_count = w->cpus_count;
	h->ids_count = w->ids_count;
	h->base_ns = base_ns;
	h->span_ns = w->span_ns;
	h->demands_count = w->demands_count;
	h->report = *report;

	unsigned sections = TRACE_SECTION_OPS + w->cpus_count;
	uint64_t offset = trace_header_bytes(w->cpus_count);
	for (unsigned i = 0; i < sections; i++) {
		const struct stream *s = &w->sections[i];
		uint64_t bytes = s->spilled_bytes + s->used;
		offset = trace_align(offset);
		h->sections[i].offset = offset;
		h->sections[i].count = bytes / trace_element_bytes(i);
		h->sections[i].crc =
			(uint32_t)crc32(s->crc, s->buffer ? s->buffer : (void *)"", (uInt)s->used);
		offset += bytes;
	}
	h->content_crc =
		(uint32_t)crc32(0, (void *)h->sections, (uInt)(sections * sizeof(h->sections[0])));
	h->header_crc = (uint32_t)crc32(0, (void *)h, (uInt)trace_header_bytes(w->cpus_count));
	return h;
}

/* Append a stream to the output, first what it spilled, then what it still buffers. */
static int copy_stream(struct trace_writer *w, struct stream *s, uint8_t *buffer)
{
	for (uint64_t at = 0; at < s->spilled_bytes;) {
		size_t bytes = (size_t)u64_min(s->spilled_bytes - at, STREAM_BUFFER_BYTES);
		if (spilled_io(s, buffer, bytes, at, false) != 0 ||
		    write_all(w->out_fd, buffer, bytes) != 0)
			return -1;
		at += bytes;
	}
	return write_all(w->out_fd, s->buffer, s->used);
}

static int write_file(struct trace_writer *w, const struct trace_header *h, struct err *err)
{
	static const uint8_t zeros[TRACE_SECTION_ALIGN];
	uint64_t at = trace_header_bytes(h->cpus_count);
	uint8_t *buffer = malloc(STREAM_BUFFER_BYTES);
	if (!buffer)
		return memory_error(w, err);
	int result = write_all(w->out_fd, h, (size_t)at);
	for (unsigned i = 0; i < TRACE_SECTION_OPS + h->cpus_count && result == 0; i++) {
		struct stream *s = &w->sections[i];
		result = write_all(w->out_fd, zeros, (size_t)(h->sections[i].offset - at));
		if (result == 0)
			result = copy_stream(w, s, buffer);
		at = h->sections[i].offset + s->spilled_bytes + s->used;
	}
	free(buffer);
	if (result == 0 && w->path)
		result = fsync(w->out_fd);
	return result == 0 ? 0 : write_error(w, err);
}

/* Rename can only move names, so a nameless output gets its temporary one first. */
static int name_output(struct trace_writer *w)
{
	char fd_path[64];
	if (w->out_named)
		return 0;
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", w->out_fd);
	unlink(w->tmp_path);
	if (linkat(AT_FDCWD, fd_path, AT_FDCWD, w->tmp_path, AT_SYMLINK_FOLLOW) != 0)
		return -1;
	w->out_named = true;
	return 0;
}

/* Give the finished file its name, for good: also after a power cut. */
static int publish(struct trace_writer *w, struct err *err)
{
	if (name_output(w) != 0 || rename(w->tmp_path, w->path) != 0)
		return err_set(err, ERR_CANT_CREATE, "%s: can't create: %s", w->path,
			       strerror(errno));
	w->out_named = false;
	int dir = open(w->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0) {
		fsync(dir);
		close(dir);
	}
	return 0;
}

int trace_writer_finish(struct trace_writer *w, uint64_t base_ns, struct trace_report *report,
			int *fd, struct err *err)
{
	int result = -1;
	struct trace_header *h = NULL;
	if (complete_ops(w, report, err) != 0)
		goto out;
	for (uint32_t i = 0; i < w->caches_count; i++) {
		if (stream_add(w, TRACE_SECTION_CACHES, &w->caches[i], sizeof(w->caches[i]), err) !=
		    0)
			goto out;
	}
	for (uint32_t i = 0; i < w->gfps_count; i++) {
		if (stream_add(w, TRACE_SECTION_GFPS, &w->gfps[i], sizeof(w->gfps[i]), err) != 0)
			goto out;
	}
	h = make_header(w, base_ns, report);
	if (!h) {
		memory_error(w, err);
		goto out;
	}
	if (write_file(w, h, err) != 0)
		goto out;
	if (w->path) {
		result = publish(w, err);
	} else {
		*fd = w->out_fd;
		w->out_fd = -1;
		result = 0;
	}
out:
	free(h);
	trace_writer_abort(w);
	return result;
}
