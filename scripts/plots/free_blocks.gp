# free_blocks.gp - grouped bars of free blocks by order, one panel (data block) a zone. Bar b has
# its position in column 2b and its height in column 2b + 1; without blocks it ends where the axis
# begins.

array bar_label[3] = [ "start", "end (simulated)", "end (recorded)" ]
array bar_color[3] = [ "#b8b8b8", "#0072b2", "#e69f00" ]

if (is_text) {
	set multiplot layout panel_rows,panel_columns title heading
} else {
	set multiplot layout panel_rows,panel_columns title heading font ",19" \
		margins screen 0.085, screen 0.97, screen 0.085, screen 0.86 \
		spacing screen 0.07, screen 0.09
}
height(n) = n > 0 ? n : 0.5
number(n) = n > 0 ? sprintf("%.0f", n) : ""
set logscale y
set format y "%.0s%c"
unset mytics
set xrange [-0.6:max_order + 0.6]
set xtics 0,1,max_order scale 0
set boxwidth bar_width * 0.94
if (!is_text) {
	set grid noxtics ytics
}
do for [p = 1:panels] {
	set title panel_title[p]
	set yrange [0.5:y_max[p]]
	set ylabel ((p - 1) % panel_columns == 0 ? "free blocks" : "")
	set xlabel (p > panels - panel_columns ? "block order (a block has 2^order pages)" : "")
	if (p == 1) {
		set key at screen 0.985, screen 0.985 right top vertical maxrows 3 samplen 1.5
	} else {
		unset key
	}
	if (is_text || panel_columns > 1) {
		plot for [b = 1:bars] data index p-1 \
			using (column(2 * b)):(height(column(2 * b + 1))) \
			with boxes fillcolor rgb bar_color[b] linecolor rgb bar_color[b] \
			title bar_label[b]
	} else {
		plot for [b = 1:bars] data index p-1 \
			using (column(2 * b)):(height(column(2 * b + 1))) \
			with boxes fillcolor rgb bar_color[b] title bar_label[b], \
			for [b = 1:bars] data index p-1 \
			using (column(2 * b)):(height(column(2 * b + 1))): \
			(number(column(2 * b + 1))) \
			with labels offset 0,0.5 font ",10" notitle
	}
}
unset multiplot
