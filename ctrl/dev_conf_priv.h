/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files that check a device's configuration share. */
#ifndef DEV_CONF_PRIV_H
#define DEV_CONF_PRIV_H

#include "siov_dev.h"

/* Where the reason of a refusal goes. */
struct conf_reason {
	char *text; /* may be NULL */
	size_t len;
};

/* A 32-bit number of a conf struct and what it may be. */
struct conf_field {
	const char *name;
	size_t offset;
	uint32_t min, max;
};

#define CONF_FIELD(type, member, least, most) \
	{ \
		.name = #member, .offset = offsetof(struct type, member), .min = least, \
		.max = most \
	}

/* Put one line into why; returns ret. */
__attribute__((format(printf, 3, 4))) int conf_refuse(const struct conf_reason *why, int ret,
						      const char *fmt, ...);

/* Check the numbers of one object. @p whose is what the line begins with, such as "wq 3: ". */
int conf_check_fields(const struct conf_reason *why, const char *whose, const void *conf,
		      const struct conf_field *fields, unsigned int nb_fields);

/* Whether text ends within len bytes and has printable ASCII only. */
bool conf_is_label(const char *text, size_t len);

/* Defaults of a group. */
void conf_group_init(struct siov_dev_group_conf *group);

/* Check groups' numbers and their shares of the read buffers. */
int conf_check_read_buffers(const struct conf_reason *why, const struct siov_dev_conf *conf);

/* Check what the profile limits; each number by itself is right. */
int conf_check_limits(const struct conf_reason *why, const struct siov_dev_conf *conf);

/* Long transfers that each engine of a group may have in progress. The configuration is checked. */
uint32_t conf_long_max(const struct siov_dev_conf *conf, uint32_t group);

#endif /* DEV_CONF_PRIV_H */
