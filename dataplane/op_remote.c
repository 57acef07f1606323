/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of operations whose PASID is another process: they work on the engine's bounce buffers. */
#include "remote_priv.h"

uint8_t *
op_remote_translate(struct op *op, struct siov_atc *atc, uint64_t iova, unsigned int perm,
		    uint32_t *len)
{
	struct remote *remote = op->limits->remote;
	uint8_t *bounce;

	*len = RTE_MIN(*len, REMOTE_MAX);
	if (perm & (SIOV_PERM_W | SIOV_PERM_PRIV_W)) {
		remote->dst_iova = iova;
		remote->crc = op->crc;
		op->has_bounce = 1;
		return remote->dst;
	}
	bounce = remote->src[remote->turn++ & 1];
	*len = remote_read(remote, siov_atc_process(atc, op->desc->pasid), iova, bounce, *len);
	return *len != 0 ? bounce : NULL;
}

uint32_t
op_remote_commit(struct op *op, struct siov_atc *atc, uint32_t n)
{
	struct remote *remote = op->limits->remote;
	uint32_t done;

	op->has_bounce = 0;
	done = remote_write(remote, siov_atc_process(atc, op->desc->pasid), remote->dst_iova,
			    remote->dst, n);
	if (done == n)
		return n;
	/* Go back to the sum of what was written. */
	if (op->type->step == op_step_copy_crc)
		op->crc = op_crc_update(op, remote->dst, done, remote->crc);
	op->status = DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE;
	op->fault_addr = remote->dst_iova + done;
	return done;
}

bool
op_remote_commit_whole(struct op *op, struct siov_atc *atc, uint32_t n)
{
	struct remote *remote = op->limits->remote;
	const struct siov_process *process = siov_atc_process(atc, op->desc->pasid);
	uint32_t had, done;

	/* What was there, so that a first part which must not stay can be taken back. */
	had = remote_read(remote, process, remote->dst_iova, remote->src[0], n);
	done = op_remote_commit(op, atc, n);
	if (done == n)
		return true;
	done = RTE_MIN(done, had);
	if (done != 0)
		(void)remote_write(remote, process, remote->dst_iova, remote->src[0], done);
	return false;
}

uint32_t
op_remote_look(struct op *op, struct siov_atc *atc, uint64_t iova, uint32_t n)
{
	struct remote *remote = op->limits->remote;
	uint32_t done;

	op->has_bounce = 0;
	done = remote_read(remote, siov_atc_process(atc, op->desc->pasid), iova, remote->dst, n);
	if (done == n)
		return n;
	op->status = DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE;
	op->fault_addr = iova + done;
	return done;
}

uint32_t
op_remote_commit_both(struct op *op, struct siov_atc *atc, uint64_t first, uint32_t n)
{
	struct remote *remote = op->limits->remote;
	const struct siov_process *process = siov_atc_process(atc, op->desc->pasid);
	uint64_t second = remote->dst_iova;
	uint32_t had, there, done;

	/* What was there, so that what the second place refuses does not stay at the first. */
	had = remote_read(remote, process, first, remote->src[0], n);
	remote->dst_iova = first;
	there = op_remote_commit(op, atc, n);
	remote->dst_iova = second;
	if (there == 0)
		return 0;
	done = remote_write(remote, process, second, remote->dst, there);
	if (done == there)
		return there;
	if (done < had)
		(void)remote_write(remote, process, first + done, remote->src[0] + done,
				   RTE_MIN(had, there) - done);
	op->status = DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE;
	op->fault_addr = second + done;
	return done;
}
