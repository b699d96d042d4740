# lines.gp - lines over time. Line i is column i + 1.

if (is_text) {
	set multiplot layout 1,1 title heading
} else {
	set multiplot layout 1,1 title heading font ",19" \
		margins screen 0.085, screen 0.845, screen 0.085, screen 0.89
}
set xrange [0:x_max]
set yrange [0:y_max]
if (y_max >= 10000) {
	set format y "%.0s%c"
}
set xlabel x_label
set ylabel (is_text ? "" : y_label)
if (is_text) {
	set title y_label
}
set key outside right center Left reverse samplen 3 spacing 1.3
plot for [i = 1:lines_count] data using 1:(column(i + 1)) with lines linewidth 2.2 \
	dashtype 1 + (i > 8) linecolor rgb palette_lines[color[i]] title label[i]
unset multiplot
