/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of a message: the engines' side of interrupt remapping. */
#include <rte_branch_prediction.h>
#include <rte_lcore.h>

#include "ir_priv.h"

/* A message on its way, with what a record of it would say. */
struct message {
	uint32_t index;
	uint16_t rid;
	bool is_silent;
	uint64_t lo; /* of the entry */
	uint64_t hi;
};

static struct ir_shard *
own_shard(struct siov_ir *ir)
{
	return &ir->shards[rte_lcore_id() % IR_SHARDS];
}

static int
block(struct siov_ir *ir, const struct message *msg, int reason)
{
	unsigned int slot =
		reason == SIOV_IR_FAULT_NO_DEST ? SIOV_IR_NB_REASONS - 1 : (unsigned int)reason & 7;

	siov_atomic_fetch_add(&own_shard(ir)->nb_blocked[slot], UINT64_C(1), relaxed);
	if (!msg->is_silent)
		note_ring_put_mp(&ir->faults, (uint64_t)msg->index << 32 |
						      (uint64_t)msg->rid << 16 | (uint64_t)reason);
	return reason;
}

static int
raise_at(struct siov_ir *ir, const struct message *msg, uint32_t id, uint8_t vector)
{
	struct siov_intr_dest *dest = ir_dest(ir, id);

	if (unlikely(dest == NULL))
		return block(ir, msg, SIOV_IR_FAULT_NO_DEST);
	intr_raise(dest, vector);
	siov_atomic_fetch_add(&own_shard(ir)->nb_remapped, UINT64_C(1), relaxed);
	return SIOV_IR_OK;
}

static void
notify(struct siov_ir *ir, uint32_t ndst, uint8_t nv)
{
	struct siov_intr_dest *dest = ir_dest(ir, ndst);
	struct ir_shard *shard = own_shard(ir);

	siov_atomic_fetch_add(dest != NULL ? &shard->nb_notified : &shard->nb_notify_lost,
			      UINT64_C(1), relaxed);
	if (dest != NULL)
		intr_raise(dest, nv);
}

static int
post(struct siov_ir *ir, const struct message *msg, uint8_t vector)
{
	uint64_t pda =
		msg->hi >> SIOV_IRTE_PDA_HI_SHIFT << 32 | (msg->lo & SIOV_IRTE_PDA_LO_MASK) >> 32;
	uint32_t ndst;
	uint8_t nv;

	siov_atomic_fetch_add(&own_shard(ir)->nb_posted, UINT64_C(1), relaxed);
	if (pid_post((struct siov_pid_desc *)(uintptr_t)pda, vector, (msg->lo & SIOV_IRTE_URG) != 0,
		     &ndst, &nv))
		notify(ir, ndst, nv);
	return SIOV_IR_OK;
}

/* Has the entry of @p msg bits set that are reserved or not offered? */
static bool
has_reserved(const struct message *msg)
{
	uint64_t delivery = (msg->lo & SIOV_IRTE_DLM_MASK) >> SIOV_IRTE_DLM_SHIFT;

	if ((msg->hi & SIOV_IRTE_SVT_MASK) == SIOV_IRTE_SVT_MASK)
		return true;
	if ((msg->lo & SIOV_IRTE_IM) != 0)
		return (msg->lo & SIOV_IRTE_POSTED_LO_RSVD) != 0 ||
		       (msg->hi & SIOV_IRTE_POSTED_HI_RSVD) != 0;
	return (msg->lo & SIOV_IRTE_LO_RSVD) != 0 || (msg->hi & SIOV_IRTE_HI_RSVD) != 0 ||
	       delivery > SIOV_IR_LOWEST;
}

/* May the requester use the entry of @p msg? */
static bool
is_allowed(const struct message *msg)
{
	static const uint16_t compared[] = {0xffff, 0xfffb, 0xfff9, 0xfff8}; /* by SQ */
	uint32_t sid = msg->hi & SIOV_IRTE_SID_MASK;
	uint32_t sq = (msg->hi & SIOV_IRTE_SQ_MASK) >> SIOV_IRTE_SQ_SHIFT;
	uint32_t bus = msg->rid >> 8;

	switch ((msg->hi & SIOV_IRTE_SVT_MASK) >> SIOV_IRTE_SVT_SHIFT) {
	case SIOV_IR_SVT_NONE:
		return true;
	case SIOV_IR_SVT_SID:
		return ((msg->rid ^ sid) & compared[sq]) == 0;
	default: /* SIOV_IR_SVT_BUS: 3 is reserved and was refused */
		return bus >= sid >> 8 && bus <= (sid & 0xff);
	}
}

static int
deliver_by_entry(struct siov_ir *ir, struct message *msg)
{
	uint8_t vector;

	ir_read(ir, msg->index, &msg->lo, &msg->hi);
	msg->is_silent = (msg->lo & SIOV_IRTE_FPD) != 0;
	if (unlikely((msg->lo & SIOV_IRTE_P) == 0))
		return block(ir, msg, SIOV_IR_FAULT_NOT_PRESENT);
	if (unlikely(has_reserved(msg)))
		return block(ir, msg, SIOV_IR_FAULT_IRTE_RESERVED);
	if (unlikely(!is_allowed(msg)))
		return block(ir, msg, SIOV_IR_FAULT_SID);
	vector = (uint8_t)((msg->lo & SIOV_IRTE_VECTOR_MASK) >> SIOV_IRTE_VECTOR_SHIFT);
	if ((msg->lo & SIOV_IRTE_IM) != 0)
		return post(ir, msg, vector);
	return raise_at(ir, msg, (uint32_t)(msg->lo >> SIOV_IRTE_DEST_SHIFT), vector);
}

/* Without a table there is nothing but the message to go by. */
static int
deliver_compat(struct siov_ir *ir, const struct message *msg, uint64_t addr, uint32_t data)
{
	uint32_t delivery = data >> SIOV_MSI_DATA_DLM_SHIFT & SIOV_MSI_DATA_DLM_MASK;
	uint64_t id = (addr >> SIOV_MSI_ADDR_DEST_SHIFT & SIOV_MSI_ADDR_DEST_MASK) |
		      (addr >> SIOV_MSI_ADDR_EXT_DEST_SHIFT & SIOV_MSI_ADDR_EXT_DEST_MASK) << 8;

	if ((ir->conf.flags & SIOV_IR_F_COMPAT) == 0)
		return block(ir, msg, SIOV_IR_FAULT_COMPAT);
	if ((addr & SIOV_MSI_ADDR_LOGICAL) != 0 || data >> 16 != 0 || delivery > SIOV_IR_LOWEST)
		return block(ir, msg, SIOV_IR_FAULT_REQUEST_RESERVED);
	return raise_at(ir, msg, (uint32_t)id, (uint8_t)(data & SIOV_MSI_DATA_VECTOR));
}

int
siov_ir_deliver(struct siov_ir *ir, uint16_t rid, uint64_t msi_addr, uint32_t msi_data)
{
	struct message msg = {.rid = rid};
	uint32_t subhandle_mask = 0;

	if (unlikely(msi_addr >> SIOV_MSI_ADDR_HEAD_SHIFT != SIOV_MSI_ADDR_HEAD ||
		     (msi_addr & SIOV_MSI_ADDR_RSVD) != 0))
		return block(ir, &msg, SIOV_IR_FAULT_REQUEST_RESERVED);
	if (unlikely((msi_addr & SIOV_MSI_ADDR_REMAPPABLE) == 0))
		return deliver_compat(ir, &msg, msi_addr, msi_data);
	if ((msi_addr & SIOV_MSI_ADDR_SHV) != 0)
		subhandle_mask = SIOV_MSI_DATA_SUBHANDLE;
	if (unlikely((msi_data & ~subhandle_mask) != 0))
		return block(ir, &msg, SIOV_IR_FAULT_REQUEST_RESERVED);
	msg.index = (uint32_t)(msi_addr >> SIOV_MSI_ADDR_INDEX_SHIFT & SIOV_MSI_ADDR_INDEX_MASK);
	if ((msi_addr & SIOV_MSI_ADDR_INDEX15) != 0)
		msg.index |= 0x8000;
	msg.index += msi_data;
	if (unlikely(msg.index >= ir->conf.nb_entries))
		return block(ir, &msg, SIOV_IR_FAULT_INDEX);
	return deliver_by_entry(ir, &msg);
}
