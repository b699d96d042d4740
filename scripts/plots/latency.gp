# latency.gp - share of operations that took longer than a latency, both axes logarithmic. Curve c is
# data block c; panel p draws the curves first[p] to last[p].

if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot layout panels,1 title heading font ",19" \
		margins screen 0.085, screen 0.97, screen 0.085, screen 0.87 spacing screen 0.11
}
set logscale xy
set xrange [x_min:x_max]
set yrange [y_min:1]
set format x "%.0s %cs"
set ytics ("all" 1, "1 in 2 (p50)" 0.5, "1 in 10 (p90)" 0.1, "1 in 100 (p99)" 0.01, \
	"1 in 1000 (p99.9)" 0.001, "1 in 10^4" 1e-4, "1 in 10^5" 1e-5, "1 in 10^6" 1e-6, \
	"1 in 10^7" 1e-7, "1 in 10^8" 1e-8)
unset mytics
set key outside below left horizontal maxcols 1 Left reverse samplen 2 font ",12"
do for [p = 1:panels] {
	set title panel_title[p]
	set ylabel "operations slower than this"
	set xlabel (p == panels ? "simulated latency (lower is better)" : "")
	plot for [c = first[p]:last[p]] data index c-1 using 1:2 with lines linewidth 2.2 \
		linecolor rgb palette_lines[color[c]] title label[c]
}
unset multiplot
