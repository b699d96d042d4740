# fidelity.gp - differences from the recorded free blocks by order, one panel (data block) a zone.
# Bar b has its position in column 2b and its height in column 2b + 1.
#
# The y axis is linear up to about 1 block and logarithmic beyond, on both sides of zero.

array bar_label[2] = [ "simulated - recorded", "start - recorded (drift)" ]
array bar_color[2] = [ "#0072b2", "#b8b8b8" ]

if (is_text) {
	set multiplot layout panel_rows,panel_columns title heading
} else {
	set multiplot layout panel_rows,panel_columns title heading font ",19" \
		margins screen 0.085, screen 0.97, screen 0.085, screen 0.86 \
		spacing screen 0.07, screen 0.09
}
set nonlinear y via asinh(y) inverse sinh(y)
unset mytics
set xrange [-0.6:max_order + 0.6]
set xtics 0,1,max_order scale 0
above(n) = n > 0 ? sprintf("%+.0f", n) : ""
below(n) = n < 0 ? sprintf("%+.0f", n) : ""
set boxwidth bar_width * 0.94
if (!is_text) {
	set grid noxtics ytics
}
set xzeroaxis linetype 1 linewidth 1 linecolor rgb "#404040"
do for [p = 1:panels] {
	set title panel_title[p]
	set yrange [-y_max[p]:y_max[p]]
	# Around zero there is room for 1 and -1 only where the axis is short.
	set ytics (0)
	do for [e = (y_max[p] > 100):9] {
		set ytics add (gprintf("+%.0s%c", 10**e) 10**e, gprintf("-%.0s%c", 10**e) -10**e)
	}
	set ylabel ((p - 1) % panel_columns == 0 ? "difference (0 is best)" : "")
	set xlabel (p > panels - panel_columns ? "block order (a block has 2^order pages)" : "")
	if (p == 1) {
		set key at screen 0.985, screen 0.985 right top vertical maxrows 3 samplen 1.5
	} else {
		unset key
	}
	if (is_text || panel_columns > 1) {
		plot for [b = 1:bars] data index p-1 using (column(2 * b)):(column(2 * b + 1)) \
			with boxes fillcolor rgb bar_color[b] linecolor rgb bar_color[b] \
			title bar_label[b]
	} else {
		plot for [b = 1:bars] data index p-1 using (column(2 * b)):(column(2 * b + 1)) \
			with boxes fillcolor rgb bar_color[b] title bar_label[b], \
			for [b = 1:bars] data index p-1 \
			using (column(2 * b)):(column(2 * b + 1)):(above(column(2 * b + 1))) \
			with labels offset 0,0.5 font ",10" notitle, \
			for [b = 1:bars] data index p-1 \
			using (column(2 * b)):(column(2 * b + 1)):(below(column(2 * b + 1))) \
			with labels offset 0,-0.5 font ",10" notitle
	}
}
unset multiplot
