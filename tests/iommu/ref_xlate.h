/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A translator written for clarity only, to compare the walks of the library with. It shares no code
 * and no constant with them: what is here was read in the rules of VT-d scalable mode.
 *
 *     struct ref_unit unit = {.pasid_dir = ..., .ranges = ..., .nb_ranges = ...};
 *     struct ref_result r = {0};
 *
 *     ref_translate(&unit, &(struct ref_request){pasid, iova, perm}, &r);
 *     r.reason is 0: the byte is at r.hva, and so are those of the same 2^r.shift bytes
 *
 * It changes nothing: which accessed and dirty bits the request sets is part of the answer. Nobody
 * may write the tables meanwhile.
 */
#ifndef REF_XLATE_H
#define REF_XLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REF_TOUCHES_MAX 2048u

/* Permissions of a request, as siov_atc_translate() takes them; 0: a walk that asks for nothing. */
#define REF_READ 1u
#define REF_WRITE 2u
#define REF_PRIV_READ 4u
#define REF_PRIV_WRITE 8u

/** Memory that DMA may reach, or, if is_mmio, must not. */
struct ref_range {
	uint64_t start;
	uint64_t end;
	bool is_mmio;
};

/** What a unit knows. */
struct ref_unit {
	const void *pasid_dir; /**< PASID directory, 2^14 words */
	const struct ref_range *ranges;
	size_t nb_ranges;
};

struct ref_request {
	uint32_t pasid;
	uint64_t iova;
	unsigned int perm; /**< REF_* */
};

/** Bits that a request sets in one word of a table, and that were not set before. */
struct ref_touch {
	uint64_t *word;
	uint64_t bits;
	uint64_t ss_root; /**< second stage that the word belongs to; 0: first stage */
};

struct ref_result {
	int reason; /**< VT-d fault reason, 0: none */
	uint64_t hva;
	unsigned int shift; /**< of the page: the smaller one of both stages */
	unsigned int nb_touches; /**< in the order of the walk; see ref_translate() */
	struct ref_touch touch[REF_TOUCHES_MAX];
};

/**
 * Translate. Touches are added to those that res has: for a request that comes alone its nb_touches
 * is set to 0 before. So a sequence of requests can be foretold, each seeing what those before set.
 */
void ref_translate(const struct ref_unit *unit, const struct ref_request *req,
		   struct ref_result *res);

#endif /* REF_XLATE_H */
