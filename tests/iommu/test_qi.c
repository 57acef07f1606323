/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queued invalidation: what each descriptor drops and what it leaves, waits, and errors. PASIDs 1 and
 * 2 of one domain and 3 of another have the same pages cached; a page is cached if its translation
 * does not count as a miss.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest_bed.h"
#include "siov_prq.h"
#include "siov_qi.h"

#define NB_PASIDS 3u
#define NB_PAGES 1024u
#define ENTRIES 8u
#define DOM_A 1u /* place of the domain id of PASIDs 1, 2 and of 3: filled in by with_did() */
#define DOM_B 2u
#define STATUS UINT32_C(0xcafe0001)
#define P1 RTE_BIT32(1)
#define P2 RTE_BIT32(2)
#define P3 RTE_BIT32(3)

#define Q0(type, g) ((type) | (uint64_t)(g) << SIOV_QI_G_SHIFT)
#define DID(d) ((uint64_t)(d) << SIOV_QI_DID_SHIFT)
#define PASID(p) ((uint64_t)(p) << SIOV_QI_PASID_SHIFT)
#define AT(page) ((uint64_t)(page)*PAGE)
#define WAIT_STATUS(q0, data) (SIOV_QI_WAIT | (q0) | (uint64_t)(data) << SIOV_QI_WAIT_STATUS_SHIFT)

static const uint64_t pages[] = {0, 1, 2, 3, 4, 255, 511, 512, 513, 1023};

struct bed {
	struct iommu_fixture *fx;
	struct siov_domain *dom[2];
	struct siov_prq *prq;
	struct siov_qi *qi;
	uint32_t *status; /* registered memory, two pages */
	unsigned int nb_interrupts;
	uint32_t status_at_interrupt;
};

static void
note_interrupt(void *arg)
{
	struct bed *bed = arg;

	bed->nb_interrupts++;
	bed->status_at_interrupt = *bed->status;
}

static int
open_bed(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct siov_qi_conf conf = {.entries = ENTRIES, .on_wait = note_interrupt, .arg = bed};
	uint32_t pasid;

	assert_non_null(bed);
	fixture_setup((void **)&bed->fx);
	bed->dom[0] = fixture_domain(bed->fx, 12);
	bed->dom[1] = fixture_domain(bed->fx, 12);
	for (pasid = 1; pasid <= NB_PASIDS; pasid++)
		fixture_bind(bed->fx, pasid, bed->dom[pasid / 3]);
	assert_int_equal(siov_domain_map(bed->dom[0], 0, hva_at(0), NB_PAGES * PAGE, RW), 0);
	assert_int_equal(siov_domain_map(bed->dom[1], 0, hva_at(GIB), NB_PAGES * PAGE, RW), 0);
	bed->status = siov_mem_alloc(&bed->fx->fm.mem, "status", 2 * PAGE, PAGE, -1);
	assert_non_null(bed->status);
	assert_int_equal(siov_iommu_add_memory(bed->fx->iommu, bed->status, 2 * PAGE), 0);
	assert_int_equal(siov_prq_create(bed->fx->iommu, NULL, &bed->prq), 0);
	conf.prq = bed->prq;
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &bed->qi), 0);
	*state = bed;
	return 0;
}

static int
close_bed(void **state)
{
	struct bed *bed = *state;

	siov_qi_free(bed->qi);
	siov_mem_free(&bed->fx->fm.mem, bed->status);
	assert_int_equal(siov_prq_free(bed->prq), 0);
	fixture_teardown((void **)&bed->fx);
	free(bed);
	return 0;
}

static uint64_t
nb_misses(const struct bed *bed)
{
	struct siov_atc_stats stats;

	siov_atc_stats(bed->fx->atc, &stats);
	return stats.misses;
}

static uint64_t
nb_requests(const struct bed *bed)
{
	struct siov_iommu_stats stats;

	siov_iommu_stats(bed->fx->iommu, &stats);
	return stats.nb_invalidations;
}

/* Translate; tell whether it had to walk. */
static bool
is_missed(struct bed *bed, uint32_t pasid, uint64_t page)
{
	uint64_t before = nb_misses(bed);

	fixture_expect(bed->fx, pasid, AT(page), (pasid == 3 ? GIB : 0) + AT(page));
	return nb_misses(bed) != before;
}

/* All pages of all PASIDs into the cache, and none of them for the place of another. */
static void
warm(struct bed *bed)
{
	unsigned int round;
	unsigned int i;
	uint32_t pasid;

	for (round = 0; round < 2; round++)
		for (pasid = 1; pasid <= NB_PASIDS; pasid++)
			for (i = 0; i < RTE_DIM(pages); i++)
				assert_false(is_missed(bed, pasid, pages[i]) && round == 1);
}

/* Domain id DOM_A or DOM_B as the unit has it. */
static struct siov_qi_desc
with_did(const struct bed *bed, struct siov_qi_desc desc)
{
	uint64_t which = desc.q0 >> SIOV_QI_DID_SHIFT & SIOV_QI_DID_MASK;
	uint64_t type = desc.q0 & SIOV_QI_TYPE_MASK;

	if (which == 0 || type == SIOV_QI_DEV_TLB || type == SIOV_QI_PASID_DEV_TLB)
		return desc;
	desc.q0 &= ~DID(SIOV_QI_DID_MASK);
	desc.q0 |= DID(siov_domain_id(bed->dom[which - 1]));
	return desc;
}

static void
run_one(struct bed *bed, struct siov_qi_desc desc)
{
	assert_int_equal(siov_qi_submit(bed->qi, &desc, 1), 0);
	assert_int_equal(siov_qi_process(bed->qi), 1);
	assert_int_equal(siov_qi_nb_pending(bed->qi), 0);
}

/* What a descriptor drops: the pages [first, end) of some PASIDs, and nothing else. */
struct drop_case {
	struct siov_qi_desc desc;
	uint32_t pasids; /* bits */
	uint64_t first;
	uint64_t end;
};

static void
check_drops(struct bed *bed, const struct drop_case *c)
{
	struct siov_atc_stats before;
	struct siov_atc_stats after;
	uint64_t nb_dropped = 0;
	bool is_dropped;
	uint32_t pasid;
	unsigned int i;

	warm(bed);
	siov_atc_stats(bed->fx->atc, &before);
	run_one(bed, with_did(bed, c->desc));
	for (pasid = 1; pasid <= NB_PASIDS; pasid++) {
		for (i = 0; i < RTE_DIM(pages); i++) {
			is_dropped = (c->pasids & RTE_BIT32(pasid)) != 0 && pages[i] >= c->first &&
				     pages[i] < c->end;
			nb_dropped += is_dropped;
			assert_int_equal(is_missed(bed, pasid, pages[i]), is_dropped);
		}
	}
	siov_atc_stats(bed->fx->atc, &after);
	assert_int_equal(after.inval_entries - before.inval_entries, nb_dropped);
}

static void
test_s8_1_1_pasid_iotlb_drops_pages_of_its_pasid(void **state)
{
	const uint64_t all = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PASID) | DID(DOM_A) | PASID(1);
	const uint64_t page = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PAGE) | DID(DOM_A);
	const struct drop_case cases[] = {
		{{.q0 = all}, P1, 0, NB_PAGES},
		{{.q0 = page | PASID(1), .q1 = AT(1)}, P1, 1, 2},
		{{.q0 = page | PASID(2), .q1 = AT(1) | SIOV_QI_IH}, P2, 1, 2},
		{{.q0 = page | PASID(1), .q1 = AT(2) | 1}, P1, 2, 4},
		{{.q0 = page | PASID(1), .q1 = AT(0) | 9}, P1, 0, 512},
		{{.q0 = page | PASID(2), .q1 = AT(512) | 9}, P2, 512, 1024},
		{{.q0 = page | PASID(1), .q1 = SIOV_QI_AM_MAX}, P1, 0, NB_PAGES},
		{{.q0 = page | PASID(9), .q1 = SIOV_QI_AM_MAX}, 0, 0, 0},
		{{.q0 = page | PASID(1), .q1 = UINT64_C(0xffffffff80000000) | 9}, 0, 0, 0},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		check_drops(*state, &cases[i]);
}

static void
test_s8_1_1_iotlb_drops_pages_of_its_domain(void **state)
{
	const uint64_t page = Q0(SIOV_QI_IOTLB, SIOV_QI_G_PAGE) | RTE_BIT64(6) | RTE_BIT64(7);
	const struct drop_case cases[] = {
		{{.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_GLOBAL)}, P1 | P2 | P3, 0, NB_PAGES},
		{{.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_DOMAIN) | DID(DOM_A)}, P1 | P2, 0, NB_PAGES},
		{{.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_DOMAIN) | DID(DOM_B)}, P3, 0, NB_PAGES},
		{{.q0 = page | DID(DOM_A), .q1 = AT(2)}, P1 | P2, 2, 3},
		{{.q0 = page | DID(DOM_B), .q1 = AT(512) | 9}, P3, 512, 1024},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		check_drops(*state, &cases[i]);
}

/* What was translated by a PASID or context entry goes with it. */
static void
test_s8_1_1_pasid_and_context_cache_drop_what_they_led_to(void **state)
{
	const uint64_t pc = SIOV_QI_PASID_CACHE;
	const struct drop_case cases[] = {
		{{.q0 = Q0(pc, SIOV_QI_PC_DOMAIN) | DID(DOM_A)}, P1 | P2, 0, NB_PAGES},
		{{.q0 = Q0(pc, SIOV_QI_PC_DOMAIN) | DID(DOM_B)}, P3, 0, NB_PAGES},
		{{.q0 = Q0(pc, SIOV_QI_PC_PASID) | DID(DOM_A) | PASID(2)}, P2, 0, NB_PAGES},
		{{.q0 = Q0(pc, SIOV_QI_PC_GLOBAL)}, P1 | P2 | P3, 0, NB_PAGES},
		{{.q0 = Q0(SIOV_QI_CONTEXT, SIOV_QI_G_GLOBAL)}, P1 | P2 | P3, 0, NB_PAGES},
		{{.q0 = Q0(SIOV_QI_CONTEXT, SIOV_QI_G_DOMAIN) | DID(DOM_A)}, P1 | P2, 0, NB_PAGES},
		{{.q0 = Q0(SIOV_QI_CONTEXT, SIOV_QI_G_DEVICE) | DID(DOM_B)},
		 P1 | P2 | P3,
		 0,
		 NB_PAGES},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		check_drops(*state, &cases[i]);
}

/* With S, the lowest clear bit of the address ends the size: at bit 12, two pages. */
static void
test_s8_1_1_device_tlb_drops_sizes_by_lowest_clear_bit(void **state)
{
	const uint64_t q0 = SIOV_QI_PASID_DEV_TLB;
	const uint64_t s = SIOV_QI_PDT_S;
	const struct drop_case cases[] = {
		{{.q0 = q0 | PASID(2), .q1 = AT(1)}, P2, 1, 2},
		{{.q0 = q0 | PASID(2), .q1 = AT(2) | s}, P2, 2, 4},
		{{.q0 = q0 | PASID(1), .q1 = AT(1) | s}, P1, 0, 4},
		{{.q0 = q0 | PASID(1), .q1 = AT(255) | s}, P1, 0, 512},
		{{.q0 = q0 | PASID(3), .q1 = AT(512 + 255) | s}, P3, 512, 1024},
		{{.q0 = q0 | PASID(3), .q1 = UINT64_C(0x7ffffffffffff000) | s}, P3, 0, NB_PAGES},
		{{.q0 = q0 | PASID(3), .q1 = UINT64_C(0xfffffffffffff000) | s}, P3, 0, NB_PAGES},
		{{.q0 = q0 | PASID(3), .q1 = SIOV_QI_PDT_G}, P1 | P2 | P3, 0, NB_PAGES},
		{{.q0 = SIOV_QI_DEV_TLB, .q1 = AT(1)}, P1 | P2 | P3, 0, NB_PAGES},
		{{.q0 = SIOV_QI_DEV_TLB, .q1 = AT(1) | SIOV_QI_DT_S}, P1 | P2 | P3, 0, NB_PAGES},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		check_drops(*state, &cases[i]);
}

static void
test_what_is_not_about_translations_drops_none(void **state)
{
	const struct drop_case cases[] = {
		{{.q0 = SIOV_QI_INTR_ENTRY}, 0, 0, 0},
		{{.q0 = SIOV_QI_INTR_ENTRY | RTE_BIT64(4) | UINT64_C(77) << 32}, 0, 0, 0},
		{{.q0 = SIOV_QI_WAIT | SIOV_QI_WAIT_FN | SIOV_QI_WAIT_PD}, 0, 0, 0},
		{{.q0 = SIOV_QI_PAGE_RESPONSE | SIOV_VTD_PRESP_PASID_PRESENT}, 0, 0, 0},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(cases); i++)
		check_drops(*state, &cases[i]);
}

/* One page inside a granule of 2 MiB takes the granule, and not its neighbour. */
static void
test_a_page_takes_the_large_page_around_it(void **state)
{
	const struct siov_qi_desc descs[] = {
		{.q0 = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PAGE) | PASID(4), .q1 = AT(600)},
		{.q0 = SIOV_QI_PASID_DEV_TLB | PASID(4), .q1 = AT(1023)},
	};
	struct bed *bed = *state;
	struct siov_domain *dom = fixture_domain(bed->fx, 21);
	unsigned int i;

	fixture_bind(bed->fx, 4, dom);
	assert_int_equal(siov_domain_map(dom, 0, hva_at(0), 8 * MIB, RW), 0);
	for (i = 0; i < RTE_DIM(descs); i++) {
		is_missed(bed, 4, 0);
		is_missed(bed, 4, 512);
		is_missed(bed, 4, 1024);
		run_one(bed, descs[i]);
		assert_false(is_missed(bed, 4, 0));
		assert_true(is_missed(bed, 4, 512));
		assert_false(is_missed(bed, 4, 1024));
	}
}

/* The guest moves a page; its tables alone tell the device nothing, the invalidation does. */
static void
test_s8_1_1_nested_tables_are_followed_after_invalidation(void **state)
{
	const struct siov_qi_conf conf = {.entries = ENTRIES};
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, 0, 12);
	uint64_t root = guest_table(guest);
	struct siov_domain *dom = guest_nested(bed, guest, root, 0);
	const struct siov_qi_desc descs[] = {
		{.q0 = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PAGE) | PASID(7), .q1 = AT(5)},
		{.q0 = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PASID) | PASID(7)},
		{.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_DOMAIN) | DID(siov_domain_id(dom))},
		{.q0 = Q0(SIOV_QI_PASID_CACHE, SIOV_QI_PC_PASID) | PASID(7)},
		{.q0 = SIOV_QI_PASID_DEV_TLB | PASID(7), .q1 = AT(4) | SIOV_QI_PDT_S},
	};
	struct siov_qi *qi = NULL;
	struct siov_xlate x;
	unsigned int i;

	assert_int_equal(siov_qi_create(bed->iommu, &conf, &qi), 0);
	guest_bed_bind(bed, 7, dom);
	for (i = 0; i < RTE_DIM(descs); i++) {
		guest_map(guest, root, AT(5), AT(i + 1) | GUEST_RW);
		assert_int_equal(guest_bed_translate(bed, 7, AT(5), RW, &x), 0);
		assert_ptr_equal(x.hva, guest->memory + AT(i + 1));
		guest_map(guest, root, AT(5), 0);
		assert_int_equal(guest_bed_translate(bed, 7, AT(5), RW, &x), 0); /* still cached */
		assert_int_equal(siov_qi_submit(qi, &descs[i], 1), 0);
		assert_int_equal(siov_qi_process(qi), 1);
		assert_int_equal(guest_bed_translate(bed, 7, AT(5), RW, &x),
				 SIOV_FAULT_FS_NOT_PRESENT);
	}
	siov_qi_free(qi);
}

/* ---- waits ---- */

static void
test_wait_writes_status_and_interrupts_in_that_order(void **state)
{
	struct bed *bed = *state;
	uint32_t *last = bed->status + 2 * PAGE / sizeof(uint32_t) - 1;
	struct siov_qi_desc wait = {.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW, STATUS)};

	bed->status[0] = 1;
	bed->status[1] = 2;
	wait.q1 = (uintptr_t)bed->status;
	run_one(bed, wait);
	assert_int_equal(bed->status[0], STATUS);
	assert_int_equal(bed->status[1], 2);
	assert_int_equal(bed->nb_interrupts, 0);
	wait.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW | SIOV_QI_WAIT_IF | SIOV_QI_WAIT_FN, STATUS + 1);
	run_one(bed, wait);
	assert_int_equal(bed->nb_interrupts, 1);
	assert_int_equal(bed->status_at_interrupt, STATUS + 1);
	wait.q1 = (uintptr_t)last;
	run_one(bed, wait);
	assert_int_equal(*last, STATUS + 1);
	/* without SW the address means nothing */
	wait = (struct siov_qi_desc){.q0 = WAIT_STATUS(SIOV_QI_WAIT_IF, 5), .q1 = AT(12345)};
	run_one(bed, wait);
	assert_int_equal(bed->nb_interrupts, 3);
	assert_int_equal(bed->status[0], STATUS + 1);
}

/* ITE: nothing is written, head stays; cleared, the same wait completes. */
static void
test_wait_for_an_engine_that_does_not_answer_times_out(void **state)
{
	struct bed *bed = *state;
	const struct siov_qi_desc descs[] = {
		{.q0 = Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PASID) | PASID(1)},
		{.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW | SIOV_QI_WAIT_IF, STATUS),
		 .q1 = (uintptr_t)bed->status},
	};
	struct siov_qi_error error;
	struct siov_xlate x;
	uint64_t before;

	siov_atc_online(bed->fx->atc);
	assert_int_equal(siov_atc_translate(bed->fx->atc, 1, 0, RW, &x), 0);
	assert_int_equal(siov_qi_submit(bed->qi, descs, 2), 0);
	assert_int_equal(siov_qi_process(bed->qi), -EIO);
	siov_qi_get_error(bed->qi, &error);
	assert_int_equal(error.reason, SIOV_QI_TIMEOUT);
	assert_int_equal(error.index, 1);
	assert_memory_equal(&error.desc, &descs[1], sizeof(descs[1]));
	assert_int_equal(siov_qi_nb_pending(bed->qi), 1);
	assert_int_equal(siov_qi_clear_error(bed->qi, NULL), 0);
	assert_int_equal(siov_qi_process(bed->qi), -EIO); /* it still does not */
	assert_int_equal(*bed->status, 0);
	assert_int_equal(bed->nb_interrupts, 0);
	before = nb_misses(bed);
	assert_int_equal(siov_atc_translate(bed->fx->atc, 1, 0, RW, &x), 0);
	assert_int_equal(nb_misses(bed), before); /* it has not looked either */
	siov_atc_quiescent(bed->fx->atc);
	siov_atc_offline(bed->fx->atc);
	assert_int_equal(siov_qi_process(bed->qi), -EIO);
	assert_int_equal(siov_qi_clear_error(bed->qi, NULL), 0);
	assert_int_equal(siov_qi_process(bed->qi), 1);
	assert_int_equal(*bed->status, STATUS);
	assert_int_equal(bed->nb_interrupts, 1);
	assert_true(is_missed(bed, 1, 0));
}

struct slow_engine {
	struct siov_atc *atc;
	SIOV_ATOMIC(uint32_t) *status;
	SIOV_ATOMIC(uint32_t) is_online;
	uint32_t seen; /* the status just before the quiescent state */
};

static void *
slow_engine(void *arg)
{
	struct slow_engine *e = arg;

	siov_atc_online(e->atc);
	siov_atomic_store(&e->is_online, 1, release);
	usleep(20000);
	e->seen = siov_atomic_load(e->status, relaxed);
	siov_atc_quiescent(e->atc);
	while (siov_atomic_load(e->status, acquire) != STATUS)
		siov_atc_quiescent(e->atc);
	siov_atc_offline(e->atc);
	return NULL;
}

static void
test_wait_completes_after_the_last_engine_has_passed(void **state)
{
	const struct siov_qi_conf conf = {.entries = ENTRIES};
	struct guest_bed *bed = *state;
	struct guest *guest = guest_open(bed, 0, 12);
	struct slow_engine e = {.atc = bed->atc, .status = (void *)guest->memory};
	const struct siov_qi_desc descs[] = {
		{.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_GLOBAL)},
		{.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW, STATUS), .q1 = (uintptr_t)guest->memory},
	};
	struct siov_qi *qi = NULL;
	pthread_t thread;

	assert_int_equal(siov_qi_create(bed->iommu, &conf, &qi), 0);
	assert_int_equal(pthread_create(&thread, NULL, slow_engine, &e), 0);
	while (siov_atomic_load(&e.is_online, acquire) == 0)
		usleep(100);
	assert_int_equal(siov_qi_submit(qi, descs, 2), 0);
	assert_int_equal(siov_qi_process(qi), 2);
	assert_int_equal(siov_atomic_load(e.status, relaxed), STATUS);
	pthread_join(thread, NULL);
	assert_int_equal(e.seen, 0);
	siov_qi_free(qi);
}

/* ---- errors ---- */

/* Stop at desc for the reason, with nothing of it or after it done; replaced, go on. */
static void
check_stops(struct bed *bed, struct siov_qi_desc desc, enum siov_qi_reason reason)
{
	const struct siov_qi_desc good = {.q0 = SIOV_QI_WAIT};
	struct siov_qi_error error;
	uint64_t before = nb_requests(bed);

	assert_int_equal(siov_qi_submit(bed->qi, &good, 1), 0);
	assert_int_equal(siov_qi_submit(bed->qi, &desc, 1), 0);
	assert_int_equal(
		siov_qi_submit(bed->qi,
			       &(struct siov_qi_desc){.q0 = Q0(SIOV_QI_IOTLB, SIOV_QI_G_GLOBAL)},
			       1),
		0);
	assert_int_equal(siov_qi_process(bed->qi), -EIO);
	siov_qi_get_error(bed->qi, &error);
	if (error.reason != reason)
		print_error("q0 %#lx q1 %#lx\n", desc.q0, desc.q1);
	assert_int_equal(error.reason, reason);
	assert_memory_equal(&error.desc, &desc, sizeof(desc));
	assert_int_equal(siov_qi_process(bed->qi), -EIO);
	assert_int_equal(siov_qi_nb_pending(bed->qi), 2);
	assert_int_equal(nb_requests(bed), before);
	assert_int_equal(siov_qi_clear_error(bed->qi, &good), 0);
	assert_int_equal(siov_qi_clear_error(bed->qi, &good), -EINVAL);
	assert_int_equal(siov_qi_process(bed->qi), 2);
	assert_int_equal(nb_requests(bed), before + 1);
	siov_qi_get_error(bed->qi, &error);
	assert_int_equal(error.reason, SIOV_QI_OK);
}

/* A descriptor of each type that is right, and the bits that VT-d defines for it. */
static const struct {
	struct siov_qi_desc desc;
	uint64_t q0_used;
	uint64_t q1_used;
} types[] = {
	{{.q0 = Q0(SIOV_QI_CONTEXT, 1)}, UINT64_C(0x0003ffffffff003f), 0},
	{{.q0 = Q0(SIOV_QI_IOTLB, 1)}, UINT64_C(0xffff00ff), UINT64_C(0xfffffffffffff07f)},
	{{.q0 = SIOV_QI_DEV_TLB}, UINT64_C(0xfff0ffff001ff00f), UINT64_C(0xfffffffffffff001)},
	{{.q0 = SIOV_QI_INTR_ENTRY}, UINT64_C(0x0000fffff800001f), 0},
	{{.q0 = SIOV_QI_WAIT}, UINT64_C(0xffffffff000000ff), UINT64_C(0xfffffffffffffffc)},
	{{.q0 = Q0(SIOV_QI_PASID_IOTLB, 2)},
	 UINT64_C(0x000fffffffff003f),
	 UINT64_C(0xfffffffffffff07f)},
	{{.q0 = Q0(SIOV_QI_PASID_CACHE, 3)}, UINT64_C(0x000fffffffff003f), 0},
	{{.q0 = SIOV_QI_PASID_DEV_TLB}, UINT64_C(0xfffffffffffff1ff), UINT64_C(0xfffffffffffff801)},
	{{.q0 = SIOV_QI_PAGE_RESPONSE | SIOV_VTD_PRESP_PASID_PRESENT},
	 UINT64_C(0x000ffffffffff01f),
	 UINT64_C(0xffc)},
};

static void
check_reserved_bits(struct bed *bed, unsigned int type)
{
	uint64_t kind = types[type].desc.q0 & SIOV_QI_TYPE_MASK;
	struct siov_qi_desc desc;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		enum siov_qi_reason reason =
			kind == SIOV_QI_PAGE_RESPONSE ? SIOV_QI_BAD_RESPONSE : SIOV_QI_RESERVED;

		desc = types[type].desc;
		desc.q0 |= RTE_BIT64(bit);
		if ((types[type].q0_used & RTE_BIT64(bit)) == 0)
			check_stops(bed, desc, reason);
		desc = types[type].desc;
		desc.q1 |= RTE_BIT64(bit);
		if ((types[type].q1_used & RTE_BIT64(bit)) == 0)
			check_stops(bed, desc, reason);
		desc = types[type].desc;
		desc.q2 |= RTE_BIT64(bit);
		check_stops(bed, desc, reason);
		desc = types[type].desc;
		desc.q3 |= RTE_BIT64(bit);
		check_stops(bed, desc, reason);
	}
}

/* Bits that are used are not called reserved; those that choose what is done are in other tests. */
static void
check_used_bits(struct bed *bed, unsigned int type)
{
	uint64_t q0_used = types[type].q0_used & ~(SIOV_QI_TYPE_MASK | UINT64_C(0x30));
	struct siov_qi_desc desc;
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		desc = types[type].desc;
		if ((q0_used & RTE_BIT64(bit)) != 0) {
			desc.q0 |= RTE_BIT64(bit);
			if ((desc.q0 & SIOV_QI_TYPE_MASK) != SIOV_QI_PAGE_RESPONSE)
				run_one(bed, desc);
		}
		desc = types[type].desc;
		if ((types[type].q1_used & RTE_BIT64(bit)) != 0) {
			desc.q1 |= RTE_BIT64(bit);
			run_one(bed, desc);
		}
	}
}

static void
test_reserved_bits_stop_the_queue(void **state)
{
	unsigned int type;

	for (type = 0; type < RTE_DIM(types); type++) {
		check_used_bits(*state, type);
		check_reserved_bits(*state, type);
	}
}

static void
test_unknown_type_and_granularity_stop_the_queue(void **state)
{
	static const uint64_t unknown[] = {0, 10, 11, 12, 13, 14, 15};
	static const uint64_t bad[] = {
		Q0(SIOV_QI_CONTEXT, 0),     Q0(SIOV_QI_IOTLB, 0),       Q0(SIOV_QI_PASID_IOTLB, 0),
		Q0(SIOV_QI_PASID_IOTLB, 1), Q0(SIOV_QI_PASID_CACHE, 2),
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(unknown); i++)
		check_stops(*state, (struct siov_qi_desc){.q0 = unknown[i]}, SIOV_QI_BAD_TYPE);
	for (i = 0; i < RTE_DIM(bad); i++)
		check_stops(*state, (struct siov_qi_desc){.q0 = bad[i]}, SIOV_QI_BAD_GRANULARITY);
}

static void
test_bad_address_mask_stops_the_queue(void **state)
{
	static const uint64_t q0[] = {
		Q0(SIOV_QI_IOTLB, SIOV_QI_G_PAGE),
		Q0(SIOV_QI_PASID_IOTLB, SIOV_QI_G_PAGE),
	};
	static const uint64_t q1[] = {
		AT(1) | 1,          AT(2) | 2, AT(8) | 9, AT(511) | 9,
		SIOV_QI_AM_MAX + 1, 63,        37,        AT(1) | SIOV_QI_AM_MAX,
	};
	unsigned int i;
	unsigned int t;

	for (t = 0; t < RTE_DIM(q0); t++)
		for (i = 0; i < RTE_DIM(q1); i++)
			check_stops(*state, (struct siov_qi_desc){.q0 = q0[t], .q1 = q1[i]},
				    SIOV_QI_BAD_ADDRESS);
}

/* The status goes to registered memory that is no BAR, or nowhere. */
static void
test_s7_6_3_status_outside_memory_stops_the_queue(void **state)
{
	struct bed *bed = *state;
	struct siov_qi_desc wait = {.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW | SIOV_QI_WAIT_IF, STATUS)};
	uint8_t *memory = (uint8_t *)bed->status;
	uint8_t *bar = siov_mem_alloc(&bed->fx->fm.mem, "bar", PAGE, PAGE, -1);

	assert_non_null(bar);
	assert_int_equal(siov_iommu_add_mmio(bed->fx->iommu, bar, PAGE), 0);
	check_stops(bed, wait, SIOV_QI_BAD_ADDRESS); /* 0 */
	wait.q1 = (uintptr_t)bar;
	check_stops(bed, wait, SIOV_QI_BAD_ADDRESS);
	wait.q1 = (uintptr_t)memory + 2 * PAGE;
	check_stops(bed, wait, SIOV_QI_BAD_ADDRESS);
	wait.q1 = (uintptr_t)memory - sizeof(uint32_t);
	check_stops(bed, wait, SIOV_QI_BAD_ADDRESS);
	wait.q1 = UINT64_MAX - 3;
	check_stops(bed, wait, SIOV_QI_BAD_ADDRESS);
	wait.q1 = (uintptr_t)memory + 2;
	check_stops(bed, wait, SIOV_QI_RESERVED);
	assert_int_equal(bed->nb_interrupts, 0);
	assert_int_equal(bed->status[0], 0);
	siov_mem_free(&bed->fx->fm.mem, bar);
}

/* ---- the queue itself ---- */

static void
test_page_response_reaches_the_engine_that_asked(void **state)
{
	struct bed *bed = *state;
	const struct siov_page_ask ask = {
		.iova = AT(9), .pasid = 1, .cookie = 5, .perm = SIOV_PERM_R};
	struct siov_vtd_page_response resp;
	struct siov_vtd_page_request req;
	struct siov_page_ticket ticket;
	struct siov_page_reply reply;
	struct siov_prq_stats stats;
	struct siov_qi_desc desc;

	assert_int_equal(siov_prq_ask(bed->prq, bed->fx->atc, &ask, &ticket), 0);
	assert_int_equal(siov_prq_take(bed->prq, &req, 1), 1);
	resp = siov_page_response(&req, SIOV_PAGE_SUCCESS);
	memcpy(&desc, &resp, sizeof(desc));
	desc.q0 |= UINT64_C(5) << SIOV_VTD_PRESP_CODE_SHIFT; /* no such code */
	check_stops(bed, desc, SIOV_QI_BAD_RESPONSE);
	assert_int_equal(siov_prq_take_replies(bed->fx->atc, &reply, 1), 0);
	memcpy(&desc, &resp, sizeof(desc));
	run_one(bed, desc);
	assert_int_equal(siov_prq_take_replies(bed->fx->atc, &reply, 1), 1);
	assert_int_equal(reply.code, SIOV_PAGE_SUCCESS);
	assert_int_equal(reply.cookie, 5);
	assert_true(siov_page_ticket_is(&reply.ticket, &ticket));
	run_one(bed, desc); /* to nobody: no error of the queue */
	siov_prq_get_stats(bed->prq, &stats);
	assert_int_equal(stats.nb_answers, 1);
	assert_int_equal(stats.nb_void, 1);
}

static void
test_what_the_configuration_lacks_is_refused(void **state)
{
	const struct siov_qi_desc response = {.q0 = SIOV_QI_PAGE_RESPONSE |
						    SIOV_VTD_PRESP_PASID_PRESENT};
	const struct siov_qi_desc interrupt = {.q0 = SIOV_QI_WAIT | SIOV_QI_WAIT_IF};
	const struct siov_qi_conf conf = {.entries = ENTRIES};
	struct bed *bed = *state;

	siov_qi_free(bed->qi);
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &bed->qi), 0);
	check_stops(bed, response, SIOV_QI_BAD_TYPE);
	check_stops(bed, interrupt, SIOV_QI_BAD_TYPE);
}

static void
test_ring_wraps_and_takes_all_or_none(void **state)
{
	struct bed *bed = *state;
	struct siov_qi_desc descs[ENTRIES];
	unsigned int round;
	unsigned int n;
	unsigned int i;

	for (round = 0; round < 500; round++) {
		n = round % ENTRIES;
		for (i = 0; i < ENTRIES; i++)
			descs[i] = (struct siov_qi_desc){
				.q0 = WAIT_STATUS(SIOV_QI_WAIT_SW, 100 * round + i),
				.q1 = (uintptr_t)&bed->status[i]};
		assert_int_equal(siov_qi_submit(bed->qi, descs, n), 0);
		assert_int_equal(siov_qi_nb_pending(bed->qi), n);
		assert_int_equal(siov_qi_submit(bed->qi, descs, ENTRIES - n), -ENOSPC);
		assert_int_equal(siov_qi_nb_pending(bed->qi), n);
		assert_int_equal(siov_qi_process(bed->qi), n);
		for (i = 0; i < n; i++)
			assert_int_equal(bed->status[i], 100 * round + i);
	}
	assert_int_equal(siov_qi_submit(bed->qi, descs, UINT32_MAX), -ENOSPC);
	assert_int_equal(siov_qi_submit(bed->qi, NULL, 1), -EINVAL);
	assert_int_equal(siov_qi_submit(NULL, descs, 1), -EINVAL);
	assert_int_equal(siov_qi_clear_error(bed->qi, NULL), -EINVAL);
	assert_int_equal(siov_qi_process(bed->qi), 0);
}

static void
test_bad_configuration_and_lack_of_memory(void **state)
{
	static const unsigned int bad[] = {0, 1, 3, 1000, 2 * SIOV_QI_ENTRIES_MAX, UINT32_MAX};
	struct siov_qi_conf conf = {.entries = SIOV_QI_ENTRIES_MAX};
	struct bed *bed = *state;
	size_t bytes = siov_iommu_memory_bytes(bed->fx->iommu);
	uint64_t nb_live = bed->fx->fm.nb_live;
	struct siov_qi *qi = NULL;
	unsigned int i;

	assert_int_equal(siov_qi_create(NULL, &conf, &qi), -EINVAL);
	assert_int_equal(siov_qi_create(bed->fx->iommu, NULL, &qi), -EINVAL);
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, NULL), -EINVAL);
	fake_mem_fail_at(&bed->fx->fm, 1);
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &qi), -ENOMEM);
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &qi), 0);
	assert_true(siov_iommu_memory_bytes(bed->fx->iommu) > bytes);
	siov_qi_free(qi);
	for (i = 0; i < RTE_DIM(bad); i++) {
		conf.entries = bad[i];
		assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &qi), -EINVAL);
	}
	conf.entries = SIOV_QI_ENTRIES_MIN;
	assert_int_equal(siov_qi_create(bed->fx->iommu, &conf, &qi), 0);
	siov_qi_free(qi);
	siov_qi_free(NULL);
	assert_int_equal(siov_iommu_memory_bytes(bed->fx->iommu), bytes);
	assert_int_equal(bed->fx->fm.nb_live, nb_live);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define ROW(name) cmocka_unit_test_setup_teardown(name, open_bed, close_bed)
#define GUEST_ROW(name) cmocka_unit_test_setup_teardown(name, guest_bed_setup, guest_bed_teardown)
		ROW(test_s8_1_1_pasid_iotlb_drops_pages_of_its_pasid),
		ROW(test_s8_1_1_iotlb_drops_pages_of_its_domain),
		ROW(test_s8_1_1_pasid_and_context_cache_drop_what_they_led_to),
		ROW(test_s8_1_1_device_tlb_drops_sizes_by_lowest_clear_bit),
		ROW(test_what_is_not_about_translations_drops_none),
		ROW(test_a_page_takes_the_large_page_around_it),
		GUEST_ROW(test_s8_1_1_nested_tables_are_followed_after_invalidation),
		ROW(test_wait_writes_status_and_interrupts_in_that_order),
		ROW(test_wait_for_an_engine_that_does_not_answer_times_out),
		GUEST_ROW(test_wait_completes_after_the_last_engine_has_passed),
		ROW(test_reserved_bits_stop_the_queue),
		ROW(test_unknown_type_and_granularity_stop_the_queue),
		ROW(test_bad_address_mask_stops_the_queue),
		ROW(test_s7_6_3_status_outside_memory_stops_the_queue),
		ROW(test_page_response_reaches_the_engine_that_asked),
		ROW(test_what_the_configuration_lacks_is_refused),
		ROW(test_ring_wraps_and_takes_all_or_none),
		ROW(test_bad_configuration_and_lack_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
