/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device and the platform promise each other about PASIDs and faults. */
#include <stdlib.h>

#include "dev_rig.h"
#include "siov_prq.h"

#define PASID 7u
#define CONTROL_PASID 8u
#define PAGE UINT64_C(4096)
#define NOWHERE UINT64_C(0x7000000000)
#define RID 0x1234u

/* ---- PASID enable ---- */

static void
test_s7_2_1_no_queue_is_enabled_before_pasids_are(void **state)
{
	struct dev_rig *rig = dev_rig_open(NULL);
	struct siov_portal *portal;

	(void)state;
	assert_int_equal(siov_dev_pasid_enable(rig->dev, false), 0);
	assert_int_equal(siov_dev_enable(rig->dev), -EPERM);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_RETRY_DISABLED);
	assert_int_equal(siov_dev_pasid_enable(rig->dev, true), 0);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	assert_int_equal(siov_dev_pasid_enable(rig->dev, false), -EBUSY);
	dev_rig_start(rig);
	assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(rig, 0), DSA_COMP_SUCCESS);
	dev_rig_close(rig);
}

static void
test_s7_2_2_nothing_works_before_it_has_a_pasid(void **state)
{
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct dev_rig *rig;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.nb_wqs = 2;
	conf.wqs[1].mode = SIOV_WQ_DEDICATED;
	rig = dev_rig_open(&conf);
	/* A dedicated queue needs its PASID first; a shared one gets it with the work. */
	assert_int_equal(siov_dev_wq_enable(rig->dev, 0), 0);
	assert_int_equal(siov_dev_wq_enable(rig->dev, 1), -ENXIO);
	assert_int_equal(siov_dev_portal_open(rig->dev, dev_rig_attach(rig, 0), PASID, 0, &portal),
			 0);
	assert_int_equal(dev_rig_noop(rig, portal, 0), SIOV_DMWR_GP);
	dev_rig_close(rig);
}

/* ---- primary and secondary PASID ---- */

/* A device whose dedicated queue writes records to a control domain. */
struct split {
	struct dev_rig *rig;
	struct siov_gmem *control;
	struct siov_portal *portal;
};

static void
open_split(struct split *split)
{
	struct siov_gmem_conf gmem_conf;
	struct siov_dev_conf conf;

	dev_rig_conf_init(&conf);
	conf.wqs[0].mode = SIOV_WQ_DEDICATED;
	conf.wqs[0].pasid = PASID;
	conf.wqs[0].control_pasid = CONTROL_PASID;
	split->rig = dev_rig_open(&conf);
	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.iova = UINT64_C(0x500000000);
	assert_int_equal(siov_gmem_create(split->rig->dev, &gmem_conf, &split->control), 0);
	assert_int_equal(siov_gmem_bind(split->control, CONTROL_PASID), 0);
	assert_int_equal(siov_dev_enable(split->rig->dev), 0);
	split->portal = dev_rig_portal(split->rig, dev_rig_attach(split->rig, 0), PASID);
	dev_rig_start(split->rig);
}

static void
close_split(struct split *split)
{
	dev_rig_stop(split->rig);
	assert_int_equal(siov_gmem_unbind(split->control, CONTROL_PASID), 0);
	assert_int_equal(siov_gmem_free(split->control), 0);
	dev_rig_close(split->rig);
}

static uint8_t
wait_for(const struct dsa_completion_record *rec)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS; i++) {
		uint8_t status = siov_atomic_load(&rec->status, acquire);

		if (status != DSA_COMP_NONE)
			return status;
		dev_rig_nap();
	}
	return DSA_COMP_NONE;
}

static void
test_s7_2_5_records_go_to_the_control_domain_and_data_to_the_primary(void **state)
{
	struct dsa_completion_record *rec;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct siov_error error;
	struct split split;
	uint8_t *hva;
	unsigned int i;

	(void)state;
	open_split(&split);
	rec = siov_gmem_hva(split.control);
	hva = siov_gmem_hva(split.rig->gmem);
	memset(hva + DEV_RIG_DATA, 0x77, PAGE);
	memset(rec, 0, sizeof(*rec));
	desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMMOVE,
		.flags = DEV_RIG_CRAV_RCR,
		.completion_addr = siov_gmem_iova(split.control),
		.src_addr = siov_gmem_iova(split.rig->gmem) + DEV_RIG_DATA,
		.dst_addr = siov_gmem_iova(split.rig->gmem) + DEV_RIG_DATA + PAGE,
		.xfer_size = PAGE,
	};
	siov_movdir64b(split.portal, &desc);
	assert_int_equal(wait_for(rec), DSA_COMP_SUCCESS);
	assert_memory_equal(hva + DEV_RIG_DATA, hva + DEV_RIG_DATA + PAGE, PAGE);
	/* Data of the control domain are out of reach, and so are records of the primary's. */
	memset(rec, 0, sizeof(*rec));
	desc.dst_addr = siov_gmem_iova(split.control) + PAGE;
	siov_movdir64b(split.portal, &desc);
	assert_int_equal(wait_for(rec), DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE);
	desc.dst_addr = desc.src_addr + PAGE;
	desc.completion_addr = siov_gmem_iova(split.rig->gmem);
	siov_movdir64b(split.portal, &desc);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_dev_errors(split.rig->dev, &error, 1) == 0; i++)
		dev_rig_nap();
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	close_split(&split);
}

/* ---- faults ---- */

struct seen {
	SIOV_ATOMIC(uint32_t) nb;
	struct siov_fault_record first;
};

static void
keep_fault(void *arg, const struct siov_fault_record *fault)
{
	struct seen *seen = arg;

	if (siov_atomic_load(&seen->nb, relaxed) == 0)
		seen->first = *fault;
	siov_atomic_fetch_add(&seen->nb, 1, release);
}

static void
test_s8_1_1_control_lcore_tells_the_owner_of_a_fault(void **state)
{
	struct siov_fault_record fault;
	struct siov_dev_conf conf;
	struct siov_iommu_stats stats;
	struct siov_portal *portal;
	struct seen seen = {0};
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct dev_rig *rig;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	conf.rid = RID;
	conf.on_fault = keep_fault;
	conf.fault_arg = &seen;
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_start_control(rig);
	dev_rig_start(rig);
	desc = dev_rig_desc(rig, DSA_OPCODE_MEMFILL, 0);
	desc.dst_addr = NOWHERE + 17;
	desc.xfer_size = 8;
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	assert_int_equal(dev_rig_wait(rig, 0), DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_atomic_load(&seen.nb, acquire) == 0; i++)
		dev_rig_nap();
	assert_int_equal(siov_atomic_load(&seen.nb, acquire), 1);
	assert_int_equal(seen.first.addr, NOWHERE);
	assert_int_equal(seen.first.pasid, PASID);
	assert_int_equal(seen.first.rid, RID);
	assert_int_equal(seen.first.reason, SIOV_FAULT_SS_NOT_PRESENT);
	assert_int_equal(seen.first.perm, SIOV_PERM_W);
	/* It was handed over, and is nowhere else. */
	assert_int_equal(siov_iommu_take_faults(siov_dev_iommu(rig->dev), &fault, 1), 0);
	siov_iommu_stats(siov_dev_iommu(rig->dev), &stats);
	assert_int_equal(stats.nb_faults, 1);
	assert_int_equal(dev_rig_stop_control(rig), 0);
	dev_rig_close(rig);
}

/* Without an owner the records wait; when there is no room, that is told. */
static void
test_s8_1_1_lost_faults_are_counted(void **state)
{
	struct siov_fault_record faults[300];
	struct siov_iommu_stats stats;
	struct siov_portal *portal;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct dev_rig *rig = dev_rig_open(NULL);
	unsigned int i;

	(void)state;
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	portal = dev_rig_portal(rig, dev_rig_attach(rig, 0), PASID);
	dev_rig_start(rig);
	for (i = 0; i < 300; i++) {
		desc = dev_rig_desc(rig, DSA_OPCODE_COMPVAL, i);
		desc.src_addr = NOWHERE + i * PAGE;
		desc.xfer_size = 8;
		while (siov_enqcmd(portal, &desc) != SIOV_DMWR_SUCCESS)
			dev_rig_nap();
		assert_int_equal(dev_rig_wait(rig, i), DSA_COMP_PAGE_FAULT_NOBOF);
	}
	siov_iommu_stats(siov_dev_iommu(rig->dev), &stats);
	assert_int_equal(stats.nb_faults + stats.nb_faults_lost, 300);
	assert_int_not_equal(stats.nb_faults_lost, 0);
	assert_int_equal(siov_iommu_take_faults(siov_dev_iommu(rig->dev), faults, 300),
			 stats.nb_faults);
	for (i = 0; i < stats.nb_faults; i++) {
		assert_int_equal(faults[i].addr, NOWHERE + i * PAGE);
		assert_int_equal(faults[i].perm, SIOV_PERM_R);
	}
	dev_rig_close(rig);
}

/* Fault processing disabled: the client is told, the platform is not. */
static void
test_fpd_records_nothing(void **state)
{
	struct siov_domain_conf domain_conf = {
		.kind = SIOV_DOMAIN_SECOND_STAGE,
		.max_page_shift = 12,
		.flags = SIOV_DOMAIN_F_FPD,
	};
	struct siov_dev_conf conf;
	struct siov_iommu_stats stats;
	struct siov_domain *domain;
	struct siov_portal *portal;
	struct siov_error error;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct dev_rig *rig;
	unsigned int i;

	(void)state;
	dev_rig_conf_init(&conf);
	rig = dev_rig_open(&conf);
	assert_int_equal(siov_domain_create(siov_dev_iommu(rig->dev), &domain_conf, &domain), 0);
	assert_int_equal(siov_pasid_alloc_at(siov_dev_iommu(rig->dev), PASID), 0);
	assert_int_equal(siov_pasid_bind(siov_dev_iommu(rig->dev), PASID, domain, 0), 0);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	assert_int_equal(siov_dev_portal_open(rig->dev, dev_rig_attach(rig, 0), PASID,
					      SIOV_PORTAL_F_PASID, &portal),
			 0);
	dev_rig_start(rig);
	desc = dev_rig_desc(rig, DSA_OPCODE_NOOP, 0);
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
	for (i = 0; i < DEV_RIG_WAIT_MS && siov_dev_errors(rig->dev, &error, 1) == 0; i++)
		dev_rig_nap();
	assert_int_equal(error.code, DSA_COMP_CRA_XLAT);
	siov_iommu_stats(siov_dev_iommu(rig->dev), &stats);
	assert_int_equal(stats.nb_faults, 0);
	dev_rig_stop(rig);
	assert_int_equal(siov_pasid_unbind(siov_dev_iommu(rig->dev), PASID), 0);
	assert_int_equal(siov_domain_free(domain), 0);
	dev_rig_close(rig);
}

/* ---- supervisor requests ---- */

/*
 * One fill through ENQCMDS with Priv, at an offset of guest memory; the status of its record, or of
 * the error it became, and what was recorded of its fault.
 */
static uint8_t
supervisor_fill(unsigned int flags, uint64_t offset, struct siov_fault_record *fault)
{
	struct siov_gmem_conf gmem_conf;
	struct siov_dev_conf conf;
	struct siov_portal *portal;
	struct siov_gmem *gmem;
	struct siov_error error = {0};
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct dev_rig *rig;
	uint8_t status = DSA_COMP_NONE;
	unsigned int i;

	dev_rig_conf_init(&conf);
	conf.flags = SIOV_DEV_F_PRIV;
	rig = dev_rig_open(&conf);
	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.kind = SIOV_DOMAIN_FIRST_STAGE;
	gmem_conf.flags = flags;
	assert_int_equal(siov_gmem_create(rig->dev, &gmem_conf, &gmem), 0);
	assert_int_equal(siov_gmem_bind(gmem, PASID), 0);
	assert_int_equal(siov_dev_enable(rig->dev), 0);
	assert_int_equal(siov_dev_portal_open(rig->dev, dev_rig_attach(rig, 0), PASID,
					      SIOV_PORTAL_F_PASID | SIOV_PORTAL_F_PRIV, &portal),
			 0);
	memset(siov_gmem_hva(gmem), 0, PAGE);
	dev_rig_start(rig);
	desc = (struct dsa_hw_desc){
		.pasid = PASID,
		.priv = 1,
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = DEV_RIG_CRAV_RCR,
		.completion_addr = siov_gmem_iova(gmem),
		.dst_addr = siov_gmem_iova(gmem) + offset,
		.xfer_size = 8,
	};
	assert_int_equal(siov_enqcmds(portal, &desc), SIOV_DMWR_SUCCESS);
	for (i = 0; i < DEV_RIG_WAIT_MS && status == DSA_COMP_NONE; i++) {
		status = siov_atomic_load((uint8_t *)siov_gmem_hva(gmem), acquire);
		if (siov_dev_errors(rig->dev, &error, 1) == 1)
			status = error.code;
		dev_rig_nap();
	}
	dev_rig_stop(rig);
	memset(fault, 0, sizeof(*fault));
	siov_iommu_take_faults(siov_dev_iommu(rig->dev), fault, 1);
	assert_int_equal(siov_gmem_unbind(gmem, PASID), 0);
	assert_int_equal(siov_gmem_free(gmem), 0);
	dev_rig_close(rig);
	return status;
}

static void
test_s8_1_1_supervisor_requests_need_sre(void **state)
{
	struct siov_fault_record fault;

	(void)state;
	assert_int_equal(supervisor_fill(SIOV_DOMAIN_F_SRE, 64, &fault), DSA_COMP_SUCCESS);
	assert_int_equal(fault.reason, SIOV_FAULT_NONE);
	assert_int_equal(supervisor_fill(0, 64, &fault), DSA_COMP_CRA_XLAT);
	assert_int_equal(fault.reason, SIOV_FAULT_NO_SUPERVISOR);
	/* Data are asked for as the record is. */
	assert_int_equal(supervisor_fill(SIOV_DOMAIN_F_SRE, NOWHERE, &fault),
			 DSA_COMP_PAGE_FAULT_NOBOF | DSA_COMP_STATUS_WRITE);
	assert_int_equal(fault.reason, SIOV_FAULT_FS_NOT_PRESENT);
	assert_int_equal(fault.perm, SIOV_PERM_PRIV_W);
}

/* ---- page requests of a guest ---- */

/* A guest with tables of its own, which brings a page when it is asked for it. */
struct paging_guest {
	struct dev_rig *rig;
	struct siov_prq *prq;
	struct siov_gmem *gmem;
	struct siov_portal *portal;
};

static void
open_paging_guest(struct paging_guest *guest)
{
	struct siov_gmem_conf gmem_conf;
	struct siov_dev_conf conf;

	dev_rig_conf_init(&conf);
	conf.wqs[0].flags = SIOV_WQ_F_BOF;
	guest->rig = dev_rig_open(&conf);
	assert_int_equal(siov_prq_create(siov_dev_iommu(guest->rig->dev), NULL, &guest->prq), 0);
	siov_gmem_conf_init(&gmem_conf);
	gmem_conf.kind = SIOV_DOMAIN_NESTED;
	gmem_conf.page_shift = 12;
	gmem_conf.prq = guest->prq;
	assert_int_equal(siov_gmem_create(guest->rig->dev, &gmem_conf, &guest->gmem), 0);
	assert_int_equal(siov_gmem_bind(guest->gmem, PASID), 0);
	assert_int_equal(siov_dev_enable(guest->rig->dev), 0);
	assert_int_equal(siov_dev_portal_open(guest->rig->dev, dev_rig_attach(guest->rig, 0), PASID,
					      SIOV_PORTAL_F_PASID, &guest->portal),
			 0);
	dev_rig_start(guest->rig);
}

static void
close_paging_guest(struct paging_guest *guest)
{
	dev_rig_stop(guest->rig);
	assert_int_equal(siov_gmem_unbind(guest->gmem, PASID), 0);
	assert_int_equal(siov_prq_free(guest->prq), -EBUSY);
	assert_int_equal(siov_gmem_free(guest->gmem), 0);
	assert_int_equal(siov_prq_free(guest->prq), 0);
	dev_rig_close(guest->rig);
}

/* Wait for the request for a page at an offset, and answer it. */
static void
answer_request(struct paging_guest *guest, uint64_t offset, enum siov_page_answer code)
{
	uint64_t gva = siov_gmem_iova(guest->gmem) + offset;
	struct siov_vtd_page_response resp;
	struct siov_vtd_page_request req;
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && siov_prq_take(guest->prq, &req, 1) == 0; i++)
		dev_rig_nap();
	assert_int_equal(siov_page_request_pasid(&req), PASID);
	assert_int_equal(siov_page_request_addr(&req), gva);
	if (code == SIOV_PAGE_SUCCESS)
		assert_int_equal(siov_guest_pt_map(siov_gmem_guest_pt(guest->gmem), gva,
						   siov_gmem_gpa(guest->gmem) + offset, PAGE,
						   SIOV_PERM_R | SIOV_PERM_W),
				 0);
	resp = siov_page_response(&req, code);
	assert_int_equal(siov_prq_respond(guest->prq, &resp), 0);
}

static void
test_s9_4_4_2_guest_brings_the_pages_of_its_process(void **state)
{
	const uint64_t offset = 16 * PAGE;
	struct dsa_completion_record *rec;
	struct dsa_hw_desc desc __attribute__((aligned(64)));
	struct paging_guest guest;
	uint8_t *hva;

	(void)state;
	open_paging_guest(&guest);
	hva = siov_gmem_hva(guest.gmem);
	rec = (void *)hva;
	memset(hva, 0, 32 * PAGE);
	/* Two pages in a row are swapped out. */
	assert_int_equal(siov_guest_pt_unmap(siov_gmem_guest_pt(guest.gmem),
					     siov_gmem_iova(guest.gmem) + offset, 2 * PAGE),
			 0);
	desc = (struct dsa_hw_desc){
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = DEV_RIG_CRAV_RCR | IDXD_OP_FLAG_BOF,
		.completion_addr = siov_gmem_iova(guest.gmem),
		.dst_addr = siov_gmem_iova(guest.gmem) + offset - PAGE / 2,
		.pattern = UINT64_C(0x4242424242424242),
		.xfer_size = 2 * PAGE,
	};
	assert_int_equal(siov_enqcmd(guest.portal, &desc), SIOV_DMWR_SUCCESS);
	answer_request(&guest, offset, SIOV_PAGE_SUCCESS);
	answer_request(&guest, offset + PAGE, SIOV_PAGE_SUCCESS);
	assert_int_equal(wait_for(rec), DSA_COMP_SUCCESS);
	assert_int_equal(hva[offset - PAGE / 2 - 1], 0);
	assert_int_equal(hva[offset - PAGE / 2], 0x42);
	assert_int_equal(hva[offset + PAGE + PAGE / 2 - 1], 0x42);
	assert_int_equal(hva[offset + PAGE + PAGE / 2], 0);
	/* The guest knows no such page: that is the end, with the bytes done. */
	rec->status = DSA_COMP_NONE;
	desc.dst_addr = siov_gmem_iova(guest.gmem) + siov_gmem_size(guest.gmem) - PAGE;
	assert_int_equal(siov_enqcmd(guest.portal, &desc), SIOV_DMWR_SUCCESS);
	answer_request(&guest, siov_gmem_size(guest.gmem), SIOV_PAGE_INVALID);
	assert_int_equal(wait_for(rec), DSA_COMP_PAGE_FAULT_IR | DSA_COMP_STATUS_WRITE);
	assert_int_equal(rec->bytes_completed, PAGE);
	close_paging_guest(&guest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s7_2_1_no_queue_is_enabled_before_pasids_are),
		cmocka_unit_test(test_s7_2_2_nothing_works_before_it_has_a_pasid),
		cmocka_unit_test(
			test_s7_2_5_records_go_to_the_control_domain_and_data_to_the_primary),
		cmocka_unit_test(test_s8_1_1_control_lcore_tells_the_owner_of_a_fault),
		cmocka_unit_test(test_s8_1_1_lost_faults_are_counted),
		cmocka_unit_test(test_fpd_records_nothing),
		cmocka_unit_test(test_s8_1_1_supervisor_requests_need_sre),
		cmocka_unit_test(test_s9_4_4_2_guest_brings_the_pages_of_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
