# scaling.gp - speed against CPUs, and below it the share of time that CPUs wait for locks. Group i is
# data block i - 1: CPUs, M operations/s, percent; the block after the last is the ideal.

if (is_text) {
	set multiplot layout 2,1 title heading
} else {
	set multiplot title heading font ",19"
	set lmargin at screen 0.085
	set rmargin at screen 0.79
}
set logscale x 2
set xrange [x_min / 1.15:x_max * 1.15]
unset mxtics
set xtics () scale 0.5
do for [i = 1:words(cpu_tics)] {
	set xtics add (word(cpu_tics, i) real(word(cpu_tics, i)))
}
if (!is_text) {
	set tmargin at screen 0.86
	set bmargin at screen 0.37
	set key at screen 0.805, screen 0.72 left center Left reverse samplen 3 spacing 1.4
} else {
	set key outside right center Left reverse samplen 3
}
set title "speed"
set logscale y 10
set yrange [y_min:y_max]
set format y "%g"
set ylabel (is_text ? "" : "operations per second of simulated time (M/s)")
plot data index groups using 1:2 with lines dashtype 2 linewidth 1.5 linecolor rgb "#808080" \
	title "ideal", \
	for [i = 1:groups] data index i-1 using 1:2 with linespoints linewidth 2 pointtype 7 \
	pointsize 1.2 linecolor rgb palette_lines[i] title label[i]
if (!is_text) {
	set tmargin at screen 0.28
	set bmargin at screen 0.085
}
unset key
unset logscale y
set title "waiting for locks, share of the CPUs' time"
set yrange [0:wait_max]
set ylabel (is_text ? "" : "waiting (%)")
set xlabel "simulated CPUs"
plot for [i = 1:groups] data index i-1 using 1:3 with linespoints linewidth 2 pointtype 7 \
	pointsize 1.2 linecolor rgb palette_lines[i]
unset multiplot
