/*
 * plot_canvas.h - from a plot's columns and labels to its pictures.
 *
 * Private to plot.c, compare_plot.c and chart_plot.c.
 */
#ifndef SIM_PLOT_CANVAS_H
#define SIM_PLOT_CANVAS_H

#include <stdbool.h>
#include <stdio.h>

#include "kern/err.h"
#include "sim/plot_data.h"

/* Where and how pictures are drawn; all of it is the owner's. */
struct plot_canvas {
	char *scripts;          /* absolute, holds common.gp */
	char *work;             /* absolute, with a directory data/ */
	char *target;           /* where the work will go, for messages */
	FILE *terminal;         /* for plot_canvas_draw_text() */
	unsigned columns, rows; /* of the terminal; 0: 80 and 24 */
	bool color;             /* terminal: ANSI colours */
	FILE *messages;         /* NULL: none */
	volatile const int *stop; /* set: give up; NULL: never */
};

/*
 * The directory of the gnuplot scripts: in $ALLOCSIM_SCRIPTS, else @scripts_dir (may be NULL), else
 * beside the executable's build directory or in ../share/allocsim of its directory. The caller
 * frees it. NULL with @err: ERR_NO_INPUT.
 */
char *plot_scripts_find(const char *scripts_dir, struct err *err);

/* canvas->work becomes @dir, which gets its data/. 0, or -1 with @err: ERR_CANT_CREATE. */
int plot_canvas_work_in(struct plot_canvas *canvas, const char *dir, struct err *err);

/*
 * The same in a new directory, which the caller removes: a hidden one in @parent, or with NULL
 * among temporary files.
 */
int plot_canvas_temporary(struct plot_canvas *canvas, const char *parent, struct err *err);

/* Make the directory @path and its parents, as far as they aren't there. */
int plot_canvas_make_directories(const char *path, struct err *err);

void plot_canvas_say(const struct plot_canvas *canvas, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Open the files of the plot @name in out->data and out->vars, and close them. After a successful
 * begin, end has to be called. 0, or -1 with @err: ERR_CANT_CREATE; ERR_IO if writing failed.
 */
int plot_canvas_begin(const struct plot_canvas *canvas, const char *name, struct plot_output *out,
		      struct err *err);
int plot_canvas_end(const struct plot_canvas *canvas, const char *name, struct plot_output *out,
		    struct err *err);

/* Draw work/NAME.png and .svg with @script; 0, or -1 with @err: ERR_PROGRAM, ERR_IO. */
int plot_canvas_draw(const struct plot_canvas *canvas, const char *name, const char *script,
		     unsigned panel_rows, struct err *err);

/* The same with characters into canvas->terminal. */
int plot_canvas_draw_text(const struct plot_canvas *canvas, const char *name, const char *script,
			  unsigned panel_rows, struct err *err);

/*
 * Move NAME.png, NAME.svg and, in data/, NAME.dat, NAME.gp and NAME.json (if there is one) from the
 * work directory to the target, which is made if need be, and name the pictures. 0, or -1 with
 * @err: ERR_CANT_CREATE.
 */
int plot_canvas_publish(const struct plot_canvas *canvas, const char *name, struct err *err);

#endif
