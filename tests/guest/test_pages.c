/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest's process whose pages come when they are asked for. */
#include <stdlib.h>

#include "driver_bed.h"
#include "siov_prq.h"

#define ROOT UINT64_C(0x100000) /* tables of the process: 16 pages from there */
#define TABLES 16u
#define VA UINT64_C(0x7f5500000000) /* page i of the process, */
#define GPA UINT64_C(0x200000) /* and where it lies */
#define PAGES 128u
#define RECORDS 0u /* pages of the process */
#define SRC 1u
#define DST 2u
#define PAGE UINT64_C(4096)
#define PASID 7u
#define MANY 24u /* of a PASID that wait at a time */
#define PASIDS 3u /* whose pages do not all find a slot */

struct process {
	struct driver_bed *bed;
	struct siov_guest_queue queue;
	unsigned int nb_tables;
	/* what it does when it is asked */
	bool answers;
	unsigned int code;
	/* what it was asked */
	unsigned int nb;
	struct siov_guest_page pages[PASIDS * MANY];
};

static uint64_t *
table(struct process *p, uint64_t gpa)
{
	return (uint64_t *)(void *)(p->bed->machine->ram + gpa);
}

/* Present, written by anybody. */
static void
map(struct process *p, unsigned int i)
{
	uint64_t va = VA + i * PAGE, at = ROOT;
	unsigned int level;

	for (level = 4; level > 1; level--) {
		uint64_t *entry = &table(p, at)[va >> (12 + 9 * (level - 1)) & 511];

		if (*entry == 0) {
			assert_true(++p->nb_tables < TABLES);
			*entry = (ROOT + p->nb_tables * PAGE) | 7;
		}
		at = *entry & ~(PAGE - 1);
	}
	siov_atomic_store((SIOV_ATOMIC(uint64_t) *)&table(p, at)[va >> 12 & 511],
			  (GPA + i * PAGE) | 7, release);
}

static void
on_page(void *arg, struct siov_guest *guest, const struct siov_guest_page *page)
{
	struct process *p = arg;

	assert_true(p->nb < PASIDS * MANY);
	p->pages[p->nb++] = *page;
	if (!p->answers)
		return;
	if (p->code == SIOV_PAGE_SUCCESS)
		map(p, (unsigned int)((page->addr - VA) / PAGE));
	assert_int_equal(siov_guest_page_answer(guest, page->n, p->code), 0);
}

static const struct siov_guest_ops ops = {.on_page = on_page};

static void
let_block(struct siov_dev_conf *conf)
{
	conf->wqs[0].flags |= SIOV_WQ_F_BOF;
}

/* A driver that binds PASIDs to one process, whose source and records are there. */
static void
start_process(struct process *p, const char *type, const struct siov_guest_ops *with)
{
	struct siov_vdev_conf vdev_conf = {.fn = SIOV_VDEV_FN_ANY};
	struct siov_guest_conf conf;

	*p = (struct process){.answers = true};
	p->bed = driver_bed_open_on(machine_open(let_block), &vdev_conf, type, 0);
	assert_int_equal(siov_guest_remove(p->bed->guest), 0);
	conf = driver_bed_conf(p->bed);
	conf.ops = with;
	conf.arg = p;
	assert_int_equal(siov_guest_probe(p->bed->vcpu, &conf, &p->bed->guest), 0);
	map(p, RECORDS);
	map(p, SRC);
	memset(p->bed->machine->ram + GPA + SRC * PAGE, 0x5a, PAGE);
}

static void
open_process(struct process *p, const struct siov_guest_ops *with)
{
	start_process(p, "swq", with);
	assert_int_equal(siov_guest_pasid_bind(p->bed->guest, PASID, ROOT, 4), 0);
	assert_int_equal(siov_guest_wq_enable(p->bed->guest, 0, PASID), 0);
	assert_int_equal(siov_guest_open(p->bed->guest, p->bed->vcpu, 0, PASID, &p->queue), 0);
}

static void
close_process(struct process *p)
{
	siov_guest_close(&p->queue);
	assert_int_equal(siov_guest_wq_disable(p->bed->guest, 0), 0);
	assert_int_equal(siov_guest_pasid_unbind(p->bed->guest, PASID), 0);
	driver_bed_close(p->bed);
}

static struct dsa_completion_record *
record(struct process *p, unsigned int i)
{
	return (struct dsa_completion_record *)(void *)(p->bed->machine->ram + GPA +
							i * SIOV_COMP_SIZE);
}

/* Copy the source to a page; it may wait for it. */
static void
copy_by(struct process *p, struct siov_guest_queue *queue, unsigned int i, unsigned int to)
{
	struct dsa_hw_desc desc = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_BOF,
		.completion_addr = VA + i * SIOV_COMP_SIZE,
		.src_addr = VA + SRC * PAGE,
		.dst_addr = VA + to * PAGE,
		.xfer_size = PAGE,
	};

	memset(record(p, i), 0, SIOV_COMP_SIZE);
	driver_bed_submit(p->bed, queue, &desc);
}

static void
copy(struct process *p, unsigned int i, unsigned int to)
{
	copy_by(p, &p->queue, i, to);
}

static uint8_t
await(struct process *p, unsigned int i)
{
	SIOV_ATOMIC(uint8_t) *status = (SIOV_ATOMIC(uint8_t) *)&record(p, i)->status;
	unsigned int ms;

	for (ms = 0; ms < MACHINE_WAIT_MS && siov_atomic_load(status, acquire) == 0; ms++) {
		assert_true(siov_guest_poll(p->bed->guest) >= 0);
		machine_nap();
	}
	return siov_atomic_load(status, acquire) & DSA_COMP_STATUS_MASK;
}

static void
await_asked(struct process *p, unsigned int nb)
{
	unsigned int ms;

	for (ms = 0; ms < MACHINE_WAIT_MS && p->nb < nb; ms++) {
		assert_true(siov_guest_poll(p->bed->guest) >= 0);
		machine_nap();
	}
	assert_int_equal(p->nb, nb);
}

static void
check_copied(struct process *p, unsigned int to)
{
	assert_memory_equal(p->bed->machine->ram + GPA + to * PAGE,
			    p->bed->machine->ram + GPA + SRC * PAGE, PAGE);
}

static void
test_s9_4_4_1_a_page_of_a_guest_process_is_asked_for_and_the_work_goes_on(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, &ops);
	copy(&p, 0, DST);
	assert_int_equal(await(&p, 0), DSA_COMP_SUCCESS);
	check_copied(&p, DST);
	assert_int_equal(p.nb, 1);
	assert_int_equal(p.pages[0].pasid, PASID);
	assert_int_equal(p.pages[0].addr, VA + DST * PAGE);
	assert_true(p.pages[0].flags & SIOV_VPAGE_WRITE);
	/* It is there now. */
	copy(&p, 1, DST);
	assert_int_equal(await(&p, 1), DSA_COMP_SUCCESS);
	assert_int_equal(p.nb, 1);
	close_process(&p);
}

static void
test_a_page_that_there_is_not_ends_the_work_with_its_address(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, &ops);
	p.code = SIOV_PAGE_INVALID;
	copy(&p, 0, DST);
	assert_int_equal(await(&p, 0), DSA_COMP_PAGE_FAULT_IR);
	assert_int_equal(record(&p, 0)->fault_addr, VA + DST * PAGE);
	assert_int_equal(p.nb, 1);
	p.code = SIOV_PAGE_SUCCESS;
	copy(&p, 1, DST);
	assert_int_equal(await(&p, 1), DSA_COMP_SUCCESS);
	close_process(&p);
}

static void
answer(struct process *p, unsigned int i)
{
	const struct siov_guest_page *page = &p->pages[i];

	map(p, (unsigned int)((page->addr - VA) / PAGE));
	assert_int_equal(siov_guest_page_answer(p->bed->guest, page->n, 0), 0);
}

/* More than once around the slots; each time in an order of the guest's own. */
static void
test_many_pages_are_asked_for_and_answered_in_any_order(void **state)
{
	unsigned int i, round, to;
	struct process p;

	(void)state;
	open_process(&p, &ops);
	p.answers = false;
	for (round = 0; round < 5; round++) {
		p.nb = 0;
		for (i = 0; i < MANY; i++)
			copy(&p, i, DST + round * MANY + i);
		await_asked(&p, MANY);
		for (i = MANY; i > 0; i--) {
			answer(&p, i - 1);
			/* Once. */
			assert_int_equal(siov_guest_page_answer(p.bed->guest, p.pages[i - 1].n, 0),
					 -ENOENT);
		}
		for (i = 0; i < MANY; i++) {
			to = DST + round * MANY + i;
			assert_int_equal(await(&p, i), DSA_COMP_SUCCESS);
			check_copied(&p, to);
		}
	}
	close_process(&p);
}

/* All 64 slots are in use: the others are asked for when the guest has answered what is in theirs. */
static void
test_a_guest_is_asked_for_64_pages_at_a_time(void **state)
{
	struct siov_guest_queue queues[PASIDS];
	struct process p;
	unsigned int i;
	uint32_t handle;

	(void)state;
	start_process(&p, "dynamic", &ops);
	p.answers = false;
	assert_int_equal(siov_guest_wq_enable(p.bed->guest, 0, UINT32_MAX), 0);
	for (i = 0; i < PASIDS; i++) {
		assert_int_equal(siov_guest_pasid_bind(p.bed->guest, PASID + i, ROOT, 4), 0);
		assert_int_equal(siov_guest_context_alloc(p.bed->guest, 0, PASID + i, &handle), 0);
		assert_int_equal(
			siov_guest_open(p.bed->guest, p.bed->vcpu, 0, PASID + i, &queues[i]), 0);
	}
	for (i = 0; i < PASIDS * MANY; i++)
		copy_by(&p, &queues[i % PASIDS], i, DST + i);
	await_asked(&p, SIOV_VDEV_PAGE_SLOTS);
	/* No answer to one that has not been asked. */
	assert_int_equal(siov_guest_page_answer(p.bed->guest, SIOV_VDEV_PAGE_SLOTS, 0), -ENOENT);
	answer(&p, 1);
	assert_true(siov_guest_poll(p.bed->guest) >= 0);
	assert_int_equal(p.nb, SIOV_VDEV_PAGE_SLOTS);
	answer(&p, 0);
	await_asked(&p, SIOV_VDEV_PAGE_SLOTS + 2);
	for (i = 2; i < PASIDS * MANY; i++) {
		await_asked(&p, RTE_MIN(SIOV_VDEV_PAGE_SLOTS + i, PASIDS * MANY));
		answer(&p, i);
	}
	for (i = 0; i < PASIDS * MANY; i++) {
		assert_int_equal(await(&p, i), DSA_COMP_SUCCESS);
		check_copied(&p, DST + i);
	}
	for (i = 0; i < PASIDS; i++) {
		siov_guest_close(&queues[i]);
		assert_int_equal(siov_guest_context_free(p.bed->guest, 0, PASID + i), 0);
		assert_int_equal(siov_guest_pasid_unbind(p.bed->guest, PASID + i), 0);
	}
	driver_bed_close(p.bed);
}

static void
test_without_page_requests_a_fault_is_final(void **state)
{
	const struct siov_guest_ops none = {0};
	struct siov_vdev_stats stats;
	struct process p;

	(void)state;
	open_process(&p, &none);
	copy(&p, 0, DST);
	assert_int_equal(await(&p, 0), DSA_COMP_PAGE_FAULT_NOBOF);
	siov_vdev_get_stats(siov_vm_vdev(p.bed->machine->vm, p.bed->bdf), &stats);
	assert_int_equal(stats.nb_page_requests, 0);
	close_process(&p);
}

/* Who waits for a guest that cannot answer ends, and the VDEV stops. */
static void
test_a_vdev_that_is_suspended_waits_for_no_page(void **state)
{
	struct siov_vdev *vdev;
	struct process p;

	(void)state;
	open_process(&p, &ops);
	vdev = siov_vm_vdev(p.bed->machine->vm, p.bed->bdf);
	p.answers = false;
	copy(&p, 0, DST);
	await_asked(&p, 1);
	assert_int_equal(siov_vdev_suspend(vdev, MACHINE_WAIT_MS), 0);
	assert_int_equal(record(&p, 0)->status & DSA_COMP_STATUS_MASK, DSA_COMP_PAGE_FAULT_NOBOF);
	assert_int_equal(siov_vdev_resume(vdev), 0);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, p.pages[0].n, 0), -ENOENT);
	p.answers = true;
	copy(&p, 1, DST);
	assert_int_equal(await(&p, 1), DSA_COMP_SUCCESS);
	close_process(&p);
}

static void
test_answers_to_nothing_are_refused(void **state)
{
	struct process p;
	uint32_t n;

	(void)state;
	open_process(&p, &ops);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, 0, 0), -ENOENT);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, 0, 2), -EINVAL);
	p.answers = false;
	copy(&p, 0, DST);
	await_asked(&p, 1);
	n = p.pages[0].n;
	assert_int_equal(siov_guest_page_answer(p.bed->guest, n + 1, 0), -ENOENT);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, n + SIOV_VDEV_PAGE_SLOTS, 0),
			 -ENOENT);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, n - SIOV_VDEV_PAGE_SLOTS, 0),
			 -ENOENT);
	assert_int_equal(record(&p, 0)->status, 0);
	map(&p, DST);
	assert_int_equal(siov_guest_page_answer(p.bed->guest, n, 0), 0);
	assert_int_equal(await(&p, 0), DSA_COMP_SUCCESS);
	close_process(&p);
}

/* The PASID stays bound when the VDEV is gone: so does what its translations name. */
static void
test_a_vdev_may_go_before_what_its_guest_has_bound(void **state)
{
	struct process p;

	(void)state;
	open_process(&p, &ops);
	copy(&p, 0, DST);
	assert_int_equal(await(&p, 0), DSA_COMP_SUCCESS);
	siov_guest_close(&p.queue);
	assert_int_equal(siov_guest_wq_disable(p.bed->guest, 0), 0);
	driver_bed_close(p.bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_s9_4_4_1_a_page_of_a_guest_process_is_asked_for_and_the_work_goes_on),
		cmocka_unit_test(test_a_page_that_there_is_not_ends_the_work_with_its_address),
		cmocka_unit_test(test_many_pages_are_asked_for_and_answered_in_any_order),
		cmocka_unit_test(test_a_guest_is_asked_for_64_pages_at_a_time),
		cmocka_unit_test(test_without_page_requests_a_fault_is_final),
		cmocka_unit_test(test_a_vdev_that_is_suspended_waits_for_no_page),
		cmocka_unit_test(test_answers_to_nothing_are_refused),
		cmocka_unit_test(test_a_vdev_may_go_before_what_its_guest_has_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
