# curve.gp - quantities of many results against one of their parameters, a panel each, one below the
# other. Line i is data block i - 1: x and the panels' values; references follow the results.
# panel_lines has the numbers of those that have anything in a panel.

if (is_text) {
	set multiplot layout panels,1 title title
} else {
	set multiplot title title font ",19"
	set lmargin at screen 0.085
	set rmargin at screen 0.79
}
set xrange [x_min:x_max]
if (x_log) {
	set logscale x 2
}
unset mxtics
line(k) = int(word(panel_lines[p], k))
top = 0.89
step = (top - 0.035) / panels
do for [p = 1:panels] {
	if (!is_text) {
		set tmargin at screen top - (p - 1) * step
		set bmargin at screen top - p * step + 0.055
		set key at screen 0.805, screen top - 0.05 left top Left reverse samplen 3 spacing 1.4
	} else {
		set key outside right center Left reverse samplen 3
	}
	if (p > 1) {
		unset key
	}
	set title panel_title[p]
	if (y_log[p]) {
		set logscale y 10
		set format y "%g"
	} else {
		unset logscale y
		set format y "%g"
	}
	set yrange [y_min[p]:y_max[p]]
	set ylabel (is_text ? "" : y_label[p])
	if (p == panels) {
		set xlabel x_label
	}
	# The ticks of all panels are the same: the lowest one names them.
	set xtics () scale 0.5
	do for [i = 1:ticks] {
		set xtics add ((p == panels ? tick_text[i] : "") tick_at[i])
	}
	plot for [k = 1:words(panel_lines[p])] data index line(k)-1 using 1:1+p with linespoints \
		linewidth (line(k) <= lines ? 2 : 1.8) dashtype 1 + (line(k) > lines) \
		pointtype 7 pointsize (line(k) <= lines ? 1.2 : 0) \
		linecolor rgb (line(k) <= lines ? palette_lines[line(k)] : \
			line(k) == lines + 1 ? "#606060" : "#a06020") \
		title name[line(k)]
}
unset multiplot
