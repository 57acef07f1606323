/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long is the detour of a page request? One descriptor that blocks on fault, to a page that the
 * guest's own tables do not map; the guest maps it as soon as it is asked. From submission to the
 * completion record. Limit: a round trip to the control lcore, which sleeps until it is called.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "bench.h"
#include "bench_dev.h"
#include "siov_prq.h"

#define PASID 1u
#define MEM_BYTES (4u << 20)
#define PAGE 4096u
#define SAMPLES_MAX 100000u

struct bed {
	struct bench_dev bd;
	struct siov_prq *prq;
	struct siov_portal *portal;
	pthread_t control;
	bool has_control;
};

static bool
open_bed(struct bed *bed)
{
	struct siov_lane *lane;

	memset(bed, 0, sizeof(*bed));
	return bench_dev_start_prq(&bed->bd, 64, MEM_BYTES, &bed->prq) &&
	       siov_dev_attach(bed->bd.dev, 0, 0, &lane) == 0 &&
	       siov_dev_portal_open(bed->bd.dev, lane, PASID, SIOV_PORTAL_F_PASID, &bed->portal) ==
		       0;
}

/* The page at the end of guest memory, away from the records. */
static uint64_t
page_offset(void)
{
	return MEM_BYTES - PAGE;
}

/* The guest takes its page away, as its kernel would. */
static bool
take_page_away(struct bed *bed)
{
	struct siov_iommu *iommu = siov_dev_iommu(bed->bd.dev);
	uint64_t gva = bed->bd.iova + page_offset();

	return siov_guest_pt_unmap(siov_gmem_guest_pt(bed->bd.gmem), gva, PAGE) == 0 &&
	       siov_pasid_invalidate(iommu, PASID, gva, PAGE) == 0;
}

/* The guest looks whether it is asked, and brings the page. */
static bool
serve(struct bed *bed)
{
	uint64_t gva = bed->bd.iova + page_offset();
	struct siov_vtd_page_response resp;
	struct siov_vtd_page_request req;

	if (siov_prq_take(bed->prq, &req, 1) == 0)
		return true;
	if (siov_page_request_addr(&req) != gva ||
	    siov_guest_pt_map(siov_gmem_guest_pt(bed->bd.gmem), gva,
			      siov_gmem_gpa(bed->bd.gmem) + page_offset(), PAGE,
			      SIOV_PERM_R | SIOV_PERM_W) != 0)
		return false;
	resp = siov_page_response(&req, SIOV_PAGE_SUCCESS);
	return siov_prq_respond(bed->prq, &resp) == 0;
}

/* Cycles of one operation with its page request; 0: something was wrong. */
static uint64_t
one_request(struct bed *bed)
{
	struct dsa_completion_record *rec = (void *)bed->bd.hva;
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMFILL,
		.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR | IDXD_OP_FLAG_BOF,
		.completion_addr = bed->bd.iova,
		.dst_addr = bed->bd.iova + page_offset(),
		.pattern = 0x5a,
		.xfer_size = 8,
	};
	unsigned int rounds = 0;
	uint64_t start, cycles;

	rec->status = DSA_COMP_NONE;
	bed->bd.hva[page_offset()] = 0;
	if (!take_page_away(bed))
		return 0;
	start = rte_rdtsc();
	if (siov_enqcmd(bed->portal, &desc) != SIOV_DMWR_SUCCESS)
		return 0;
	while (siov_atomic_load(&rec->status, acquire) == DSA_COMP_NONE) {
		if (!serve(bed))
			return 0;
		bench_relax(&rounds, bench_opt->shares_cpus);
	}
	cycles = rte_rdtsc() - start;
	return rec->status == DSA_COMP_SUCCESS && bed->bd.hva[page_offset()] == 0x5a ? cycles : 0;
}

static void *
run_control(void *arg)
{
	siov_dev_run_control(arg);
	return NULL;
}

static uint64_t
one_control_call(struct bed *bed)
{
	uint64_t start = rte_rdtsc();

	return siov_dev_wq_enable(bed->bd.dev, 0) == 0 ? rte_rdtsc() - start : 0;
}

static int
compare_cycles(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

typedef uint64_t (*sample_fn)(struct bed *bed);

/* Median in nanoseconds. */
static double
median_of(struct bed *bed, sample_fn sample)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t *samples = calloc(SAMPLES_MAX, sizeof(*samples)), start = rte_rdtsc(), median = 0;
	bool ok = samples != NULL;
	unsigned int nb = 0;

	while (ok && nb < SAMPLES_MAX && rte_rdtsc() - start < budget) {
		samples[nb] = sample(bed);
		ok = samples[nb++] != 0;
	}
	if (ok) {
		qsort(samples, nb, sizeof(samples[0]), compare_cycles);
		median = samples[nb / 2];
	}
	free(samples);
	return ok ? bench_seconds(median) * 1e9 : BENCH_FAILED;
}

static double
measure_ours(const void *arg)
{
	double ns = BENCH_FAILED;
	struct bed bed;

	RTE_SET_USED(arg);
	if (open_bed(&bed))
		ns = median_of(&bed, one_request);
	bench_dev_abandon(&bed.bd);
	return ns;
}

/* The control lcore is a thread of its own on the submitter's CPU. */
static double
measure_control(const void *arg)
{
	double ns = BENCH_FAILED;
	struct bed bed;

	RTE_SET_USED(arg);
	if (open_bed(&bed) && pthread_create(&bed.control, NULL, run_control, bed.bd.dev) == 0) {
		while (!siov_dev_has_control(bed.bd.dev))
			rte_delay_us_sleep(100);
		ns = median_of(&bed, one_control_call);
		siov_dev_stop_control(bed.bd.dev);
		pthread_join(bed.control, NULL);
	}
	bench_dev_abandon(&bed.bd);
	return ns;
}

void
bench_page_request(void)
{
	static const struct bench_row row = {
		.bench = "page_request",
		.name = "answered_by=guest,quantile=p50",
		.unit = "ns",
		.less_is_better = true,
		.ours = {"siov", measure_ours},
		.limit = {"control_round_trip", measure_control},
	};

	bench_row_run(&row);
}
