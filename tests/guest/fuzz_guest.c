/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile guest, on two vCPUs, beside a quiet one that must not notice: its copies are right, its
 * interrupts come, it is told of no error. Afterwards a function-level reset makes the hostile guest's
 * VDEV whole again.
 *
 * fuzz_guest [SECONDS of each test] [seed]
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <linux/pci_regs.h>

#include "driver_bed.h"
#include "siov_regs_hw.h"
#include "siov_vdev.h"

#define PAGE UINT64_C(4096)
#define ROOT UINT64_C(0x100000) /* of the hostile guest's tables: 16 pages from there */
#define TABLE_PAGES 16u
#define PASID 7u
#define RENEW 4000u /* actions after which it tries to be a good guest again */
#define HOSTILE_VCPUS 2u

struct hostile;

/* One thing that a guest can do. */
typedef void (*action)(struct hostile *h, struct siov_vcpu *vcpu);

struct hostile {
	struct siov_vm *vm;
	uint16_t bdf;
	action acts[4]; /* NULL: the first again */
	uint64_t seed;
	SIOV_ATOMIC(uint32_t) began; /* vCPU 0 was a good guest once, with nobody in its way */
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_actions;
	unsigned int nb_begun, nb_opened; /* times that it was a good guest, with a queue */
	uint64_t nb_accepted; /* descriptors */
};

/* A vCPU's own. */
struct actor {
	struct hostile *h;
	unsigned int i;
	pthread_t thread;
};

static double seconds = 1.5;
static uint64_t first_seed = 1;
static __thread uint64_t rng;
static __thread struct siov_guest_queue *open_queue;

/* ---- chance ---- */

static uint64_t
rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

static bool
one_in(unsigned int n)
{
	return rnd() % n == 0;
}

static unsigned int
rnd_width(void)
{
	return 1u << rnd() % 4;
}

static uint64_t
rnd_value(void)
{
	switch (rnd() % 5) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return UINT64_C(1) << rnd() % 64;
	case 3:
		return rnd() % 256;
	default:
		return rnd();
	}
}

/* ---- what it does ---- */

static uint64_t
bar_of(const struct hostile *h, struct siov_vcpu *vcpu, unsigned int bar)
{
	uint64_t gpa = 0, bytes;

	/* Where it was put, most of the time; it may have been moved since. */
	if (one_in(8) || !siov_vcpu_slot(vcpu, h->bdf, &gpa, &bytes)) {
		unsigned int reg = PCI_BASE_ADDRESS_0 + 4 * bar;

		gpa = siov_vcpu_cfg_read(vcpu, h->bdf, reg, 4) & ~UINT32_C(15);
		gpa |= (uint64_t)siov_vcpu_cfg_read(vcpu, h->bdf, reg + 4, 4) << 32;
	}
	return gpa;
}

static void
access_registers(struct hostile *h, struct siov_vcpu *vcpu)
{
	static const uint16_t known[] = {
		SIOV_REG_GENCTRL,  SIOV_REG_INTCAUSE,  SIOV_REG_CMD,          SIOV_REG_CMD,
		SIOV_VDEV_GRPCFG,  SIOV_VDEV_WQCFG,    SIOV_VDEV_WQCFG + 8,   SIOV_VDEV_MSIXPERM,
		SIOV_VREG_VERSION, SIOV_VREG_DOORBELL, SIOV_VREG_PAGE_ANSWER,
	};
	uint64_t at = bar_of(h, vcpu, 0);
	uint64_t value = rnd_value();

	if (one_in(2)) {
		at += rnd() % (5 * PAGE);
	} else {
		unsigned int i = (unsigned int)(rnd() % RTE_DIM(known));

		at += known[i];
		if (known[i] == SIOV_REG_CMD && !one_in(4))
			value = (rnd() % 24) << 20 | rnd() % 16;
	}
	if (one_in(3))
		siov_vcpu_mmio_read(vcpu, at, rnd_width());
	else
		siov_vcpu_mmio_write(vcpu, at, rnd_width(), value);
}

static void
write_config(struct hostile *h, struct siov_vcpu *vcpu)
{
	static const uint16_t known[] = {PCI_COMMAND, PCI_BASE_ADDRESS_0, PCI_BASE_ADDRESS_1,
					 PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_3};
	unsigned int offset = (unsigned int)(rnd() % 4200);
	uint16_t bdf = one_in(16) ? (uint16_t)rnd() : h->bdf;

	if (one_in(2))
		offset = known[rnd() % RTE_DIM(known)];
	else if (one_in(2))
		offset %= 256;
	if (one_in(3))
		siov_vcpu_cfg_read(vcpu, bdf, offset, rnd_width());
	else
		siov_vcpu_cfg_write(vcpu, bdf, offset, rnd_width(), (uint32_t)rnd_value());
}

static void
fill_request(struct siov_vdev_request *request)
{
	unsigned int i;

	*request = (struct siov_vdev_request){
		.id = (uint32_t)rnd(),
		.op = (uint16_t)(one_in(8) ? rnd() : rnd() % (SIOV_VOPS + 1)),
		.rsvd0 = (uint16_t)(one_in(16) ? rnd() : 0),
		.timeout_ms = (uint32_t)(one_in(8) ? rnd() : rnd() % 20),
	};
	for (i = 0; i < 6; i++)
		request->arg[i] = one_in(4) ? rnd_value() : 0;
	if (one_in(2))
		request->arg[0] = rnd() % 2 ? PASID : rnd() % 16;
	if (request->op == SIOV_VOP_PASID_BIND && !one_in(4)) {
		request->arg[1] = ROOT + rnd() % TABLE_PAGES * PAGE;
		request->arg[2] = 4 + rnd() % 2;
		request->arg[3] = rnd() % 2; /* with page requests, or not */
	}
	if (request->op == SIOV_VOP_CONTEXT_ALLOC && !one_in(4)) {
		request->arg[0] = 0;
		request->arg[1] = rnd() % 16;
	}
}

static void
flood_mailbox(struct hostile *h, struct siov_vcpu *vcpu)
{
	uint64_t bar = bar_of(h, vcpu, 0);
	uint32_t done = (uint32_t)siov_vcpu_mmio_read(vcpu, bar + SIOV_VREG_DONE, 4);
	uint64_t slot = bar + SIOV_VDEV_PAGE_CHANNEL * PAGE +
			rnd() % SIOV_VDEV_SLOTS * SIOV_VDEV_SLOT_BYTES;
	struct siov_vdev_request request;
	uint64_t words[SIOV_VDEV_SLOT_BYTES / 8];
	uint32_t bell = one_in(8) ? (uint32_t)rnd() : done + (uint32_t)(rnd() % 18);
	unsigned int i;

	fill_request(&request);
	memcpy(words, &request, sizeof(words));
	for (i = 0; i < RTE_DIM(words); i++)
		siov_vcpu_mmio_write(vcpu, slot + 8 * i, 8, words[i]);
	if (one_in(64))
		siov_vcpu_mmio_write(vcpu, bar + SIOV_VREG_VERSION, 4, rnd() % 3);
	if (one_in(2))
		siov_vcpu_mmio_write(vcpu, bar + SIOV_VREG_DOORBELL, 4, bell);
	else
		siov_vcpu_mmio_write(vcpu, bar + SIOV_VDEV_PAGE_MBOX * PAGE, 4, bell);
	/* And changed after it was rung. */
	siov_vcpu_mmio_write(vcpu, slot + 8 * (rnd() % 8), 8, rnd_value());
}

/* Entries of the MSI-X table change while an answer or a completion raises their vectors. */
static void
write_vectors(struct hostile *h, struct siov_vcpu *vcpu)
{
	uint64_t bar = bar_of(h, vcpu, 0);
	uint64_t entry = bar + SIOV_VDEV_PAGE_MSIX * PAGE + rnd() % 20 * 16;
	uint32_t done = (uint32_t)siov_vcpu_mmio_read(vcpu, bar + SIOV_VREG_DONE, 4);

	siov_vcpu_mmio_write(vcpu, bar + SIOV_VREG_DOORBELL, 4, done + 1);
	siov_vcpu_mmio_write(vcpu, entry, 4,
			     one_in(4) ? rnd_value() : siov_vcpu_msi_addr(rnd() % 3));
	siov_vcpu_mmio_write(vcpu, entry + PCI_MSIX_ENTRY_DATA, 4,
			     one_in(4) ? rnd_value() : 32 + rnd() % 200);
	siov_vcpu_mmio_write(vcpu, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 4, rnd() % 2);
	while (siov_vcpu_take(vcpu) >= 0)
		;
}

/* Words of its tables, most of which lead to its tables, and descriptors that go through them. */
static void
change_tables(struct hostile *h, struct siov_vcpu *vcpu)
{
	uint64_t at = ROOT + rnd() % (TABLE_PAGES * 512) * 8;
	uint64_t entry = rnd_value();
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR |
			 (one_in(4) ? (uint32_t)rnd() & 0xffffff : 0),
		.opcode = (uint8_t)(one_in(4) ? rnd() : DSA_OPCODE_MEMMOVE),
		.completion_addr = (rnd() % (MACHINE_RAM * 2)) & ~UINT64_C(31),
		.src_addr = rnd() % (MACHINE_RAM * 2),
		.dst_addr = rnd() % (MACHINE_RAM * 2),
		.xfer_size = (uint32_t)(rnd() % 16384),
	};

	if (!one_in(4))
		entry = (one_in(2) ? ROOT + rnd() % TABLE_PAGES * PAGE :
				     rnd() % (MACHINE_RAM / PAGE) * PAGE) |
			0x27;
	/* The low entries are those that small addresses use. */
	if (one_in(2))
		at = ROOT + rnd() % TABLE_PAGES * PAGE + rnd() % 4 * 8;
	siov_vcpu_mmio_write(vcpu, at, 8, entry);
	if (open_queue != NULL && siov_guest_submit(open_queue, &desc) == SIOV_DMWR_SUCCESS)
		h->nb_accepted++; /* vCPU 0's */
}

/* ---- its life ---- */

/* Reset, and be what a guest should be. NULL: the other vCPU, or what it did before, is in the way. */
static struct siov_guest *
begin(struct hostile *h, struct siov_vcpu *vcpu, struct siov_guest_queue *queue)
{
	const struct siov_guest_conf conf = {
		.bdf = h->bdf,
		.state_gpa = BED_STATE,
		.first_vector = BED_VECTOR,
	};
	struct siov_guest *guest;
	int ret;

	if (siov_guest_probe(vcpu, &conf, &guest) != 0)
		return NULL;
	h->nb_begun++;
	ret = siov_guest_pasid_bind(guest, PASID, ROOT, 4); /* -EEXIST: by its last life */
	if ((ret == 0 || ret == -EEXIST) && siov_guest_wq_enable(guest, 0, PASID) == 0 &&
	    siov_guest_open(guest, vcpu, 0, PASID, queue) == 0) {
		open_queue = queue;
		h->nb_opened++;
	}
	return guest;
}

static void
end(struct siov_guest *guest)
{
	if (open_queue != NULL)
		siov_guest_close(open_queue);
	open_queue = NULL;
	if (guest != NULL)
		siov_guest_detach(guest);
}

static void *
be_hostile(void *arg)
{
	struct actor *actor = arg;
	struct hostile *h = actor->h;
	struct siov_vcpu *vcpu = siov_vm_vcpu(h->vm, actor->i);
	struct siov_guest *guest = NULL;
	struct siov_guest_queue queue;
	unsigned int nb_acts = 0;
	uint64_t n;

	rng = (h->seed + actor->i) * UINT64_C(0x9e3779b97f4a7c15);
	siov_vcpu_enter(vcpu);
	while (nb_acts < RTE_DIM(h->acts) && h->acts[nb_acts] != NULL)
		nb_acts++;
	for (n = 0; siov_atomic_load(&h->stop, relaxed) == 0; n++) {
		if (n % RENEW == 0 && actor->i == 0) {
			end(guest);
			guest = begin(h, vcpu, &queue);
			siov_atomic_store(&h->began, 1, release);
		}
		if (siov_atomic_load(&h->began, acquire) == 0) {
			siov_vcpu_poll(vcpu);
			continue;
		}
		h->acts[rnd() % nb_acts](h, vcpu);
		siov_vcpu_poll(vcpu);
		siov_atomic_fetch_add(&h->nb_actions, 1, relaxed);
	}
	end(guest);
	siov_vcpu_leave(vcpu);
	return NULL;
}

static void
reset_hostile(struct hostile *h)
{
	struct siov_vcpu *vcpu = siov_vm_vcpu(h->vm, 0);
	struct siov_guest_conf conf = {
		.bdf = h->bdf,
		.state_gpa = BED_STATE,
		.first_vector = BED_VECTOR,
	};
	struct siov_guest *guest;
	uint64_t arg[6] = {1, 2, 3}, ret[7];

	assert_int_equal(siov_vcpu_enter(vcpu), 0);
	assert_int_equal(siov_guest_probe(vcpu, &conf, &guest), 0);
	assert_int_equal(siov_guest_call(guest, SIOV_VOP_ECHO, arg, ret), 0);
	assert_memory_equal(ret, arg, sizeof(arg));
	assert_int_equal(siov_guest_remove(guest), 0);
	siov_vcpu_leave(vcpu);
}

/* ---- the quiet guest ---- */

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void
stay_quiet(struct driver_bed *bed)
{
	struct siov_guest_queue queue;
	double end_at = now() + seconds, worst = 0;
	unsigned int n;

	driver_bed_use(bed, 0, &queue);
	for (n = 0; now() < end_at || n < 3; n++) {
		uint64_t arg[6] = {n}, ret[7];
		double began = now(), took;

		driver_bed_copy(bed, &queue, n % 32);
		driver_bed_interrupt(bed, &queue);
		assert_int_equal(siov_guest_call(bed->guest, SIOV_VOP_ECHO, arg, ret), 0);
		assert_int_equal(ret[0], n);
		took = now() - began;
		if (took > worst)
			worst = took;
	}
	driver_bed_unuse(bed, &queue);
	assert_int_equal(bed->nb_errors, 0);
	assert_int_equal(bed->nb_halts, 0);
	print_message("quiet: %u rounds, the longest %.1f ms\n", n, worst * 1e3);
}

static void
run(const action acts[4], const char *type, uint32_t nb_dwqs)
{
	struct driver_bed *bed = driver_bed_open("swq", 0);
	const struct siov_vm_conf vm_conf = {
		.name = "hostile",
		.ram_bytes = MACHINE_RAM,
		.nb_vcpus = HOSTILE_VCPUS,
		.socket_id = -1,
	};
	struct siov_vdev_conf conf = {
		.fn = SIOV_VDEV_FN_ANY,
		.type = siov_vdcm_type_find(type),
		.nb_dwqs = nb_dwqs,
	};
	struct actor actors[HOSTILE_VCPUS];
	struct hostile h = {.seed = first_seed};
	unsigned int i;

	memcpy(h.acts, acts, sizeof(h.acts));
	assert_int_equal(siov_vm_create(bed->machine->vmm, &vm_conf, &h.vm), 0);
	assert_int_equal(siov_vm_plug(h.vm, &conf, &h.bdf), 0);
	for (i = 0; i < HOSTILE_VCPUS; i++) {
		actors[i] = (struct actor){.h = &h, .i = i};
		assert_int_equal(pthread_create(&actors[i].thread, NULL, be_hostile, &actors[i]),
				 0);
	}
	stay_quiet(bed);
	siov_atomic_store(&h.stop, 1, relaxed);
	for (i = 0; i < HOSTILE_VCPUS; i++)
		pthread_join(actors[i].thread, NULL);
	print_message(
		"hostile: %lu actions, begun %u times, with a queue %u times, %lu descriptors\n",
		(unsigned long)siov_atomic_load(&h.nb_actions, relaxed), h.nb_begun, h.nb_opened,
		(unsigned long)h.nb_accepted);
	/* A fuzzer that does not get anywhere is no fuzzer. Its first life, at least, was alone. */
	assert_true(siov_atomic_load(&h.nb_actions, relaxed) > 100);
	assert_int_not_equal(h.nb_begun, 0);
	assert_int_not_equal(h.nb_opened, 0);
	reset_hostile(&h);
	siov_vm_stop(h.vm);
	/* The quiet vCPU runs and does not poll meanwhile: nobody waits for it. */
	assert_int_equal(siov_vm_unplug(h.vm, h.bdf, MACHINE_WAIT_MS), 0);
	assert_int_equal(siov_vm_free(h.vm), 0);
	driver_bed_close(bed);
}

static void
test_registers_of_every_width_and_offset(void **state)
{
	const action acts[4] = {access_registers};

	(void)state;
	run(acts, "mixed", 2);
}

static void
test_configuration_space_of_every_kind(void **state)
{
	const action acts[4] = {write_config, access_registers};

	(void)state;
	run(acts, "swq", 0);
}

static void
test_mailbox_floods(void **state)
{
	const action acts[4] = {flood_mailbox};

	(void)state;
	run(acts, "dynamic", 0);
}

static void
test_vectors_change_while_interrupts_fly(void **state)
{
	const action acts[4] = {write_vectors, flood_mailbox};

	(void)state;
	run(acts, "swq", 0);
}

static void
test_tables_change_under_way(void **state)
{
	const action acts[4] = {change_tables};

	(void)state;
	run(acts, "swq", 0);
}

static void
test_all_of_it(void **state)
{
	const action acts[4] = {access_registers, flood_mailbox, change_tables, write_vectors};

	(void)state;
	run(acts, "dynamic", 0);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers_of_every_width_and_offset),
		cmocka_unit_test(test_configuration_space_of_every_kind),
		cmocka_unit_test(test_mailbox_floods),
		cmocka_unit_test(test_vectors_change_while_interrupts_fly),
		cmocka_unit_test(test_tables_change_under_way),
		cmocka_unit_test(test_all_of_it),
	};

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
