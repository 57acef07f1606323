/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * Translation cache of one engine lcore (the device's ATC), and its one inline lookup.
 *
 *     (pasid, iova) --tag, home--> set, one cache line: [tag data] [tag data] [tag data] [tag data]
 *         found at home: hva                                ^home
 *         elsewhere in the set: changes places with what is at home (out of line)
 *         not there: walk of the tables, entered at home    (out of line)
 *
 * An entry holds one granule of 4 KiB or 2 MiB; a 1 GiB page is kept as 2 MiB granules. Which size
 * to look for first is remembered by a hash of PASID and 128 MiB region: most hits are one probe.
 * Only hits are cached: a fault is found anew by each walk.
 *
 * Order of calls by the owner, one thread:
 *
 *     siov_atc_online(atc);
 *     while (running) {
 *             ... siov_atc_translate(atc, ...) and use of the hva, any number of times ...
 *             siov_atc_quiescent(atc);    <- no hva from before this line is used after it
 *     }
 *     siov_atc_offline(atc);
 *
 * Thread: create, free and stats are control path; all else belongs to the one owner, with no lock,
 * system call or allocation. Everything in struct siov_atc is private to this header and its
 * implementation; the struct is visible so that a hit costs no call (bench translate, row hit).
 * Spec: 6.2.5, 8.1.1 (each request is translated by its own PASID).
 */
#ifndef SIOV_ATC_H
#define SIOV_ATC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>

#include "siov_compat.h"
#include "siov_iommu.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SIOV_ATC_ENTRIES_MIN 64u /**< entries of a cache */
#define SIOV_ATC_ENTRIES_MAX (1u << 20) /**< entries of a cache */
#define SIOV_ATC_ENTRIES_DEFAULT 16384u /**< entries of a cache */
#define SIOV_ATC_BURST_MAX 32u /**< keys of one siov_atc_fill_burst() */

/* Private, but seen by the inline functions below. */
/** @cond */
#define SIOV_ATC_WAYS 4u
#define SIOV_ATC_HINTS 1024u
#define SIOV_ATC_HINT_SHIFT 27u /* regions of 128 MiB mostly have one page size */

/* Granules, by shift. */
#define SIOV_ATC_SHIFT_4K 12u
#define SIOV_ATC_SHIFT_2M 21u

/*
 * Tag: PASID 19:0, iova[53:12] (2 MiB granule: iova[53:21] and zeros) 61:20, 2 MiB granule 62,
 * empty 63. Higher addresses are walked each time.
 */
#define SIOV_ATC_TAG_IOVA_SHIFT 8 /* left */
#define SIOV_ATC_TAG_2M RTE_BIT64(62)
#define SIOV_ATC_TAG_EMPTY RTE_BIT64(63)
#define SIOV_ATC_IOVA_MAX (RTE_BIT64(54) - 1)

/*
 * Data: what to add to an iova to get the hva 63:12, low bits of the domain id 11:4, denied
 * permissions 3:0 (SIOV_PERM_*). Where dirty bits are kept, W is denied until the page's is set.
 */
#define SIOV_ATC_DATA_DELTA (~UINT64_C(0xfff))
#define SIOV_ATC_DATA_DID_SHIFT 4
#define SIOV_ATC_DATA_DID_MASK UINT64_C(0xff)
#define SIOV_ATC_DATA_DENIED UINT64_C(0xf)
/** @endcond */

/** Not a fault: the address is in another process, see siov_atc_process(). */
#define SIOV_XLATE_PROCESS 0x1000

/** Configuration of a cache. */
struct siov_atc_conf {
	unsigned int entries; /**< rounded up to a power of two, 64 to 1 Mi; 0: default, 16 Ki */
	int socket_id; /**< NUMA node of the owner, -1: any */
	uint16_t rid; /**< requester id of the device, for fault records and page requests */
};

/** Result of a translation. */
struct siov_xlate {
	void *hva; /**< the byte at iova; not to be used after the next quiescent state */
	uint64_t len; /**< bytes from iova to the end of the granule, at least 1 */
};

/** Counters of a cache. Hits are the owner's number of lookups less misses. */
struct siov_atc_stats {
	uint64_t misses; /**< lookups and burst keys without usable entry: table walks */
	uint64_t faults; /**< siov_atc_translate() calls that returned a reason */
	uint64_t second_probes; /**< hits that were not at the hinted home */
	uint64_t evictions; /**< valid entries replaced */
	uint64_t nest_walks; /**< second-stage walks of guests' table pages */
	uint64_t faults_lost; /**< records that nobody fetched in time */
	uint64_t invalidations; /**< requests served */
	uint64_t inval_entries; /**< entries dropped by them */
	uint64_t entries; /**< capacity */
	uint64_t online; /**< 1 while the owner is online */
};

/** @cond */
#define SIOV_ATC_NEST 64u /* guest's table pages remembered, a power of two */

/** One translation; the four of a set are one cache line. */
struct siov_atc_entry {
	uint64_t tag;
	uint64_t data;
};

static_assert(sizeof(struct siov_atc_entry) * SIOV_ATC_WAYS == 64, "a set is one cache line");

/** Where a guest's table page is, as the second stage has it. */
struct siov_atc_nest {
	uint64_t key; /* guest page 51:16, domain id 15:0; all ones: none */
	uint64_t data; /* hva 63:12, permissions 1:0 */
};

struct siov_atc_mail; /* requests of the control path, inval_priv.h */
struct fault_ring; /* faults on their way to control, fault_priv.h */

/** A cache; private. */
struct siov_atc {
	/* const after create */
	uint64_t mask_bytes; /* offset of the last entry */
	const SIOV_ATOMIC(uint64_t) *pasid_dir;
	const SIOV_ATOMIC(uint64_t) *posted; /* sequence of the newest request, in mail */
	struct rte_rcu_qsbr *qsbr;
	struct siov_atc_mail *mail;
	struct siov_iommu *iommu;
	struct fault_ring *fault_ring;
	const SIOV_ATOMIC(uint32_t) *nb_self; /* domains of our own process's address space */
	uint32_t id;
	uint16_t rid;

	/* owner: engine lcore */
	uint32_t has_granule; /* bit n: a granule of 2^n was entered */
	uint32_t only_shift; /* the size of all granules entered; 0: both, or none yet */
	uint64_t done; /* sequence of the newest request served */
	uint32_t victim; /* where the next victim is, in bytes from home */
	SIOV_ATOMIC(uint64_t) misses __rte_cache_aligned;
	SIOV_ATOMIC(uint64_t) faults;
	SIOV_ATOMIC(uint64_t) second_probes;
	SIOV_ATOMIC(uint64_t) invalidations;
	SIOV_ATOMIC(uint64_t) inval_entries;
	SIOV_ATOMIC(uint64_t) nest_walks; /* second-stage walks of guests' table pages */
	struct siov_atc_nest nest[SIOV_ATC_NEST] __rte_cache_aligned;
	bool has_nest; /* some of them are in use */
	uint8_t hint[SIOV_ATC_HINTS] __rte_cache_aligned; /* shift of the granule that hit last */
	struct siov_atc_entry entry[] __rte_cache_aligned;
} __rte_cache_aligned;
/** @endcond */

/**
 * Create an empty cache, offline.
 *
 * @param iommu unit whose PASIDs it translates.
 * @param conf configuration; NULL: defaults.
 * @param out the cache, owned by the caller until siov_atc_free().
 * @return 0; -EINVAL bad argument; -ENOSPC max_atcs exist; -ENOMEM.
 * Thread: control.
 */
SIOV_API int siov_atc_create(struct siov_iommu *iommu, const struct siov_atc_conf *conf,
			     struct siov_atc **out);

/**
 * Free a cache.
 *
 * @param atc cache, or NULL.
 * @return 0; -EBUSY its owner is online.
 * Thread: control; the owner no longer calls anything.
 */
SIOV_API int siov_atc_free(struct siov_atc *atc);

/**
 * Begin to translate: serve what was invalidated meanwhile, then the control path waits for us.
 *
 * Thread: owner.
 */
SIOV_API void siov_atc_online(struct siov_atc *atc);

/**
 * Stop translating, before sleeping or ending: the control path no longer waits for us.
 *
 * Thread: owner, holding no hva from this cache.
 */
SIOV_API void siov_atc_offline(struct siov_atc *atc);

/**
 * Read the counters.
 *
 * Thread: any; a snapshot while the owner runs.
 */
SIOV_API void siov_atc_stats(const struct siov_atc *atc, struct siov_atc_stats *stats);

/** Out of line: serve a bounded slice of the pending requests. */
SIOV_API void siov_atc_serve(struct siov_atc *atc);

/**
 * Out of line: the granule of the tag is not at home or lacks the permission, or the key is outside
 * what a tag can hold. By value, since a result in memory would cost each lookup, hit or miss, the
 * store; hva NULL: len is the reason.
 */
SIOV_API struct siov_xlate siov_atc_miss(struct siov_atc *atc, uint32_t pasid, uint64_t tag,
					 uint64_t home, uint64_t iova, unsigned int perm_needed);

/**
 * The process whose address space a PASID is, after SIOV_XLATE_PROCESS; NULL: unbound meanwhile.
 *
 * @return valid until the next quiescent state.
 * Thread: owner, online.
 */
SIOV_API const struct siov_process *siov_atc_process(const struct siov_atc *atc, uint32_t pasid);

/**
 * The queue for page requests of a PASID; NULL: there is none, its faults are final.
 *
 * @return valid until the next quiescent state.
 * Thread: owner, online.
 */
SIOV_API struct siov_prq *siov_atc_prq(const struct siov_atc *atc, uint32_t pasid);

/**
 * True while touching a translated address may raise SIGSEGV or SIGBUS: a domain is the calling
 * process's own address space, of which nobody knows what is mapped but the kernel.
 *
 * Thread: owner.
 */
static inline bool
siov_atc_may_fault(const struct siov_atc *atc)
{
	return siov_atomic_load(atc->nb_self, relaxed) != 0;
}

/**
 * Record that a request of the owner faulted, unless fault processing is disabled for the PASID. What
 * the control path has not fetched in time is lost and counted.
 *
 * @param perm what was asked for, SIOV_PERM_*.
 * @param reason what siov_atc_translate() returned.
 * Thread: owner, online.
 */
SIOV_API void siov_atc_record_fault(struct siov_atc *atc, uint32_t pasid, uint64_t iova,
				    unsigned int perm, int reason);

/**
 * Fetch and forget fault records of one cache, oldest first; see siov_iommu_take_faults().
 *
 * Thread: control.
 */
SIOV_API unsigned int siov_atc_take_faults(struct siov_atc *atc, struct siov_fault_record *out,
					   unsigned int max);

/**
 * Report a quiescent state: the owner holds no hva from before. Serves pending invalidations, a
 * bounded slice of 4,096 entries a call.
 *
 * Thread: owner, online.
 */
static inline void
siov_atc_quiescent(struct siov_atc *atc)
{
	/* A1: pairs with R1 in post_to() of inval.c */
	if (unlikely(siov_atomic_load(atc->posted, acquire) != atc->done))
		siov_atc_serve(atc);
	rte_rcu_qsbr_quiescent(atc->qsbr, atc->id);
}

/** Tag of (pasid, iova) in granules of 2^shift; pasid and iova are within their bits. */
static inline uint64_t
siov_atc_tag(uint32_t pasid, uint64_t iova, unsigned int shift)
{
	uint64_t size = shift == SIOV_ATC_SHIFT_2M ? SIOV_ATC_TAG_2M : 0;

	return size + ((iova & UINT64_MAX << shift) << SIOV_ATC_TAG_IOVA_SHIFT) + pasid;
}

/**
 * Offset of the home of a tag: bits 3:0 within the entry, 5:4 the way, above them the set. The
 * multiplier is the best of some ten thousand for runs and strides of PASIDs and of pages: at a
 * load of 25 %, 6 % of the keys share a home with another (12 % if it were random).
 */
static inline uint64_t
siov_atc_home(const struct siov_atc *atc, uint64_t tag)
{
	return tag * UINT64_C(0x5f27d73d16ebe07b) >> 40 & atc->mask_bytes;
}

/** Entry at an offset. */
static inline const struct siov_atc_entry *
siov_atc_entry_at(const struct siov_atc *atc, uint64_t offset)
{
	return (const struct siov_atc_entry *)((const char *)atc->entry + offset);
}

/** True when the key is outside what a tag can hold: never cached, the walk says why. */
static inline bool
siov_atc_is_beyond(uint32_t pasid, uint64_t iova)
{
	return pasid > SIOV_PASID_MAX || iova > SIOV_ATC_IOVA_MAX;
}

/** Look for one granule size: at home, or out of line. */
static inline int
siov_atc_lookup(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int shift,
		unsigned int perm_needed, struct siov_xlate *x)
{
	uint64_t tag = siov_atc_tag(pasid, iova, shift);
	uint64_t home = siov_atc_home(atc, tag);
	const struct siov_atc_entry *entry = siov_atc_entry_at(atc, home);

	/* One call for all that is no hit: a second one costs hits a third more. */
	if (unlikely(entry->tag != tag || siov_atc_is_beyond(pasid, iova) ||
		     (perm_needed & entry->data & SIOV_ATC_DATA_DENIED) != 0)) {
		struct siov_xlate found = siov_atc_miss(atc, pasid, tag, home, iova, perm_needed);

		*x = found;
		return found.hva != NULL ? 0 : (int)found.len;
	}
	x->hva = (void *)(uintptr_t)(iova + (entry->data & SIOV_ATC_DATA_DELTA));
	x->len = -(iova | UINT64_MAX << shift);
	return 0;
}

/** Size of the granule to look for first. */
static inline unsigned int
siov_atc_hint_slot(uint32_t pasid, uint64_t iova)
{
	return (pasid ^ (uint32_t)(iova >> SIOV_ATC_HINT_SHIFT)) % SIOV_ATC_HINTS;
}

/**
 * Translate one address of one PASID.
 *
 * @param atc cache of the calling lcore, online.
 * @param pasid PASID of the request, any 32-bit value.
 * @param iova address, any value.
 * @param perm_needed SIOV_PERM_R, SIOV_PERM_W or both; for a supervisor request shifted left by
 *   SIOV_PERM_PRIV_SHIFT.
 * @param x filled on success; on a fault its hva is NULL.
 * @return 0, the reason of the fault (enum siov_fault), or SIOV_XLATE_PROCESS.
 * Thread: owner.
 * Spec: 6.2.5, 8.1.1.
 */
static inline int
siov_atc_translate(struct siov_atc *atc, uint32_t pasid, uint64_t iova, unsigned int perm_needed,
		   struct siov_xlate *x)
{
	unsigned int shift = atc->only_shift;

	/* Copies with a constant shift: a third faster than one with a variable. */
	if (shift == SIOV_ATC_SHIFT_4K)
		return siov_atc_lookup(atc, pasid, iova, SIOV_ATC_SHIFT_4K, perm_needed, x);
	if (shift == SIOV_ATC_SHIFT_2M)
		return siov_atc_lookup(atc, pasid, iova, SIOV_ATC_SHIFT_2M, perm_needed, x);
	return siov_atc_lookup(atc, pasid, iova, atc->hint[siov_atc_hint_slot(pasid, iova)],
			       perm_needed, x);
}

/**
 * Prefetch the line that siov_atc_translate() of this key will look at first.
 *
 * Thread: owner.
 */
static inline void
siov_atc_prefetch(const struct siov_atc *atc, uint32_t pasid, uint64_t iova)
{
	unsigned int shift = atc->hint[siov_atc_hint_slot(pasid, iova)];
	uint64_t tag = siov_atc_tag(pasid, iova, shift);

	rte_prefetch0(siov_atc_entry_at(atc, siov_atc_home(atc, tag)));
}

/**
 * Warm the cache for a burst: the keys that miss are walked together, level by level, each level
 * prefetched for all before it is read. Keys that would fault are left to siov_atc_translate().
 *
 * @param atc cache of the calling lcore, online.
 * @param pasid,iova @p n keys; need not differ.
 * @param n keys, at most SIOV_ATC_BURST_MAX (more are not looked at).
 * @return number of keys that missed.
 * Thread: owner.
 */
SIOV_API unsigned int siov_atc_fill_burst(struct siov_atc *atc, const uint32_t *pasid,
					  const uint64_t *iova, unsigned int n);

#ifdef __cplusplus
}
#endif

#endif /* SIOV_ATC_H */
