/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two devices on one platform: what a PASID means is the platform's, so the same address space is
 * used through both. Copies say where the addresses led. Also what the devices must not reach: their
 * own BARs.
 */
#include <stdlib.h>

#include "dev_rig.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)
#define LEN 10000u /* of a copy: pages and a part */
#define SRC (1 * MIB) /* offsets in guest memory */
#define DST (2 * MIB)
#define TABLES (8 * MIB)
#define WINDOW_PAGES 4u
#define PRESENT_RW UINT64_C(7) /* present, writable, for users */
#define LARGE UINT64_C(0x80)
#define RW (SIOV_PERM_R | SIOV_PERM_W)

struct pair {
	struct fake_mem fm;
	struct siov_iommu *iommu;
	struct dev_rig *rig[2];
	struct siov_lane *lane[2];
	uint8_t *memory; /* of the first rig's guest */
};

static int
pair_open(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct siov_iommu_conf iconf;
	struct siov_dev_conf conf;
	unsigned int i;

	assert_non_null(p);
	fake_mem_init(&p->fm);
	siov_iommu_conf_init(&iconf);
	iconf.mem = &p->fm.mem;
	assert_int_equal(siov_iommu_create(&iconf, &p->iommu), 0);
	for (i = 0; i < 2; i++) {
		dev_rig_conf_init(&conf);
		snprintf(conf.name, sizeof(conf.name), "siov%u", i);
		conf.iommu = p->iommu;
		p->rig[i] = dev_rig_open(&conf);
		dev_rig_start(p->rig[i]);
		assert_int_equal(siov_dev_enable(p->rig[i]->dev), 0);
		p->lane[i] = dev_rig_attach(p->rig[i], 0);
	}
	p->memory = siov_gmem_hva(p->rig[0]->gmem);
	*state = p;
	return 0;
}

/* Stop both devices and unbind all PASIDs, once. */
static void
pair_stop(struct pair *p)
{
	uint32_t pasid;
	unsigned int i;

	for (i = 0; i < 2; i++)
		if (p->rig[i]->has_engines)
			dev_rig_stop(p->rig[i]);
	for (pasid = 1; pasid < 64; pasid++)
		if (siov_pasid_is_bound(p->iommu, pasid) == 1)
			assert_int_equal(siov_pasid_unbind(p->iommu, pasid), 0);
}

static int
pair_close(void **state)
{
	struct pair *p = *state;
	unsigned int i;

	pair_stop(p);
	for (i = 0; i < 2; i++)
		dev_rig_close(p->rig[i]);
	siov_iommu_free(p->iommu);
	assert_int_equal(siov_atomic_load(&p->fm.nb_live, relaxed), 0);
	free(p);
	return 0;
}

/* Device address of an offset of the first guest's memory. */
static uint64_t
iova_of(const struct pair *p, uint64_t offset)
{
	return siov_gmem_iova(p->rig[0]->gmem) + offset;
}

static void
fill(uint8_t *at, uint8_t value)
{
	unsigned int i;

	for (i = 0; i < LEN; i++)
		at[i] = (uint8_t)(value + i * 7);
}

static bool
is_filled(const uint8_t *at, uint8_t value)
{
	unsigned int i;

	for (i = 0; i < LEN; i++)
		if (at[i] != (uint8_t)(value + i * 7))
			return false;
	return true;
}

/* A copy through one of the devices, by a PASID that the first guest's memory is bound to. */
static uint8_t
copy(struct pair *p, unsigned int which, uint32_t pasid, uint64_t src, uint64_t dst)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(p->rig[0], DSA_OPCODE_MEMMOVE, which);
	struct siov_portal *portal = dev_rig_portal(p->rig[which], p->lane[which], pasid);

	desc.src_addr = src;
	desc.dst_addr = dst;
	desc.xfer_size = LEN;
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	return dev_rig_wait(p->rig[0], which) & DSA_COMP_STATUS_MASK;
}

static void
expect_copy(struct pair *p, unsigned int which, uint32_t pasid, uint8_t value)
{
	fill(p->memory + SRC, value);
	assert_int_equal(copy(p, which, pasid, iova_of(p, SRC), iova_of(p, DST)), DSA_COMP_SUCCESS);
	assert_true(is_filled(p->memory + DST, value));
}

static void
test_s8_1_3_two_devices_use_one_pasid(void **state)
{
	struct pair *p = *state;

	dev_rig_bind(p->rig[0], 7);
	expect_copy(p, 0, 7, 1);
	expect_copy(p, 1, 7, 2);
	expect_copy(p, 0, 7, 3);
}

static void
test_s8_1_3_two_devices_use_two_pasids_of_one_space(void **state)
{
	struct pair *p = *state;

	dev_rig_bind(p->rig[0], 7);
	dev_rig_bind(p->rig[0], 8);
	expect_copy(p, 0, 7, 11);
	expect_copy(p, 1, 8, 12);
	expect_copy(p, 1, 7, 13);
	expect_copy(p, 0, 8, 14);
}

/* What is unmapped is unmapped for both, with both at work. */
static void
test_s8_1_3_an_unmap_holds_for_both_devices(void **state)
{
	const uint64_t window = 64 * MIB;
	struct pair *p = *state;
	struct siov_domain *dom = siov_gmem_domain(p->rig[0]->gmem);
	unsigned int i;

	dev_rig_bind(p->rig[0], 7);
	assert_int_equal(siov_domain_map(dom, iova_of(p, window), p->memory + DST, MIB, RW), 0);
	fill(p->memory + SRC, 21);
	for (i = 0; i < 2; i++)
		assert_int_equal(copy(p, i, 7, iova_of(p, SRC), iova_of(p, window)),
				 DSA_COMP_SUCCESS);
	assert_true(is_filled(p->memory + DST, 21));
	assert_int_equal(siov_domain_unmap(dom, iova_of(p, window), MIB), 0);
	fill(p->memory + SRC, 22);
	for (i = 0; i < 2; i++)
		assert_int_equal(copy(p, i, 7, iova_of(p, SRC), iova_of(p, window)),
				 DSA_COMP_PAGE_FAULT_NOBOF);
	assert_true(is_filled(p->memory + DST, 21));
}

/* ---- a guest's own tables ---- */

static uint64_t *
word_at(const struct pair *p, uint64_t table, unsigned int index)
{
	return (uint64_t *)(void *)(p->memory + table) + index;
}

/*
 * Tables at an offset that map a guest's memory to itself in large pages, and leave a window of small
 * ones above it. Returns the device address of the window.
 */
static uint64_t
write_tables(const struct pair *p, uint64_t at)
{
	uint64_t base = iova_of(p, 0);
	uint64_t window = base + 32 * MIB;
	unsigned int i;

	*word_at(p, at, base >> 39) = iova_of(p, at + PAGE) | PRESENT_RW;
	*word_at(p, at + PAGE, base >> 30 & 511) = iova_of(p, at + 2 * PAGE) | PRESENT_RW;
	for (i = 0; i < 8; i++)
		*word_at(p, at + 2 * PAGE, (base >> 21 & 511) + i) =
			(base + i * 2 * MIB) | PRESENT_RW | LARGE;
	*word_at(p, at + 2 * PAGE, window >> 21 & 511) = iova_of(p, at + 3 * PAGE) | PRESENT_RW;
	return window;
}

/* The window of the tables at an offset is at another of the guest's memory from now on. */
static void
move_window(const struct pair *p, uint64_t at, uint64_t offset)
{
	unsigned int i;

	for (i = 0; i < WINDOW_PAGES; i++)
		*word_at(p, at + 3 * PAGE, i) = iova_of(p, offset + i * PAGE) | PRESENT_RW;
}

static struct siov_domain *
new_domain(struct pair *p, enum siov_domain_kind kind, uint64_t fs_root)
{
	const struct siov_domain_conf conf = {
		.kind = kind,
		.max_page_shift = kind == SIOV_DOMAIN_FIRST_STAGE ? 21 : 0,
		.parent = kind == SIOV_DOMAIN_NESTED ? siov_gmem_domain(p->rig[0]->gmem) : NULL,
		.fs_root = fs_root,
	};
	struct siov_domain *dom = NULL;

	assert_int_equal(siov_domain_create(p->iommu, &conf, &dom), 0);
	return dom;
}

static struct siov_domain *
bind_nested(struct pair *p, uint32_t pasid)
{
	struct siov_domain *dom = new_domain(p, SIOV_DOMAIN_NESTED, iova_of(p, TABLES));

	assert_int_equal(siov_pasid_alloc_at(p->iommu, pasid), 0);
	assert_int_equal(siov_pasid_bind(p->iommu, pasid, dom, 0), 0);
	return dom;
}

/* Both devices work in the address space of a guest process, which changes under them. */
static void
test_s9_4_4_2_both_devices_follow_a_guest_process(void **state)
{
	struct pair *p = *state;
	struct siov_domain *dom;
	uint64_t window;
	unsigned int i;

	window = write_tables(p, TABLES);
	move_window(p, TABLES, DST);
	dom = bind_nested(p, 9);
	for (i = 0; i < 10; i++) {
		move_window(p, TABLES, i % 2 == 0 ? DST : DST + MIB);
		assert_int_equal(siov_pasid_invalidate(p->iommu, 9, window, WINDOW_PAGES * PAGE),
				 0);
		fill(p->memory + SRC, (uint8_t)(40 + i));
		assert_int_equal(copy(p, i % 3 != 0, 9, iova_of(p, SRC), window), DSA_COMP_SUCCESS);
		assert_true(
			is_filled(p->memory + (i % 2 == 0 ? DST : DST + MIB), (uint8_t)(40 + i)));
		if (i > 0)
			assert_true(is_filled(p->memory + (i % 2 != 0 ? DST : DST + MIB),
					      (uint8_t)(39 + i)));
	}
	pair_stop(p);
	assert_int_equal(siov_domain_free(dom), 0);
}

/* ---- all kinds at once ---- */

enum { PASID_HPA = 20, PASID_HVA, PASID_HIOVA, PASID_GPA, PASID_GVA, PASID_GIOVA, PASID_END };

/* What a PASID's copies are made of. */
struct client {
	struct siov_domain *dom; /* NULL: that of guest memory */
	uint64_t src; /* device addresses */
	uint64_t dst;
	uint64_t comp;
	uint8_t *src_hva;
	uint8_t *dst_hva;
};

/* Buffers at offsets of guest memory; in the guest's address spaces dst is in the window. */
static struct client
client_at(struct pair *p, uint64_t src, uint64_t dst, uint32_t comp)
{
	return (struct client){
		.src = iova_of(p, src),
		.dst = iova_of(p, dst),
		.comp = iova_of(p, comp * SIOV_COMP_SIZE),
		.src_hva = p->memory + src,
		.dst_hva = p->memory + dst,
	};
}

static void
use_host_addresses(struct pair *p, struct client *c, uint32_t comp)
{
	c->src = (uintptr_t)c->src_hva;
	c->dst = (uintptr_t)c->dst_hva;
	c->comp = (uintptr_t)&p->rig[0]->comps[comp];
}

/* Memory of the process that nobody registered: private is at least 2 * LEN. */
static void
open_hva(struct pair *p, struct client *c, uint8_t *private)
{
	c->dom = new_domain(p, SIOV_DOMAIN_PROCESS, 0);
	c->src_hva = private;
	c->dst_hva = private + LEN;
	use_host_addresses(p, c, PASID_HVA);
}

static void
open_clients(struct pair *p, struct client *c, uint8_t *private)
{
	uint32_t pasid;

	for (pasid = PASID_HPA; pasid < PASID_END; pasid++)
		c[pasid] = client_at(p, pasid * MIB / 8, pasid * MIB / 8 + MIB / 16, pasid);
	c[PASID_HPA].dom = new_domain(p, SIOV_DOMAIN_PASS_THROUGH, 0);
	use_host_addresses(p, &c[PASID_HPA], PASID_HPA);
	open_hva(p, &c[PASID_HVA], private);
	c[PASID_HIOVA].dom = new_domain(p, SIOV_DOMAIN_FIRST_STAGE, 0);
	assert_int_equal(
		siov_domain_map(c[PASID_HIOVA].dom, iova_of(p, 0), p->memory, 16 * MIB, RW), 0);
	c[PASID_GVA].dst = write_tables(p, TABLES);
	move_window(p, TABLES, PASID_GVA * MIB / 8 + MIB / 16);
	c[PASID_GVA].dom = new_domain(p, SIOV_DOMAIN_NESTED, iova_of(p, TABLES));
	c[PASID_GIOVA].dst = write_tables(p, TABLES + MIB);
	move_window(p, TABLES + MIB, PASID_GIOVA * MIB / 8 + MIB / 16);
	c[PASID_GIOVA].dom = new_domain(p, SIOV_DOMAIN_NESTED, iova_of(p, TABLES + MIB));
	for (pasid = PASID_HPA; pasid < PASID_END; pasid++) {
		assert_int_equal(siov_pasid_alloc_at(p->iommu, pasid), 0);
		assert_int_equal(siov_pasid_bind(p->iommu, pasid,
						 c[pasid].dom != NULL ?
							 c[pasid].dom :
							 siov_gmem_domain(p->rig[0]->gmem),
						 0),
				 0);
	}
}

/* Submit a copy for each PASID, through either device, before any is waited for. */
static void
copy_all(struct pair *p, const struct client *clients, unsigned int round)
{
	struct siov_portal *portal;
	const struct client *c;
	uint32_t pasid;
	unsigned int which;

	for (pasid = PASID_HPA; pasid < PASID_END; pasid++) {
		struct dsa_hw_desc desc __attribute__((aligned(64))) =
			dev_rig_desc(p->rig[0], DSA_OPCODE_MEMMOVE, pasid);

		c = &clients[pasid];
		which = (pasid + round) % 2;
		fill(c->src_hva, (uint8_t)(pasid * 8 + round));
		desc.completion_addr = c->comp;
		desc.src_addr = c->src;
		desc.dst_addr = c->dst;
		desc.xfer_size = LEN;
		portal = dev_rig_portal(p->rig[which], p->lane[which], pasid);
		assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	}
}

static void
test_s8_1_1_copies_in_six_kinds_of_address_spaces_at_once(void **state)
{
	struct client clients[PASID_END] = {{0}};
	uint8_t *private = malloc(2 * LEN);
	struct pair *p = *state;
	unsigned int round;
	uint32_t pasid;

	assert_non_null(private);
	open_clients(p, clients, private);
	for (round = 0; round < 4; round++) {
		copy_all(p, clients, round);
		for (pasid = PASID_HPA; pasid < PASID_END; pasid++) {
			assert_int_equal(dev_rig_wait(p->rig[0], pasid), DSA_COMP_SUCCESS);
			assert_true(
				is_filled(clients[pasid].dst_hva, (uint8_t)(pasid * 8 + round)));
		}
	}
	pair_stop(p);
	for (pasid = PASID_HPA; pasid < PASID_END; pasid++)
		assert_int_equal(siov_domain_free(clients[pasid].dom), 0);
	free(private);
}

/* ---- no peer to peer ---- */

/* A BAR, mapped into the guest by mistake: nothing is read from it, nothing written to it. */
static void
test_s7_6_3_no_copy_reaches_a_bar(void **state)
{
	const uint64_t at = 64 * MIB;
	struct pair *p = *state;
	struct siov_domain *dom = siov_gmem_domain(p->rig[0]->gmem);
	uint8_t *bar = siov_mem_alloc(&p->fm.mem, "bar", MIB, 2 * MIB, -1);
	unsigned int i;

	assert_non_null(bar);
	fill(bar, 90);
	assert_int_equal(siov_iommu_add_mmio(p->iommu, bar, MIB), 0);
	assert_int_equal(siov_domain_map(dom, iova_of(p, at), bar, MIB, RW), 0);
	dev_rig_bind(p->rig[0], 7);
	expect_copy(p, 0, 7, 91);
	fill(p->memory + SRC, 92);
	for (i = 0; i < 2; i++) {
		assert_int_equal(copy(p, i, 7, iova_of(p, SRC), iova_of(p, at)),
				 DSA_COMP_PAGE_FAULT_NOBOF);
		assert_int_equal(copy(p, i, 7, iova_of(p, at), iova_of(p, DST)),
				 DSA_COMP_PAGE_FAULT_NOBOF);
	}
	assert_true(is_filled(bar, 90));
	assert_true(is_filled(p->memory + DST, 91));
	pair_stop(p);
	assert_int_equal(siov_domain_unmap(dom, iova_of(p, at), MIB), 0);
	assert_int_equal(siov_iommu_remove_memory(p->iommu, bar, MIB), 0);
	siov_mem_free(&p->fm.mem, bar);
}

/* The same by pass-through and by the process's own addresses. */
static void
test_s7_6_3_no_copy_reaches_a_bar_by_its_host_address(void **state)
{
	static const enum siov_domain_kind kinds[] = {SIOV_DOMAIN_PASS_THROUGH,
						      SIOV_DOMAIN_PROCESS};
	struct pair *p = *state;
	uint8_t *bar = siov_mem_alloc(&p->fm.mem, "bar", MIB, 2 * MIB, -1);
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct siov_domain *dom[2];
	unsigned int i;

	assert_non_null(bar);
	fill(bar, 95);
	assert_int_equal(siov_iommu_add_mmio(p->iommu, bar, MIB), 0);
	for (i = 0; i < 2; i++) {
		const struct siov_domain_conf conf = {.kind = kinds[i]};

		assert_int_equal(siov_domain_create(p->iommu, &conf, &dom[i]), 0);
		assert_int_equal(siov_pasid_alloc_at(p->iommu, 10 + i), 0);
		assert_int_equal(siov_pasid_bind(p->iommu, 10 + i, dom[i], 0), 0);
		desc = dev_rig_desc(p->rig[0], DSA_OPCODE_MEMMOVE, 3);
		desc.completion_addr = (uintptr_t)&p->rig[0]->comps[3];
		desc.src_addr = (uintptr_t)p->memory + SRC;
		desc.dst_addr = (uintptr_t)bar;
		desc.xfer_size = LEN;
		assert_int_equal(siov_enqcmd(dev_rig_portal(p->rig[i], p->lane[i], 10 + i), &desc),
				 SIOV_DMWR_SUCCESS);
		assert_int_equal(dev_rig_wait(p->rig[0], 3) & DSA_COMP_STATUS_MASK,
				 DSA_COMP_PAGE_FAULT_NOBOF);
		assert_true(is_filled(bar, 95));
	}
	pair_stop(p);
	for (i = 0; i < 2; i++)
		assert_int_equal(siov_domain_free(dom[i]), 0);
	assert_int_equal(siov_iommu_remove_memory(p->iommu, bar, MIB), 0);
	siov_mem_free(&p->fm.mem, bar);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, pair_open, pair_close)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(test_s8_1_3_two_devices_use_one_pasid),
		ROW(test_s8_1_3_two_devices_use_two_pasids_of_one_space),
		ROW(test_s8_1_3_an_unmap_holds_for_both_devices),
		ROW(test_s9_4_4_2_both_devices_follow_a_guest_process),
		ROW(test_s8_1_1_copies_in_six_kinds_of_address_spaces_at_once),
		ROW(test_s7_6_3_no_copy_reaches_a_bar),
		ROW(test_s7_6_3_no_copy_reaches_a_bar_by_its_host_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
