# caches.gp - memory of object caches over time. The first data block is panel 1, stacked: layer i lies
# between columns i + 1 and i + 2. The second, if there is one, has a line in each column from 2 on.

if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot layout panels,1 title heading font ",19" \
		margins screen 0.085, screen 0.755, screen 0.085, screen 0.87 spacing screen 0.11
	set grid noxtics ytics front linetype 1 linewidth 0.5 linecolor rgb "#b0b0b0"
}
set xrange [0:x_max]
set key outside right center Left reverse samplen 2 spacing 1.15
set title panel_title[1]
set ylabel y_label[1]
set yrange [0:y_max]
set xlabel (panels == 1 ? x_label : "")
if (is_text) {
	plot for [i = layers:1:-1] data index 0 using 1:(column(i + 2)) with lines \
		linecolor rgb palette_caches[color[i]] title label[i]
} else {
	plot for [i = layers:1:-1] data index 0 using 1:(column(i + 1)):(column(i + 2)) \
		with filledcurves fillcolor rgb palette_caches[color[i]] title label[i]
}
if (panels > 1) {
	set title panel_title[2]
	set ylabel y_label[2]
	set yrange [change_min:change_max]
	set xlabel x_label
	plot 0 with lines linewidth 1 linecolor rgb "#404040" notitle, \
		for [i = 1:lines_count] data index 1 using 1:(column(i + 1)) with lines \
		linewidth 2 linecolor rgb palette_caches[line_color[i]] title line_label[i]
}
unset multiplot
