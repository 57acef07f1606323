/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "config_priv.h"
#include "dev_conf_priv.h"

void
config_make_line(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

/* Put one line into why; line 0: none. */
__attribute__((format(printf, 3, 0))) static void
tell(const struct parser *parser, unsigned int line, const char *fmt, va_list args)
{
	int n;

	if (parser->why == NULL || parser->why_len == 0)
		return;
	n = line != 0 ? snprintf(parser->why, parser->why_len, "%s:%u: ", parser->path, line) :
			snprintf(parser->why, parser->why_len, "%s: ", parser->path);
	if (n >= 0 && (size_t)n < parser->why_len)
		vsnprintf(parser->why + n, parser->why_len - n, fmt, args);
	config_make_line(parser->why);
}

int
config_refuse_file(const struct parser *parser, int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(parser, 0, fmt, args);
	va_end(args);
	return ret;
}

int
config_refuse(const struct parser *parser, int ret, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	tell(parser, json_place_line(parser->text, &parser->place), fmt, args);
	va_end(args);
	return ret;
}

static unsigned int
type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_INTEGER:
		return T_INT;
	case JSON_STRING:
		return T_STRING;
	case JSON_ARRAY:
		return T_ARRAY;
	case JSON_OBJECT:
		return T_OBJECT;
	default:
		return 0;
	}
}

static const char *
name_of_types(unsigned int types)
{
	switch (types) {
	case T_INT:
	case T_INT64:
		return "an integer";
	case T_STRING:
		return "a string";
	case T_ARRAY:
		return "an array";
	case T_OBJECT:
		return "an object";
	default:
		return "a string or an array";
	}
}

static int
refuse_unknown(const struct parser *parser, const struct key_table *table, const char *name)
{
	char known[512] = "";
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < table->nb && len < sizeof(known); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%s", i != 0 ? ", " : "",
				table->keys[i].name);
	return config_refuse(parser, -EINVAL, "unknown key \"%s\": allowed are %s", name, known);
}

/* The range has been checked. */
static void
store(const struct key *key, json_int_t number, void *obj)
{
	const uint64_t wide = (uint64_t)number;
	const uint32_t narrow = (uint32_t)number;

	if (key->types == T_INT64)
		memcpy((char *)obj + key->offset, &wide, sizeof(wide));
	else
		memcpy((char *)obj + key->offset, &narrow, sizeof(narrow));
}

static int
read_member(struct parser *parser, const struct key *key, json_t *value, void *obj)
{
	if (!(type_of(value) & key->types))
		return config_refuse(parser, -EINVAL, "\"%s\" must be %s", key->name,
				     name_of_types(key->types));
	if (key->types & T_INT && !parser->is_ungrouped) {
		json_int_t number = json_integer_value(value);

		if (number < key->min || number > key->max)
			return config_refuse(parser, -ERANGE,
					     "\"%s\" %" JSON_INTEGER_FORMAT ": allowed is %" PRId64
					     " to %" PRId64,
					     key->name, number, key->min, key->max);
		if (key->offset != NOWHERE)
			store(key, number, obj);
	}
	return key->read != NULL ? key->read(parser, value, obj) : 0;
}

int
config_read_object(struct parser *parser, json_t *object, const struct key_table *table, void *obj)
{
	size_t *step = &parser->place.step[parser->place.depth++];
	const char *name;
	json_t *value;

	*step = 0;
	json_object_foreach(object, name, value) {
		unsigned int i;
		int ret;

		for (i = 0; i < table->nb && strcmp(table->keys[i].name, name) != 0; i++)
			;
		if (i == table->nb)
			return refuse_unknown(parser, table, name);
		ret = read_member(parser, &table->keys[i], value, obj);
		if (ret != 0)
			return ret;
		++*step;
	}
	parser->place.depth--;
	return 0;
}

int
config_read_array(struct parser *parser, json_t *array, unsigned int type,
		  int (*read)(struct parser *parser, json_t *value, void *obj), void *obj)
{
	size_t *step = &parser->place.step[parser->place.depth++];
	json_t *value;
	size_t i;
	int ret;

	json_array_foreach(array, i, value) {
		*step = i;
		if (type_of(value) != type)
			return config_refuse(parser, -EINVAL, "element must be %s",
					     name_of_types(type));
		ret = read(parser, value, obj);
		if (ret != 0)
			return ret;
	}
	parser->place.depth--;
	return 0;
}

json_t *
config_go_to_member(struct parser *parser, json_t *object, const char *wanted)
{
	size_t idx = 0;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) {
		if (strcmp(name, wanted) == 0) {
			parser->place.step[parser->place.depth++] = idx;
			return value;
		}
		idx++;
	}
	return NULL;
}

void
config_leave_member(struct parser *parser)
{
	parser->place.depth--;
}

const char *
config_read_digits(const char *text, uint32_t *number)
{
	uint32_t value = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		if (p - text == 6)
			return NULL;
		value = value * 10 + (uint32_t)(*p - '0');
	}
	*number = value;
	return p != text ? p : NULL;
}

int
config_read_name(struct parser *parser, json_t *object, const char *kind, uint32_t max,
		 uint32_t *number)
{
	json_t *value = config_go_to_member(parser, object, "dev");
	uint32_t dev_number = 0;
	const char *name, *p;

	if (value == NULL)
		return config_refuse(parser, -EINVAL,
				     "key \"dev\" is missing: allowed is %s%" PRIu32 ".N", kind,
				     parser->dev_number);
	name = json_string_value(value);
	p = name != NULL && strncmp(name, kind, strlen(kind)) == 0 ? name + strlen(kind) : NULL;
	if (p != NULL)
		p = config_read_digits(p, &dev_number);
	if (p != NULL)
		p = *p == '.' ? config_read_digits(p + 1, number) : NULL;
	if (p == NULL || *p != '\0' || dev_number != parser->dev_number || *number > max)
		return config_refuse(
			parser, p != NULL && *p == '\0' && *number > max ? -ERANGE : -EINVAL,
			"\"dev\" \"%s\": allowed is %s%" PRIu32 ".N, N from 0 to %" PRIu32,
			name != NULL ? name : "", kind, parser->dev_number, max);
	config_leave_member(parser);
	return 0;
}

int
config_read_text(struct parser *parser, json_t *value, const char *key, char *text, size_t len)
{
	if (!conf_is_label(json_string_value(value), len))
		return config_refuse(parser, -EINVAL,
				     "\"%s\" \"%s\": allowed are 0 to %zu printable characters",
				     key, json_string_value(value), len - 1);
	/* All of it: what is behind the end is compared, too. */
	memset(text, 0, len);
	memcpy(text, json_string_value(value), json_string_length(value));
	return 0;
}

int
config_read_group_id(struct parser *parser, json_t *value, void *obj)
{
	json_int_t group_id = json_integer_value(value);

	RTE_SET_USED(obj);
	if (!parser->is_ungrouped && group_id != parser->group)
		return config_refuse(parser, -EINVAL,
				     "\"group_id\" %" JSON_INTEGER_FORMAT ": allowed is %" PRIu32
				     ", the group it stands in",
				     group_id, parser->group);
	return 0;
}
