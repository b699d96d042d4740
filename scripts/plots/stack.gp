# stack.gp - layers stacked over time. Block p of the data is panel p; layer i lies between columns
# i + 1 and i + 2. Layer left_out is absent from the second panel.

layer_color(i) = palette eq "orders" ? palette_orders[color[i]] : palette_types[color[i]]
panel_label(p, i) = (p == 2 && i == left_out) ? "" : label[i]

if (is_text) {
	set multiplot layout panels,1 title heading
} else {
	set multiplot layout panels,1 title heading font ",19" \
		margins screen 0.085, screen 0.81, screen 0.085, screen 0.87 spacing screen 0.11
}
set xrange [0:x_max]
set key outside right center Left reverse samplen 2 spacing 1.15
if (!is_text) {
	set grid noxtics ytics front linetype 1 linewidth 0.5 linecolor rgb "#b0b0b0"
}
do for [p = 1:panels] {
	set title panel_title[p]
	set ylabel y_label[p]
	set yrange [0:y_max[p]]
	set xlabel (p == panels ? x_label : "")
	if (is_text) {
		# Characters have no areas: draw the upper edge of each layer.
		plot for [i = layers:1:-1] data index p-1 using 1:(column(i + 2)) with lines \
			linecolor rgb layer_color(i) title panel_label(p, i)
	} else {
		plot for [i = layers:1:-1] data index p-1 using 1:(column(i + 1)):(column(i + 2)) \
			with filledcurves fillcolor rgb layer_color(i) title panel_label(p, i)
	}
}
unset multiplot
