/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Page requests (PRS): an engine that meets a page which is not there asks for it, with the PASID,
 * and goes on with its work; the owner of the queue makes the page present, or not, and answers.
 *
 *     engine lcores                    siov_prq                          owner: host, or a guest
 *     siov_prq_ask ──► slot of a group index ──► ring ──► siov_prq_take ──► map the page
 *                          ▲   │ 512 a queue                                     │
 *     siov_prq_take_answers    └──◄── list of the engine's cache ◄── siov_prq_respond
 *
 * A group index (PRG) names a request until it is answered. An engine that gives up (time-out,
 * unbound PASID) leaves the index behind: it is used again when the answer comes, when the PASID is
 * bound anew, or when the queue is freed. An answer that nobody waits for has no effect.
 *
 * Indexes belong to a queue, so an owner that does not answer has only its own PASIDs to lose.
 *
 * Order of calls: siov_prq_create; siov_domain_create with conf.prq; siov_pasid_bind; then take and
 * respond; unbind, siov_domain_free, siov_prq_free.
 *
 * Thread: create, free and stats are control path. take, arm and respond belong to one thread at a
 * time, the owner. What an engine calls says so. Owner and engines take no lock; an engine makes a
 * system call only to wake an owner that has armed the queue.
 *
 * Spec: 7.2.3, 9.4.4.1; formats of VT-d scalable mode.
 */
#ifndef SIOV_PRQ_H
#define SIOV_PRQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "siov_atc.h"
#include "siov_iommu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_PRQ_ENTRIES_MIN 16u /**< entries of a queue */
#define SIOV_PRQ_ENTRIES_MAX 65536u /**< entries of a queue */
#define SIOV_PRQ_GROUPS 512u /**< requests of a queue that wait for their answers */

/** Page request descriptor: 256 bits. */
struct siov_vtd_page_request {
	uint64_t q0; /**< type, PASID present, RID, PASID, execute, privileged */
	uint64_t q1; /**< read, write, last in group, group index, page address */
	uint64_t q2; /**< 0: no private data */
	uint64_t q3; /**< 0 */
};

/** Page group response descriptor: 256 bits. */
struct siov_vtd_page_response {
	uint64_t q0; /**< type, PASID present, code, RID, PASID */
	uint64_t q1; /**< last in group, group index */
	uint64_t q2; /**< 0 */
	uint64_t q3; /**< 0 */
};

static_assert(sizeof(struct siov_vtd_page_request) == 32, "a page request has 256 bits");
static_assert(offsetof(struct siov_vtd_page_request, q1) == 8, "the address begins at bit 64");
static_assert(sizeof(struct siov_vtd_page_response) == 32, "a page response has 256 bits");
static_assert(offsetof(struct siov_vtd_page_response, q1) == 8, "the index is in word 1");

#define SIOV_VTD_PREQ_TYPE UINT64_C(1) /**< q0 7:0 */
#define SIOV_VTD_PRESP_TYPE UINT64_C(9) /**< q0 3:0 */
#define SIOV_VTD_PR_TYPE_MASK UINT64_C(0xf) /**< bits of a type */
/* q0 of both. */
#define SIOV_VTD_PREQ_PASID_PRESENT RTE_BIT64(8) /**< request: it has a PASID */
#define SIOV_VTD_PREQ_EXEC RTE_BIT64(52) /**< request: to execute */
#define SIOV_VTD_PREQ_PRIV RTE_BIT64(53) /**< request: of a supervisor */
#define SIOV_VTD_PRESP_PASID_PRESENT RTE_BIT64(4) /**< response: it has a PASID */
#define SIOV_VTD_PRESP_CODE_SHIFT 12 /**< 15:12 */
#define SIOV_VTD_PRESP_CODE_MASK UINT64_C(0xf) /**< once shifted */
#define SIOV_VTD_PR_RID_SHIFT 16 /**< 31:16 */
#define SIOV_VTD_PR_RID_MASK UINT64_C(0xffff) /**< once shifted */
#define SIOV_VTD_PR_PASID_SHIFT 32 /**< 51:32 */
/** Bits of a response's q0 that are not reserved. */
#define SIOV_VTD_PRESP_Q0_USED \
	(SIOV_VTD_PR_TYPE_MASK | SIOV_VTD_PRESP_PASID_PRESENT | UINT64_C(0x000ffffffffff000))
/* q1 of both. */
#define SIOV_VTD_PREQ_READ RTE_BIT64(0) /**< request: to read */
#define SIOV_VTD_PREQ_WRITE RTE_BIT64(1) /**< request: to write */
#define SIOV_VTD_PR_LPIG RTE_BIT64(2) /**< last page of its group */
#define SIOV_VTD_PR_PRG_SHIFT 3 /**< 11:3 */
#define SIOV_VTD_PR_PRG_MASK UINT64_C(0x1ff) /**< once shifted */
/** Bits of a response's q1 that are not reserved. */
#define SIOV_VTD_PRESP_Q1_USED (SIOV_VTD_PR_LPIG | SIOV_VTD_PR_PRG_MASK << SIOV_VTD_PR_PRG_SHIFT)

/** Answer to a page request. */
enum siov_page_answer {
	SIOV_PAGE_SUCCESS = 0, /**< try again; not a promise that the access is allowed */
	SIOV_PAGE_INVALID = 1, /**< there is no such page, or not for this access */
	SIOV_PAGE_FAILURE = 0xf, /**< the request could not be served */
};

/** Configuration of a queue. */
struct siov_prq_conf {
	uint32_t entries; /**< a power of two, SIOV_PRQ_ENTRIES_MIN to _MAX; 0: 512, never full */
};

/** Counters of a queue; a snapshot. */
struct siov_prq_stats {
	uint64_t nb_requests; /**< entered into the queue */
	uint64_t nb_dropped; /**< found the queue full, in overflow, or no index free */
	uint64_t nb_overflows; /**< times that the queue went into overflow (PRO) */
	uint64_t nb_answers; /**< answers that an engine waited for */
	uint64_t nb_late; /**< answers after the engine had given up */
	uint64_t nb_void; /**< answers to no request: stale, wrong PASID, never asked */
	uint64_t nb_outstanding; /**< indexes in use now */
	bool is_overflowed; /**< PRO: requests are dropped until the owner has emptied the queue */
};

/**
 * Create a queue.
 *
 * @param iommu unit whose domains may name it.
 * @param conf NULL: defaults.
 * @param out the queue, freed with siov_prq_free(), at the latest by siov_iommu_free().
 * @return 0; -EINVAL bad argument; -ENOMEM; a negative errno of eventfd(2).
 * Thread: control.
 */
SIOV_API int siov_prq_create(struct siov_iommu *iommu, const struct siov_prq_conf *conf,
			     struct siov_prq **out);

/**
 * Free a queue: requests that engines still wait for are answered with failure.
 *
 * @param prq queue, or NULL. Its owner calls nothing any more.
 * @return 0; -EBUSY a domain names it; -ETIMEDOUT an engine may still use it, it is not freed.
 * Thread: control.
 */
SIOV_API int siov_prq_free(struct siov_prq *prq);

/**
 * Take requests out, oldest first. Taking the last one ends an overflow.
 *
 * @param out room for @p max requests.
 * @return number taken.
 * Thread: owner.
 */
SIOV_API unsigned int siov_prq_take(struct siov_prq *prq, struct siov_vtd_page_request *out,
				    unsigned int max);

/**
 * Answer a request that was taken.
 *
 * @param resp type, PASID present, code, RID, PASID, LPIG and index; see siov_page_response().
 * @return 0: the engine that waits is told; if it has given up, the index is free again. -EINVAL
 *   wrong type, unknown code or reserved bits: nothing was done. -ENOENT no such request is
 *   outstanding: counted, nothing was done.
 * Thread: owner.
 */
SIOV_API int siov_prq_respond(struct siov_prq *prq, const struct siov_vtd_page_response *resp);

/**
 * A file descriptor that is readable after a request came to an armed queue.
 *
 * Thread: any.
 */
SIOV_API int siov_prq_fd(const struct siov_prq *prq);

/**
 * Arm the queue before sleeping on siov_prq_fd(): the next request makes it readable, once.
 *
 * @return false: requests may wait already; take them instead of sleeping.
 * Thread: owner.
 */
SIOV_API bool siov_prq_arm(struct siov_prq *prq);

/** Read the counters. Thread: any. */
SIOV_API void siov_prq_get_stats(const struct siov_prq *prq, struct siov_prq_stats *stats);

/** What an engine asks for. */
struct siov_page_ask {
	uint64_t iova; /**< the address */
	uint32_t pasid; /**< whose address it is */
	uint32_t cookie; /**< comes back with the answer */
	unsigned int perm; /**< SIOV_PERM_*, as it was to be translated */
};

/** A request that was asked, to tell it from others with the same cookie. */
struct siov_page_ticket {
	struct prq_slot *slot; /**< NULL: none */
	uint64_t word; /**< opaque */
};

/** An answer as an engine gets it. */
struct siov_page_reply {
	struct siov_page_ticket ticket; /**< what was asked */
	uint32_t cookie; /**< of the one who asked */
	enum siov_page_answer code; /**< what was answered */
};

/**
 * Ask for a page.
 *
 * @param prq what siov_atc_prq() gave since the last quiescent state.
 * @param atc the calling engine's cache.
 * @param ticket filled on success; valid until it comes back with a reply, or is abandoned.
 * @return 0; -EAGAIN dropped (full, in overflow, no index free): ask again later.
 * Thread: engine.
 */
SIOV_API int siov_prq_ask(struct siov_prq *prq, const struct siov_atc *atc,
			  const struct siov_page_ask *ask, struct siov_page_ticket *ticket);

/**
 * Fetch answers to what this engine, or one before it with the same cache id, has asked.
 *
 * @return number fetched. One whose ticket is not known is not for the caller: ignore it.
 * Thread: engine.
 */
SIOV_API unsigned int siov_prq_take_replies(const struct siov_atc *atc, struct siov_page_reply *out,
					    unsigned int max);

/** Give up waiting. An answer already under way is still fetched and to be ignored. Thread: engine. */
SIOV_API void siov_prq_abandon(const struct siov_page_ticket *ticket);

/** Whether two tickets are of the same request. */
static inline bool
siov_page_ticket_is(const struct siov_page_ticket *a, const struct siov_page_ticket *b)
{
	return a->slot == b->slot && a->word == b->word;
}

/** Whether a page request can cure a fault of reason @p reason (enum siov_fault). */
static inline bool
siov_page_is_curable(int reason)
{
	switch (reason) {
	case SIOV_FAULT_FS_NOT_PRESENT:
	case SIOV_FAULT_FS_ROOT_ACCESS:
	case SIOV_FAULT_FS_ENTRY_ACCESS:
	case SIOV_FAULT_FS_AD_ACCESS:
	case SIOV_FAULT_SS_NOT_PRESENT:
	case SIOV_FAULT_NO_USER:
	case SIOV_FAULT_NO_WRITE:
	case SIOV_FAULT_NO_READ:
	case SIOV_FAULT_FS_AD_FAILED:
		return true;
	default:
		return false;
	}
}

/** PASID of a request. */
static inline uint32_t
siov_page_request_pasid(const struct siov_vtd_page_request *req)
{
	return (uint32_t)(req->q0 >> SIOV_VTD_PR_PASID_SHIFT) & SIOV_PASID_MAX;
}

/** Requester id of a request. */
static inline uint16_t
siov_page_request_rid(const struct siov_vtd_page_request *req)
{
	return (uint16_t)(req->q0 >> SIOV_VTD_PR_RID_SHIFT);
}

/** Address of the page that is asked for, 4 KiB aligned. */
static inline uint64_t
siov_page_request_addr(const struct siov_vtd_page_request *req)
{
	return req->q1 & ~UINT64_C(0xfff);
}

/** The response to @p req with the answer @p code. */
static inline struct siov_vtd_page_response
siov_page_response(const struct siov_vtd_page_request *req, enum siov_page_answer code)
{
	const uint64_t from = SIOV_VTD_PR_RID_MASK << SIOV_VTD_PR_RID_SHIFT |
			      (uint64_t)SIOV_PASID_MAX << SIOV_VTD_PR_PASID_SHIFT;
	struct siov_vtd_page_response resp;

	resp.q0 = (req->q0 & from) | SIOV_VTD_PRESP_TYPE | SIOV_VTD_PRESP_PASID_PRESENT |
		  (uint64_t)code << SIOV_VTD_PRESP_CODE_SHIFT;
	resp.q1 = req->q1 & SIOV_VTD_PRESP_Q1_USED;
	resp.q2 = 0;
	resp.q3 = 0;
	return resp;
}

#ifdef __cplusplus
}
#endif

#endif /* SIOV_PRQ_H */
