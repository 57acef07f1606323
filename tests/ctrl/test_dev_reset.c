/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Resets, with somebody looking on: what a reset has ended stays ended, and neighbours go on. Beside
 * it, saving and restoring.
 */
#include <sched.h>
#include <stdlib.h>

#include "adi_bed.h"
#include "siov_prq.h"

#define VICTIM 7u
#define NEIGHBOUR 8u
#define CHUNK 512u
#define RESETS 60u
#define SLOTS 64u

/* Half of guest memory each. */
#define VICTIM_AT DEV_RIG_DATA
#define NEIGHBOUR_AT (UINT64_C(8) << 20)

/* ---- one who submits without end ---- */

struct client {
	struct adi_bed *bed;
	struct siov_portal *portal;
	uint64_t at; /* of its memory */
	unsigned int first_comp;
	bool rings; /* asks for interrupts */
	uint32_t handle;
	SIOV_ATOMIC(uint32_t) stop;
	SIOV_ATOMIC(uint64_t) nb; /* completed and checked */
	pthread_t thread;
};

static uint8_t *
memory(struct client *client, uint64_t offset)
{
	return (uint8_t *)siov_gmem_hva(client->bed->rig->gmem) + client->at + offset;
}

static struct dsa_hw_desc
copy_desc(const struct client *client, unsigned int slot)
{
	uint64_t iova = siov_gmem_iova(client->bed->rig->gmem);

	return (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = DEV_RIG_CRAV_RCR | (client->rings ? IDXD_OP_FLAG_RCI : 0),
		.int_handle = (uint16_t)client->handle,
		.completion_addr = iova + (client->first_comp + slot) * SIOV_COMP_SIZE,
		.src_addr = iova + client->at + slot * CHUNK,
		.dst_addr = iova + client->at + (SLOTS + slot) * CHUNK,
		.xfer_size = CHUNK,
	};
}

static void
post(struct client *client, const struct dsa_hw_desc *desc)
{
	while (siov_enqcmd(client->portal, desc) != SIOV_DMWR_SUCCESS &&
	       !siov_atomic_load(&client->stop, relaxed))
		sched_yield();
}

/* Copy by copy, each awaited and compared: nothing may be lost, doubled or wrong. */
static void *
run_checked(void *arg)
{
	struct client *client = arg;
	uint64_t i;

	for (i = 0; !siov_atomic_load(&client->stop, relaxed); i++) {
		unsigned int slot = i % SLOTS;

		struct dsa_hw_desc desc __attribute__((aligned(64))) = copy_desc(client, slot);

		memset(memory(client, slot * CHUNK), (int)(i * 7 + 1), CHUNK);
		memset(&client->bed->rig->comps[client->first_comp + slot], 0, SIOV_COMP_SIZE);
		post(client, &desc);
		while (!dev_rig_is_done(client->bed->rig, client->first_comp + slot) &&
		       !siov_atomic_load(&client->stop, relaxed))
			sched_yield();
		if (siov_atomic_load(&client->stop, relaxed))
			break;
		assert_int_equal(client->bed->rig->comps[client->first_comp + slot].status,
				 DSA_COMP_SUCCESS);
		assert_memory_equal(memory(client, slot * CHUNK),
				    memory(client, (SLOTS + slot) * CHUNK), CHUNK);
		siov_atomic_store(&client->nb, i + 1, relaxed);
	}
	return NULL;
}

/* As fast as the queue takes it; nobody waits for anything, nor looks at what comes of it. */
static void *
run_wild(void *arg)
{
	struct client *client = arg;
	uint64_t i;

	for (i = 0; !siov_atomic_load(&client->stop, relaxed); i++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) = copy_desc(client, 0);

		/* All of it at once, so that some always wait. */
		desc.xfer_size = SLOTS * CHUNK;
		post(client, &desc);
		if (i % 32 == 0)
			sched_yield();
	}
	return NULL;
}

static void
start(struct client *client, void *(*run)(void *))
{
	assert_int_equal(pthread_create(&client->thread, NULL, run, client), 0);
}

static void
stop(struct client *client)
{
	siov_atomic_store(&client->stop, 1, relaxed);
	pthread_join(client->thread, NULL);
}

/* ---- reset under load ---- */

struct pair {
	struct adi_bed *bed;
	uint32_t victim_id, neighbour_id;
	struct client victim, neighbour;
};

static void
open_pair(struct pair *pair, struct adi_bed *bed)
{
	struct siov_lane *lanes[2] = {dev_rig_attach(bed->rig, 0), dev_rig_attach(bed->rig, 0)};

	memset(pair, 0, sizeof(*pair));
	pair->bed = bed;
	pair->victim_id = adi_bed_context(bed, VICTIM);
	pair->neighbour_id = adi_bed_context(bed, NEIGHBOUR);
	adi_bed_program(bed, pair->victim_id, 3);
	pair->victim = (struct client){
		.bed = bed,
		.portal = adi_bed_portal(bed, pair->victim_id, lanes[0]),
		.at = VICTIM_AT,
		.handle = adi_bed_info(bed, pair->victim_id).messages[0],
	};
	pair->neighbour = (struct client){
		.bed = bed,
		.portal = adi_bed_portal(bed, pair->neighbour_id, lanes[1]),
		.at = NEIGHBOUR_AT,
		.first_comp = SLOTS,
	};
}

/* What the victim could still change: its destinations and its records. */
static void
picture(const struct pair *pair, uint8_t *out)
{
	struct client client = pair->victim;

	memcpy(out, memory(&client, SLOTS * CHUNK), SLOTS * CHUNK);
}

static void
test_s7_7_1_a_reset_under_load_leaves_the_others_alone(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_info info;
	struct pair pair;
	unsigned int i;
	uint64_t nb;

	open_pair(&pair, bed);
	start(&pair.neighbour, run_checked);
	start(&pair.victim, run_wild);
	/* Until one of them has met work, which takes both threads to have run. */
	for (i = 0; i < RESETS || adi_bed_info(bed, pair.victim_id).aborted == 0; i++) {
		nb = siov_atomic_load(&pair.neighbour.nb, relaxed);
		assert_int_equal(siov_dev_adi_reset(bed->dev, pair.victim_id, ADI_BED_MS), 0);
		assert_int_equal(adi_bed_info(bed, pair.victim_id).state, SIOV_ADI_CONFIGURED);
		/* 7.7.3: the queue itself goes on. */
		assert_int_equal(siov_atomic_load(&siov_dev_wq(bed->dev, 0)->state, relaxed),
				 SIOV_WQ_ENABLED);
		while (siov_atomic_load(&pair.neighbour.nb, relaxed) < nb + 3)
			sched_yield();
		assert_int_equal(siov_dev_adi_enable(bed->dev, pair.victim_id), 0);
	}
	stop(&pair.victim);
	stop(&pair.neighbour);
	assert_int_equal(siov_dev_adi_drain(bed->dev, pair.victim_id, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_drain(bed->dev, pair.neighbour_id, ADI_BED_MS), 0);
	info = adi_bed_info(bed, pair.victim_id);
	assert_int_equal(info.accepted, info.completed + info.failed + info.aborted);
	assert_int_equal(info.failed, 0);
	assert_true(info.aborted > 0);
	info = adi_bed_info(bed, pair.neighbour_id);
	assert_int_equal(info.accepted, info.completed);
}

/* The client goes on submitting: whatever is accepted behind the reset is discarded, too. */
static void
test_s7_7_4_after_a_reset_nothing_of_it_appears(void **state)
{
	static uint8_t before[SLOTS * CHUNK], after[SLOTS * CHUNK];
	struct adi_bed *bed = *state;
	struct pair pair;
	uint64_t delivered;
	unsigned int i;

	open_pair(&pair, bed);
	pair.victim.rings = true;
	assert_int_equal(siov_dev_detach(bed->dev, pair.victim.portal->lane, ADI_BED_MS), 0);
	{
		struct siov_lane *lane;

		assert_int_equal(siov_dev_attach(bed->dev, 0, SIOV_LANE_F_IMS, &lane), 0);
		pair.victim.portal = adi_bed_portal(bed, pair.victim_id, lane);
	}
	start(&pair.neighbour, run_checked);
	start(&pair.victim, run_wild);
	for (i = 0; i < RESETS / 3; i++) {
		struct siov_adi_message message = {.addr = siov_ir_msi_addr(3)};

		dev_rig_nap();
		assert_int_equal(siov_dev_adi_reset(bed->dev, pair.victim_id, ADI_BED_MS), 0);
		delivered = msg_bed_nb_delivered(&bed->msg);
		picture(&pair, before);
		dev_rig_nap();
		dev_rig_nap();
		picture(&pair, after);
		assert_memory_equal(before, after, sizeof(before));
		assert_int_equal(msg_bed_nb_delivered(&bed->msg), delivered);
		siov_dev_adi_get_message(bed->dev, pair.victim_id, 0, &message);
		assert_true(message.is_masked);
		assert_false(message.is_pending);
		message.is_masked = false;
		siov_dev_adi_set_message(bed->dev, pair.victim_id, 0, &message);
		assert_int_equal(msg_bed_nb_delivered(&bed->msg), delivered);
		assert_int_equal(siov_dev_adi_enable(bed->dev, pair.victim_id), 0);
	}
	stop(&pair.victim);
	stop(&pair.neighbour);
	assert_true(msg_bed_nb_delivered(&bed->msg) > 0);
}

/* ---- page requests ---- */

static void
test_s7_7_4_no_page_request_is_outstanding(void **state)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.flags = IDXD_OP_FLAG_BOF, .opcode = DSA_OPCODE_MEMFILL, .xfer_size = 8};
	struct siov_domain_conf dconf = {.kind = SIOV_DOMAIN_SECOND_STAGE, .max_page_shift = 12};
	const struct siov_adi_conf aconf = {.pasid = VICTIM};
	struct siov_vtd_page_response resp;
	struct siov_vtd_page_request req;
	struct siov_domain *dom;
	struct siov_iommu *iommu;
	struct siov_dev_conf conf;
	struct adi_bed *bed;
	struct siov_prq *prq;
	struct siov_portal *portal;
	unsigned int i;
	uint32_t id;

	(void)state;
	adi_bed_conf_init(&conf);
	conf.wqs[0].flags = SIOV_WQ_F_BOF;
	conf.page_timeout_ms = SIOV_DEV_PAGE_TIMEOUT_MAX;
	bed = adi_bed_open(&conf);
	iommu = siov_dev_iommu(bed->dev);
	assert_int_equal(siov_prq_create(iommu, NULL, &prq), 0);
	dconf.prq = prq;
	assert_int_equal(siov_domain_create(iommu, &dconf, &dom), 0);
	assert_int_equal(siov_pasid_alloc_at(iommu, VICTIM), 0);
	assert_int_equal(siov_pasid_bind(iommu, VICTIM, dom, 0), 0);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id), 0);
	assert_int_equal(siov_dev_adi_configure(bed->dev, id, &aconf), 0);
	assert_int_equal(siov_dev_adi_enable(bed->dev, id), 0);
	portal = adi_bed_portal(bed, id, dev_rig_attach(bed->rig, 0));
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_prq_take(prq, &req, 1) == 0; i++)
		dev_rig_nap();
	assert_int_equal(siov_dev_adi_drain(bed->dev, id, 20), -ETIMEDOUT);
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, ADI_BED_MS), 0);
	assert_int_equal(engine_nb_parked(siov_dev_engine(bed->dev, 0), 0), 0);
	/* The answer comes, and finds nobody. */
	resp = siov_page_response(&req, SIOV_PAGE_SUCCESS);
	siov_prq_respond(prq, &resp);
	dev_rig_nap();
	assert_int_equal(adi_bed_info(bed, id).aborted, 1);
	assert_int_equal(adi_bed_info(bed, id).completed, 0);
	adi_bed_close(bed);
}

/* ---- the whole function ---- */

static void
test_s7_7_6_resets_of_the_function(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0);
	uint32_t a = adi_bed_context(bed, VICTIM), b = adi_bed_context(bed, NEIGHBOUR);
	struct siov_portal *portal = adi_bed_portal(bed, b, lane);
	struct siov_adi_info info;

	adi_bed_program(bed, a, 2);
	/* Configured, as they were; queues as they were. */
	assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_KEEP, ADI_BED_MS), 0);
	info = adi_bed_info(bed, a);
	assert_int_equal(info.state, SIOV_ADI_CONFIGURED);
	assert_int_equal(info.conf.pasid, VICTIM);
	assert_int_equal(siov_dev_adi_enable(bed->dev, b), 0);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(bed->rig, 0), DSA_COMP_SUCCESS);
	/* None is left, but where a thread may hold its portal. */
	assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_ALL, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_info(bed->dev, a, &info), -ENOENT);
	info = adi_bed_info(bed, b);
	assert_int_equal(info.state, SIOV_ADI_ALLOCATED);
	assert_int_equal(info.conf.pasid, 0);
	assert_int_equal(siov_atomic_load(&siov_dev_wq(bed->dev, 0)->state, relaxed),
			 SIOV_WQ_DISABLED);
	siov_dev_portal_close(bed->dev, portal);
	assert_int_equal(siov_dev_wq_enable(bed->dev, 0), 0);
	a = adi_bed_context(bed, VICTIM);
	assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_FLR, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_info(bed->dev, a, &info), -ENOENT);
	assert_int_equal(siov_dev_adi_info(bed->dev, b, &info), -ENOENT);
	assert_int_equal(siov_dev_wq_enable(bed->dev, 0), -EPERM);
	assert_int_equal(siov_dev_pasid_enable(bed->dev, true), 0);
	assert_int_equal(siov_dev_wq_enable(bed->dev, 0), 0);
	adi_bed_context(bed, VICTIM);
}

static void
test_s7_7_6_a_reset_of_the_function_under_load(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_info info;
	struct pair pair;
	unsigned int i;

	open_pair(&pair, bed);
	start(&pair.victim, run_wild);
	for (i = 0; i < RESETS / 3; i++) {
		assert_int_equal(siov_dev_reset(bed->dev, SIOV_RESET_KEEP, ADI_BED_MS), 0);
		assert_int_equal(siov_dev_adi_enable(bed->dev, pair.victim_id), 0);
		dev_rig_nap();
	}
	stop(&pair.victim);
	assert_int_equal(siov_dev_adi_drain(bed->dev, pair.victim_id, ADI_BED_MS), 0);
	info = adi_bed_info(bed, pair.victim_id);
	assert_int_equal(info.accepted, info.completed + info.failed + info.aborted);
}

/* ---- actions that overtake one another ---- */

struct action {
	struct adi_bed *bed;
	uint32_t id;
	int ret;
};

static void *
run_drain(void *arg)
{
	struct action *action = arg;

	action->ret = siov_dev_adi_drain(action->bed->dev, action->id, ADI_BED_MS);
	return NULL;
}

static void
test_a_reset_overtakes_a_drain(void **state)
{
	struct adi_bed *bed = *state;
	uint32_t id = adi_bed_context(bed, VICTIM);
	struct siov_portal *portal = adi_bed_portal(bed, id, dev_rig_attach(bed->rig, 0));
	struct action action = {.bed = bed, .id = id};
	pthread_t thread;
	unsigned int i;

	dev_rig_stop(bed->rig);
	assert_int_equal(dev_rig_noop(bed->rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(pthread_create(&thread, NULL, run_drain, &action), 0);
	for (i = 0; i < DEV_RIG_WAIT_MS && adi_bed_info(bed, id).state != SIOV_ADI_DRAINING; i++)
		dev_rig_nap();
	assert_int_equal(siov_dev_adi_drain(bed->dev, id, 0), -EBUSY);
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, 0), -ETIMEDOUT);
	pthread_join(thread, NULL);
	assert_int_equal(action.ret, -ECANCELED);
	dev_rig_start(bed->rig);
	assert_int_equal(siov_dev_adi_reset(bed->dev, id, ADI_BED_MS), 0);
}

/* ---- save and restore ---- */

static void
test_s7_7_7_state_moves_to_another_adi_while_others_run(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_adi_message message = {
		.addr = siov_ir_msi_addr(9), .is_masked = true, .moderation = {100, 5}};
	uint8_t image[SIOV_ADI_IMAGE_MAX];
	struct siov_adi_info info;
	struct pair pair;
	uint32_t to;
	int len;

	open_pair(&pair, bed);
	start(&pair.neighbour, run_checked);
	assert_int_equal(dev_rig_noop(bed->rig, pair.victim.portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(bed->rig, 0), DSA_COMP_SUCCESS);
	assert_int_equal(siov_dev_adi_set_message(bed->dev, pair.victim_id, 0, &message), 0);
	assert_int_equal(siov_dev_adi_trigger(bed->dev, pair.victim_id, 0), 0);
	assert_int_equal(siov_dev_adi_save(bed->dev, pair.victim_id, image, sizeof(image)), -EBUSY);
	assert_int_equal(siov_dev_adi_suspend(bed->dev, pair.victim_id, ADI_BED_MS), 0);
	len = siov_dev_adi_save(bed->dev, pair.victim_id, image, sizeof(image));
	assert_true(len > 0);
	to = adi_bed_context(bed, 40);
	assert_int_equal(siov_dev_adi_restore(bed->dev, to, image, (size_t)len), -EBUSY);
	assert_int_equal(siov_dev_adi_disable(bed->dev, to, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_restore(bed->dev, to, image, (size_t)len - 1), -EBADMSG);
	assert_int_equal(siov_dev_adi_restore(bed->dev, to, image, (size_t)len), 0);
	info = adi_bed_info(bed, to);
	assert_int_equal(info.accepted, 1);
	assert_int_equal(info.completed, 1);
	memset(&message, 0, sizeof(message));
	assert_int_equal(siov_dev_adi_get_message(bed->dev, to, 0, &message), 0);
	assert_true(message.addr == siov_ir_msi_addr(9));
	assert_true(message.is_masked);
	assert_true(message.is_pending);
	assert_int_equal(message.moderation.interval_us, 100);
	assert_int_equal(message.moderation.max_events, 5);
	/* The event that waited is sent by who has it now. */
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), 0);
	message.is_masked = false;
	assert_int_equal(siov_dev_adi_set_message(bed->dev, to, 0, &message), 0);
	assert_int_equal(msg_bed_nb_delivered(&bed->msg), 1);
	assert_int_equal(msg_bed_take(&bed->msg), 9);
	assert_int_equal(siov_dev_adi_enable(bed->dev, to), 0);
	while (siov_atomic_load(&pair.neighbour.nb, relaxed) == 0)
		sched_yield();
	stop(&pair.neighbour);
}

static void
test_an_image_of_another_kind_is_refused(void **state)
{
	struct adi_bed *bed = *state;
	const struct siov_adi_conf conf = {.pasid = 50, .nb_dwqs = 1, .nb_messages = 1};
	uint8_t image[SIOV_ADI_IMAGE_MAX];
	uint32_t from = adi_bed_context(bed, VICTIM), to;
	int len;

	assert_int_equal(siov_dev_adi_disable(bed->dev, from, ADI_BED_MS), 0);
	assert_int_equal(siov_dev_adi_save(bed->dev, from, image, 10), -ENOSPC);
	len = siov_dev_adi_save(bed->dev, from, image, sizeof(image));
	assert_true(len > 0);
	assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_DEDICATED, SIOV_ADI_VM, &to), 0);
	assert_int_equal(siov_dev_adi_restore(bed->dev, to, image, (size_t)len), -EBUSY);
	assert_int_equal(siov_dev_adi_configure(bed->dev, to, &conf), 0);
	assert_int_equal(siov_dev_adi_restore(bed->dev, to, image, (size_t)len), -EINVAL);
	assert_int_equal(adi_bed_info(bed, to).owner, SIOV_ADI_VM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ADI_TEST(test_s7_7_1_a_reset_under_load_leaves_the_others_alone),
		ADI_TEST(test_s7_7_4_after_a_reset_nothing_of_it_appears),
		cmocka_unit_test(test_s7_7_4_no_page_request_is_outstanding),
		ADI_TEST(test_s7_7_6_resets_of_the_function),
		ADI_TEST(test_s7_7_6_a_reset_of_the_function_under_load),
		ADI_TEST(test_a_reset_overtakes_a_drain),
		ADI_TEST(test_s7_7_7_state_moves_to_another_adi_while_others_run),
		ADI_TEST(test_an_image_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
