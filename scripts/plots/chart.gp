# chart.gp - figures of many results against a parameter, a panel each, one below the other: lines,
# boxes of repetitions, or a band around lines. Line i is data block i - 1; references follow the results.
# Columns: position, position side by side, and for each panel least, quartile, median, upper quartile,
# most. panel_lines has the numbers of those that have anything in a panel.

heading = subtitle eq "" ? title : title . "\n" . subtitle
if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot title heading font ",19"
	set lmargin at screen 0.085
	set rmargin at screen (legend ? 0.79 : 0.97)
}
array shapes[8] = [7, 5, 9, 11, 13, 15, 6, 4]
line(k) = int(word(panel_lines[p], k))
is_result(k) = line(k) <= lines
color(k) = is_result(k) ? palette_lines[line(k)] : line(k) == lines + 1 ? "#606060" : "#a06020"
# Lines that may lie upon each other: the lower ones look out.
thickness(k) = is_result(k) ? (lines > 1 ? 3 - 1.4 * (line(k) - 1.0) / (lines - 1) : 2) : 2
at = is_text ? 1 : 2
top = subtitle eq "" ? 0.89 : 0.865
bottom = 0.035 + (aslant ? 0.0075 * tick_length : 0)
step = (top - bottom) / panels
set xrange [x_min:x_max]
unset mxtics
set boxwidth box_width absolute
set errorbars 0
do for [p = 1:panels] {
	if (!is_text) {
		# Below the first, the title needs room between two panels.
		set tmargin at screen top - (p - 1) * step - (p > 1 ? 0.02 : 0)
		set bmargin at screen top - p * step + 0.055
		set key at screen 0.805, screen top - 0.05 left top Left reverse samplen 3 spacing 1.4
	} else {
		set key outside right center Left reverse samplen 3
	}
	if (legend_title ne "") {
		set key title legend_title left
	}
	if (p > 1 || !legend) {
		unset key
	}
	set title panel_title[p]
	if (y_log[p]) {
		set logscale y 10
	} else {
		unset logscale y
	}
	set format y "%g"
	set yrange [y_min[p]:y_max[p]]
	set ylabel (is_text ? "" : y_label[p])
	if (p == panels) {
		set xlabel x_label
	}
	# The ticks of all panels are the same: the lowest one names them.
	if (aslant && !is_text) {
		set xtics () scale 0.5 rotate by -30
	} else {
		set xtics () scale 0.5
	}
	do for [i = 1:ticks] {
		set xtics add ((p == panels ? tick_text[i] : "") tick_at[i])
	}
	least = 5 * p - 2
	median = 5 * p
	n = words(panel_lines[p])
	plot for [k = 1:(band && !is_text ? n : 0)] data index line(k)-1 \
			using 2:(is_result(k) ? column(least) : NaN):(column(least + 4)) \
			with filledcurves fillstyle transparent solid 0.18 noborder \
			linecolor rgb color(k), \
		for [k = 1:(boxes && !is_text ? n : 0)] data index line(k)-1 \
			using 2:(is_result(k) ? column(least + 1) : NaN):(column(least)):(column(least + 4)):\
				(column(least + 3)) \
			with candlesticks whiskerbars 0.5 fillstyle transparent solid 0.3 border \
			linewidth 1.5 linecolor rgb color(k), \
		for [k = 1:(boxes && !is_text ? n : 0)] data index line(k)-1 \
			using 2:(is_result(k) ? column(median) : NaN):(box_half) \
			with xerrorbars pointtype 0 linewidth 3.5 linecolor rgb color(k), \
		for [k = 1:(joined ? n : 0)] data index line(k)-1 using at:(column(median)) \
			with linespoints linewidth (boxes && is_result(k) ? 1.2 : thickness(k)) \
			dashtype 1 + !is_result(k) pointtype shapes[is_result(k) ? line(k) : 1] \
			pointsize (is_result(k) ? (boxes ? 0.9 : 0.4 + 0.5 * thickness(k)) : 0) \
			linecolor rgb color(k) title name[line(k)], \
		for [k = 1:(joined ? 0 : n)] data index line(k)-1 using at:(column(median)) \
			with points pointtype shapes[line(k)] pointsize (boxes ? 0.9 : 1.9) \
			linecolor rgb color(k) title name[line(k)]
}
unset multiplot
