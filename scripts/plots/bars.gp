# bars.gp - horizontal bars divided into parts. Panel p is data block p - 1 with bars[p] lines: place
# from above, parts + 1 edges, a note behind the bar. Its labels are bar_label[(p - 1) * bars_max + 1]
# and so on; it lies between bottom[p] and top[p] of the picture.

bar_color(i) = palette eq "causes" ? palette_causes[color[i]] : palette_parts[color[i]]
if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot title heading font ",19"
	set lmargin at screen 0.155
	set rmargin at screen 0.735
	# The legend, a table: what a colour means and how much of it there is.
	do for [i = 1:parts] {
		y = top[1] - 0.012 - 0.031 * (i - 1)
		set object i rectangle from screen 0.747, screen y - 0.009 to screen 0.762, screen y + 0.009 \
			fillcolor rgb bar_color(i) fillstyle solid noborder
		set label 2 * i - 1 part_label[i] at screen 0.767, screen y left font ",12"
		set label 2 * i part_value[i] at screen 0.992, screen y right font ",12"
	}
}
unset mxtics
unset mytics
set grid noytics xtics
do for [p = 1:panels] {
	if (!is_text) {
		set tmargin at screen top[p]
		set bmargin at screen bottom[p]
	}
	set title panel_title[p]
	set xlabel x_label[p]
	# Notes need room behind the longest bar.
	set xrange [0:x_max[p] * (is_text ? 1.5 : 1.32)]
	set yrange [(bars[p] < 3 ? 3 : bars[p]) + 0.6:0.4]
	set ytics () scale 0 font ",12"
	do for [r = 1:bars[p]] {
		set ytics add (bar_label[(p - 1) * bars_max + r] r)
	}
	if (p == 1 && is_text) {
		set key outside below maxcols 2 Left reverse samplen 2
	}
	if (p > 1 || !is_text) {
		unset key
	}
	plot for [i = 1:parts] data index p-1 \
		using (column(i + 1)):1:(column(i + 1)):(column(i + 2)):($1 - 0.38):($1 + 0.38) \
		with boxxyerror fillcolor rgb bar_color(i) \
		linecolor rgb bar_color(i) title part_label[i] . ": " . part_value[i], \
		data index p-1 using (column(parts + 2)):1:parts + 3 \
		with labels left offset 0.6,0 font ",12" notitle
}
unset multiplot
