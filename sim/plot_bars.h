/*
 * plot_bars.h - horizontal bars that are divided into parts, in one or two panels (bars.gp).
 *
 * Private to the plot_*.c files.
 */
#ifndef SIM_PLOT_BARS_H
#define SIM_PLOT_BARS_H

#include "sim/plot_data.h"

#define BAR_PARTS_MAX 16
#define BARS_MAX      14

/* One bar: sizes of its parts in the panel's unit, in the order of the legend. */
struct plot_bar {
	char label[PLOT_LABEL]; /* on the axis */
	char note[PLOT_LABEL];  /* behind the end of the bar */
	double parts[BAR_PARTS_MAX];
};

/* What the colours mean. */
struct plot_part {
	char label[PLOT_LABEL];
	char value[40];  /* beside it */
	unsigned color;  /* of the palette, from 1 */
};

struct plot_bar_panel {
	char title[2 * PLOT_LABEL];
	const char *x_label;   /* without the unit */
	const char *unit;      /* NULL: bytes, shown in a unit that suits them */
	struct plot_bar bars[BARS_MAX];
	unsigned count;
	double end;            /* bars are cut there; 0: after the longest */
	double bottom, top;    /* of the picture's height, 0 .. 1 */
};

/*
 * The variables that hold for all panels, then each of them, in order. @palette: "parts" or
 * "causes", of common.gp.
 */
void plot_bars_begin(struct plot_output *out, const char *palette, unsigned panels,
		     const struct plot_part *parts, unsigned parts_count);
void plot_bars_panel(struct plot_output *out, unsigned number, const struct plot_bar_panel *panel,
		     unsigned parts_count);

/* "12.3 MiB" */
void plot_format_bytes(char *buf, size_t size, double bytes);

#endif
