/*
 * progress.c - see progress.h.
 *
 * The line is redrawn in place (carriage return, text, erase to the end of line), so it never
 * scrolls and leaves nothing behind. The rate and the time left are averages since the start: jobs
 * here run at an even pace, and an average doesn't jump.
 */
#include "sim/progress.h"

#include <time.h>

#define REDRAW_NS UINT64_C(100000000)
#define NS_PER_S  1e9
#define BAR_WIDTH (PROGRESS_BAR_SIZE - 1)

static uint64_t host_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

void progress_init(struct progress *p, const char *label, uint64_t total)
{
	uint64_t now = host_now_ns();
	*p = (struct progress){.out = stderr,
			       .label = label,
			       .total = total,
			       .started_ns = now,
			       .next_ns = now + REDRAW_NS};
}

/* "1.93 M/s", "12.0 k/s", "7 /s" */
static void format_rate(double per_s, char *buf, size_t size)
{
	if (per_s >= 1e6)
		snprintf(buf, size, "%.2f M/s", per_s / 1e6);
	else if (per_s >= 1e3)
		snprintf(buf, size, "%.1f k/s", per_s / 1e3);
	else
		snprintf(buf, size, "%.0f /s", per_s);
}

void progress_bar(double part, char bar[PROGRESS_BAR_SIZE])
{
	int filled = (int)((part < 1 ? part : 1) * BAR_WIDTH);
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
	bar[BAR_WIDTH] = '\0';
}

void progress_time(double seconds, char *buf, size_t size)
{
	unsigned s = seconds < 359999 ? (unsigned)(seconds + 0.5) : 359999;
	snprintf(buf, size, "%u:%02u", s / 60, s % 60);
}

void progress_format(const struct progress *p, uint64_t done, uint64_t items, uint64_t elapsed_ns,
		     char *buf, size_t size)
{
	char rate[32], left[32], bar[PROGRESS_BAR_SIZE];
	double elapsed_s = (double)elapsed_ns / NS_PER_S;
	format_rate(elapsed_ns ? (double)items / elapsed_s : 0, rate, sizeof(rate));
	if (!p->total) {
		snprintf(buf, size, "%s  %llu  %s", p->label, (unsigned long long)items, rate);
		return;
	}
	double part = done < p->total ? (double)done / (double)p->total : 1;
	progress_bar(part, bar);
	int n = snprintf(buf, size, "%s  %3d %% [%s]  %s", p->label, (int)(part * 100), bar, rate);
	if (part > 0 && n > 0 && (size_t)n < size) {
		progress_time(elapsed_s * (1 - part) / part, left, sizeof(left));
		snprintf(buf + n, size - (size_t)n, "  ETA %s", left);
	}
}

void progress_update(struct progress *p, uint64_t done, uint64_t items)
{
	if (!p->out)
		return;
	uint64_t now = host_now_ns();
	if (now < p->next_ns)
		return;
	char text[160];
	progress_format(p, done, items, now - p->started_ns, text, sizeof(text));
	fprintf(p->out, "\r%s\033[K", text);
	fflush(p->out);
	p->next_ns = now + REDRAW_NS;
	p->drawn = true;
}

void progress_done(struct progress *p)
{
	if (p->out && p->drawn) {
		fputs("\r\033[K", p->out);
		fflush(p->out);
	}
	*p = (struct progress){0};
}
