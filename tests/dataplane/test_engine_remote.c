/* SPDX-License-Identifier: BSD-3-Clause */
/* Another process's address space, by its id: nothing is shared with it, nothing registered. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "dif_model.h"
#include "remote_priv.h"
#include "sva_bed.h"

#define LEN (48u * 4096)
#define NB_PAGES (LEN / 4096)
#define SRC_BYTE(i) ((uint8_t)((i)*7 + (i) / 4096))

/* Both processes have this at one address, each its own. */
struct place {
	uint8_t *src;
	uint8_t *dst;
	struct dsa_completion_record *comp;
};

struct remote_bed {
	struct rig *rig;
	struct rig_guest *guest;
	struct place at;
	pid_t child;
	int ask[2]; /* to the child: what to do */
	int tell[2]; /* from the child: what it sees */
};

enum ask {
	ASK_SUM = 'S', /* tell the sum of the destination's bytes */
	ASK_HOLE = 'H', /* unmap a page of source and destination */
	ASK_READ_ONLY = 'R', /* make a page of the destination read-only */
	ASK_LIST = 'L', /* write a list of 8 moves at the source's start */
	ASK_POLL = 'P', /* poll the record until there is a status, tell it */
};

#define HOLE_PAGE 20u
#define LIST_NB 8u

/* ---- the child ---- */

static uint32_t
crc_of(const uint8_t *bytes, uint32_t len)
{
	return ~rig_crc32c(UINT32_MAX, bytes, len);
}

/* Moves of 64 bytes each, from the source behind the list to the destination's start. */
static void
put_list(const struct place *at)
{
	struct dsa_hw_desc *list = (void *)at->src;
	unsigned int i;

	for (i = 0; i < LIST_NB; i++) {
		list[i] = (struct dsa_hw_desc){
			.opcode = DSA_OPCODE_MEMMOVE,
			.src_addr = addr_of(at->src + LIST_NB * sizeof(*list) + 64 * i),
			.dst_addr = addr_of(at->dst + 64 * i),
			.xfer_size = 64,
		};
	}
}

static void
answer(const struct place *at, char what, int tell)
{
	const SIOV_ATOMIC(uint8_t) *status = (const uint8_t *)at->comp;
	struct dsa_completion_record rec;
	uint32_t crc;

	if (what == ASK_LIST) {
		put_list(at);
	} else if (what == ASK_HOLE) {
		munmap(at->src + HOLE_PAGE * 4096, 4096);
		munmap(at->dst + HOLE_PAGE * 4096, 4096);
	} else if (what == ASK_READ_ONLY) {
		mprotect(at->dst + HOLE_PAGE * 4096, 4096, PROT_READ);
	}
	while (what == ASK_POLL && siov_atomic_load(status, acquire) == 0)
		sched_yield();
	if (what == ASK_POLL) {
		rec = *at->comp;
		/* Clean before the parent may go on. */
		memset(at->comp, 0, sizeof(*at->comp));
		if (write(tell, &rec, sizeof(rec)) < 0)
			_exit(1);
		return;
	}
	crc = what == ASK_SUM ? crc_of(at->dst, LEN) : 0;
	if (write(tell, &crc, sizeof(crc)) < 0)
		_exit(1);
}

static void
be_child(struct remote_bed *bed)
{
	uint32_t i;
	char what;

	/* Not longer than the test, should it fail. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(bed->ask[1]);
	for (i = 0; i < LEN; i++)
		bed->at.src[i] = SRC_BYTE(i);
	memset(bed->at.dst, 0x5a, LEN);
	memset(bed->at.comp, 0, 4096);
	if (write(bed->tell[1], &i, sizeof(i)) < 0)
		_exit(1);
	while (read(bed->ask[0], &what, 1) == 1)
		answer(&bed->at, what, bed->tell[1]);
	_exit(0);
}

/* ---- the parent ---- */

static uint32_t
hear(struct remote_bed *bed)
{
	uint32_t value;

	assert_int_equal(read(bed->tell[0], &value, sizeof(value)), sizeof(value));
	return value;
}

static uint32_t
ask(struct remote_bed *bed, char what)
{
	assert_int_equal(write(bed->ask[1], &what, 1), 1);
	return hear(bed);
}

static struct remote_bed *
remote_open(void)
{
	struct siov_domain_conf conf = {.kind = SIOV_DOMAIN_PROCESS};
	struct remote_bed *bed = calloc(1, sizeof(*bed));
	struct siov_domain *dom;
	struct siov_lane *lane;
	unsigned int q;

	assert_non_null(bed);
	bed->at.src = sva_map(LEN);
	bed->at.dst = sva_map(LEN);
	bed->at.comp = (void *)sva_map(4096);
	assert_int_equal(pipe(bed->ask), 0);
	assert_int_equal(pipe(bed->tell), 0);
	bed->child = fork();
	assert_true(bed->child >= 0);
	if (bed->child == 0)
		be_child(bed);
	hear(bed);
	/* Whoever touches these here instead of there dies. */
	mprotect(bed->at.src, LEN, PROT_NONE);
	mprotect(bed->at.dst, LEN, PROT_NONE);
	mprotect(bed->at.comp, 4096, PROT_NONE);
	bed->rig = rig_open(&(struct rig_conf){.arena_len = RIG_2M});
	q = rig_add_wq(bed->rig, &(struct rig_wq_conf){.size = 64, .batch_max = 64});
	assert_int_equal(siov_wq_attach(&bed->rig->fm.mem, bed->rig->wqs[q], 0, &lane), 0);
	conf.pid = bed->child;
	assert_int_equal(siov_domain_create(bed->rig->iommu, &conf, &dom), 0);
	bed->guest = rig_add_guest_on(bed->rig, lane, SVA_PASID, dom);
	return bed;
}

static void
end_child(struct remote_bed *bed)
{
	if (bed->child == 0)
		return;
	kill(bed->child, SIGKILL);
	waitpid(bed->child, NULL, 0);
	bed->child = 0;
}

static void
remote_close(struct remote_bed *bed)
{
	unsigned int i;

	end_child(bed);
	for (i = 0; i < 2; i++) {
		close(bed->ask[i]);
		close(bed->tell[i]);
	}
	rig_no_error(bed->rig);
	rig_close(bed->rig);
	munmap(bed->at.src, LEN);
	munmap(bed->at.dst, LEN);
	munmap(bed->at.comp, 4096);
	free(bed);
}

static struct dsa_hw_desc
desc_for(const struct remote_bed *bed, uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len)
{
	struct dsa_hw_desc desc = rig_desc(opcode);

	desc.completion_addr = addr_of(bed->at.comp);
	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = len;
	return desc;
}

/* Run, and return the record as the child polls it. */
static struct dsa_completion_record
run_desc(struct remote_bed *bed, const struct dsa_hw_desc *desc)
{
	struct dsa_completion_record rec;
	char what = ASK_POLL;

	assert_int_equal(write(bed->ask[1], &what, 1), 1);
	rig_submit(bed->guest, desc);
	rig_settle(bed->rig);
	rig_no_error(bed->rig); /* there is a record to wait for */
	assert_int_equal(read(bed->tell[0], &rec, sizeof(rec)), sizeof(rec));
	return rec;
}

static struct dsa_completion_record
run(struct remote_bed *bed, uint8_t opcode, uint64_t src, uint64_t dst, uint32_t len)
{
	const struct dsa_hw_desc desc = desc_for(bed, opcode, src, dst, len);

	return run_desc(bed, &desc);
}

/* What the child's destination should be: done bytes from the source at offset from, then 0x5a. */
static uint32_t
moved_crc(uint32_t to, uint32_t from, uint32_t done)
{
	uint8_t *bytes = malloc(LEN);
	uint32_t i, crc;

	assert_non_null(bytes);
	memset(bytes, 0x5a, LEN);
	for (i = 0; i < done; i++)
		bytes[to + i] = SRC_BYTE(from + i);
	crc = crc_of(bytes, LEN);
	free(bytes);
	return crc;
}

static uint32_t
source_crc(uint32_t from, uint32_t len)
{
	uint32_t crc = UINT32_MAX, i;

	for (i = 0; i < len; i++) {
		uint8_t byte = SRC_BYTE(from + i);

		crc = rig_crc32c(crc, &byte, 1);
	}
	return ~crc;
}

/* ---- tests ---- */

static void
test_s9_4_4_2_operations_work_in_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	uint64_t src = addr_of(bed->at.src), dst = addr_of(bed->at.dst);
	struct dsa_completion_record rec;

	(void)state;
	rec = run(bed, DSA_OPCODE_MEMMOVE, src + 100, dst + 5000, 70000);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(ask(bed, ASK_SUM), moved_crc(5000, 100, 70000));
	rec = run(bed, DSA_OPCODE_COPY_CRC, src, dst, LEN);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.crc_val, source_crc(0, LEN));
	assert_int_equal(ask(bed, ASK_SUM), source_crc(0, LEN));
	rec = run(bed, DSA_OPCODE_CRCGEN, src + 1, 0, 9999);
	assert_int_equal(rec.crc_val, source_crc(1, 9999));
	rec = run(bed, DSA_OPCODE_COMPARE, src + 3, dst + 3, 10000);
	assert_int_equal(rec.result, 0);
	rec = run(bed, DSA_OPCODE_MEMFILL, UINT64_C(0x0101010101010101), dst, LEN);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	rec = run(bed, DSA_OPCODE_COMPVAL, dst, UINT64_C(0x0101010101010101), LEN);
	assert_int_equal(rec.result, 0);
	rec = run(bed, DSA_OPCODE_COMPARE, src + 1, dst + 1, 10000);
	assert_int_equal(rec.result, 1);
	remote_close(bed);
}

/* Words from the source's second page on, which all differ from those a page before. */
static uint32_t
made_crc(uint32_t to, uint32_t nb)
{
	uint8_t *bytes = malloc(LEN);
	uint32_t crc, i, k;

	assert_non_null(bytes);
	memset(bytes, 0x5a, LEN);
	for (i = 0; i < nb; i++) {
		bytes[to + 10 * i] = (uint8_t)i;
		bytes[to + 10 * i + 1] = (uint8_t)(i >> 8);
		for (k = 0; k < 8; k++)
			bytes[to + 10 * i + 2 + k] = SRC_BYTE(4096 + 8 * i + k);
	}
	crc = crc_of(bytes, LEN);
	free(bytes);
	return crc;
}

static struct dsa_hw_desc
delta_desc(const struct remote_bed *bed, uint32_t to, uint32_t len)
{
	uint64_t src = addr_of(bed->at.src);
	struct dsa_hw_desc desc = desc_for(bed, DSA_OPCODE_CR_DELTA, src, src + 4096, len);

	desc.delta_addr = addr_of(bed->at.dst) + to;
	desc.max_delta_size = len / 8 * 10 + 80;
	return desc;
}

static void
test_s9_4_4_2_delta_records_of_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	uint32_t len = 70000, nb = len / 8;
	struct dsa_hw_desc desc = delta_desc(bed, 5000, len);
	struct dsa_completion_record rec = run_desc(bed, &desc);

	(void)state;
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.result, 1);
	assert_int_equal(rec.delta_rec_size, 10 * nb);
	assert_int_equal(ask(bed, ASK_SUM), made_crc(5000, nb));
	desc = desc_for(bed, DSA_OPCODE_AP_DELTA, desc.delta_addr, desc.src_addr, len);
	desc.delta_rec_size = 10 * nb;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, len);
	rec = run(bed, DSA_OPCODE_CRCGEN, addr_of(bed->at.src), 0, len);
	assert_int_equal(rec.crc_val, source_crc(4096, len));
	remote_close(bed);
}

/* The fourth entry reaches into a page that cannot be written, and is taken back. */
static void
test_s9_4_4_2_an_entry_is_whole_or_absent_in_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	uint32_t to = HOLE_PAGE * 4096 - 32;
	struct dsa_hw_desc desc = delta_desc(bed, to, 4000);
	struct dsa_completion_record rec;

	(void)state;
	ask(bed, ASK_READ_ONLY);
	rec = run_desc(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, desc.delta_addr + 32, 24);
	assert_int_equal(rec.delta_rec_size, 30);
	assert_int_equal(ask(bed, ASK_SUM), made_crc(to, 3));
	remote_close(bed);
}

static void
test_s9_4_4_2_overlapping_moves_go_the_right_way(void **state)
{
	static const int32_t by[] = {1, 5000, 50000, -1, -5000, -66000};
	uint8_t *model = malloc(LEN);
	unsigned int i;

	(void)state;
	for (i = 0; i < RTE_DIM(by); i++) {
		struct remote_bed *bed = remote_open();
		uint32_t at = 66000, len = 70000, k;
		uint64_t src = addr_of(bed->at.src);
		struct dsa_completion_record rec;

		for (k = 0; k < LEN; k++)
			model[k] = SRC_BYTE(k);
		memmove(model + at + by[i], model + at, len);
		rec = run(bed, DSA_OPCODE_MEMMOVE, src + at, src + at + (uint64_t)by[i], len);
		assert_int_equal(rec.status, DSA_COMP_SUCCESS);
		rec = run(bed, DSA_OPCODE_CRCGEN, src, 0, LEN);
		assert_int_equal(rec.crc_val, crc_of(model, LEN));
		remote_close(bed);
	}
	free(model);
}

static void
test_s9_4_4_2_bad_pages_give_exact_bytes(void **state)
{
	struct remote_bed *bed = remote_open();
	uint64_t src = addr_of(bed->at.src), dst = addr_of(bed->at.dst);
	uint64_t hole = HOLE_PAGE * 4096;
	struct dsa_completion_record rec;

	(void)state;
	ask(bed, ASK_READ_ONLY);
	rec = run(bed, DSA_OPCODE_COPY_CRC, src + 50, dst + 17, LEN - 50);
	sva_check_fault(&rec, WRITE_FAULT, dst + hole, hole - 17);
	assert_int_equal(rec.crc_val, source_crc(50, hole - 17));
	assert_int_equal(ask(bed, ASK_SUM), moved_crc(17, 50, hole - 17));
	ask(bed, ASK_HOLE);
	rec = run(bed, DSA_OPCODE_CRCGEN, src + 9, 0, LEN - 9);
	sva_check_fault(&rec, READ_FAULT, src + hole, hole - 9);
	assert_int_equal(rec.crc_val, source_crc(9, hole - 9));
	rec = run(bed, DSA_OPCODE_COMPARE, src, src, LEN);
	sva_check_fault(&rec, READ_FAULT, src + hole, hole);
	rec = run(bed, DSA_OPCODE_MEMFILL, 0, dst + hole, 1);
	sva_check_fault(&rec, WRITE_FAULT, dst + hole, 0);
	rec = run(bed, DSA_OPCODE_MEMMOVE, src, dst + (UINT64_C(1) << 63), 1);
	assert_int_equal(rec.status, WRITE_FAULT);
	remote_close(bed);
}

static void
test_s9_4_4_2_batches_of_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	struct dsa_hw_desc desc = desc_for(bed, DSA_OPCODE_BATCH, addr_of(bed->at.src), 0, LIST_NB);
	struct dsa_completion_record rec;

	(void)state;
	ask(bed, ASK_LIST);
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, LIST_NB);
	assert_int_equal(ask(bed, ASK_SUM), moved_crc(0, LIST_NB * 64, LIST_NB * 64));
	ask(bed, ASK_HOLE);
	desc.desc_list_addr += HOLE_PAGE * 4096;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_BATCH_PAGE_FAULT);
	assert_true(rec.fault_addr == desc.desc_list_addr);
	remote_close(bed);
}

#define APART (24u * 4096) /* between destinations */

/* Twice the same bytes: at the child's destination and APART behind. */
static uint32_t
cast_crc(uint32_t to, uint32_t done)
{
	uint8_t *bytes = malloc(LEN);
	uint32_t i, crc;

	assert_non_null(bytes);
	memset(bytes, 0x5a, LEN);
	for (i = 0; i < done; i++) {
		bytes[to + i] = SRC_BYTE(i);
		bytes[to + APART + i] = SRC_BYTE(i);
	}
	crc = crc_of(bytes, LEN);
	free(bytes);
	return crc;
}

/* Either destination has a page that cannot be written: the other one has not a byte more. */
static void
check_cast_fault(bool is_second)
{
	struct remote_bed *bed = remote_open();
	uint64_t dst = addr_of(bed->at.dst), hole = HOLE_PAGE * 4096;
	struct dsa_hw_desc desc =
		desc_for(bed, DSA_OPCODE_DUALCAST, addr_of(bed->at.src), dst + 17, 90000);
	struct dsa_completion_record rec;

	desc.dest2 = dst + 17 + APART;
	if (is_second) {
		desc.dest2 = desc.dst_addr;
		desc.dst_addr += APART;
	}
	ask(bed, ASK_READ_ONLY);
	rec = run_desc(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, dst + hole, hole - 17);
	assert_int_equal(ask(bed, ASK_SUM), cast_crc(17, hole - 17));
	remote_close(bed);
}

static void
test_s9_4_4_2_two_destinations_in_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	uint64_t src = addr_of(bed->at.src), dst = addr_of(bed->at.dst);
	struct dsa_hw_desc desc = desc_for(bed, DSA_OPCODE_DUALCAST, src, dst + 100, 90000);
	struct dsa_completion_record rec;

	(void)state;
	desc.dest2 = dst + 100 + APART;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, 90000);
	assert_int_equal(ask(bed, ASK_SUM), cast_crc(100, 90000));
	remote_close(bed);
	check_cast_fault(false);
	check_cast_fault(true);
}

static void
test_s9_4_4_2_seeds_and_flushes_of_another_process(void **state)
{
	struct remote_bed *bed = remote_open();
	uint64_t src = addr_of(bed->at.src), dst = addr_of(bed->at.dst), hole = HOLE_PAGE * 4096;
	struct dsa_hw_desc desc = desc_for(bed, DSA_OPCODE_CRCGEN, src, 0, 5000);
	uint8_t seed[4] = {SRC_BYTE(4094u), SRC_BYTE(4095u), SRC_BYTE(4096u), SRC_BYTE(4097u)};
	struct dsa_completion_record rec;
	uint32_t value;

	(void)state;
	desc.flags |= SIOV_OP_FLAG_CRC_SEED;
	desc.seed_addr = src + 4094;
	rec = run_desc(bed, &desc);
	memcpy(&value, seed, sizeof(value));
	desc.flags &= ~(uint32_t)SIOV_OP_FLAG_CRC_SEED;
	desc.seed_addr = 0;
	desc.crc_seed = value;
	value = (uint32_t)rec.crc_val;
	rec = run_desc(bed, &desc);
	assert_int_equal(value, rec.crc_val);
	rec = run(bed, DSA_OPCODE_CFLUSH, 0, dst + 5, LEN - 5);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(ask(bed, ASK_SUM), moved_crc(0, 0, 0));
	ask(bed, ASK_HOLE);
	rec = run(bed, DSA_OPCODE_CFLUSH, 0, dst + 5, LEN - 5);
	sva_check_fault(&rec, WRITE_FAULT, dst + hole, hole - 5);
	desc.flags |= SIOV_OP_FLAG_CRC_SEED;
	desc.crc_seed = 0;
	desc.seed_addr = src + hole - 2;
	rec = run_desc(bed, &desc);
	sva_check_fault(&rec, READ_FAULT, src + hole, 0);
	assert_int_equal(rec.crc_val, 0);
	remote_close(bed);
}

/* The child's memory as the model has it; a page of the destination is missing if has_hole. */
struct dif_memory {
	const struct place *at;
	bool has_hole;
	uint8_t src[LEN], dst[LEN];
};

static uint8_t *
dif_byte(void *ctx, uint64_t iova, bool is_write)
{
	struct dif_memory *mem = ctx;
	uint64_t offset = iova - addr_of(is_write ? mem->at->dst : mem->at->src);

	assert_true(offset < LEN);
	if (mem->has_hole && is_write && offset / 4096 == HOLE_PAGE)
		return NULL;
	return (is_write ? mem->dst : mem->src) + offset;
}

/* Tuples are inserted into the child's destination, which then is the source of the others. */
static void
run_dif(struct remote_bed *bed, struct dif_memory *mem, unsigned int kind, uint8_t status)
{
	struct dsa_hw_desc desc = desc_for(bed, DSA_OPCODE_DIF_INS, addr_of(bed->at.src) + 77,
					   addr_of(bed->at.dst) + 5, 0);
	struct dsa_completion_record rec;
	struct dif_outcome out;

	desc.dif_upd_flags = (uint8_t)kind;
	desc.dest_ref_tag_seed = 99;
	desc.xfer_size = 150000 / dif_model_src_len(&desc) * dif_model_src_len(&desc);
	out = dif_model_run(&desc, dif_byte, mem);
	rec = run_desc(bed, &desc);
	assert_int_equal(out.status, status);
	dif_model_compare(&rec, &out);
	if (status == DSA_COMP_SUCCESS)
		assert_int_equal(ask(bed, ASK_SUM), crc_of(mem->dst, LEN));
	desc.src_addr = desc.dst_addr;
	desc.opcode = DSA_OPCODE_DIF_CHECK;
	desc.dest_ref_tag_seed = 0;
	desc.src_ref_tag_seed = 99;
	desc.xfer_size = out.done / dif_model_dst_len(&desc) * dif_model_src_len(&desc);
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	assert_int_equal(rec.bytes_completed, desc.xfer_size);
	desc.src_ref_tag_seed = 98;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_DIF_ERR);
	assert_int_equal(rec.result, DIF_BAD_REF);
}

static void
test_s9_4_4_2_blocks_with_tuples(void **state)
{
	struct remote_bed *bed = remote_open();
	struct dif_memory *mem = test_calloc(1, sizeof(*mem));
	unsigned int kind, i;

	(void)state;
	mem->at = &bed->at;
	for (i = 0; i < LEN; i++)
		mem->src[i] = SRC_BYTE(i);
	memset(mem->dst, 0x5a, LEN);
	for (kind = 0; kind < 4; kind++)
		run_dif(bed, mem, kind, DSA_COMP_SUCCESS);
	ask(bed, ASK_READ_ONLY);
	mem->has_hole = true;
	for (kind = 0; kind < 4; kind++)
		run_dif(bed, mem, kind, WRITE_FAULT);
	test_free(mem);
	remote_close(bed);
}

/* Strip, so that the destination is shorter; and a bad block behind some that were written. */
static void
test_s9_4_4_2_a_bad_block_ends_the_transfer_behind_the_good_ones(void **state)
{
	struct remote_bed *bed = remote_open();
	struct dif_memory *mem = test_calloc(1, sizeof(*mem));
	struct dsa_hw_desc desc =
		desc_for(bed, DSA_OPCODE_DIF_STRP, addr_of(bed->at.src), addr_of(bed->at.dst), 0);
	struct dsa_completion_record rec;
	struct dif_outcome out;
	unsigned int i;

	(void)state;
	mem->at = &bed->at;
	for (i = 0; i < LEN; i++)
		mem->src[i] = SRC_BYTE(i);
	memset(mem->dst, 0x5a, LEN);
	/* The child's bytes are no tuples: the first blocks pass for what is not looked at. */
	desc.src_upd_flags = 0x60;
	desc.src_app_tag_mask = (uint16_t)~0x8000u;
	desc.src_app_tag_seed = (uint16_t)(SRC_BYTE(514) << 8);
	desc.xfer_size = 100 * 520;
	out = dif_model_run(&desc, dif_byte, mem);
	assert_int_equal(out.status, DSA_COMP_DIF_ERR);
	assert_true(out.done > 0);
	rec = run_desc(bed, &desc);
	dif_model_compare(&rec, &out);
	assert_int_equal(ask(bed, ASK_SUM), crc_of(mem->dst, LEN));
	test_free(mem);
	remote_close(bed);
}

/* Of what one system call should have brought there, eight blocks fit before the bad page. */
static void
test_s9_4_4_2_a_bad_page_counts_before_a_bad_block_behind_it(void **state)
{
	struct remote_bed *bed = remote_open();
	uint64_t dst = addr_of(bed->at.dst), from = dst + (HOLE_PAGE + 4) * 4096;
	struct dsa_hw_desc desc =
		desc_for(bed, DSA_OPCODE_DIF_INS, addr_of(bed->at.src), from, 12 * 512);
	struct dsa_completion_record rec;

	(void)state;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_SUCCESS);
	ask(bed, ASK_READ_ONLY);
	desc.opcode = DSA_OPCODE_DIF_STRP;
	desc.src_addr = from;
	desc.dst_addr = dst + (HOLE_PAGE - 1) * 4096;
	desc.xfer_size = 20 * 520;
	rec = run_desc(bed, &desc);
	sva_check_fault(&rec, WRITE_FAULT, dst + HOLE_PAGE * 4096, 8 * 520);
	assert_int_equal(rec.result, 0);
	assert_int_equal(rec.dif_chk_ref_tag, 8);
	desc.dst_addr = dst;
	rec = run_desc(bed, &desc);
	assert_int_equal(rec.status, DSA_COMP_DIF_ERR);
	assert_int_equal(rec.result, DIF_BAD_GUARD | DIF_BAD_APP | DIF_BAD_REF);
	assert_int_equal(rec.bytes_completed, 12 * 520);
	remote_close(bed);
}

static void
test_s9_4_4_2_nothing_is_done_if_the_record_has_no_place(void **state)
{
	struct remote_bed *bed = remote_open();
	struct dsa_hw_desc desc =
		desc_for(bed, DSA_OPCODE_MEMFILL, UINT64_MAX, addr_of(bed->at.dst), 4096);
	struct siov_error error;

	(void)state;
	ask(bed, ASK_READ_ONLY);
	desc.completion_addr = addr_of(bed->at.dst) + HOLE_PAGE * 4096;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	assert_int_equal(error.fault_addr, desc.completion_addr);
	assert_int_equal(ask(bed, ASK_SUM), moved_crc(0, 0, 0));
	remote_close(bed);
}

/* Killed but not waited for: its id is still taken, and the process is gone all the same. */
static void
test_s9_4_4_2_process_that_ended_is_a_page_fault(void **state)
{
	struct remote_bed *bed = remote_open();
	struct dsa_hw_desc desc =
		desc_for(bed, DSA_OPCODE_MEMMOVE, addr_of(bed->at.src), addr_of(bed->at.dst), LEN);
	struct siov_error error;
	siginfo_t info;

	(void)state;
	rig_submit(bed->guest, &desc);
	rig_poll(bed->rig);
	kill(bed->child, SIGKILL);
	assert_int_equal(waitid(P_PID, bed->child, &info, WEXITED | WNOWAIT), 0);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	end_child(bed);
	desc.flags = 0;
	rig_submit(bed->guest, &desc);
	rig_settle(bed->rig);
	error = rig_one_error(bed->rig);
	assert_int_equal(error.code, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(error.fault_addr, desc.src_addr);
	remote_close(bed);
}

/* A pidfd that says "ended" wins over an id that somebody has: here, this very process. */
static void
test_s9_4_4_2_reused_process_id_is_not_touched(void **state)
{
	struct fake_mem fm;
	struct remote *remote;
	struct siov_process process = {.pid = getpid()};
	uint64_t here = 1, out = 2;
	int fds[2];

	(void)state;
	fake_mem_init(&fm);
	assert_int_equal(remote_create(&fm.mem, -1, &remote), 0);
	assert_int_equal(pipe(fds), 0);
	process.pidfd = fds[0];
	assert_int_equal(remote_read(remote, &process, addr_of(&here), &out, 8), 8);
	assert_int_equal(out, 1);
	close(fds[1]); /* as readable as the descriptor of a process that ended */
	out = 2;
	assert_int_equal(remote_read(remote, &process, addr_of(&here), &out, 8), 0);
	assert_int_equal(remote_write(remote, &process, addr_of(&here), &out, 8), 0);
	assert_int_equal(out, 2);
	assert_int_equal(here, 1);
	assert_int_equal(remote_read(remote, NULL, addr_of(&here), &out, 8), 0);
	close(fds[0]);
	remote_free(&fm.mem, remote);
	assert_int_equal(fm.nb_live, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s9_4_4_2_operations_work_in_another_process),
		cmocka_unit_test(test_s9_4_4_2_delta_records_of_another_process),
		cmocka_unit_test(test_s9_4_4_2_an_entry_is_whole_or_absent_in_another_process),
		cmocka_unit_test(test_s9_4_4_2_overlapping_moves_go_the_right_way),
		cmocka_unit_test(test_s9_4_4_2_bad_pages_give_exact_bytes),
		cmocka_unit_test(test_s9_4_4_2_batches_of_another_process),
		cmocka_unit_test(test_s9_4_4_2_two_destinations_in_another_process),
		cmocka_unit_test(test_s9_4_4_2_seeds_and_flushes_of_another_process),
		cmocka_unit_test(test_s9_4_4_2_blocks_with_tuples),
		cmocka_unit_test(test_s9_4_4_2_a_bad_block_ends_the_transfer_behind_the_good_ones),
		cmocka_unit_test(test_s9_4_4_2_a_bad_page_counts_before_a_bad_block_behind_it),
		cmocka_unit_test(test_s9_4_4_2_nothing_is_done_if_the_record_has_no_place),
		cmocka_unit_test(test_s9_4_4_2_process_that_ended_is_a_page_fault),
		cmocka_unit_test(test_s9_4_4_2_reused_process_id_is_not_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
