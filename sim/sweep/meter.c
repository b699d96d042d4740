/*
 * meter.c - says on standard error how far a sweep is: see meter.h.
 *
 *   sweep  42 % [========>           ] 84/200  1 failed  2 running  3.1 /s  ETA 0:38
 *
 * The bar, the percentage and the fraction are of all chosen points, so they go on where an earlier
 * call ended. The rate and the time left are of what this call has to do: of 200 points of which 80
 * were done, 4 more in 2 s are 2 /s and leave 58 s.
 *
 * On a terminal one line is redrawn in place, cut to the terminal's width. Elsewhere, as in the log
 * of a batch job, the same text is written as a line every 30 s. The third form is for programs: a
 * JSON object on a line for every point that ended.
 */
#include "sim/sweep/meter.h"

#include <inttypes.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "sim/json.h"
#include "sim/progress.h"
#include "sim/sweep/worker.h"

#define REDRAW_NS UINT64_C(1000000000) /* though nothing happens */
#define AGAIN_NS  UINT64_C(100000000)  /* at the earliest, when points end */
#define LINE_NS   UINT64_C(30000000000)

void meter_init(struct meter *m, enum sweep_progress kind, FILE *out)
{
	uint64_t now = worker_now_ns();

	if (kind == PROGRESS_AUTO)
		kind = isatty(fileno(out)) ? PROGRESS_BAR : PROGRESS_LINES;
	*m = (struct meter){.kind = kind, .out = out, .started_ns = now, .said_ns = now};
}

/* "12 /s", "3.1 /s", "1.7 /min" */
static void format_rate(double per_s, char *buf, size_t size)
{
	if (per_s >= 10)
		snprintf(buf, size, "%.0f /s", per_s);
	else if (per_s >= 1)
		snprintf(buf, size, "%.1f /s", per_s);
	else
		snprintf(buf, size, "%.1f /min", per_s * 60);
}

void meter_format(const struct meter *m, uint64_t elapsed_ns, char *buf, size_t size)
{
	uint64_t past = m->done_count + m->failed_count, left = m->todo_count - m->ended_count;
	double part = m->total_count ? (double)past / (double)m->total_count : 1;
	double elapsed_s = (double)elapsed_ns / 1e9;
	char bar[PROGRESS_BAR_SIZE], rate[32], time_left[32];
	int n;

	progress_bar(part, bar);
	n = snprintf(buf, size, "sweep  %3d %% [%s] %" PRIu64 "/%" PRIu64, (int)(part * 100), bar,
		     past, m->total_count);
	if (m->failed_count && n > 0 && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "  %" PRIu64 " failed", m->failed_count);
	if (n > 0 && (size_t)n < size)
		n += snprintf(buf + n, size - (size_t)n, "  %u running", m->running_count);
	if (!m->ended_count || !elapsed_ns || n <= 0 || (size_t)n >= size)
		return;
	format_rate((double)m->ended_count / elapsed_s, rate, sizeof(rate));
	progress_time(elapsed_s * (double)left / (double)m->ended_count, time_left,
		      sizeof(time_left));
	snprintf(buf + n, size - (size_t)n, "  %s  ETA %s", rate, time_left);
}

static void draw(struct meter *m, const char *text)
{
	struct winsize window = {.ws_col = 0};
	int columns = 79;

	if (ioctl(fileno(m->out), TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
		columns = window.ws_col - 1;
	fprintf(m->out, "\r%.*s\033[K", columns, text);
	m->drawn = true;
}

void meter_update(struct meter *m)
{
	uint64_t now = worker_now_ns();
	char text[200];

	if (m->kind != PROGRESS_BAR && m->kind != PROGRESS_LINES)
		return;
	if (m->kind == PROGRESS_BAR ? m->drawn && now < m->said_ns + AGAIN_NS
				    : now < m->said_ns + LINE_NS)
		return;
	meter_format(m, now - m->started_ns, text, sizeof(text));
	if (m->kind == PROGRESS_BAR)
		draw(m, text);
	else
		fprintf(m->out, "%s\n", text);
	fflush(m->out);
	m->said_ns = now;
}

uint64_t meter_due_ns(const struct meter *m)
{
	if (m->kind == PROGRESS_BAR)
		return m->said_ns + REDRAW_NS;
	return m->kind == PROGRESS_LINES ? m->said_ns + LINE_NS : UINT64_MAX;
}

void meter_point(struct meter *m, const struct plan_point *point, const struct cell *cell)
{
	char reason[128];
	struct json j;

	if (m->kind != PROGRESS_JSON)
		return;
	json_init_line(&j, m->out);
	json_object_begin(&j, NULL);
	json_u64(&j, "index", point->index);
	json_string(&j, "id", point->id);
	json_string(&j, "state", cell_state_name(cell->state));
	if (cell->state == CELL_FAILED) {
		json_string(&j, "reason", cell_reason(cell, reason, sizeof(reason)));
		json_string(&j, "message", cell->message);
	}
	json_double(&j, "wall_seconds", cell->wall_seconds);
	json_u64(&j, "attempts", cell->attempts);
	json_u64(&j, "done_count", m->done_count);
	json_u64(&j, "failed_count", m->failed_count);
	json_u64(&j, "total_count", m->total_count);
	json_object_end(&j);
	json_finish(&j);
	fflush(m->out);
}

void meter_done(struct meter *m)
{
	if (m->drawn) {
		fputs("\r\033[K", m->out);
		fflush(m->out);
	}
	m->drawn = false;
}
