/*
 * spec_impl.h - what the files that read a sweep's YAML share.
 *
 *   spec.c         the sections of the file; loading
 *   spec_read.c    mappings, lists and values out of the stream of YAML events
 *   spec_vary.c    the sections traces, grid, zip and list
 *   spec_sample.c  the section sample
 *   spec_check.c   what was read against the configuration
 *
 * Mistakes are reported by the functions of sim/config_impl.h, which know the place and the key.
 * A function that reads returns -1 only if the rest of the file can't be read.
 */
#ifndef SIM_SWEEP_SPEC_IMPL_H
#define SIM_SWEEP_SPEC_IMPL_H

#include "sim/config_impl.h"
#include "sim/config_key.h"
#include "sim/sweep/spec.h"

struct spec_reader {
	struct loader ld;
	struct spec *s;
	const struct spec_member *members; /* of the mapping that is being read */
};

/* A key of a mapping and what reads its value, the node that the current event opens. */
struct spec_member {
	const char *key;
	int (*read)(struct spec_reader *r, void *target);
};

/* --- spec_read.c --- */

/* Another element of *@array, zeroed; NULL without memory, which is noted. */
void *spec_push(struct spec_reader *r, void *array, unsigned *count, size_t size);
#define SPEC_PUSH(r, array, count)                                                                 \
	((__typeof__(&(array)[0]))spec_push((r), &(array), &(count), sizeof((array)[0])))

/* Read a mapping of @members; others are reported. */
int spec_members(struct spec_reader *r, const struct spec_member *members, unsigned count,
		 void *target);
/* Read a mapping of any keys; the current event is then the first of the value. */
int spec_keys(struct spec_reader *r, const char *what,
	      int (*take)(struct spec_reader *r, const char *key, const struct config_pos *pos,
			  void *target),
	      void *target);
/* Read a list; the current event is then the first of the element. */
int spec_elements(struct spec_reader *r, const char *what,
		  int (*take)(struct spec_reader *r, void *target), void *target);
/* Read any value as the text that --set would take: lists become flow text. */
int spec_value(struct spec_reader *r, struct spec_text *value);
/* Read a list of such. */
struct spec_texts {
	struct spec_text *texts;
	unsigned count;
};
int spec_values(struct spec_reader *r, struct spec_texts *values);
/* Read a text of people, a number; a name of files. */
int spec_text(struct spec_reader *r, char **text);
int spec_name(struct spec_reader *r, char **text);
int spec_count(struct spec_reader *r, uint64_t min, uint64_t max, uint64_t *count);
/* Which of @names the scalar is; unchanged if it is none, which is reported. */
int spec_choice(struct spec_reader *r, const char *const *names, unsigned count, unsigned *choice);
/* A path in the file, relative to it, into @path (CONFIG_TEXT); "" if something is wrong. */
int spec_path(struct spec_reader *r, char *path);
bool spec_is_name(const char *text);
struct config_pos spec_pos(const struct spec_reader *r, const struct spec_text *t);
void spec_texts_release(struct spec_text *texts, uint64_t count);

/* --- spec_vary.c, spec_sample.c --- */

int spec_read_traces(struct spec_reader *r, void *target);
int spec_read_grid(struct spec_reader *r, void *target);
int spec_read_zip(struct spec_reader *r, void *target);
int spec_read_list(struct spec_reader *r, void *target);
int spec_read_sample(struct spec_reader *r, void *target);
/* Draw the sample, for the configuration that is loaded, as one more dimension. */
void spec_draw_sample(struct spec_reader *r);
/* A new dimension at the end, with @keys_count keys; NULL without memory. */
struct spec_dimension *spec_dimension_add(struct spec_reader *r, enum spec_kind kind,
					  unsigned keys_count);

/* --- spec_check.c --- */

/* Everything that needs the configuration, which is loaded here; problems are counted in r->ld. */
int spec_check(struct spec_reader *r, const char *const *sets, unsigned sets_count,
	       struct err *err);

#endif
