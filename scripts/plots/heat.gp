# heat.gp - a figure as colour over two parameters, a panel for each value of a third. cells and
# missing have the numbers of each panel's data blocks, -1 for none: column, row, value, the value in
# words and the colour of that text; column and row.

heading = subtitle eq "" ? title : title . "\n" . subtitle
set multiplot title heading font ",19"
# viridis: its order of brightness is the same for every kind of sight.
set palette defined ( \
	0 "#440154", 1 "#481a6c", 2 "#472f7d", 3 "#414487", 4 "#39568c", 5 "#31688e", 6 "#2a788e", \
	7 "#23888e", 8 "#1f988b", 9 "#22a884", 10 "#35b779", 11 "#54c568", 12 "#7ad151", \
	13 "#a5db36", 14 "#d2e21b", 15 "#fde725")
set cbrange [z_min:z_max]
if (z_log) {
	set logscale cb 10
}
set format cb "%g"
set cblabel z_label offset 0.8,0
unset grid
set border 0
set xrange [0.5:columns_count + 0.5]
set yrange [0.5:rows_count + 0.5]
if (aslant) {
	set xtics () scale 0 rotate by -30
} else {
	set xtics () scale 0
}
do for [i = 1:x_ticks] {
	set xtics add (x_tick[i] x_tick_at[i])
}
set ytics () scale 0
do for [i = 1:y_ticks] {
	set ytics add (y_tick[i] y_tick_at[i])
}
set xlabel x_label
set ylabel y_label
left = 0.045 + 0.0062 * y_tick_length
below = (down > 1 ? 0.1 : 0.085) + (aslant ? 0.0075 * x_tick_length : 0)
above = panel_title[1] eq "" ? 0.02 : 0.05
top = subtitle eq "" ? 0.94 : 0.915
width = 0.88 / across
height = top / down
set colorbox vertical user origin 0.9, 0.12 size 0.016, 0.7
do for [p = 1:panels] {
	column_of = (p - 1) % across
	row_of = (p - 1) / across
	set lmargin at screen column_of * width + left
	set rmargin at screen (column_of + 1) * width - 0.005
	set tmargin at screen top - row_of * height - above
	set bmargin at screen top - (row_of + 1) * height + below
	set title panel_title[p]
	if (p == 2) {
		unset colorbox
	}
	plot for [k = 1:(missing[p] >= 0)] data index (missing[p] < 0 ? 0 : missing[p]) using 1:2:(0.5):(0.5) \
			with boxxyerror linecolor rgb "#a8a8a8" fillstyle pattern 4 noborder, \
		for [k = 1:(cells[p] >= 0)] data index (cells[p] < 0 ? 0 : cells[p]) using 1:2:(0.5):(0.5):3 \
			with boxxyerror fillstyle solid 1 noborder linecolor palette, \
		for [k = 1:(cells[p] >= 0 && texts)] data index (cells[p] < 0 ? 0 : cells[p]) using 1:2:4:5 \
			with labels textcolor rgb variable
}
unset multiplot
