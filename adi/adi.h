/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ADIs of a device, by number.
 *
 *     id:  generation:10 | index:22 ──► slab [index >> 10] ──► ADI [index & 1023]
 *
 * Numbers are given out in constant time, a free one as late as possible; its generation tells an
 * old user that it is somebody else's by now. Nothing here knows engines.
 *
 * Thread: under the device's lock.
 */
#ifndef ADI_H
#define ADI_H

#include <stddef.h>

#include "siov_adi.h"
#include "siov_desc.h"
#include "siov_mem.h"

#define ADI_SLAB_LOG2 10u
#define ADI_SLAB (1u << ADI_SLAB_LOG2)
#define ADI_INDEX_BITS 22u
#define ADI_INDEX_MASK ((1u << ADI_INDEX_BITS) - 1)
#define ADI_MAX (1u << 20)
#define ADI_NO_WQ UINT8_MAX

/* What the host has set, beyond the type. */
struct adi_conf {
	uint32_t pasid; /* primary; 0: none */
	uint32_t control_pasid; /* secondary: records and batch lists; 0: the primary */
	uint8_t wq_id; /* the shared queue; ADI_NO_WQ: none */
	uint8_t nb_dwqs;
	uint8_t nb_messages;
};

/* Counted before an image was saved, and carried on. */
struct adi_counts {
	uint64_t accepted;
	uint64_t completed;
	uint64_t failed;
	uint64_t aborted;
	uint64_t bytes;
};

struct adi {
	uint32_t id;
	uint32_t next_free; /* index; ADI_INDEX_MASK: none */
	uint8_t type; /* enum siov_adi_type */
	uint8_t owner; /* enum siov_adi_owner */
	uint8_t state; /* enum siov_adi_state */
	bool is_claimed; /* it cannot be released */
	struct adi_conf conf;
	uint8_t dwqs[SIOV_ADI_DWQS_MAX]; /* bound while enabled; ADI_NO_WQ: none */
	uint32_t messages[SIOV_ADI_MESSAGES_MAX]; /* handles, nb_messages of them */
	struct {
		uint16_t interval_us;
		uint16_t max_events;
	} moderation[SIOV_ADI_MESSAGES_MAX];
	uint32_t nb_errors; /* of its work that no record could tell */
	uint32_t epoch; /* actions begun: one that was overtaken can tell */
	struct adi_counts base;
};

SIOV_STATIC_ASSERT(sizeof(struct adi) <= 192, "memory of an ADI");

struct adi_pool {
	const struct siov_mem *mem;
	int socket_id;
	uint32_t max;
	uint32_t nb_made; /* indexes given out at least once */
	uint32_t nb_used;
	uint32_t free_head, free_tail; /* indexes; ADI_INDEX_MASK: none */
	struct adi **slabs;
	size_t bytes;
};

/* Room for at most max ADIs, 1 to ADI_MAX; none is allocated so far. 0 or -ENOMEM. */
int adi_pool_create(struct adi_pool *pool, const struct siov_mem *mem, int socket_id, uint32_t max);
void adi_pool_free(struct adi_pool *pool);

/* An ADI in state allocated, zeroed but for its id. 0, -ENOSPC or -ENOMEM. */
int adi_alloc(struct adi_pool *pool, struct adi **out);
void adi_release(struct adi_pool *pool, struct adi *adi);

/* The ADI of an id, or NULL: there is none, or no longer. */
struct adi *adi_find(const struct adi_pool *pool, uint32_t id);

/* The first ADI in use at index or behind it, or NULL. */
struct adi *adi_next(const struct adi_pool *pool, uint32_t index);

/* Do action: the state changes, or -EBUSY. */
int adi_do(struct adi *adi, enum siov_adi_action action);

/* Whether it has what configure takes: every type wants a queue of one kind or the other. */
static inline bool
adi_is_configured(const struct adi *adi)
{
	return adi->conf.wq_id != ADI_NO_WQ || adi->conf.nb_dwqs != 0;
}

static inline uint32_t
adi_index(const struct adi *adi)
{
	return adi->id & ADI_INDEX_MASK;
}

#endif /* ADI_H */
