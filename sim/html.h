/*
 * html.h - texts, data and pictures that others made, put into a page of HTML.
 *
 * Whatever is given, the page stays what it is: no text becomes an element, an attribute or a
 * script. Errors of the stream are left to the caller's ferror().
 */
#ifndef SIM_HTML_H
#define SIM_HTML_H

#include <stddef.h>
#include <stdio.h>

/*
 * @text for an element's contents or for an attribute's value in double quotes. What is no UTF-8,
 * and control characters, become U+FFFD; ends of lines of any kind become \n.
 */
void html_text(FILE *out, const char *text);

/*
 * A JSON document for the contents of a <script> of a type that isn't run: the characters that
 * could end it, or that scripts take for ends of lines, are written as \u003c.
 */
void html_script_json(FILE *out, const char *json);

/*
 * A picture that gnuplot made, whose text is @svg, as an element: without its fixed size, called
 * @label by screen readers, all its ids with @prefix (letters, digits and -) before them, so that
 * several pictures don't share them. 0, or -1 if @svg is no such picture; nothing is written then.
 */
int html_svg(FILE *out, const char *svg, const char *prefix, const char *label);

#endif
