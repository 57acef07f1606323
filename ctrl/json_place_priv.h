/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a value stands in a JSON text. The parser keeps no positions, so they are found again, for
 * error messages, by walking the text along the same path.
 */
#ifndef JSON_PLACE_PRIV_H
#define JSON_PLACE_PRIV_H

#include <stddef.h>

#define JSON_PLACE_DEPTH 16u

/* A path from the outermost value: for each step the how-manieth member or element, from 0. */
struct json_place {
	size_t step[JSON_PLACE_DEPTH];
	unsigned int depth;
};

/*
 * Line, from 1, of the key (in an object) or value (in an array) at the end of the path. The text
 * must be valid JSON with the path in it, and end with a zero.
 */
unsigned int json_place_line(const char *text, const struct json_place *place);

#endif /* JSON_PLACE_PRIV_H */
