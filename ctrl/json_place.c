/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "json_place_priv.h"

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

/* p is at the opening quote; returns what follows the closing one. */
static const char *
skip_string(const char *p)
{
	for (p++; *p != '"' && *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return *p == '"' ? p + 1 : p;
}

/* p is at a value; returns the comma or bracket that ends it. */
static const char *
skip_value(const char *p)
{
	unsigned int depth = 0;

	for (; *p != '\0'; p++) {
		switch (*p) {
		case '"':
			p = skip_string(p) - 1;
			break;
		case '[':
		case '{':
			depth++;
			break;
		case ']':
		case '}':
			if (depth == 0)
				return p;
			depth--;
			break;
		case ',':
			if (depth == 0)
				return p;
			break;
		default:
			break;
		}
	}
	return p;
}

/* p is at a member's key; returns its value. */
static const char *
skip_key(const char *p)
{
	p = skip_space(skip_string(p));
	return *p == ':' ? skip_space(p + 1) : p;
}

/* p is at an object or array; returns the start of member or element idx. */
static const char *
enter(const char *p, size_t idx)
{
	int is_object = *p == '{';

	p = skip_space(p + 1);
	for (; idx > 0 && *p != '\0'; idx--) {
		if (is_object)
			p = skip_key(p);
		p = skip_space(skip_value(p));
		if (*p == ',')
			p = skip_space(p + 1);
	}
	return p;
}

unsigned int
json_place_line(const char *text, const struct json_place *place)
{
	const char *p = skip_space(text);
	unsigned int line = 1, i;

	for (i = 0; i < place->depth && *p != '\0'; i++) {
		p = enter(p, place->step[i]);
		/* The way goes on: from a key to its value. */
		if (i + 1 < place->depth && *p == '"')
			p = skip_key(p);
	}
	for (; text < p; text++)
		line += *text == '\n';
	return line;
}
