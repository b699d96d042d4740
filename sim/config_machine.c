/*
 * config_machine.c - kinds of values that only the section `machine` has: how they are read,
 * printed and written as JSON.
 *
 *   a set      pages: [4KiB, 2MiB]                 bit i of a number: the i-th name
 *   a matrix   distances: [[10, 21], [21, 10]]     row by row in one array, its count behind it
 *   CPUs       node_cpus: ["0-3,8", "4-7", ""]     node of each CPU; the last node has memory alone
 *
 * CPUs of a node are written as Linux does in /sys/devices/system/node/node0/cpulist: numbers and
 * ranges, with commas between them; "0-15:2/4" is the first two of every four from 0 to 15. In that
 * example CPU 5 is in no list and keeps CPU_NO_NODE, which config_check_machine.c reports if the
 * machine has a CPU 5.
 *
 * What can be told from the value alone is reported here, at its place: rows of different lengths,
 * a CPU in two nodes. What depends on other keys is left to config_check_machine.c.
 */
#include <inttypes.h>
#include <string.h>

#include "sim/config_impl.h"
#include "sim/json.h"

#define RANGE_TEXT    256
#define CPULIST_BYTES (CPUS_LIMIT * 5) /* "255, " for every CPU */

/*
 * Read the node that the current event opens, element @index of a list; the current event is then
 * the node's last. -1 only if the rest of the input can't be read.
 */
typedef int (*take_element)(struct loader *ld, unsigned index, void *arg);

/* Read a list of at most @capacity elements; *@count receives their number, 0 if it is no list. */
static int list_load(struct loader *ld, const struct field *f, unsigned capacity, take_element take,
		     void *arg, unsigned *count)
{
	struct yaml_reader *r = ld->reader;
	char range[RANGE_TEXT];
	*count = 0;
	if (r->event.type != YAML_SEQUENCE_START_EVENT) {
		diag_here(ld, "must be a list (legal range: %s)",
			  schema_range(f, NULL, range, sizeof(range)));
		return yaml_reader_skip(r);
	}
	for (;; (*count)++) {
		if (yaml_reader_next(r) != 0)
			return -1;
		if (r->event.type == YAML_SEQUENCE_END_EVENT)
			return 0;
		if (*count == capacity) {
			diag_here(ld, "has more than %u elements", capacity);
			return -1;
		}
		size_t length = path_push_index(ld, *count);
		place_add(ld);
		if (take(ld, *count, arg) != 0 || diag_is_full(ld) || ld->out_of_memory)
			return -1;
		path_pop(ld, length);
	}
}

/* --- sets ------------------------------------------------------------------------------------- */

struct set_load {
	const struct field *f;
	uint64_t bits;
};

static int take_name(struct loader *ld, unsigned index, void *arg)
{
	struct set_load *s = arg;
	char range[RANGE_TEXT];
	const char *text = yaml_reader_scalar(ld->reader);
	if (!text) {
		diag_here(ld, "must be a name (legal range: %s)",
			  schema_range(s->f, NULL, range, sizeof(range)));
		return yaml_reader_skip(ld->reader);
	}
	int bit = value_name_find(ld, s->f, text);
	if (bit >= 0 && s->bits >> bit & 1)
		diag_here(ld, "'%s' is there already", s->f->names[bit]);
	else if (bit >= 0)
		s->bits |= UINT64_C(1) << bit;
	return 0;
}

int machine_load_set(struct loader *ld, const struct field *f, uint64_t *at)
{
	struct set_load s = {.f = f};
	struct config_pos begin = pos_here(ld);
	char range[RANGE_TEXT];
	unsigned count, problems = ld->problems_count;
	place_forget(ld);
	if (list_load(ld, f, f->names_count + 1, take_name, &s, &count) != 0)
		return -1;
	if (!count && ld->problems_count == problems)
		diag_at(ld, ERR_CONFIG, &begin, ld->path, "is empty (legal range: %s)",
			schema_range(f, NULL, range, sizeof(range)));
	*at = s.bits;
	return 0;
}

void machine_print_set(const struct field *f, const uint64_t *at, FILE *out)
{
	const char *separator = "";
	putc('[', out);
	for (unsigned i = 0; i < f->names_count; i++) {
		if (!(*at >> i & 1))
			continue;
		fprintf(out, "%s%s", separator, f->names[i]);
		separator = ", ";
	}
	putc(']', out);
}

void machine_write_set(const struct field *f, const uint64_t *at, const char *key, struct json *j)
{
	json_array_begin_compact(j, key);
	for (unsigned i = 0; i < f->names_count; i++) {
		if (*at >> i & 1)
			json_string(j, NULL, f->names[i]);
	}
	json_array_end(j);
}

/* --- matrices --------------------------------------------------------------------------------- */

struct matrix_load {
	const struct field *f;
	uint64_t *values; /* row by row, of `columns` each */
	unsigned row, columns;
};

static int take_value(struct loader *ld, unsigned index, void *arg)
{
	struct matrix_load *m = arg;
	uint64_t value;
	const struct field number = {.key = m->f->key, .kind = FIELD_U64, .min = m->f->min,
				     .max = m->f->max};
	const char *text = yaml_reader_scalar(ld->reader);
	if (!text) {
		diag_here(ld, "must be a number");
		return yaml_reader_skip(ld->reader);
	}
	if (value_set_scalar(ld, &number, &value, text) != 0)
		return 0;
	if (m->row == 0 || index < m->columns)
		m->values[m->row * m->columns + index] = value;
	return 0;
}

static int take_row(struct loader *ld, unsigned index, void *arg)
{
	struct matrix_load *m = arg;
	struct config_pos begin = pos_here(ld);
	unsigned count, problems = ld->problems_count;
	m->row = index;
	if (list_load(ld, m->f, NODES_LIMIT, take_value, m, &count) != 0)
		return -1;
	if (index == 0)
		m->columns = count;
	else if (count != m->columns && ld->problems_count == problems)
		diag_at(ld, ERR_CONFIG, &begin, ld->path, "has %u values, but the first row has %u",
			count, m->columns);
	return 0;
}

int machine_load_matrix(struct loader *ld, const struct field *f, uint64_t *at)
{
	struct matrix_load m = {.f = f, .values = at};
	struct config_pos begin = pos_here(ld);
	unsigned rows, problems = ld->problems_count;
	place_forget(ld);
	if (list_load(ld, f, NODES_LIMIT, take_row, &m, &rows) != 0)
		return -1;
	if (rows != m.columns && ld->problems_count == problems)
		diag_at(ld, ERR_CONFIG, &begin, ld->path,
			"has %u row%s of %u value%s: it must be square", rows,
			rows == 1 ? "" : "s", m.columns, m.columns == 1 ? "" : "s");
	unsigned count = rows * rows;
	memcpy(at + NODES_LIMIT * NODES_LIMIT, &count, sizeof(count));
	return 0;
}
_Static_assert(offsetof(struct hw_machine, distances_count) ==
	       offsetof(struct hw_machine, distances) +
		       sizeof(uint64_t) * NODES_LIMIT * NODES_LIMIT,
	       "FIELD_MATRIX expects its count behind the array");

unsigned machine_matrix_rows(const uint64_t *at)
{
	unsigned count, rows = 0;
	memcpy(&count, at + NODES_LIMIT * NODES_LIMIT, sizeof(count));
	while (rows * rows < count)
		rows++;
	return rows;
}

void machine_print_matrix(const uint64_t *at, FILE *out)
{
	unsigned rows = machine_matrix_rows(at);
	putc('[', out);
	for (unsigned i = 0; i < rows * rows; i++)
		fprintf(out, "%s%" PRIu64 "%s", i % rows ? ", " : i ? ", [" : "[", at[i],
			i % rows == rows - 1 ? "]" : "");
	putc(']', out);
}

void machine_write_matrix(const uint64_t *at, const char *key, struct json *j)
{
	unsigned rows = machine_matrix_rows(at);
	json_array_begin(j, key);
	for (unsigned i = 0; i < rows; i++) {
		json_array_begin_compact(j, NULL);
		for (unsigned k = 0; k < rows; k++)
			json_u64(j, NULL, at[i * rows + k]);
		json_array_end(j);
	}
	json_array_end(j);
}

/* --- CPUs of nodes ---------------------------------------------------------------------------- */

/* Digits at *@p into *@value, which stays below CPUS_LIMIT; false: none, or too large. */
static bool number_take(const char **p, unsigned *value)
{
	const char *begin = *p;
	*value = 0;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		*value = *value * 10 + (unsigned)(**p - '0');
		if (*value >= CPUS_LIMIT)
			return false;
	}
	return *p != begin;
}

/* One range, "3", "0-7" or "0-15:2/4", at *@p into @mask. Ends at a comma or the text's end. */
static bool range_take(const char **p, uint64_t *mask)
{
	unsigned first, last, used = 1, group = 1;
	*p += strspn(*p, " ");
	if (!number_take(p, &first))
		return false;
	last = first;
	if (**p == '-') {
		(*p)++;
		if (!number_take(p, &last) || last < first)
			return false;
		if (**p == ':') {
			(*p)++;
			if (!number_take(p, &used) || *(*p)++ != '/' || !number_take(p, &group) ||
			    used == 0 || used > group)
				return false;
		}
	}
	*p += strspn(*p, " ");
	for (unsigned cpu = first; cpu <= last; cpu++) {
		if ((cpu - first) % group < used)
			mask[cpu / 64] |= UINT64_C(1) << (cpu % 64);
	}
	return **p == ',' || !**p;
}

static bool cpulist_parse(const char *text, uint64_t mask[CPUS_LIMIT / 64])
{
	const char *p = text + strspn(text, " ");
	memset(mask, 0, CPUS_LIMIT / 8);
	while (*p) {
		if (!range_take(&p, mask) || (*p == ',' && !p[1]))
			return false;
		p += *p == ',';
	}
	return true;
}

static int take_node(struct loader *ld, unsigned nid, void *arg)
{
	struct config_machine *m = arg;
	const char *text = yaml_reader_scalar(ld->reader);
	uint64_t mask[CPUS_LIMIT / 64];
	char quoted[QUOTE_SIZE];
	if (!text || yaml_reader_is_null(ld->reader)) {
		diag_here(ld, "must be a text such as \"0-3,8\", or \"\" for a node without CPUs");
		return yaml_reader_skip(ld->reader);
	}
	if (!cpulist_parse(text, mask)) {
		diag_here(ld, "'%s' is no list of CPUs (legal range: numbers and ranges of 0..%d, "
			  "such as \"0-3,8\")", diag_quote(text, quoted), CPUS_LIMIT - 1);
		return 0;
	}
	for (unsigned cpu = 0; cpu < CPUS_LIMIT; cpu++) {
		if (!(mask[cpu / 64] >> (cpu % 64) & 1))
			continue;
		if (m->cpu_node[cpu] != CPU_NO_NODE) {
			diag_here(ld, "names CPU %u, which is in node %u already", cpu,
				  m->cpu_node[cpu]);
			return 0;
		}
		m->cpu_node[cpu] = (uint8_t)nid;
	}
	return 0;
}

int machine_load_node_cpus(struct loader *ld, const struct field *f, struct config_machine *m)
{
	unsigned count;
	place_forget(ld);
	memset(m->cpu_node, CPU_NO_NODE, sizeof(m->cpu_node));
	int rc = list_load(ld, f, NODES_LIMIT, take_node, m, &count);
	m->node_cpus_count = count;
	return rc;
}

/* The CPUs of node @nid as it would stand in Linux. */
static char *cpulist_format(const struct config_machine *m, unsigned nid, char buf[CPULIST_BYTES])
{
	size_t used = 0;
	buf[0] = '\0';
	for (unsigned cpu = 0, end; cpu < CPUS_LIMIT; cpu = end) {
		end = cpu + 1;
		if (m->cpu_node[cpu] != nid)
			continue;
		while (end < CPUS_LIMIT && m->cpu_node[end] == nid)
			end++;
		used += (size_t)snprintf(buf + used, CPULIST_BYTES - used, "%s%u", used ? "," : "",
					 cpu);
		if (end - cpu > 1)
			used += (size_t)snprintf(buf + used, CPULIST_BYTES - used, "-%u", end - 1);
	}
	return buf;
}

void machine_print_node_cpus(const struct config_machine *m, FILE *out)
{
	char list[CPULIST_BYTES];
	putc('[', out);
	for (unsigned nid = 0; nid < m->node_cpus_count; nid++)
		fprintf(out, "%s\"%s\"", nid ? ", " : "", cpulist_format(m, nid, list));
	putc(']', out);
}

void machine_write_node_cpus(const struct config_machine *m, const char *key, struct json *j)
{
	char list[CPULIST_BYTES];
	json_array_begin_compact(j, key);
	for (unsigned nid = 0; nid < m->node_cpus_count; nid++)
		json_string(j, NULL, cpulist_format(m, nid, list));
	json_array_end(j);
}
