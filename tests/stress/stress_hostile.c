/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One ADI submits garbage as fast as it can, and scribbles over what it has submitted; another one on
 * the same queue copies, compares every byte, and must not notice. Nothing outside the garbage
 * maker's own memory changes, nobody is interrupted, and every error is its own.
 *
 * Argument: seconds (5).
 */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "adi_bed.h"

#define QUIET 8u
#define HOSTILE 9u
#define CHUNK 1024u
#define SLOTS 16u
#define HOSTILE_BYTES (UINT64_C(4) << 20)
#define CANARY_AT (UINT64_C(12) << 20) /* of the quiet one's memory: nobody writes there */
#define CANARY_LEN (UINT64_C(1) << 20)

static unsigned int seconds = 5;

struct world {
	struct adi_bed *bed;
	struct siov_gmem *gmem; /* the hostile one's */
	uint32_t quiet_id, hostile_id;
	struct siov_portal *quiet, *hostile;
	uint32_t handle; /* the quiet one's */
	uint64_t random;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb_copies;
	uint64_t nb_garbage;
};

static uint64_t
next_random(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static uint64_t
pick(struct world *w, uint64_t nb)
{
	return next_random(w) % nb;
}

/* ---- garbage ---- */

/* In its memory mostly; beyond an end; where the quiet one's memory is; anywhere. */
static uint64_t
make_address(struct world *w)
{
	uint64_t own = siov_gmem_iova(w->gmem);

	switch (pick(w, 16)) {
	case 0:
		return next_random(w);
	case 1:
		return own + HOSTILE_BYTES - pick(w, 8192);
	case 2:
		return own - pick(w, 8192);
	case 3:
		return (uintptr_t)siov_gmem_hva(w->bed->rig->gmem) + pick(w, CANARY_AT);
	case 4:
		return siov_gmem_iova(w->bed->rig->gmem) + CANARY_AT + pick(w, CANARY_LEN);
	case 5:
		return 0;
	default:
		return own + (pick(w, HOSTILE_BYTES) & ~(pick(w, 2) * 63));
	}
}

static struct dsa_hw_desc
make_garbage(struct world *w)
{
	struct dsa_hw_desc desc;
	uint8_t *bytes = (uint8_t *)&desc;
	unsigned int i;

	memset(&desc, 0, sizeof(desc));
	desc.opcode = pick(w, 8) == 0 ? (uint8_t)next_random(w) : (uint8_t)pick(w, 0x21);
	desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	if (pick(w, 3) == 0)
		desc.flags = next_random(w) & 0xffffff;
	else if (pick(w, 4) == 0)
		desc.flags |= 1u << pick(w, 24);
	desc.completion_addr = make_address(w) & ~(pick(w, 8) != 0 ? UINT64_C(31) : 0);
	desc.src_addr = make_address(w);
	desc.dst_addr = make_address(w);
	desc.xfer_size = (uint32_t)next_random(w) >> pick(w, 32);
	desc.int_handle = pick(w, 2) == 0 ? (uint16_t)w->handle : (uint16_t)next_random(w);
	if (desc.opcode == DSA_OPCODE_BATCH)
		desc.desc_count = (uint32_t)pick(w, 40);
	for (i = 40; i < sizeof(desc) && pick(w, 2) == 0; i++)
		bytes[i] = (uint8_t)next_random(w);
	return desc;
}

/* Lists of garbage, changed while they may be read: words of 8 bytes, as any guest would store. */
static void
scribble(struct world *w)
{
	uint64_t at = pick(w, HOSTILE_BYTES / 64) * 64;
	struct dsa_hw_desc desc = make_garbage(w);
	uint64_t from[SIOV_DESC_SIZE / sizeof(uint64_t)];
	SIOV_ATOMIC(uint64_t) *to = (void *)((uint8_t *)siov_gmem_hva(w->gmem) + at);
	unsigned int i;

	memcpy(from, &desc, sizeof(from));
	for (i = 0; i < RTE_DIM(from); i++)
		siov_atomic_store(&to[i], from[i], relaxed);
}

static void *
run_hostile(void *arg)
{
	struct world *w = arg;

	while (!siov_atomic_load(&w->stop, relaxed)) {
		const struct dsa_hw_desc desc __attribute__((aligned(64))) = make_garbage(w);

		scribble(w);
		if (siov_enqcmd(w->hostile, &desc) != SIOV_DMWR_SUCCESS)
			sched_yield();
		w->nb_garbage++;
	}
	return NULL;
}

/* ---- the quiet one ---- */

static void
copy_and_compare(struct world *w, uint64_t i)
{
	struct dev_rig *rig = w->bed->rig;
	unsigned int comp = i % SLOTS;
	uint64_t src = DEV_RIG_DATA + comp * CHUNK, dst = src + SLOTS * CHUNK;
	uint8_t *mem = siov_gmem_hva(rig->gmem);
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(rig, DSA_OPCODE_MEMMOVE, comp);

	desc.src_addr = siov_gmem_iova(rig->gmem) + src;
	desc.dst_addr = siov_gmem_iova(rig->gmem) + dst;
	desc.xfer_size = CHUNK;
	memset(mem + src, (int)(i * 5 + 3), CHUNK);
	while (siov_enqcmd(w->quiet, &desc) != SIOV_DMWR_SUCCESS)
		sched_yield();
	while (!dev_rig_is_done(rig, comp))
		sched_yield();
	assert_int_equal(rig->comps[comp].status, DSA_COMP_SUCCESS);
	assert_memory_equal(mem + src, mem + dst, CHUNK);
	siov_atomic_store(&w->nb_copies, i + 1, relaxed);
}

static void
check_canary(struct world *w)
{
	const uint8_t *canary = (uint8_t *)siov_gmem_hva(w->bed->rig->gmem) + CANARY_AT;
	uint64_t i;

	for (i = 0; i < CANARY_LEN; i++)
		assert_int_equal(canary[i], 0xc5);
}

static void
check_errors(struct world *w)
{
	static struct siov_error errors[1024];
	unsigned int i, nb = siov_dev_errors(w->bed->dev, errors, RTE_DIM(errors));

	for (i = 0; i < nb; i++)
		assert_int_equal(errors[i].pasid, HOSTILE);
}

/* ---- set-up ---- */

static void
open_world(struct world *w)
{
	struct siov_gmem_conf gconf;
	struct siov_dev_conf conf;
	const struct siov_adi_conf aconf = {.pasid = HOSTILE};

	memset(w, 0, sizeof(*w));
	w->random = 88172645463325252u;
	adi_bed_conf_init(&conf);
	conf.wqs[0].size = 256;
	w->bed = adi_bed_open(&conf);
	memset((uint8_t *)siov_gmem_hva(w->bed->rig->gmem) + CANARY_AT, 0xc5, CANARY_LEN);
	siov_gmem_conf_init(&gconf);
	gconf.size = HOSTILE_BYTES;
	assert_int_equal(siov_gmem_create(w->bed->dev, &gconf, &w->gmem), 0);
	assert_int_equal(siov_gmem_bind(w->gmem, HOSTILE), 0);
	w->quiet_id = adi_bed_context(w->bed, QUIET);
	adi_bed_program(w->bed, w->quiet_id, 1);
	w->handle = adi_bed_info(w->bed, w->quiet_id).messages[0];
	assert_int_equal(
		siov_dev_adi_alloc(w->bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &w->hostile_id), 0);
	assert_int_equal(siov_dev_adi_configure(w->bed->dev, w->hostile_id, &aconf), 0);
	assert_int_equal(siov_dev_adi_enable(w->bed->dev, w->hostile_id), 0);
	w->quiet = adi_bed_portal(w->bed, w->quiet_id, dev_rig_attach(w->bed->rig, 0));
	w->hostile = adi_bed_portal(w->bed, w->hostile_id, dev_rig_attach(w->bed->rig, 0));
}

static void
close_world(struct world *w)
{
	siov_dev_portal_close(w->bed->dev, w->hostile);
	dev_rig_stop(w->bed->rig);
	assert_int_equal(siov_gmem_unbind(w->gmem, HOSTILE), 0);
	assert_int_equal(siov_gmem_free(w->gmem), 0);
	dev_rig_start(w->bed->rig);
	adi_bed_close(w->bed);
}

static void
test_s7_6_1_garbage_from_one_is_not_noticed_by_another(void **state)
{
	static struct world w;
	struct siov_adi_info info;
	pthread_t thread;
	uint64_t i;
	time_t end;

	(void)state;
	open_world(&w);
	end = time(NULL) + seconds;
	assert_int_equal(pthread_create(&thread, NULL, run_hostile, &w), 0);
	for (i = 0; time(NULL) < end; i++) {
		copy_and_compare(&w, i);
		if (i % 512 == 0)
			check_errors(&w);
	}
	/* 7.7.1: it can be stopped in the middle of all that. */
	assert_int_equal(siov_dev_adi_reset(w.bed->dev, w.hostile_id, ADI_BED_MS), 0);
	copy_and_compare(&w, i);
	siov_atomic_store(&w.stop, 1, relaxed);
	pthread_join(thread, NULL);
	check_canary(&w);
	check_errors(&w);
	assert_int_equal(msg_bed_nb_delivered(&w.bed->msg), 0);
	info = adi_bed_info(w.bed, w.quiet_id);
	assert_int_equal(info.completed, i + 1);
	assert_int_equal(info.failed + info.aborted, 0);
	info = adi_bed_info(w.bed, w.hostile_id);
	assert_true(info.failed > 0);
	printf("%llu copies beside %llu descriptors of garbage: %llu failed, %llu did not\n",
	       (unsigned long long)i, (unsigned long long)w.nb_garbage,
	       (unsigned long long)info.failed, (unsigned long long)info.completed);
	close_world(&w);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_6_1_garbage_from_one_is_not_noticed_by_another),
	};

	if (argc > 1)
		seconds = (unsigned int)strtoul(argv[1], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
