/*
 * utf8.h - the bytes of a character.
 */
#ifndef SIM_UTF8_H
#define SIM_UTF8_H

/*
 * Bytes of the character at @text, which ends with a zero byte; 0 if it is no UTF-8: overlong, a
 * surrogate, above U+10FFFF, cut.
 */
static inline unsigned utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned char lo = 0x80, hi = 0xbf; /* range of the second byte */
	unsigned length, i;

	length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3
		 : p[0] < 0xf5 ? 4 : 0;
	if (p[0] == 0xe0)
		lo = 0xa0;
	else if (p[0] == 0xed)
		hi = 0x9f;
	else if (p[0] == 0xf0)
		lo = 0x90;
	else if (p[0] == 0xf4)
		hi = 0x8f;
	for (i = 1; i < length; i++) {
		if (p[i] < lo || p[i] > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return length;
}

#endif
