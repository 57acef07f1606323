/* SPDX-License-Identifier: BSD-3-Clause */
/* Page requests, the engines' side: no lock, and a system call only for an owner that sleeps. */
#include <errno.h>

#include <sys/eventfd.h>

#include "prq_priv.h"

/* Take a free bit of a word, from bit first on. Returns it, or 64. */
static unsigned int
take_bit(SIOV_ATOMIC(uint64_t) *used, unsigned int first)
{
	uint64_t free_bits = ~siov_atomic_load(used, relaxed) & UINT64_MAX << first;
	unsigned int bit;

	while (free_bits != 0) {
		bit = (unsigned int)__builtin_ctzll(free_bits);
		/* P4: pairs with P3; who used the index before is done with its slot. */
		if ((siov_atomic_fetch_or(used, RTE_BIT64(bit), acquire) & RTE_BIT64(bit)) == 0)
			return bit;
		free_bits &= ~RTE_BIT64(bit);
	}
	return 64;
}

/* From where the last search began, once around: a free index comes back as late as possible. */
static struct prq_slot *
take_index(struct siov_prq *prq)
{
	uint32_t start = siov_atomic_fetch_add(&prq->next_idx, 1, relaxed) % SIOV_PRQ_GROUPS;
	unsigned int i, w, bit;

	for (i = 0; i <= PRQ_WORDS; i++) {
		w = (start / 64 + i) % PRQ_WORDS;
		bit = take_bit(&prq->used[w], i == 0 ? start % 64 : 0);
		if (bit != 64)
			return &prq->slots[w * 64 + bit];
	}
	return NULL;
}

static void
give_index(struct prq_slot *slot)
{
	struct siov_prq *prq = slot->prq;
	uint32_t idx = (uint32_t)(slot - prq->slots);

	/* P3: pairs with P4 */
	siov_atomic_fetch_and(&prq->used[idx / 64], ~RTE_BIT64(idx % 64), release);
}

static void
fill_request(struct prq_slot *slot, const struct siov_page_ask *ask, uint16_t rid)
{
	const unsigned int priv = SIOV_PERM_PRIV_R | SIOV_PERM_PRIV_W;
	uint64_t idx = (uint64_t)(slot - slot->prq->slots);
	struct siov_vtd_page_request *req = &slot->req;

	*req = (struct siov_vtd_page_request){
		.q0 = SIOV_VTD_PREQ_TYPE | SIOV_VTD_PREQ_PASID_PRESENT |
		      (uint64_t)rid << SIOV_VTD_PR_RID_SHIFT |
		      (uint64_t)ask->pasid << SIOV_VTD_PR_PASID_SHIFT,
		.q1 = SIOV_VTD_PR_LPIG | idx << SIOV_VTD_PR_PRG_SHIFT |
		      (ask->iova & ~UINT64_C(0xfff)),
	};
	if ((ask->perm & priv) != 0)
		req->q0 |= SIOV_VTD_PREQ_PRIV;
	if ((ask->perm & (SIOV_PERM_R | SIOV_PERM_PRIV_R)) != 0)
		req->q1 |= SIOV_VTD_PREQ_READ;
	if ((ask->perm & (SIOV_PERM_W | SIOV_PERM_PRIV_W)) != 0)
		req->q1 |= SIOV_VTD_PREQ_WRITE;
}

static int
drop_request(struct siov_prq *prq)
{
	siov_atomic_fetch_add(&prq->nb_dropped, UINT64_C(1), relaxed);
	return -EAGAIN;
}

/* Count the request, then wake an owner that sleeps: see siov_prq_arm(). */
static void
wake_owner(struct siov_prq *prq)
{
	siov_atomic_fetch_add(&prq->nb_asked, UINT64_C(1), seq_cst); /* W1 */
	if (siov_atomic_load(&prq->armed, seq_cst) != 0 && /* W2 */
	    siov_atomic_exchange(&prq->armed, 0, relaxed) != 0)
		eventfd_write(prq->fd, 1);
}

int
siov_prq_ask(struct siov_prq *prq, const struct siov_atc *atc, const struct siov_page_ask *ask,
	     struct siov_page_ticket *ticket)
{
	struct prq_slot *slot;
	uint64_t word;

	if (siov_atomic_load(&prq->is_overflowed, relaxed) != 0)
		return drop_request(prq);
	slot = take_index(prq);
	if (slot == NULL)
		return drop_request(prq);
	fill_request(slot, ask, atc->rid);
	slot->cookie = ask->cookie;
	slot->atc_id = atc->id;
	word = ((siov_atomic_load(&slot->word, relaxed) >> PRQ_GEN_SHIFT) + 1) << PRQ_GEN_SHIFT |
	       (uint64_t)ask->pasid << PRQ_PASID_SHIFT | (uint64_t)atc->rid << PRQ_RID_SHIFT;
	/* P1: pairs with P2 in prq.c */
	siov_atomic_store(&slot->word, word | PRQ_QUEUED, release);
	if (!note_ring_put_mp(&prq->ring, (uint64_t)(slot - prq->slots))) {
		siov_atomic_store(&slot->word, word | PRQ_FREE, relaxed);
		give_index(slot);
		if (siov_atomic_exchange(&prq->is_overflowed, 1, relaxed) == 0)
			siov_atomic_fetch_add(&prq->nb_overflows, UINT64_C(1), relaxed);
		return drop_request(prq);
	}
	wake_owner(prq);
	*ticket = (struct siov_page_ticket){.slot = slot, .word = word};
	return 0;
}

/* The list came newest first: turn it round. */
static struct prq_slot *
oldest_first(struct prq_slot *slot)
{
	struct prq_slot *done = NULL, *next;

	for (; slot != NULL; slot = next) {
		next = slot->next;
		slot->next = done;
		done = slot;
	}
	return done;
}

static void
fetch_reply(struct prq_slot *slot, struct siov_page_reply *reply)
{
	uint64_t word = siov_atomic_load(&slot->word, relaxed);

	*reply = (struct siov_page_reply){
		.ticket = {.slot = slot, .word = word & PRQ_NAME_MASK},
		.cookie = slot->cookie,
		.code = (enum siov_page_answer)(word >> PRQ_CODE_SHIFT & PRQ_CODE_MASK),
	};
	siov_atomic_store(&slot->word, (word & PRQ_NAME_MASK) | PRQ_FREE, relaxed);
	give_index(slot);
}

unsigned int
siov_prq_take_replies(const struct siov_atc *atc, struct siov_page_reply *out, unsigned int max)
{
	struct prq_unit *unit = siov_atomic_load(&atc->iommu->prqs, acquire); /* P8 */
	struct prq_bell *bell;
	unsigned int n;

	if (unit == NULL)
		return 0;
	bell = &unit->bells[atc->id];
	if (bell->fetched == NULL && siov_atomic_load(&bell->answered, relaxed) != NULL)
		/* P6: pairs with P5 in push_answer() */
		bell->fetched = oldest_first(siov_atomic_exchange(&bell->answered, NULL, acquire));
	for (n = 0; n < max && bell->fetched != NULL; n++) {
		struct prq_slot *slot = bell->fetched;

		bell->fetched = slot->next;
		fetch_reply(slot, &out[n]);
	}
	return n;
}

/* A word that is neither queued nor taken is answered, and will be fetched. */
void
siov_prq_abandon(const struct siov_page_ticket *ticket)
{
	struct prq_slot *slot = ticket->slot;
	uint64_t word = ticket->word | PRQ_QUEUED;

	if (siov_atomic_cas(&slot->word, &word, ticket->word | PRQ_QUEUED_GONE, release, relaxed))
		return;
	word = ticket->word | PRQ_TAKEN;
	siov_atomic_cas(&slot->word, &word, ticket->word | PRQ_TAKEN_GONE, release, relaxed);
}
