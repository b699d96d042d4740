# compare_bars.gp - change of metrics relative to the base. Run i (2 is the first after the base) is
# data block i - 2: place from above, percent, label.
#
# The axis is linear up to about 10 % and logarithmic beyond, on both sides of zero.

if (is_text) {
	set multiplot layout 1,1 title heading
} else {
	set multiplot layout 1,1 title heading font ",19" \
		margins screen 0.35, screen 0.97, screen 0.085, screen 0.86
}
set nonlinear x via asinh(x / 10) inverse 10 * sinh(x)
# Room for the labels beside the bars: a share of the whole width on each side that has bars.
left = x_min < 0 ? 0.24 : 0.02
width = (asinh(x_max / 10) - asinh(x_min / 10)) / (1 - left - 0.26)
set xrange [10 * sinh(asinh(x_min / 10) - left * width):10 * sinh(asinh(x_max / 10) + 0.26 * width)]
set xtics (0)
do for [e = (x_max > 500 ? 2 : 1):6] {
	if (10**e <= x_max * 1.01) {
		set xtics add (sprintf("+%.0f %%%%", 10**e) 10**e)
	}
	if (10**e <= -x_min * 1.1) {
		set xtics add (sprintf("-%.0f %%%%", 10**e) -10**e)
	}
}
unset mxtics
set yrange [rows + 0.6:0.4]
set ytics () scale 0 font ",13"
do for [r = 1:rows] {
	set ytics add (metric[r] r)
}
set xlabel "change relative to the base"
set grid noytics xtics
set arrow 1 from 0,0.4 to 0,rows + 0.6 nohead linewidth 1 linecolor rgb "#404040"
others = lines_count - 1
height = 0.8 / others
place(r, i) = r + (i - 1.5 - others / 2.0) * height
set key at screen 0.985, screen 0.985 right top vertical maxrows 4 samplen 1.5
right(percent) = percent >= 0
plot for [i = 2:lines_count] data index i-2 \
	using 2:(place($1, i)):(right($2) ? 0 : $2):(right($2) ? $2 : 0): \
	(place($1, i) - height * 0.45):(place($1, i) + height * 0.45) \
	with boxxyerror fillcolor rgb palette_lines[i] linecolor rgb palette_lines[i] title label[i], \
	for [i = 2:lines_count] data index i-2 \
	using 2:(place($1, i)):(right($2) ? strcol(3) : "") \
	with labels left offset 0.6,0 font (others > 2 ? ",9" : ",11") notitle, \
	for [i = 2:lines_count] data index i-2 \
	using 2:(place($1, i)):(right($2) ? "" : strcol(3)) \
	with labels right offset -0.6,0 font (others > 2 ? ",9" : ",11") notitle
unset multiplot
