/*
 * html.c - texts, data and pictures that others made, put into a page of HTML.
 *
 * A text is written character by character: the five that mean something in HTML as references,
 * what a page may not hold (control characters, bytes that are no UTF-8) as U+FFFD, all others as
 * they are.
 *
 *   <b>"x" & co   ->   &lt;b&gt;&quot;x&quot; &amp; co
 *
 * JSON in a script can't have references, but all of < > & occur in its strings only, where \u003c
 * says the same. That leaves no way to write </script> or <!--.
 *
 * A picture keeps its elements. Outside its tags gnuplot has escaped < and >, so a tag is what lies
 * between < and >, and within tags three notations name an id: id='X', href='#X' and url(#X). Each
 * gets the prefix. The outermost tag is written anew from its viewBox: width and height would keep
 * it from fitting its box. Titles such as "Gnuplot" and
 * "gnuplot_plot_3", shown when a mouse rests on a picture, and the description of the program are
 * left out.
 *
 * Cost: linear in the bytes.
 */
#include "sim/html.h"

#include <stdbool.h>
#include <string.h>

#include "sim/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* C0 but tab and newline, DEL, C1, and the two last code points of the first plane. */
static bool is_forbidden(const char *s, unsigned length)
{
	const unsigned char *p = (const unsigned char *)s;

	if (length == 1)
		return (p[0] < 0x20 && p[0] != '\t' && p[0] != '\n') || p[0] == 0x7f;
	if (length == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return length == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe;
}

void html_text(FILE *out, const char *text)
{
	unsigned length;
	const char *s;

	for (s = text; *s; s += length) {
		length = utf8_length(s);
		if (*s == '\r') {
			if (s[1] != '\n')
				fputc('\n', out);
		} else if (!length || is_forbidden(s, length)) {
			fputs(REPLACEMENT, out);
			length += !length;
		} else if (*s == '&') {
			fputs("&amp;", out);
		} else if (*s == '<') {
			fputs("&lt;", out);
		} else if (*s == '>') {
			fputs("&gt;", out);
		} else if (*s == '"') {
			fputs("&quot;", out);
		} else if (*s == '\'') {
			fputs("&#39;", out);
		} else {
			fwrite(s, 1, length, out);
		}
	}
}

void html_script_json(FILE *out, const char *json)
{
	const char *s;

	for (s = json; *s; s++) {
		if (*s == '<' || *s == '>' || *s == '&') {
			fprintf(out, "\\u%04x", (unsigned)*s);
		} else if (!strncmp(s, "\xe2\x80\xa8", 3) || !strncmp(s, "\xe2\x80\xa9", 3)) {
			fprintf(out, "\\u20%02x", s[2] == '\xa8' ? 0x28U : 0x29U);
			s += 2;
		} else {
			fputc(*s, out);
		}
	}
}

/* --- pictures --------------------------------------------------------------------------------- */

/* The bytes at @s after which an id follows, or 0. */
static size_t id_notation(const char *s)
{
	static const char *const notations[] = {" id='",    " id=\"", "href='#",
						"href=\"#", "url(#",  "url('#"};
	size_t i;

	for (i = 0; i < sizeof(notations) / sizeof(notations[0]); i++)
		if (!strncmp(s, notations[i], strlen(notations[i])))
			return strlen(notations[i]);
	return 0;
}

/* Where the element goes on after one that is left out, or @s. */
static const char *skip_credits(const char *s)
{
	static const char *const credits[][2] = {{"<title>Gnuplot", "</title>"},
						 {"<title>gnuplot_plot_", "</title>"},
						 {"<desc>Produced by GNUPLOT", "</desc>"}};
	const char *end;
	size_t i;

	for (i = 0; i < sizeof(credits) / sizeof(credits[0]); i++) {
		if (strncmp(s, credits[i][0], strlen(credits[i][0])) != 0)
			continue;
		end = strstr(s, credits[i][1]);
		return end ? end + strlen(credits[i][1]) : s;
	}
	return s;
}

static void copy_elements(FILE *out, const char *s, const char *prefix)
{
	bool in_tag = false;
	unsigned length;
	size_t bytes;

	while (*s) {
		const char *next = skip_credits(s);
		if (next != s) {
			s = next;
			continue;
		}
		in_tag = *s == '<' ? true : *s == '>' ? false : in_tag;
		bytes = in_tag ? id_notation(s) : 0;
		if (bytes) {
			fwrite(s, 1, bytes, out);
			fputs(prefix, out);
			s += bytes;
			continue;
		}
		length = utf8_length(s);
		if (!length || (is_forbidden(s, length) && *s != '\r'))
			fputs(REPLACEMENT, out);
		else
			fwrite(s, 1, length, out);
		s += length ? length : 1;
	}
}

int html_svg(FILE *out, const char *svg, const char *prefix, const char *label)
{
	const char *begin = strstr(svg, "<svg"), *end = begin ? strchr(begin, '>') : NULL, *box;
	size_t bytes;

	if (!end)
		return -1;
	box = memmem(begin, (size_t)(end - begin), "viewBox=\"", 9);
	bytes = box ? strspn(box + 9, "0123456789. ") : 0;
	if (!bytes || box[9 + bytes] != '"')
		return -1;
	fputs("<svg role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" aria-label=\"", out);
	html_text(out, label);
	fprintf(out, "\" viewBox=\"%.*s\"", (int)bytes, box + 9);
	copy_elements(out, end, prefix);
	return 0;
}
