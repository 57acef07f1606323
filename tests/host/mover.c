/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <sched.h>

#include <sys/mman.h>

#include "mover.h"

#define PASID 5u
#define BYTES 1024u
#define POISON UINT64_C(0xdeaddeaddeaddead)
#define VECTOR 64u
#define PATIENCE UINT32_C(10000000) /* polls */

/* Guest memory. */
#define STATE_AT UINT64_C(0x1000) /* the driver's */
#define PROGRAM_AT UINT64_C(0x2000)
#define RECORDS_AT UINT64_C(0x10000)
#define JOURNAL_AT UINT64_C(0x20000)
#define JOURNAL_NB 4096u
#define SRC_AT UINT64_C(0x100000) /* a page for each slot */
#define DST_AT UINT64_C(0x200000)
#define BALLAST_AT UINT64_C(0x300000) /* there is something to send */
#define BALLAST_BYTES UINT64_C(0x100000)

/* The guest as it runs. */
struct run {
	struct mover *mover;
	struct siov_vcpu *vcpu;
	struct mover_program *program;
	struct siov_guest *guest;
	struct siov_guest_queue queue;
};

static struct mover_program *
program_of(const struct mover *mover)
{
	return (struct mover_program *)((uint8_t *)siov_vm_ram(mover->vm) + PROGRAM_AT);
}

SIOV_ATOMIC(uint8_t) *
mover_witness(void)
{
	void *page = mmap(NULL, MOVER_WITNESS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	assert_ptr_not_equal(page, MAP_FAILED);
	return page;
}

/* ---- what the guest looks at ---- */

static void
say_bad(struct run *run, enum mover_bad bad)
{
	if (siov_atomic_fetch_add(&run->program->nb_bad, 1, relaxed) == 0)
		run->program->bad = bad;
	siov_vcpu_wrote(run->vcpu, PROGRAM_AT, sizeof(*run->program));
}

static uint64_t
word_of(uint64_t n, unsigned int i)
{
	return (n + 1) * UINT64_C(0x9e3779b97f4a7c15) + i;
}

/* Words of operation n, or all the same. */
static bool
has_words(const uint64_t *words, uint64_t n)
{
	unsigned int i;

	for (i = 0; i < BYTES / 8 && words[i] == word_of(n, i); i++)
		;
	return i == BYTES / 8;
}

static bool
is_clear(const uint64_t *words, unsigned int bytes)
{
	unsigned int i;

	for (i = 0; i < bytes / 8 && words[i] == 0; i++)
		;
	return i == bytes / 8;
}

static void
check_journal(struct run *run)
{
	const uint64_t *journal = siov_vcpu_ram(run->vcpu, JOURNAL_AT, JOURNAL_NB * 8);
	const uint8_t *ballast = siov_vcpu_ram(run->vcpu, BALLAST_AT, BALLAST_BYTES);
	uint64_t end = siov_atomic_load(&run->program->nb_done, relaxed), n, i;

	for (n = end > JOURNAL_NB ? end - JOURNAL_NB : 0; n < end; n++) {
		if (journal[n % JOURNAL_NB] != word_of(n, 1))
			say_bad(run, MOVER_JOURNAL);
	}
	for (i = 0; i < BALLAST_BYTES; i++) {
		if (ballast[i] != (uint8_t)(i * 7 + 1))
			say_bad(run, MOVER_JOURNAL);
	}
}

/* ---- one operation ---- */

struct slot {
	uint64_t record_gpa, src_gpa, dst_gpa;
	struct dsa_completion_record *record;
	uint64_t *src, *dst;
};

static struct slot
slot_of(struct run *run, uint64_t n)
{
	struct slot slot = {
		.record_gpa = RECORDS_AT + n % MOVER_SLOTS * SIOV_COMP_SIZE,
		.src_gpa = SRC_AT + n % MOVER_SLOTS * 4096,
		.dst_gpa = DST_AT + n % MOVER_SLOTS * 4096,
	};

	slot.record = siov_vcpu_ram(run->vcpu, slot.record_gpa, SIOV_COMP_SIZE);
	slot.src = siov_vcpu_ram(run->vcpu, slot.src_gpa, BYTES);
	slot.dst = siov_vcpu_ram(run->vcpu, slot.dst_gpa, BYTES);
	return slot;
}

/* False: the VM is to run here no longer; this operation was not accepted. */
static bool
submit(struct run *run)
{
	uint64_t n = siov_atomic_load(&run->program->nb_submitted, relaxed);
	struct slot slot = slot_of(run, n);
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = slot.record_gpa,
		.src_addr = slot.src_gpa,
		.dst_addr = slot.dst_gpa,
		.xfer_size = BYTES,
	};
	unsigned int i;

	if (!is_clear((const uint64_t *)(const void *)slot.record, SIOV_COMP_SIZE) ||
	    !is_clear(slot.dst, BYTES))
		say_bad(run, MOVER_DOUBLED);
	for (i = 0; i < BYTES / 8; i++)
		slot.src[i] = word_of(n, i);
	siov_vcpu_wrote(run->vcpu, slot.src_gpa, BYTES);
	while (siov_guest_submit(&run->queue, &desc) != SIOV_DMWR_SUCCESS) {
		if (!siov_vcpu_poll(run->vcpu))
			return false;
		sched_yield();
	}
	siov_atomic_fetch_add(&run->mover->witness[n % MOVER_WITNESS], 1, relaxed);
	siov_atomic_store(&run->program->nb_submitted, n + 1, relaxed);
	siov_vcpu_wrote(run->vcpu, PROGRAM_AT, sizeof(*run->program));
	return true;
}

/* Look at what came, and leave the slot clean. */
static void
take(struct run *run, const struct slot *slot, uint64_t n)
{
	uint64_t *journal = siov_vcpu_ram(run->vcpu, JOURNAL_AT, JOURNAL_NB * 8);
	unsigned int i;

	if (slot->record->status != DSA_COMP_SUCCESS)
		say_bad(run, MOVER_STATUS);
	if (!has_words(slot->dst, n))
		say_bad(run, MOVER_DATA);
	memset(slot->record, 0, SIOV_COMP_SIZE);
	memset(slot->dst, 0, BYTES);
	for (i = 0; i < BYTES / 8; i++)
		slot->src[i] = POISON;
	journal[n % JOURNAL_NB] = word_of(n, 1);
	siov_vcpu_wrote(run->vcpu, slot->record_gpa, SIOV_COMP_SIZE);
	siov_vcpu_wrote(run->vcpu, slot->dst_gpa, BYTES);
	siov_vcpu_wrote(run->vcpu, slot->src_gpa, BYTES);
	siov_vcpu_wrote(run->vcpu, JOURNAL_AT + n % JOURNAL_NB * 8, 8);
	siov_atomic_store(&run->program->nb_done, n + 1, relaxed);
	siov_vcpu_wrote(run->vcpu, PROGRAM_AT, sizeof(*run->program));
}

/* False: the VM is to run here no longer. */
static bool
reap(struct run *run)
{
	uint64_t n = siov_atomic_load(&run->program->nb_done, relaxed);
	struct slot slot = slot_of(run, n);
	const SIOV_ATOMIC(uint8_t) *status = (const SIOV_ATOMIC(uint8_t) *)&slot.record->status;
	uint32_t i;

	for (i = 0; siov_atomic_load(status, acquire) == 0 && i < PATIENCE; i++) {
		if (!siov_vcpu_poll(run->vcpu))
			return false;
		sched_yield();
	}
	if (i == PATIENCE)
		say_bad(run, MOVER_LOST);
	take(run, &slot, n);
	return true;
}

/* ---- the guest ---- */

static bool
work(struct run *run)
{
	struct mover_program *program = run->program;
	bool ok = siov_vcpu_poll(run->vcpu);

	while (ok && !siov_atomic_load(&run->mover->stop, relaxed)) {
		if (program->nb_submitted - program->nb_done < MOVER_DEPTH)
			ok = submit(run);
		else
			ok = reap(run);
		ok = ok && siov_vcpu_poll(run->vcpu);
	}
	while (ok && program->nb_done != program->nb_submitted)
		ok = reap(run);
	return ok;
}

static int
begin(struct run *run)
{
	const struct siov_guest_conf conf = {
		.bdf = (uint16_t)run->program->bdf,
		.state_gpa = STATE_AT,
		.first_vector = VECTOR,
	};
	int ret;

	if (run->program->nb_begun++ != 0) {
		ret = siov_guest_attach(run->vcpu, &conf, &run->guest);
	} else {
		ret = siov_guest_probe(run->vcpu, &conf, &run->guest);
		if (ret == 0)
			ret = siov_guest_wq_enable(run->guest, 0, PASID);
	}
	siov_vcpu_wrote(run->vcpu, PROGRAM_AT, sizeof(*run->program));
	if (ret != 0)
		return ret;
	return siov_guest_open(run->guest, run->vcpu, 0, PASID, &run->queue);
}

static void *
run_guest(void *arg)
{
	struct mover *mover = arg;
	struct run run = {.mover = mover, .vcpu = siov_vm_vcpu(mover->vm, 0)};

	if (siov_vcpu_enter(run.vcpu) != 0)
		return NULL;
	run.program = siov_vcpu_ram(run.vcpu, PROGRAM_AT, sizeof(*run.program));
	if (run.program->nb_begun != 0)
		check_journal(&run);
	if (begin(&run) == 0) {
		work(&run);
		siov_guest_close(&run.queue);
	} else {
		say_bad(&run, MOVER_DRIVER);
	}
	siov_guest_detach(run.guest);
	siov_vcpu_leave(run.vcpu);
	return NULL;
}

/* ---- whoever runs it ---- */

void
mover_create(struct mover *mover, struct host_bed *bed)
{
	uint8_t *ballast;
	uint64_t i;

	mover->bed = bed;
	mover->vm = host_bed_vm(bed, 1);
	program_of(mover)->bdf = host_bed_plug(mover->vm, "swq", 0);
	ballast = (uint8_t *)siov_vm_ram(mover->vm) + BALLAST_AT;
	for (i = 0; i < BALLAST_BYTES; i++)
		ballast[i] = (uint8_t)(i * 7 + 1);
}

void
mover_start(struct mover *mover)
{
	siov_atomic_store(&mover->stop, 0, relaxed);
	assert_int_equal(pthread_create(&mover->thread, NULL, run_guest, mover), 0);
	mover->is_running = true;
}

void
mover_join(struct mover *mover)
{
	if (mover->is_running)
		pthread_join(mover->thread, NULL);
	mover->is_running = false;
	assert_int_equal(program_of(mover)->bad, 0);
}

void
mover_await(struct mover *mover, uint64_t nb)
{
	struct mover_program *program = program_of(mover);
	uint64_t until = siov_atomic_load(&program->nb_done, relaxed) + nb;
	unsigned int i;

	for (i = 0; siov_atomic_load(&program->nb_done, relaxed) < until &&
		    siov_atomic_load(&program->nb_bad, relaxed) == 0;
	     i++) {
		assert_true(i < HOST_BED_MS);
		host_bed_nap();
	}
	assert_int_equal(program->bad, 0);
}

/* What the device counted on all hosts is what the guest did. */
static void
check_counts(struct mover *mover)
{
	const struct mover_program *program = program_of(mover);
	struct siov_vdev_stats stats;
	uint64_t n;

	siov_vdev_get_stats(siov_vm_vdev(mover->vm, (uint16_t)program->bdf), &stats);
	assert_int_equal(program->nb_done, program->nb_submitted);
	assert_int_equal(stats.accepted, program->nb_submitted);
	assert_int_equal(stats.completed, program->nb_submitted);
	assert_int_equal(stats.failed + stats.aborted, 0);
	assert_true(program->nb_submitted < MOVER_WITNESS);
	for (n = 0; n < MOVER_WITNESS; n++) {
		if (mover->witness[n] != (n < program->nb_submitted))
			fail_msg("operation %" PRIu64 " was seen %u times", n, mover->witness[n]);
	}
}

void
mover_finish(struct mover *mover)
{
	siov_atomic_store(&mover->stop, 1, relaxed);
	mover_join(mover);
	check_counts(mover);
}

void
mover_free(struct mover *mover)
{
	host_bed_unplug(mover->vm, (uint16_t)program_of(mover)->bdf);
	assert_int_equal(siov_vm_free(mover->vm), 0);
	mover->vm = NULL;
}
