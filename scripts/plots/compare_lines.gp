# compare_lines.gp - lines over time of several runs. Run i is data block i, panel p is its column
# p + 1.

if (is_text) {
	set multiplot layout panel_rows,panel_columns title heading
} else {
	set multiplot layout panel_rows,panel_columns title heading font ",19" \
		margins screen 0.09, screen 0.83, screen 0.085, screen 0.87 \
		spacing screen 0.07, screen 0.075
}
set xrange [0:x_max]
# One label for all panels.
if (!is_text) {
	set label 1 y_label at screen 0.012, screen 0.48 rotate center
}
do for [p = 1:panels] {
	set title panel_title[p]
	set yrange [y_min[p]:y_max[p]]
	bottom = p > panels - panel_columns
	set xlabel (bottom ? x_label : "")
	set format x (bottom ? "% h" : "")
	if (p == 2) {
		unset label 1
	}
	if (p == 1) {
		if (is_text) {
			set key outside right center Left reverse samplen 2
		} else {
			key_font = lines_count > 6 ? ",12" : ",14"
			set key at screen 0.84, screen 0.5 left center Left reverse samplen 2.5 \
				vertical maxrows 9 spacing (lines_count > 6 ? 1.15 : 1.4) \
				font key_font
		}
	} else {
		unset key
	}
	# Each line is thinner than those below it, so that equal ones are seen.
	plot for [i = 1:lines_count] data index i-1 using 1:(column(p + 1)) with lines \
		linewidth (is_text ? 1 : overlay_width(i, lines_count)) \
		linecolor rgb palette_lines[i] title label[i]
}
unset multiplot
