/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How objects of a configuration file are read. Each kind of object has a table of its keys:
 * numbers go straight into a struct, other keys have a reader. While it reads, the parser keeps the
 * place it is at, and config_refuse() turns that into a line of the file.
 */
#ifndef CONFIG_PRIV_H
#define CONFIG_PRIV_H

#include <jansson.h>

#include "json_place_priv.h"
#include "siov_dev.h"

/* Types of values, as a mask. */
#define T_INT 0x1u
#define T_STRING 0x2u
#define T_ARRAY 0x4u
#define T_OBJECT 0x8u
#define T_INT64 (0x10u | T_INT) /* of which the struct keeps 64 bits */

struct parser {
	const char *path;
	const char *text;
	char *why; /* may be NULL */
	size_t why_len;
	struct json_place place;
	struct siov_dev_conf conf;
	uint32_t dev_number; /* of "dsaN", which all other names repeat */
	uint32_t group;
	bool is_ungrouped; /* what is read now is checked for its form and left out */
	uint64_t wqs_seen; /* mask */
	uint32_t engines_seen;
	uint32_t engine_group[SIOV_DEV_ENGINES_MAX];
};

#define NOWHERE SIZE_MAX /* offset of numbers that are only checked */

/* A key and what may stand behind it. */
struct key {
	const char *name;
	unsigned int types;
	int64_t min, max; /* of numbers */
	size_t offset; /* of a uint32_t, for T_INT64 a uint64_t, in the struct that the object fills */
	/* What the table cannot say; obj is that struct. May be NULL. */
	int (*read)(struct parser *parser, json_t *value, void *obj);
};

struct key_table {
	const struct key *keys;
	unsigned int nb;
};

#define IGNORED_INT(key) \
	{ \
		key, T_INT, INT64_MIN, INT64_MAX, NOWHERE, NULL \
	}
#define IGNORED_STRING(key) \
	{ \
		key, T_STRING, 0, 0, NOWHERE, NULL \
	}
#define TABLE(array) \
	{ \
		array, RTE_DIM(array) \
	}

/* What files say may be shown on one line: no control characters. */
void config_make_line(char *text);

/* Put one line about the whole file into why; returns ret. */
__attribute__((format(printf, 3, 4))) int config_refuse_file(const struct parser *parser, int ret,
							     const char *fmt, ...);

/* Put one line about the parser's place into why; returns ret. */
__attribute__((format(printf, 3, 4))) int config_refuse(const struct parser *parser, int ret,
							const char *fmt, ...);

/* Read digits; returns what follows, NULL: none, or too many. */
const char *config_read_digits(const char *text, uint32_t *number);

/* The member "dev" of an object: kind, the device's number, a dot, and this object's number. */
int config_read_name(struct parser *parser, json_t *object, const char *kind, uint32_t max,
		     uint32_t *number);

/* "group_id" of a queue or engine, which repeats the group it stands in. */
int config_read_group_id(struct parser *parser, json_t *value, void *obj);

/* A string, to be copied into text of len bytes. */
int config_read_text(struct parser *parser, json_t *value, const char *key, char *text, size_t len);

/* config_wq.c, config_siov.c: a queue of a group, and the device's object "siov". */
int config_read_wq(struct parser *parser, json_t *value, void *obj);
int config_read_siov(struct parser *parser, json_t *value, void *obj);

/* Read all members of an object into obj. 0, or what was refused. */
int config_read_object(struct parser *parser, json_t *object, const struct key_table *table,
		       void *obj);

/* Read each element of an array, which must all be of one type. */
int config_read_array(struct parser *parser, json_t *array, unsigned int type,
		      int (*read)(struct parser *parser, json_t *value, void *obj), void *obj);

/* Go to a member of the object at the parser's place; NULL: it has none of this name. */
json_t *config_go_to_member(struct parser *parser, json_t *object, const char *wanted);

/* Back to the object. */
void config_leave_member(struct parser *parser);

#endif /* CONFIG_PRIV_H */
