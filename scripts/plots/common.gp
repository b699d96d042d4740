# common.gp - terminal, fonts and palettes of all plots.
#
# Run after the variables of a plot (data/NAME.gp) and before its script. Expects:
#   format   "png", "svg" or "dumb" (characters)
#   output   file to write
#   columns, rows, ansi   size of the terminal and whether it shows colours, for "dumb"

set encoding utf8
set datafile separator whitespace
set datafile missing "NaN"

is_text = format eq "dumb"
if (format eq "png") {
	set terminal pngcairo size 1600,1000 font "Sans,15" linewidth 1.5 \
		background "white" noenhanced
}
if (format eq "svg") {
	set terminal svg size 1600,1000 font "Sans,19" linewidth 1.5 background "white" noenhanced
}
if (is_text && ansi) {
	set terminal dumb size columns,rows ansi256 noenhanced
}
if (is_text && !ansi) {
	set terminal dumb size columns,rows mono noenhanced
}
set output output

# Orders, small to large: viridis, which keeps its order of brightness for every kind of sight.
array palette_orders[16] = [ \
	"#440154", "#481a6c", "#472f7d", "#414487", "#39568c", "#31688e", "#2a788e", "#23888e", \
	"#1f988b", "#22a884", "#35b779", "#54c568", "#7ad151", "#a5db36", "#d2e21b", "#fde725" ]

# Kinds of things: Okabe and Ito, without the yellow that vanishes on white.
array palette_lines[8] = [ \
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f" ]

# Isolate, HighAtomic, Reclaimable, Unmovable, Movable.
array palette_types[5] = [ "#000000", "#cc79a7", "#009e73", "#d55e00", "#56b4e9" ]

set style fill solid 1.0 noborder
set tics nomirror out
set border 3 linecolor rgb "#404040"
if (!is_text) {
	set grid back linetype 1 linewidth 0.5 linecolor rgb "#d8d8d8"
}
set key noautotitle

# Memory: what is requested and the four kinds of waste of objects; then unknown, the workload's pages,
# large requests, per-CPU lists, free; slabs held by one object, empty slabs.
array palette_parts[12] = [ \
	"#0072b2", "#e69f00", "#cc79a7", "#56b4e9", "#4d4d4d", "#c9b18b", "#009e73", "#5e3c99", \
	"#9a9a9a", "#e6e6e6", "#d55e00", "#9ecae1" ]

# Object caches: ten in a stack, the others together, and eight more for lines.
array palette_caches[19] = [ \
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c564b", "#4b3f72", \
	"#b5bd61", "#17807e", "#c4c4c4", "#000000", "#7f7f7f", "#b2182b", "#1b7837", "#c51b7d", \
	"#a6761d", "#542788", "#35978f" ]

# What cycles went into: allocator code, zeroing, taking locks; caches of level 2 to 4; memory, that of
# other nodes, other CPUs' lines; TLBs, page tables, flushes; interrupts, the workload; waiting for locks,
# for IPIs. Darker the farther away.
array palette_causes[16] = [ \
	"#0072b2", "#e69f00", "#cc79a7", "#d9f0a3", "#addd8e", "#78c679", "#d55e00", "#8c2d04", \
	"#5e3c99", "#9ecae1", "#4b9cc9", "#17807e", "#7f7f7f", "#d9d9d9", "#1a1a1a", "#8c564b" ]

# The width of line i of n that may lie upon each other, from below to above.
overlay_width(i, n) = n > 1 ? 3.8 - 2.3 * (i - 1.0) / (n - 1) : 2.2

# Title and subtitle on top of everything; call before the first panel.
heading = title . "\n" . subtitle
