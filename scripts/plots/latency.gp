# latency.gp - share of operations that took longer than a latency, both axes logarithmic. Curve c
# is data block c; panel p draws the curves first[p] to last[p]. With overlays > 0, colour i is run i
# of so many.

if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot layout panels,1 title heading font ",19" \
		margins screen 0.11, screen 0.605, screen 0.085, screen 0.87 spacing screen 0.11
}
set logscale xy
set xrange [x_min:x_max]
set yrange [y_min:1]
set format x "%.0s %cs"
set ytics ("min" 1, "p50" 0.5, "p90" 0.1, "p99" 0.01, "p99.9" 1e-3, "p99.99" 1e-4, \
	"p99.999" 1e-5, "p99.9999" 1e-6, "p99.99999" 1e-7, "p99.999999" 1e-8)
unset mytics
set key outside right center Left reverse samplen 2
entry(c) = is_text ? label[c] : label[c] . ": " . figures[c]
do for [p = 1:panels] {
	if (!is_text) {
		set key at screen 0.615, screen (panels == 1 ? 0.48 : p == 1 ? 0.72 : 0.27) \
			left center Left reverse samplen 2 spacing 1.5 font ",11"
	}
	set title panel_title[p]
	set ylabel (is_text ? "" : "percentile (log of the share above)")
	set xlabel (p == panels ? "simulated latency (lower is better)" : "")
	plot for [c = first[p]:last[p]] data index c-1 using 1:2 with lines \
		linewidth (overlays > 0 ? overlay_width(color[c], overlays) : 2.2) \
		linecolor rgb palette_lines[color[c]] title entry(c)
}
unset multiplot
