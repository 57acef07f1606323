/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the command line says of PASIDs: limits of all, weights and rates of some, and who offers more
 * than the others.
 *
 *     --qos=weight=2,outstanding=64     every PASID
 *     --pasid-weight=1:1,2-4:8          those named, beyond it
 *     --pasid-rate=7:100k               operations per second
 *     --pasid-noise=3:10                offers ten times as much as each of the others
 */
#ifndef QOS_RULES_H
#define QOS_RULES_H

#include <stdbool.h>
#include <stdio.h>

#include "siov_qos.h"

#define QOS_RULES_MAX 64u /* of one kind */
#define QOS_NOISE_MAX 100u
#define QOS_KEYS "weight=0..255, priority=0..15, outstanding=N, ops=N, bytes=N (a second), or none"

struct qos_rule {
	uint32_t first, last; /* PASIDs */
	uint64_t value;
};

struct qos_list {
	struct qos_rule rules[QOS_RULES_MAX];
	unsigned int nb;
};

struct qos_rules {
	struct siov_qos_conf all;
	struct qos_list weights;
	struct qos_list rates; /* operations per second */
	struct qos_list noise; /* one rule, of one PASID */
};

/* Parse --qos; what is not named has no limit. 0; -EINVAL; -ERANGE. */
int qos_parse(const char *text, struct siov_qos_conf *conf);

/* Parse P:V,P-Q:V,... with values from 1 to max; "none" is an empty list. 0, -EINVAL, -ERANGE. */
int qos_parse_list(const char *text, uint64_t max, struct qos_list *list);

/* What a PASID may do. */
struct siov_qos_conf qos_of(const struct qos_rules *rules, uint32_t pasid);

/* Whether anybody has limits. */
bool qos_is_set(const struct qos_rules *rules);

/* How many times as much as others a PASID offers, and the most that one does. */
uint32_t qos_noise(const struct qos_rules *rules, uint32_t pasid);
uint32_t qos_noise_max(const struct qos_rules *rules);

/* One line for each kind that is set, each begun with prefix. */
void qos_print(FILE *f, const struct qos_rules *rules, const char *prefix);
/* Limits as --qos has them, "none" without. */
void qos_print_conf(FILE *f, const struct siov_qos_conf *conf);

#endif /* QOS_RULES_H */
