/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "driver_bed.h"

#define CRAV_RCR (IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR)

/* ---- what is told ---- */

static void
on_interrupt(void *arg, struct siov_guest *guest, unsigned int wq)
{
	struct driver_bed *bed = arg;

	(void)guest;
	bed->nb_interrupts[wq]++;
}

static void
on_halt(void *arg, struct siov_guest *guest)
{
	struct driver_bed *bed = arg;

	(void)guest;
	bed->nb_halts++;
}

static void
on_handles(void *arg, struct siov_guest *guest)
{
	struct driver_bed *bed = arg;

	(void)guest;
	bed->nb_handles++;
}

static void
on_error(void *arg, struct siov_guest *guest, uint8_t code, uint64_t addr)
{
	struct driver_bed *bed = arg;

	(void)guest;
	(void)addr;
	bed->code = code;
	bed->nb_errors++;
}

static const struct siov_guest_ops ops = {
	.on_interrupt = on_interrupt,
	.on_halt = on_halt,
	.on_handles = on_handles,
	.on_error = on_error,
};

struct siov_guest_conf
driver_bed_conf(struct driver_bed *bed)
{
	return (struct siov_guest_conf){
		.bdf = bed->bdf,
		.state_gpa = BED_STATE,
		.first_vector = BED_VECTOR,
		.ops = &ops,
		.arg = bed,
	};
}

/* ---- life ---- */

struct driver_bed *
driver_bed_open_on(struct machine *machine, struct siov_vdev_conf *conf, const char *type,
		   uint32_t nb_dwqs)
{
	struct driver_bed *bed = calloc(1, sizeof(*bed));
	struct siov_guest_conf guest_conf;

	assert_non_null(bed);
	bed->machine = machine;
	bed->bdf = machine_plug_conf(machine, conf, type, nb_dwqs);
	bed->vcpu = machine_enter(machine, 0);
	guest_conf = driver_bed_conf(bed);
	assert_int_equal(siov_guest_probe(bed->vcpu, &guest_conf, &bed->guest), 0);
	return bed;
}

struct driver_bed *
driver_bed_open(const char *type, uint32_t nb_dwqs)
{
	struct siov_vdev_conf conf = {.fn = SIOV_VDEV_FN_ANY};

	return driver_bed_open_on(machine_open(NULL), &conf, type, nb_dwqs);
}

void
driver_bed_close(struct driver_bed *bed)
{
	if (bed->guest != NULL)
		assert_int_equal(siov_guest_remove(bed->guest), 0);
	machine_leave(bed->machine, 0);
	machine_unplug(bed->machine, bed->bdf);
	machine_close(bed->machine);
	free(bed);
}

struct siov_vdev_info
driver_bed_info(struct driver_bed *bed)
{
	struct siov_vdev_info info;

	siov_vdev_get_info(siov_vm_vdev(bed->machine->vm, bed->bdf), &info);
	return info;
}

/* ---- queues ---- */

void
driver_bed_use(struct driver_bed *bed, unsigned int wq, struct siov_guest_queue *queue)
{
	assert_int_equal(siov_guest_wq_enable(bed->guest, wq, BED_PASID + wq), 0);
	assert_int_equal(siov_guest_open(bed->guest, bed->vcpu, wq, BED_PASID + wq, queue), 0);
}

void
driver_bed_unuse(struct driver_bed *bed, struct siov_guest_queue *queue)
{
	assert_int_equal(siov_guest_wq_disable(bed->guest, queue->wq), 0);
	siov_guest_close(queue);
}

/* ---- work ---- */

static SIOV_ATOMIC(uint8_t) *
status_of(struct driver_bed *bed, unsigned int comp)
{
	return (SIOV_ATOMIC(uint8_t) *)(bed->machine->ram + BED_COMPS + comp * SIOV_COMP_SIZE);
}

uint8_t
driver_bed_wait(struct driver_bed *bed, unsigned int comp)
{
	unsigned int i;

	for (i = 0; i < MACHINE_WAIT_MS && siov_atomic_load(status_of(bed, comp), acquire) == 0;
	     i++) {
		assert_true(siov_vcpu_poll(bed->vcpu));
		machine_nap();
	}
	return siov_atomic_load(status_of(bed, comp), acquire);
}

struct dsa_hw_desc
driver_bed_desc(struct driver_bed *bed, uint8_t opcode, unsigned int comp)
{
	struct dsa_hw_desc desc = {
		.flags = CRAV_RCR,
		.opcode = opcode,
		.completion_addr = BED_COMPS + comp * SIOV_COMP_SIZE,
	};

	siov_atomic_store(status_of(bed, comp), 0, relaxed);
	return desc;
}

void
driver_bed_submit(struct driver_bed *bed, struct siov_guest_queue *queue,
		  const struct dsa_hw_desc *desc)
{
	struct dsa_hw_desc own __attribute__((aligned(64))) = *desc;
	unsigned int i;

	for (i = 0; i < MACHINE_WAIT_MS; i++) {
		enum siov_dmwr answer = siov_guest_submit(queue, &own);

		assert_int_not_equal(answer, SIOV_DMWR_GP);
		assert_int_not_equal(answer, SIOV_DMWR_EXIT);
		if (answer == SIOV_DMWR_SUCCESS)
			return;
		assert_true(siov_vcpu_poll(bed->vcpu));
		machine_nap();
	}
	fail_msg("a submission was never accepted");
}

void
driver_bed_copy(struct driver_bed *bed, struct siov_guest_queue *queue, unsigned int comp)
{
	struct dsa_hw_desc desc = driver_bed_desc(bed, DSA_OPCODE_MEMMOVE, comp);
	uint8_t *src = bed->machine->ram + BED_SRC, *dst = bed->machine->ram + BED_DST;
	static uint8_t seed;
	unsigned int i;

	seed++;
	for (i = 0; i < BED_LEN; i++)
		src[i] = (uint8_t)(i * 7 + seed);
	memset(dst, 0, BED_LEN + 1);
	desc.src_addr = BED_SRC;
	desc.dst_addr = BED_DST;
	desc.xfer_size = BED_LEN;
	driver_bed_submit(bed, queue, &desc);
	assert_int_equal(driver_bed_wait(bed, comp), DSA_COMP_SUCCESS);
	assert_memory_equal(dst, src, BED_LEN);
	assert_int_equal(dst[BED_LEN], 0);
}

/* ---- interrupts ---- */

void
driver_bed_await(struct driver_bed *bed, const unsigned int *counter, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < MACHINE_WAIT_MS && *counter < nb; i++) {
		assert_true(siov_guest_poll(bed->guest) >= 0);
		if (*counter < nb)
			siov_vcpu_wait(bed->vcpu, 1);
	}
	assert_true(*counter >= nb);
}

void
driver_bed_interrupt(struct driver_bed *bed, struct siov_guest_queue *queue)
{
	struct dsa_hw_desc desc = driver_bed_desc(bed, DSA_OPCODE_NOOP, 63);
	unsigned int i, before[SIOV_GUEST_WQS_MAX];

	memcpy(before, bed->nb_interrupts, sizeof(before));
	assert_int_not_equal(siov_guest_handle(bed->guest, queue->wq), UINT32_MAX);
	desc.flags |= IDXD_OP_FLAG_RCI;
	desc.int_handle = (uint16_t)siov_guest_handle(bed->guest, queue->wq);
	driver_bed_submit(bed, queue, &desc);
	assert_int_equal(driver_bed_wait(bed, 63), DSA_COMP_SUCCESS);
	driver_bed_await(bed, &bed->nb_interrupts[queue->wq], before[queue->wq] + 1);
	for (i = 0; i < SIOV_GUEST_WQS_MAX; i++)
		assert_int_equal(bed->nb_interrupts[i], before[i] + (i == queue->wq));
}
