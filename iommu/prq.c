/* SPDX-License-Identifier: BSD-3-Clause */
/* Page requests, the owner's and control's side; the engines' is in prq_ask.c. */
#include <errno.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "prq_priv.h"

/* ---- life ---- */

static struct prq_unit *
unit_of(struct siov_iommu *iommu)
{
	struct prq_unit *unit = siov_atomic_load(&iommu->prqs, relaxed);

	if (unit != NULL)
		return unit;
	unit = iommu_alloc(iommu, "siov_prqs", sizeof(*unit), RTE_CACHE_LINE_SIZE);
	/* P7: pairs with P8 in siov_prq_take_replies(); it is empty. */
	siov_atomic_store(&iommu->prqs, unit, release);
	return unit;
}

/* A queue that was freed, or a new one; NULL: no memory. */
static struct siov_prq *
find_closed(struct siov_iommu *iommu, struct prq_unit *unit)
{
	struct siov_prq *prq;
	unsigned int i;

	for (prq = unit->all; prq != NULL; prq = prq->next)
		if (!prq->is_open)
			return prq;
	prq = iommu_alloc(iommu, "siov_prq", sizeof(*prq), RTE_CACHE_LINE_SIZE);
	if (prq == NULL)
		return NULL;
	prq->iommu = iommu;
	prq->next = unit->all;
	unit->all = prq;
	for (i = 0; i < SIOV_PRQ_GROUPS; i++)
		prq->slots[i].prq = prq;
	return prq;
}

static size_t
ring_bytes(uint32_t entries)
{
	return entries * sizeof(uint64_t);
}

static int
open_prq(struct siov_prq *prq, uint32_t entries)
{
	int fd;

	prq->ring_slots =
		iommu_alloc(prq->iommu, "siov_prq_ring", ring_bytes(entries), RTE_CACHE_LINE_SIZE);
	if (prq->ring_slots == NULL)
		return -ENOMEM;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0) {
		iommu_release(prq->iommu, prq->ring_slots, ring_bytes(entries));
		return -errno;
	}
	prq->ring = (struct note_ring){0};
	note_ring_init(&prq->ring, prq->ring_slots, rte_log2_u32(entries));
	prq->fd = fd;
	prq->nb_taken = siov_atomic_load(&prq->nb_asked, relaxed);
	siov_atomic_store(&prq->armed, 0, relaxed);
	siov_atomic_store(&prq->is_overflowed, 0, relaxed);
	prq->is_open = true;
	return 0;
}

int
siov_prq_create(struct siov_iommu *iommu, const struct siov_prq_conf *conf, struct siov_prq **out)
{
	uint32_t entries = conf != NULL && conf->entries != 0 ? conf->entries : SIOV_PRQ_GROUPS;
	struct prq_unit *unit;
	struct siov_prq *prq = NULL;
	int rc = -ENOMEM;

	if (iommu == NULL || out == NULL || !rte_is_power_of_2(entries) ||
	    entries < SIOV_PRQ_ENTRIES_MIN || entries > SIOV_PRQ_ENTRIES_MAX)
		return -EINVAL;
	pthread_mutex_lock(&iommu->lock);
	unit = unit_of(iommu);
	if (unit != NULL)
		prq = find_closed(iommu, unit);
	if (prq != NULL)
		rc = open_prq(prq, entries);
	pthread_mutex_unlock(&iommu->lock);
	if (rc == 0)
		*out = prq;
	return rc;
}

static void
close_prq(struct siov_prq *prq)
{
	iommu_release(prq->iommu, prq->ring_slots, ring_bytes(UINT32_C(1) << prq->ring.size_log2));
	prq->ring_slots = NULL;
	close(prq->fd);
	prq->is_open = false;
}

void
prq_fini(struct siov_iommu *iommu)
{
	struct prq_unit *unit = siov_atomic_load(&iommu->prqs, relaxed);
	struct siov_prq *prq, *next;

	if (unit == NULL)
		return;
	for (prq = unit->all; prq != NULL; prq = next) {
		next = prq->next;
		if (prq->is_open)
			close_prq(prq);
		iommu_release(iommu, prq, sizeof(*prq));
	}
	iommu_release(iommu, unit, sizeof(*unit));
	siov_atomic_store(&iommu->prqs, NULL, relaxed);
}

void
prq_use(struct siov_prq *prq, int change)
{
	prq->nb_users += (uint32_t)change;
}

bool
prq_is_of(const struct siov_prq *prq, const struct siov_iommu *iommu)
{
	return prq->iommu == iommu && prq->is_open;
}

/* ---- words ---- */

static enum prq_state
state_of(uint64_t word)
{
	return (enum prq_state)(word & PRQ_STATE_MASK);
}

/*
 * Move a word on. P1: what was written about the request before is seen by who reads the new
 * state; pairs with P2, the acquire loads of the word.
 */
static bool
move_word(struct prq_slot *slot, uint64_t *word, enum prq_state state)
{
	return siov_atomic_cas(&slot->word, word, (*word & ~PRQ_STATE_MASK) | state, acq_rel,
			       acquire);
}

/* P3: all use of the slot came before; pairs with P4 in take_index() of prq_ask.c. */
static void
give_index(struct prq_slot *slot)
{
	struct siov_prq *prq = slot->prq;
	uint32_t idx = (uint32_t)(slot - prq->slots);

	siov_atomic_fetch_and(&prq->used[idx / 64], ~RTE_BIT64(idx % 64), release);
}

/* True: we ended it, and gave the index back. */
static bool
end_request(struct prq_slot *slot, uint64_t *word)
{
	if (!move_word(slot, word, PRQ_FREE))
		return false;
	give_index(slot);
	return true;
}

/* P5: the answer is seen with it; pairs with P6 in siov_prq_take_replies(). */
static void
push_answer(struct prq_slot *slot)
{
	struct prq_unit *unit = siov_atomic_load(&slot->prq->iommu->prqs, relaxed);
	struct prq_bell *bell = &unit->bells[slot->atc_id];
	struct prq_slot *head = siov_atomic_load(&bell->answered, relaxed);

	do {
		slot->next = head;
	} while (!siov_atomic_cas(&bell->answered, &head, slot, release, relaxed));
}

static bool
answer_request(struct prq_slot *slot, uint64_t *word, enum siov_page_answer code)
{
	uint64_t answered =
		(*word & PRQ_NAME_MASK) | (uint64_t)code << PRQ_CODE_SHIFT | PRQ_ANSWERED;

	if (!siov_atomic_cas(&slot->word, word, answered, acq_rel, acquire))
		return false;
	push_answer(slot);
	return true;
}

/* ---- the queue is freed, or a PASID changes hands ---- */

static void
abort_request(struct prq_slot *slot)
{
	uint64_t word = siov_atomic_load(&slot->word, acquire); /* P2 */
	bool is_done = false;

	while (!is_done) {
		switch (state_of(word)) {
		case PRQ_QUEUED:
		case PRQ_TAKEN:
			is_done = answer_request(slot, &word, SIOV_PAGE_FAILURE);
			break;
		case PRQ_QUEUED_GONE:
		case PRQ_TAKEN_GONE:
			is_done = end_request(slot, &word);
			break;
		default:
			is_done = true;
		}
	}
}

int
siov_prq_free(struct siov_prq *prq)
{
	struct siov_iommu *iommu;
	unsigned int i;
	int rc = -EBUSY;

	if (prq == NULL)
		return 0;
	iommu = prq->iommu;
	pthread_mutex_lock(&iommu->lock);
	/* No PASID leads to it any more; engines in the middle of asking have then passed. */
	if (prq->nb_users == 0)
		rc = iommu_sync(iommu);
	if (rc == 0) {
		for (i = 0; i < SIOV_PRQ_GROUPS; i++)
			abort_request(&prq->slots[i]);
		close_prq(prq);
	}
	pthread_mutex_unlock(&iommu->lock);
	return rc;
}

void
prq_forget_pasid(struct siov_prq *prq, uint32_t pasid)
{
	unsigned int i;

	for (i = 0; i < SIOV_PRQ_GROUPS; i++) {
		struct prq_slot *slot = &prq->slots[i];
		uint64_t word = siov_atomic_load(&slot->word, acquire); /* P2 */

		if (state_of(word) == PRQ_TAKEN_GONE &&
		    (word >> PRQ_PASID_SHIFT & SIOV_PASID_MAX) == pasid)
			end_request(slot, &word);
	}
}

/* ---- the owner ---- */

/* True: req is filled, the request is now waiting for its answer. False: nobody wants it. */
static bool
take_request(struct prq_slot *slot, struct siov_vtd_page_request *req)
{
	uint64_t word = siov_atomic_load(&slot->word, acquire); /* P2 */

	/* Before the state changes: once taken, the slot may end and begin anew. */
	*req = slot->req;
	if (state_of(word) == PRQ_QUEUED && move_word(slot, &word, PRQ_TAKEN))
		return true;
	end_request(slot, &word);
	return false;
}

unsigned int
siov_prq_take(struct siov_prq *prq, struct siov_vtd_page_request *out, unsigned int max)
{
	unsigned int n = 0;
	uint64_t idx;

	while (n < max) {
		if (!note_ring_take_sc(&prq->ring, &idx)) {
			siov_atomic_store(&prq->is_overflowed, 0, relaxed);
			break;
		}
		prq->nb_taken++;
		n += take_request(&prq->slots[idx], &out[n]);
	}
	return n;
}

static bool
is_valid_response(const struct siov_vtd_page_response *resp)
{
	uint64_t code = resp->q0 >> SIOV_VTD_PRESP_CODE_SHIFT & SIOV_VTD_PRESP_CODE_MASK;

	if ((resp->q0 & SIOV_VTD_PR_TYPE_MASK) != SIOV_VTD_PRESP_TYPE ||
	    (resp->q0 & SIOV_VTD_PRESP_PASID_PRESENT) == 0 ||
	    (resp->q0 & ~SIOV_VTD_PRESP_Q0_USED) != 0 ||
	    (resp->q1 & ~SIOV_VTD_PRESP_Q1_USED) != 0 || resp->q2 != 0 || resp->q3 != 0)
		return false;
	return code == SIOV_PAGE_SUCCESS || code == SIOV_PAGE_INVALID || code == SIOV_PAGE_FAILURE;
}

/* RID and PASID as the words have them. */
static uint64_t
whose_response(const struct siov_vtd_page_response *resp)
{
	uint64_t rid = resp->q0 >> SIOV_VTD_PR_RID_SHIFT & SIOV_VTD_PR_RID_MASK;
	uint64_t pasid = resp->q0 >> SIOV_VTD_PR_PASID_SHIFT & SIOV_PASID_MAX;

	return rid << PRQ_RID_SHIFT | pasid << PRQ_PASID_SHIFT;
}

int
siov_prq_respond(struct siov_prq *prq, const struct siov_vtd_page_response *resp)
{
	const struct siov_vtd_page_response copy = *resp;
	enum siov_page_answer code;
	struct prq_slot *slot;
	uint64_t word;

	if (!is_valid_response(&copy))
		return -EINVAL;
	code = (enum siov_page_answer)(copy.q0 >> SIOV_VTD_PRESP_CODE_SHIFT &
				       SIOV_VTD_PRESP_CODE_MASK);
	slot = &prq->slots[copy.q1 >> SIOV_VTD_PR_PRG_SHIFT & SIOV_VTD_PR_PRG_MASK];
	word = siov_atomic_load(&slot->word, acquire); /* P2 */
	while ((word & PRQ_WHOSE_MASK) == whose_response(&copy)) {
		if (state_of(word) == PRQ_TAKEN) {
			if (!answer_request(slot, &word, code))
				continue;
			siov_atomic_fetch_add(&prq->nb_answers, UINT64_C(1), relaxed);
			return 0;
		}
		if (state_of(word) != PRQ_TAKEN_GONE)
			break;
		if (!end_request(slot, &word))
			continue;
		siov_atomic_fetch_add(&prq->nb_late, UINT64_C(1), relaxed);
		return 0;
	}
	siov_atomic_fetch_add(&prq->nb_void, UINT64_C(1), relaxed);
	return -ENOENT;
}

int
siov_prq_fd(const struct siov_prq *prq)
{
	return prq->fd;
}

/*
 * No wake-up is lost. An engine enters its request, counts it (W1), then looks whether the queue is
 * armed (W2); we arm it (W3), then look at the count (W4); all four are sequentially consistent. If
 * W4 misses W1, then W3 comes before W2, and this engine, or another that was faster to disarm,
 * wakes us. If the count is that of the requests taken though one waits, then one that was taken is
 * not counted yet, and its engine wakes us.
 */
bool
siov_prq_arm(struct siov_prq *prq)
{
	eventfd_t ignored;

	eventfd_read(prq->fd, &ignored);
	siov_atomic_store(&prq->armed, 1, seq_cst); /* W3 */
	if (siov_atomic_load(&prq->nb_asked, seq_cst) == prq->nb_taken) /* W4 */
		return true;
	siov_atomic_store(&prq->armed, 0, relaxed);
	return false;
}

void
siov_prq_get_stats(const struct siov_prq *prq, struct siov_prq_stats *stats)
{
	unsigned int i;

	*stats = (struct siov_prq_stats){
		.nb_requests = siov_atomic_load(&prq->nb_asked, relaxed),
		.nb_dropped = siov_atomic_load(&prq->nb_dropped, relaxed),
		.nb_overflows = siov_atomic_load(&prq->nb_overflows, relaxed),
		.nb_answers = siov_atomic_load(&prq->nb_answers, relaxed),
		.nb_late = siov_atomic_load(&prq->nb_late, relaxed),
		.nb_void = siov_atomic_load(&prq->nb_void, relaxed),
		.is_overflowed = siov_atomic_load(&prq->is_overflowed, relaxed) != 0,
	};
	for (i = 0; i < PRQ_WORDS; i++)
		stats->nb_outstanding += (unsigned int)__builtin_popcountll(
			siov_atomic_load(&prq->used[i], relaxed));
}
