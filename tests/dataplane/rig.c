/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <sys/mman.h>

#include "rig.h"

#define POLLS_MAX 1000000u

static void
open_arena(struct rig *rig, size_t len)
{
	uintptr_t start;

	rig->arena_map_len = len + 2 * RIG_2M;
	rig->arena_map = mmap(NULL, rig->arena_map_len, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(rig->arena_map, MAP_FAILED);
	start = RTE_ALIGN_CEIL((uintptr_t)rig->arena_map + RIG_PAGE, RIG_2M);
	rig->arena = (uint8_t *)start;
	rig->arena_len = len;
	assert_int_equal(siov_iommu_add_memory(rig->iommu, rig->arena, len), 0);
}

static void
open_iommu(struct rig *rig)
{
	struct siov_iommu_conf conf;

	siov_iommu_conf_init(&conf);
	conf.mem = &rig->fm.mem;
	conf.inval_timeout_ms = 1000;
	assert_int_equal(siov_iommu_create(&conf, &rig->iommu), 0);
}

struct rig *
rig_open(const struct rig_conf *conf)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	unsigned int i;

	assert_non_null(rig);
	rig->seed = 1;
	fake_mem_init(&rig->fm);
	open_iommu(rig);
	open_arena(rig, conf->arena_len);
	rig->nb_engines = RTE_MAX(conf->nb_engines, 1u);
	for (i = 0; i < rig->nb_engines; i++) {
		const struct engine_conf econf = {
			.id = i,
			.nb_wqs_max = RIG_WQS_MAX,
			.atc_entries = 1024,
			.nb_latency = conf->nb_latency,
			.page_timeout_cycles = conf->page_timeout_cycles,
			.priv_enabled = conf->priv_enabled,
			.socket_id = -1,
			.iommu = rig->iommu,
			.messages = {conf->messages[0], conf->messages[1]},
			.mem = &rig->fm.mem,
		};

		assert_int_equal(engine_create(&econf, &rig->engines[i]), 0);
		siov_engine_start(rig->engines[i]);
	}
	return rig;
}

void
rig_close(struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++) {
		siov_engine_stop(rig->engines[i]);
		engine_free(rig->engines[i]);
	}
	for (i = 0; i < rig->nb_wqs; i++)
		siov_wq_free(&rig->fm.mem, rig->wqs[i]);
	for (i = 0; i < rig->nb_guests; i++)
		free(rig->guests[i]);
	siov_iommu_free(rig->iommu);
	assert_int_equal(rig->fm.nb_live, 0);
	munmap(rig->arena_map, rig->arena_map_len);
	free(rig);
}

unsigned int
rig_add_wq(struct rig *rig, const struct rig_wq_conf *conf)
{
	unsigned int nb_engines = RTE_MAX(conf->nb_engines, 1u);
	unsigned int id = rig->nb_wqs++;
	struct siov_wq_conf wconf;
	unsigned int i;

	siov_wq_conf_init(&wconf);
	wconf.mode = conf->dwq_pasid != 0 ? SIOV_WQ_DEDICATED : SIOV_WQ_SHARED;
	wconf.size = conf->size != 0 ? conf->size : 128;
	wconf.lanes_max = conf->lanes_max != 0 ? conf->lanes_max : 16;
	wconf.nb_engines = nb_engines;
	wconf.flags = conf->flags;
	wconf.pasid = conf->dwq_pasid;
	wconf.mem = &rig->fm.mem;
	assert_int_equal(siov_wq_create(&wconf, &rig->wqs[id]), 0);
	for (i = 0; i < nb_engines; i++) {
		const struct engine_wq_conf econf = {
			.wq_id = id,
			.slot = i,
			.weight = conf->weight != 0 ? conf->weight : 1,
			.xfer_max = conf->xfer_max != 0 ? conf->xfer_max : UINT32_C(1) << 31,
			.batch_max = conf->batch_max,
			.long_max = conf->long_max,
			.ops = conf->ops,
			.peers = rig->engines + conf->first_engine,
			.nb_peers = nb_engines,
			.wq = rig->wqs[id],
		};

		assert_int_equal(engine_bind_wq(rig->engines[conf->first_engine + i], &econf), 0);
	}
	assert_int_equal(siov_wq_set_state(rig->wqs[id], SIOV_WQ_ENABLED), 0);
	return id;
}

static unsigned int
find_wq(const struct rig *rig, const struct siov_wq *wq)
{
	unsigned int i;

	for (i = 0; i < rig->nb_wqs; i++) {
		if (rig->wqs[i] == wq)
			return i;
	}
	fail_msg("a lane of no queue");
	return 0;
}

static struct siov_domain *
make_domain(struct rig *rig)
{
	const struct siov_domain_conf conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 21,
	};
	struct siov_domain *dom;

	assert_int_equal(siov_domain_create(rig->iommu, &conf, &dom), 0);
	return dom;
}

static void
add_records(struct rig *rig, unsigned int wq, uint32_t pasid)
{
	unsigned int i;
	int ret;

	for (i = 0; i < rig->nb_engines; i++) {
		ret = engine_add_pasid(rig->engines[i], wq, pasid);
		assert_true(ret == 0 || ret == -ENOENT);
	}
}

struct rig_guest *
rig_add_guest_on(struct rig *rig, struct siov_lane *lane, uint32_t pasid, struct siov_domain *dom)
{
	struct rig_guest *guest = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*guest), 64));
	bool is_new = dom == NULL;
	int ret;

	assert_non_null(guest);
	assert_true(rig->nb_guests < RIG_GUESTS_MAX);
	memset(guest, 0, sizeof(*guest));
	rig->guests[rig->nb_guests++] = guest;
	guest->rig = rig;
	guest->pasid = pasid;
	guest->wq = find_wq(rig, lane->wq);
	guest->dom = is_new ? make_domain(rig) : dom;
	assert_int_equal(siov_portal_init(&guest->portal, lane, pasid, SIOV_PORTAL_F_PASID), 0);
	add_records(rig, guest->wq, pasid);
	ret = siov_pasid_alloc_at(rig->iommu, pasid);
	if (ret == 0)
		assert_int_equal(siov_pasid_bind(rig->iommu, pasid, guest->dom, 0), 0);
	else
		assert_int_equal(ret, -EEXIST);
	if (is_new) {
		guest->comps = (void *)rig_take(rig, RIG_PAGE, false);
		rig_map_at(guest, RIG_COMP_IOVA, guest->comps, RIG_PAGE, SIOV_PERM_R | SIOV_PERM_W);
	}
	return guest;
}

struct rig_guest *
rig_add_guest(struct rig *rig, unsigned int wq, uint32_t pasid)
{
	struct siov_lane *lane;

	assert_int_equal(siov_wq_attach(&rig->fm.mem, rig->wqs[wq], rig->lane_flags, &lane), 0);
	return rig_add_guest_on(rig, lane, pasid, NULL);
}

/* ---- memory ---- */

/* A part of the arena, still inaccessible. */
static uint8_t *
reserve(struct rig *rig, uint64_t len, bool is_aligned)
{
	uint8_t *start;

	if (is_aligned)
		rig->arena_used = RTE_ALIGN_CEIL(rig->arena_used, RIG_2M);
	start = rig->arena + rig->arena_used;
	rig->arena_used += len;
	assert_true(rig->arena_used <= rig->arena_len);
	/* What comes next does not touch it. */
	rig->arena_used = RTE_MIN(rig->arena_used + RIG_PAGE, rig->arena_len);
	return start;
}

static void
open_pages(uint8_t *start, uint64_t len)
{
	assert_int_equal(mprotect(start, len, PROT_READ | PROT_WRITE), 0);
}

uint8_t *
rig_take(struct rig *rig, uint64_t len, bool is_aligned)
{
	uint8_t *start = reserve(rig, RTE_ALIGN_CEIL(len, RIG_PAGE), is_aligned);

	open_pages(start, RTE_ALIGN_CEIL(len, RIG_PAGE));
	return start;
}

void
rig_map_at(struct rig_guest *guest, uint64_t iova, void *hva, uint64_t len, unsigned int perm)
{
	assert_int_equal(siov_domain_map(guest->dom, iova, hva, len, perm), 0);
}

void
rig_unmap(struct rig_guest *guest, uint64_t iova, uint64_t len)
{
	struct rig *rig = guest->rig;
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++)
		siov_engine_stop(rig->engines[i]);
	assert_int_equal(siov_domain_unmap(guest->dom, iova, len), 0);
	for (i = 0; i < rig->nb_engines; i++)
		siov_engine_start(rig->engines[i]);
}

static void
map_stretch(struct rig_guest *guest, const struct rig_view *view, uint64_t offset, uint64_t len,
	    unsigned int perm)
{
	uint8_t *start = rig_take(guest->rig, len, len >= RIG_2M);
	uint64_t i;

	for (i = 0; i < len; i += RIG_PAGE)
		view->pages[(offset + i) / RIG_PAGE] = start + i;
	rig_map_at(guest, view->iova + offset, start, len, perm);
}

/* Of twice as many pages as needed, half in random order; the others stay inaccessible. */
static void
map_shuffled(struct rig_guest *guest, const struct rig_view *view, uint64_t offset, uint64_t len,
	     unsigned int perm)
{
	uint64_t nb = 2 * len / RIG_PAGE;
	uint8_t *start = reserve(guest->rig, nb * RIG_PAGE, false);
	uint32_t *order = calloc(nb, sizeof(*order));
	uint64_t i, j;

	assert_non_null(order);
	for (i = 0; i < nb; i++) {
		j = rig_random(guest->rig) % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	for (i = 0; i < nb / 2; i++) {
		uint8_t *page = start + order[i] * RIG_PAGE;

		open_pages(page, RIG_PAGE);
		view->pages[offset / RIG_PAGE + i] = page;
		rig_map_at(guest, view->iova + offset + i * RIG_PAGE, page, RIG_PAGE, perm);
	}
	free(order);
}

struct rig_view
rig_map(struct rig_guest *guest, uint64_t iova, uint64_t len, unsigned int perm,
	enum rig_layout layout)
{
	struct rig_view view = {.iova = iova, .len = len};
	uint64_t offset, n;

	view.pages = calloc(len / RIG_PAGE, sizeof(view.pages[0]));
	assert_non_null(view.pages);
	for (offset = 0; offset < len; offset += n) {
		n = layout == RIG_MIXED ? RTE_MIN(len - offset, RIG_2M) : len;
		if (layout == RIG_CONTIGUOUS || (layout == RIG_MIXED && offset % (2 * RIG_2M) == 0))
			map_stretch(guest, &view, offset, n, perm);
		else
			map_shuffled(guest, &view, offset, n, perm);
	}
	return view;
}

void
rig_unview(struct rig_view *view)
{
	free(view->pages);
	view->pages = NULL;
}

void
rig_poke(const struct rig_view *view, uint64_t offset, const void *src, uint64_t len)
{
	const uint8_t *from = src;

	assert_true(offset + len <= view->len);
	while (len > 0) {
		uint64_t n = RTE_MIN(len, RIG_PAGE - offset % RIG_PAGE);

		memcpy(view->pages[offset / RIG_PAGE] + offset % RIG_PAGE, from, n);
		offset += n;
		from += n;
		len -= n;
	}
}

void
rig_peek(const struct rig_view *view, uint64_t offset, void *dst, uint64_t len)
{
	uint8_t *to = dst;

	assert_true(offset + len <= view->len);
	while (len > 0) {
		uint64_t n = RTE_MIN(len, RIG_PAGE - offset % RIG_PAGE);

		memcpy(to, view->pages[offset / RIG_PAGE] + offset % RIG_PAGE, n);
		offset += n;
		to += n;
		len -= n;
	}
}

/* ---- work ---- */

uint64_t
rig_comp(unsigned int i)
{
	return RIG_COMP_IOVA + i * sizeof(struct dsa_completion_record);
}

struct dsa_hw_desc
rig_desc(uint8_t opcode)
{
	struct dsa_hw_desc desc = {
		.flags = RIG_CRAV_RCR,
		.opcode = opcode,
		.completion_addr = rig_comp(0),
	};

	return desc;
}

enum siov_dmwr
rig_enqcmd(struct siov_portal *portal, const struct dsa_hw_desc *desc)
{
	/* The type is packed: the caller's need not be aligned. */
	struct siov_desc_words words;

	memcpy(&words, desc, sizeof(words));
	if (portal->flags & SIOV_PORTAL_F_PRIV)
		return siov_enqcmds(portal, (const struct dsa_hw_desc *)&words);
	return siov_enqcmd(portal, (const struct dsa_hw_desc *)&words);
}

void
rig_submit(struct rig_guest *guest, const struct dsa_hw_desc *desc)
{
	struct siov_desc_words words;

	memcpy(&words, desc, sizeof(words));
	if (guest->rig->wqs[guest->wq]->mode == SIOV_WQ_DEDICATED)
		siov_movdir64b(&guest->portal, (const struct dsa_hw_desc *)&words);
	else
		assert_int_equal(rig_enqcmd(&guest->portal, desc), SIOV_DMWR_SUCCESS);
}

unsigned int
rig_poll(struct rig *rig)
{
	unsigned int done = 0;
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++)
		done += siov_engine_poll(rig->engines[i]);
	return done;
}

void
rig_settle(struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < POLLS_MAX; i++) {
		if (rig_poll(rig) == 0)
			return;
	}
	fail_msg("engines still busy after %u polls", POLLS_MAX);
}

struct dsa_completion_record
rig_run(struct rig_guest *guest, const struct dsa_hw_desc *desc)
{
	memset(&guest->comps[0], 0, sizeof(guest->comps[0]));
	rig_submit(guest, desc);
	rig_settle(guest->rig);
	return guest->comps[0];
}

struct siov_stats
rig_stats(const struct rig *rig, unsigned int wq, uint32_t pasid)
{
	struct siov_stats sum;
	unsigned int i;

	memset(&sum, 0, sizeof(sum));
	for (i = 0; i < rig->nb_engines; i++)
		engine_add_stats(rig->engines[i], wq, pasid, &sum);
	return sum;
}

struct siov_error
rig_one_error(struct rig *rig)
{
	struct siov_error errors[2];
	unsigned int nb = 0;
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++)
		nb += engine_take_errors(rig->engines[i], &errors[nb], 2 - nb);
	assert_int_equal(nb, 1);
	return errors[0];
}

void
rig_no_error(struct rig *rig)
{
	struct siov_error error;
	unsigned int i;

	for (i = 0; i < rig->nb_engines; i++)
		assert_int_equal(engine_take_errors(rig->engines[i], &error, 1), 0);
}

/* ---- numbers ---- */

uint64_t
rig_random(struct rig *rig)
{
	uint64_t x;

	/* splitmix64 */
	rig->seed += UINT64_C(0x9e3779b97f4a7c15);
	x = rig->seed;
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

void
rig_random_bytes(struct rig *rig, void *dst, size_t len)
{
	uint8_t *to = dst;
	size_t done;

	for (done = 0; done < len; done += sizeof(uint64_t)) {
		uint64_t x = rig_random(rig);

		memcpy(to + done, &x, RTE_MIN(sizeof(x), len - done));
	}
}

uint32_t
rig_crc32c(uint32_t state, const uint8_t *data, size_t len)
{
	size_t i;
	int bit;

	for (i = 0; i < len; i++) {
		state ^= data[i];
		for (bit = 0; bit < 8; bit++)
			state = state >> 1 ^ (state & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return state;
}
