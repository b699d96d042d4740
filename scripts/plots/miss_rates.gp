# miss_rates.gp - misses over time. Panel p is data block p - 1; its lines are first[p] to last[p], in
# columns 2 and up.

if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot layout panels,1 title heading font ",19" \
		margins screen 0.085, screen 0.80, screen 0.085, screen 0.87 spacing screen 0.11
}
set xrange [0:x_max]
set key outside right center Left reverse samplen 3 spacing 1.3
do for [p = 1:panels] {
	if (!is_text) {
		set key at screen 0.815, screen (panels == 1 ? 0.48 : p == 1 ? 0.7 : 0.26) left center \
			Left reverse samplen 3 spacing 1.3
	}
	set title panel_title[p]
	set ylabel (is_text ? "" : y_label)
	set yrange [0:y_max[p]]
	set xlabel (p == panels ? x_label : "")
	plot for [i = first[p]:last[p]] data index p-1 using 1:(column(i - first[p] + 2)) \
		with lines linewidth (is_text ? 1 : overlay_width(i - first[p] + 1, last[p] - first[p] + 1)) \
		linecolor rgb palette_lines[color[i]] title label[i]
}
unset multiplot
