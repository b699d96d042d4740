# compare_lines.gp - lines over time of several runs. Run i is data block i, panel p is its column
# p + 1.

if (is_text) {
	set multiplot layout panel_rows,panel_columns title heading
} else {
	set multiplot layout panel_rows,panel_columns title heading font ",19" \
		margins screen 0.085, screen 0.83, screen 0.085, screen 0.87 \
		spacing screen 0.07, screen 0.085
}
set xrange [0:x_max]
do for [p = 1:panels] {
	set title panel_title[p]
	set yrange [y_min[p]:y_max[p]]
	set xlabel (p > panels - panel_columns ? x_label : "")
	# One label for all rows, beside the middle one.
	set ylabel (!is_text && p == 1 + panel_columns * ((panel_rows - 1) / 2) ? y_label : "")
	if (p == 1) {
		if (is_text) {
			set key outside right center Left reverse samplen 2
		} else {
			set key at screen 0.84, screen 0.5 left center Left reverse samplen 2.5 \
				spacing 1.4
		}
	} else {
		unset key
	}
	# The base is drawn last, above the others, and wider.
	plot for [i = lines_count:1:-1] data index i-1 using 1:(column(p + 1)) with lines \
		linewidth (i == 1 ? 2.8 : 2) linecolor rgb palette_lines[i] title label[i]
}
unset multiplot
