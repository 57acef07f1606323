/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A device without EAL, whose engines the test polls by hand.
 *
 *     struct rig *rig = rig_open(&(struct rig_conf){.arena_len = 16 << 20});
 *     unsigned int q = rig_add_wq(rig, &(struct rig_wq_conf){.size = 64});
 *     struct rig_guest *guest = rig_add_guest(rig, q, 7);           PASID 7, a lane, a domain
 *     struct rig_view view = rig_map(guest, iova, len, SIOV_PERM_R | SIOV_PERM_W, RIG_SHUFFLED);
 *
 *     rig_poke(&view, 0, data, len);
 *     record = rig_run(guest, &desc);                               submit, poll until idle
 *     rig_close(rig);                                               asserts that nothing is left
 *
 * Guest memory comes from an arena that is registered as a whole and inaccessible to the process
 * until a page of it is mapped: an engine that touches anything else dies of SIGSEGV.
 */
#ifndef RIG_H
#define RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"
#include "fake_mem.h"

#define RIG_PAGE UINT64_C(4096)
#define RIG_2M (UINT64_C(2) << 20)
#define RIG_SLICE (UINT64_C(64) << 10) /**< bytes of one slice of a long transfer */
#define RIG_BURST 32u
#define RIG_ENGINES_MAX 4u
#define RIG_WQS_MAX 4u
#define RIG_GUESTS_MAX 1024u
#define RIG_COMPS 128u /**< completion records of a guest, one page */
#define RIG_COMP_IOVA UINT64_C(0x7f0000000000) /**< where each guest has them */

#define RIG_CRAV_RCR (IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR)

struct rig_conf {
	size_t arena_len; /**< multiple of 2 MiB */
	unsigned int nb_engines; /**< 0: 1 */
	uint32_t nb_latency; /**< histograms of an engine */
	uint64_t page_timeout_cycles;
	bool priv_enabled;
	struct msg_table *messages[ENGINE_MESSAGES]; /**< NULL: none */
};

/** Zero in a field means the default. */
struct rig_wq_conf {
	uint32_t size; /**< 128 */
	uint32_t lanes_max; /**< 16 */
	uint32_t weight; /**< 1 */
	uint32_t xfer_max; /**< 2 GiB */
	uint32_t flags; /**< SIOV_WQ_F_* */
	uint32_t batch_max; /**< 0: no batches */
	uint32_t long_max; /**< 0: no limit but each lane's */
	const uint64_t *ops; /**< opcodes it takes, 4 words; NULL: all */
	uint32_t dwq_pasid; /**< not 0: a dedicated queue of this PASID */
	unsigned int first_engine;
	unsigned int nb_engines; /**< 1 */
};

/** One PASID with an address space, a lane and a portal of its own. */
struct rig_guest {
	struct siov_portal portal;
	struct rig *rig;
	struct siov_domain *dom;
	struct dsa_completion_record *comps; /**< RIG_COMPS, as the process sees them */
	uint32_t pasid;
	unsigned int wq;
};

struct rig {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct siov_engine *engines[RIG_ENGINES_MAX];
	unsigned int nb_engines;
	struct siov_wq *wqs[RIG_WQS_MAX];
	unsigned int nb_wqs;
	uint32_t lane_flags; /**< of guests' lanes made from now on; 0 at first */
	struct rig_guest *guests[RIG_GUESTS_MAX];
	unsigned int nb_guests;
	uint8_t *arena;
	size_t arena_len;
	size_t arena_used;
	void *arena_map; /**< as mmap gave it */
	size_t arena_map_len;
	uint64_t seed; /**< of rig_random */
};

/** How iova pages are laid over memory. */
enum rig_layout {
	RIG_CONTIGUOUS, /**< one stretch of memory, largest pages possible */
	RIG_SHUFFLED, /**< 4 KiB pages in random order, with foreign pages between them */
	RIG_MIXED, /**< whole 2 MiB of iova by turns one page of 2 MiB and 512 shuffled ones */
};

/** A mapped range as the process sees it, page by page. */
struct rig_view {
	uint64_t iova;
	uint64_t len;
	uint8_t **pages; /**< of 4 KiB */
};

/** Make the unit, the arena and the engines, which are started by the first guest. */
struct rig *rig_open(const struct rig_conf *conf);

/** Stop, free, and assert that no allocation is left. */
void rig_close(struct rig *rig);

/** Make and enable a queue; returns its number, which is its id too. Before the first guest. */
unsigned int rig_add_wq(struct rig *rig, const struct rig_wq_conf *conf);

/** A guest with a lane of its own, an empty domain, and its page of completion records. */
struct rig_guest *rig_add_guest(struct rig *rig, unsigned int wq, uint32_t pasid);

/** A guest that shares lane and domain of another; @p dom NULL: a domain of its own. */
struct rig_guest *rig_add_guest_on(struct rig *rig, struct siov_lane *lane, uint32_t pasid,
				   struct siov_domain *dom);

/** Memory of the arena, accessible, of whole pages; aligned to 2 MiB if @p is_aligned. */
uint8_t *rig_take(struct rig *rig, uint64_t len, bool is_aligned);

/** Map fresh memory at [iova, iova + len), page aligned. The view is freed by rig_unview. */
struct rig_view rig_map(struct rig_guest *guest, uint64_t iova, uint64_t len, unsigned int perm,
			enum rig_layout layout);
void rig_unview(struct rig_view *view);

/** Map memory that is there already. */
void rig_map_at(struct rig_guest *guest, uint64_t iova, void *hva, uint64_t len, unsigned int perm);

/** Unmap; engines are stopped and started around it, since the test is their only thread. */
void rig_unmap(struct rig_guest *guest, uint64_t iova, uint64_t len);

/** Write or read bytes of a mapped range, @p offset bytes after its start. */
void rig_poke(const struct rig_view *view, uint64_t offset, const void *src, uint64_t len);
void rig_peek(const struct rig_view *view, uint64_t offset, void *dst, uint64_t len);

/** A descriptor, zeroed but for opcode, CRAV, RCR and the guest's first completion record. */
struct dsa_hw_desc rig_desc(uint8_t opcode);

/** Iova of completion record @p i of any guest. */
uint64_t rig_comp(unsigned int i);

/** Submit a descriptor through any portal: ENQCMDS if it is privileged, else ENQCMD. */
enum siov_dmwr rig_enqcmd(struct siov_portal *portal, const struct dsa_hw_desc *desc);

/** Submit a descriptor as the guest's queue takes it; asserts that it is accepted. */
void rig_submit(struct rig_guest *guest, const struct dsa_hw_desc *desc);

/** Poll each engine once; returns the sum. */
unsigned int rig_poll(struct rig *rig);

/** Poll until all engines are idle. */
void rig_settle(struct rig *rig);

/** Submit one descriptor, run it to its end, and return the guest's first completion record. */
struct dsa_completion_record rig_run(struct rig_guest *guest, const struct dsa_hw_desc *desc);

/** Counters of (queue, PASID), summed over the engines. */
struct siov_stats rig_stats(const struct rig *rig, unsigned int wq, uint32_t pasid);

/** Assert that the engines logged exactly one error, and return it. */
struct siov_error rig_one_error(struct rig *rig);

/** Assert that the engines logged none. */
void rig_no_error(struct rig *rig);

/** Pseudo-random numbers, the same in each run of the test. */
uint64_t rig_random(struct rig *rig);
void rig_random_bytes(struct rig *rig, void *dst, size_t len);

/** CRC32C one bit at a time; @p state as the register holds it (not inverted). */
uint32_t rig_crc32c(uint32_t state, const uint8_t *data, size_t len);

#endif /* RIG_H */
