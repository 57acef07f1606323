/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>

#include "bench.h"
#include "bench_mover.h"

#define TIMEOUT_MS 5000u
#define PASID 5u
#define PAGE 4096u
#define DEPTH 32u
#define VECTOR 64u
#define NAP_US 50u
#define PATIENCE_NS UINT64_C(5000000000) /* for a record */

/* Guest memory. */
#define STATE_AT UINT64_C(0x1000)
#define PROGRAM_AT UINT64_C(0x2000)
#define RECORDS_AT UINT64_C(0x10000)
#define SRC_AT UINT64_C(0x1000000)
#define DST_AT UINT64_C(0x8000000)

struct run {
	struct mover *mover;
	struct siov_vcpu *vcpu;
	struct mover_program *program;
	struct siov_guest *guest;
	struct siov_guest_queue queue;
	uint64_t begin_ns, begin_nb; /* of its rate */
};

uint64_t
mover_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct mover_program *
mover_program(struct mover *mover)
{
	return (struct mover_program *)((uint8_t *)siov_vm_ram(mover->host.vm) + PROGRAM_AT);
}

/* ---- one copy ---- */

struct copy {
	uint64_t record_gpa, src_gpa, dst_gpa;
	struct dsa_completion_record *record;
	uint64_t *src, *dst; /* their first words */
};

static struct copy
copy_of(const struct run *run, uint64_t n)
{
	uint8_t *ram = run->mover->host.ram;
	/* An odd stride: each page once, none beside the one before. */
	uint64_t page = n * 977 % run->program->nb_pages;
	struct copy copy = {
		.record_gpa = RECORDS_AT + n % (2 * DEPTH) * SIOV_COMP_SIZE,
		.src_gpa = SRC_AT + page * PAGE,
		.dst_gpa = DST_AT + page * PAGE,
	};

	copy.record = (struct dsa_completion_record *)(ram + copy.record_gpa);
	copy.src = (uint64_t *)(ram + copy.src_gpa);
	copy.dst = (uint64_t *)(ram + copy.dst_gpa);
	return copy;
}

/* False: the VM is to run here no longer; this copy was not accepted. */
static bool
submit(struct run *run)
{
	struct mover_program *program = run->program;
	uint64_t n = program->nb_submitted;
	struct copy copy = copy_of(run, n);
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
		.completion_addr = copy.record_gpa,
		.src_addr = copy.src_gpa,
		.dst_addr = copy.dst_gpa,
		.xfer_size = PAGE,
	};
	unsigned int rounds = 0;

	/* As it was left when this page was looked at. */
	if (copy.record->status != 0 ||
	    (n >= program->nb_pages && *copy.dst != ~(n - program->nb_pages)))
		program->nb_doubled++;
	*copy.src = n;
	siov_vcpu_wrote(run->vcpu, copy.src_gpa, sizeof(n));
	while (siov_guest_submit(&run->queue, &desc) != SIOV_DMWR_SUCCESS) {
		if (!siov_vcpu_poll(run->vcpu))
			return false;
		bench_relax(&rounds, true);
	}
	siov_atomic_store(&program->nb_submitted, n + 1, relaxed);
	return true;
}

static bool
reap(struct run *run)
{
	struct mover_program *program = run->program;
	uint64_t n = program->nb_done, end_ns = mover_now_ns() + PATIENCE_NS;
	struct copy copy = copy_of(run, n);
	unsigned int rounds = 0;

	while (siov_atomic_load(&copy.record->status, acquire) == DSA_COMP_NONE &&
	       mover_now_ns() < end_ns) {
		if (!siov_vcpu_poll(run->vcpu))
			return false;
		bench_relax(&rounds, true);
	}
	if (copy.record->status != DSA_COMP_SUCCESS || *copy.dst != n)
		program->nb_lost++;
	copy.record->status = DSA_COMP_NONE;
	*copy.dst = ~n;
	*copy.src = UINT64_MAX;
	siov_vcpu_wrote(run->vcpu, copy.record_gpa, SIOV_COMP_SIZE);
	siov_vcpu_wrote(run->vcpu, copy.dst_gpa, sizeof(n));
	siov_vcpu_wrote(run->vcpu, copy.src_gpa, sizeof(n));
	siov_atomic_store(&program->nb_done, n + 1, relaxed);
	return true;
}

/* ---- the guest ---- */

static bool
is_due(struct run *run, uint64_t now_ns)
{
	const struct mover_program *program = run->program;

	if (program->rate == 0)
		return true;
	return program->nb_submitted - run->begin_nb <
	       (now_ns - run->begin_ns) * program->rate / 1000000000;
}

/* The first one here says how long the guest stood still. */
static void
note_time(struct run *run)
{
	struct mover_program *program = run->program;
	uint64_t now_ns = mover_now_ns();

	if (program->gap_ns == 0)
		siov_atomic_store(&program->gap_ns, now_ns - program->last_ns, release);
	program->last_ns = now_ns;
	siov_vcpu_wrote(run->vcpu, PROGRAM_AT, sizeof(*program));
}

static bool
step(struct run *run)
{
	struct mover_program *program = run->program;
	uint64_t nb = program->nb_submitted - program->nb_done;
	bool ok;

	if (nb < DEPTH && is_due(run, mover_now_ns())) {
		ok = submit(run);
		if (ok)
			note_time(run);
	} else {
		ok = nb == 0 || reap(run);
		if (nb == 0)
			rte_delay_us_sleep(NAP_US);
	}
	return ok;
}

static int
begin(struct run *run)
{
	struct mover_program *program = run->program;
	const struct siov_guest_conf conf = {
		.bdf = (uint16_t)program->bdf,
		.state_gpa = STATE_AT,
		.first_vector = VECTOR,
	};
	int ret;

	if (program->nb_begun++ != 0) {
		ret = siov_guest_attach(run->vcpu, &conf, &run->guest);
	} else {
		ret = siov_guest_probe(run->vcpu, &conf, &run->guest);
		if (ret == 0)
			ret = siov_guest_wq_enable(run->guest, 0, PASID);
		program->last_ns = mover_now_ns();
	}
	if (ret != 0)
		return ret;
	program->gap_ns = 0;
	run->begin_ns = mover_now_ns();
	run->begin_nb = program->nb_submitted;
	return siov_guest_open(run->guest, run->vcpu, 0, PASID, &run->queue);
}

static int
run_guest(void *arg)
{
	struct mover *mover = arg;
	struct run run = {
		.mover = mover,
		.vcpu = siov_vm_vcpu(mover->host.vm, 0),
		.program = mover_program(mover),
	};
	bool ok;

	if (siov_vcpu_enter(run.vcpu) != 0)
		return -1;
	ok = begin(&run) == 0;
	while (ok && siov_vcpu_poll(run.vcpu) && !siov_atomic_load(&mover->stop, relaxed))
		ok = step(&run);
	while (ok && siov_atomic_load(&mover->stop, relaxed) &&
	       run.program->nb_done != run.program->nb_submitted)
		ok = reap(&run);
	if (run.queue.portal != NULL)
		siov_guest_close(&run.queue);
	siov_guest_detach(run.guest);
	siov_vcpu_leave(run.vcpu);
	return 0;
}

/* ---- whoever runs it ---- */

bool
mover_open(struct mover *mover)
{
	memset(mover, 0, sizeof(*mover));
	mover->guest_lcore = bench_submitter_lcore(2);
	if (!bench_host_open_platform(&mover->host, 1, bench_submitter_lcore(1)))
		return false;
	siov_atomic_store(&mover->host.naps, 1, relaxed);
	return true;
}

void
mover_close(struct mover *mover)
{
	bench_host_close(&mover->host);
}

bool
mover_create(struct mover *mover, uint64_t rate, uint64_t nb_pages)
{
	const struct siov_vm_conf vm = {
		.name = "moves",
		.ram_bytes = MOVER_RAM,
		.nb_vcpus = 1,
		.socket_id = -1,
	};
	const struct siov_vdev_conf vdev = {.type = siov_vdcm_type_find("swq")};
	struct mover_program *program;
	uint16_t bdf;

	if (siov_vm_create(mover->host.vmm, &vm, &mover->host.vm) != 0 ||
	    siov_vm_plug(mover->host.vm, &vdev, &bdf) != 0)
		return false;
	/* Pages of zeros need not be sent: there are none, but before the first page of data. */
	memset((uint8_t *)siov_vm_ram(mover->host.vm) + SRC_AT, 0x5a, MOVER_RAM - SRC_AT);
	program = mover_program(mover);
	program->rate = rate;
	program->nb_pages = nb_pages;
	program->bdf = bdf;
	return true;
}

void
mover_start(struct mover *mover)
{
	mover->host.ram = siov_vm_ram(mover->host.vm);
	siov_atomic_store(&mover->stop, 0, relaxed);
	mover->is_running = rte_eal_remote_launch(run_guest, mover, mover->guest_lcore) == 0;
}

bool
mover_drop(struct mover *mover)
{
	uint16_t bdf = (uint16_t)mover_program(mover)->bdf;
	bool ok;

	if (mover->is_running)
		rte_eal_wait_lcore(mover->guest_lcore);
	mover->is_running = false;
	ok = siov_vm_unplug(mover->host.vm, bdf, TIMEOUT_MS) == 0;
	ok = siov_vm_free(mover->host.vm) == 0 && ok;
	mover->host.vm = NULL;
	return ok;
}

struct mover_end
mover_finish(struct mover *mover)
{
	struct mover_program *program = mover_program(mover);
	struct siov_vdev_stats stats;
	struct mover_end end;

	siov_atomic_store(&mover->stop, 1, relaxed);
	rte_eal_wait_lcore(mover->guest_lcore);
	mover->is_running = false;
	siov_vdev_get_stats(siov_vm_vdev(mover->host.vm, (uint16_t)program->bdf), &stats);
	end = (struct mover_end){
		.ok = stats.accepted == program->nb_submitted &&
		      stats.completed == program->nb_submitted &&
		      program->nb_done == program->nb_submitted,
		.nb = program->nb_submitted,
		.nb_lost = program->nb_lost,
		.nb_doubled = program->nb_doubled,
	};
	end.ok = mover_drop(mover) && end.ok;
	return end;
}
