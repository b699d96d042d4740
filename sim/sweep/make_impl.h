/*
 * make_impl.h - what the files that make a plan share: make.c (which points), make_head.c (what
 * they have in common), make_id.c (their ids).
 */
#ifndef SIM_SWEEP_MAKE_IMPL_H
#define SIM_SWEEP_MAKE_IMPL_H

#include "sim/config_key.h"
#include "sim/sweep/make.h"

/* --- make_head.c --- */

/* Name, texts, configuration, parameters, traces and plots of @s. 0, or -1 with @err. */
int make_head(struct plan *p, const struct spec *s, struct err *err);

/* --- make_id.c --- */

struct make_ids {
	struct plan *plan; /* whose inputs grow */
	FILE *json;        /* onto text, begun anew for each point */
	char *text;
	size_t bytes;
	uint64_t ops_device, ops_inode; /* of the operations whose digest is known */
	uint64_t ops_digest;
	bool has_ops;
};

int make_ids_init(struct make_ids *ids, struct plan *p, struct err *err);
void make_ids_release(struct make_ids *ids);
/* The id of a run of @c. 0, or -1 with @err. */
int make_id(struct make_ids *ids, const struct config *c, uint64_t *id, struct err *err);

#endif
