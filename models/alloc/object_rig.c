/*
 * object_rig.c - see object_rig.h.
 */
#include "alloc/object_rig.h"

#include <stdio.h>
#include <string.h>

#include "kern/bug.h"

void rig_init(struct object_rig *r, const char *allocator, const struct op_params *machine,
	      const struct object_allocator_params *params)
{
	struct object_allocator_params p;
	struct err err = {0};
	object_params_init(&p);
	if (params)
		p = *params;
	op_machine_init(&r->m, machine);
	BUG_ON(!physmem_ram(&r->m.pm, 0, &err), "%s", err.text);
	p.pm = &r->m.pm;
	p.pa = r->m.pa;
	p.cpus_count = machine->cpus_count ? machine->cpus_count : 1;
	p.cpu_nid = machine->cpu_nid;
	r->gfp = GFP_KERNEL;
	memcpy(r->cpu_nid, machine->cpu_nid, sizeof(r->cpu_nid));
	const struct object_allocator_ops *ops = object_allocator_find(allocator);
	BUG_ON(!ops, "no object allocator %s", allocator);
	r->oa = ops->new (&p, &err);
	BUG_ON(!r->oa, "%s", err.text);
}

void rig_release(struct object_rig *r)
{
	r->oa->ops->free(r->oa);
	op_machine_release(&r->m);
}

struct object_cache *rig_cache(struct object_rig *r, const struct object_cache_params *params)
{
	struct err err = {0};
	struct object_cache *c = r->oa->ops->cache_new(r->oa, params, &err);
	BUG_ON(!c, "%s", err.text);
	return c;
}

struct object_cache *rig_sized(struct object_rig *r, const char *name, uint64_t bytes,
			       unsigned flags)
{
	const struct object_cache_params params = {
		.name = name, .object_size_bytes = bytes, .flags = flags};
	return rig_cache(r, &params);
}

static unsigned nid_of(struct object_rig *r, unsigned cpu)
{
	return r->cpu_nid[cpu];
}

uint64_t rig_alloc(struct object_rig *r, struct object_cache *c, unsigned cpu)
{
	enum alloc_failure why;
	struct object_cache_stats s = rig_stats(r, c);
	uint64_t start, paddr = r->oa->ops->alloc(r->oa, &r->m.env[cpu], c, s.object_size_bytes,
						  r->gfp, nid_of(r, cpu), &why);
	BUG_ON(paddr == OBJECT_NONE, "no object of %s: %s", s.name, alloc_failure_names[why]);
	BUG_ON(paddr % s.align_bytes, "object %#llx of %s is not aligned",
	       (unsigned long long)paddr, s.name);
	BUG_ON(r->oa->ops->cache_of(r->oa, paddr + s.object_size_bytes - 1, &start) != c ||
		       start != paddr,
	       "object %#llx of %s is found at %#llx", (unsigned long long)paddr, s.name,
	       (unsigned long long)start);
	return paddr;
}

void rig_free(struct object_rig *r, struct object_cache *c, unsigned cpu, uint64_t paddr)
{
	r->oa->ops->free_object(r->oa, &r->m.env[cpu], c, paddr);
}

enum op_path rig_path(const struct object_rig *r, unsigned cpu)
{
	return (enum op_path)r->m.env[cpu].path;
}

struct object_cache_stats rig_stats(struct object_rig *r, struct object_cache *c)
{
	struct object_cache_stats s;
	r->oa->ops->cache_stats(r->oa, c, &s);
	return s;
}

void rig_check(struct object_rig *r)
{
	struct check_report report;
	BUG_ON(r->oa->ops->check(r->oa, &report) != 0, "%s", report.text);
	BUG_ON(r->m.pa->ops->check(r->m.pa, &report) != 0, "%s", report.text);
}

uint64_t rig_free_pages(struct object_rig *r)
{
	uint64_t pages = 0;
	for (unsigned i = 0; i < r->m.pm.zones_count; i++)
		pages += r->m.pm.zones[i].free_pages;
	return pages;
}

struct slabs_text {
	char *text;
	size_t used, size;
	enum slab_place place;
	int cpu;
};

static void append(void *arg, const struct slab_view *v)
{
	static const char letters[] = {'c', 'p', 'n', '-'};
	struct slabs_text *t = arg;
	char head[16] = "";
	if (!t->used || v->place != t->place || v->cpu != t->cpu) {
		if (v->cpu >= 0)
			snprintf(head, sizeof(head), "%c%d:", letters[v->place], v->cpu);
		else
			snprintf(head, sizeof(head), "%c:", letters[v->place]);
	}
	int n = snprintf(t->text + t->used, t->size - t->used, "%s%s%u",
			 !t->used ? ""
			 : *head  ? " "
				  : ",",
			 head, v->live_count);
	t->used += (size_t)n;
	BUG_ON(t->used >= t->size, "too many slabs for a text");
	t->place = v->place;
	t->cpu = v->cpu;
}

const char *rig_slabs(struct object_rig *r, struct object_cache *c)
{
	struct slabs_text t = {.text = r->text, .size = sizeof(r->text)};
	r->text[0] = '\0';
	r->oa->ops->walk(r->oa, c, append, &t);
	return r->text;
}
