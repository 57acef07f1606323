/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_version.h>

#include "ptest.h"
#include "result.h"
#include "work_op.h"

#define ROWS_MAX 256u /* of one table; JSON and CSV have all */

/* Workloads of their own choice of pages say nothing of them. */
static void
print_walk(FILE *f, const struct options *o)
{
	static const char *const sizes[] = {"4k", "2M", "1G"};

	if (options_iommu_has_tables(o->iommu) && o->ptest != &ptest_verify &&
	    o->ptest != &ptest_data)
		fprintf(f, " of %s pages, up to %u loads a walk%s", sizes[(o->page_shift - 12) / 9],
			options_walk_loads(o), o->prs ? ", mapped on demand" : "");
	fprintf(f, "\n");
}

static void
print_head(FILE *f, const struct report *report)
{
	const struct options *o = report->opts;
	char line[PLACEMENT_LINE], model[128];
	unsigned int i;

	report_cpu_model(model, sizeof(model));
	fprintf(f, "%s: %s by %s%s, %s pages, %s", o->ptest->name, o->op->name,
		options_submit_name(o->submit),
		o->via == VIA_VDEV ? " through guest drivers in VDEVs" : "",
		report->no_huge ? "ordinary" : "huge", options_iommu_text(o->iommu));
	print_walk(f, o);
	fprintf(f, "on %s, TSC %.0f MHz, %s\n", model, (double)rte_get_tsc_hz() / 1e6,
		rte_version());
	for (i = 0; placement_line(report->placement, i, line); i++)
		fprintf(f, "%s\n", line);
}

static void
print_latency(FILE *f, const struct result_latency *l)
{
	if (l->is_valid)
		fprintf(f, " %8.0f %8.0f %8.0f", l->p50_ns, l->p99_ns, l->p999_ns);
	else
		fprintf(f, " %8s %8s %8s", "-", "-", "-");
}

static void
print_counts(FILE *f, const struct result_counts *nb, double duration_s)
{
	fprintf(f, " %12llu %12llu %12llu %6.2f %10llu %12llu %8llu %8.3f %8.2f",
		(unsigned long long)nb->attempts, (unsigned long long)nb->accepted,
		(unsigned long long)result_retries(nb), result_retry_ratio(nb) * 100,
		(unsigned long long)nb->dropped, (unsigned long long)nb->completed,
		(unsigned long long)nb->failed, result_mops(nb, duration_s),
		result_gbps(nb, duration_s));
}

static void
print_row(FILE *f, const struct result_row *row, double duration_s)
{
	if (row->pasid == SIOV_PASID_OTHERS)
		fprintf(f, "%7s %3u", "others", row->wq_id);
	else
		fprintf(f, "%7u %3u", row->pasid, row->wq_id);
	print_counts(f, &row->nb, duration_s);
	print_latency(f, &row->latency);
	fprintf(f, "\n");
}

static void
print_point(FILE *f, const struct result *r)
{
	fprintf(f, "\n%u PASIDs", r->point.nb_pasids);
	if (r->point.buf_sz != 0)
		fprintf(f, ", %u bytes", r->point.buf_sz);
	if (r->point.batch_sz > 1)
		fprintf(f, ", batches of %u (counts: batches, Mops: operations)",
			r->point.batch_sz);
	if (r->point.rate != 0)
		fprintf(f, ", %llu operations/s offered", (unsigned long long)r->point.rate);
	fprintf(f, "\n%7s %3s %12s %12s %12s %6s %10s %12s %8s %8s %8s %8s %8s %8s\n", "PASID",
		"WQ", "Attempts", "Accepted", "Retry", "Retry%", "Dropped", "Completed", "Failed",
		"Mops", "Gbps", "p50(ns)", "p99", "p99.9");
}

static double
miss_percent(const struct result *r)
{
	if (r->atc_lookups == 0)
		return 0;
	return (double)r->atc_misses * 100 / (double)r->atc_lookups;
}

static void
print_atc(FILE *f, const struct result *r)
{
	double ops = (double)(r->sum.completed + r->sum.failed);

	if (r->atc_lookups == 0)
		return;
	fprintf(f, "ATC: %llu lookups, %llu misses (%.2f %%), %.2f lookups an operation",
		(unsigned long long)r->atc_lookups, (unsigned long long)r->atc_misses,
		miss_percent(r), ops > 0 ? (double)r->atc_lookups / ops : 0);
	fprintf(f, ", %.1f ns an operation\n", ops > 0 ? r->duration_s * 1e9 / ops : 0);
}

static void
print_pages(FILE *f, const struct result *r)
{
	if (r->page_requests == 0)
		return;
	fprintf(f, "Page requests: %llu", (unsigned long long)r->page_requests);
	if (r->page_latency.is_valid)
		fprintf(f, ", answered after p50 %.0f ns, p99 %.0f ns, at most %.0f ns",
			r->page_latency.p50_ns, r->page_latency.p99_ns, r->page_latency.max_ns);
	fprintf(f, "\n");
}

static void
print_result(FILE *f, const struct result *r)
{
	uint32_t i;

	print_point(f, r);
	for (i = 0; i < r->nb_rows && i < ROWS_MAX; i++)
		print_row(f, &r->rows[i], r->duration_s);
	if (r->nb_rows > ROWS_MAX)
		fprintf(f, "... %u more rows; --csv and --json have all\n", r->nb_rows - ROWS_MAX);
	fprintf(f, "%7s %3s", "total", "");
	print_counts(f, &r->sum, r->duration_s);
	print_latency(f, &r->latency);
	fprintf(f, "\nJain's fairness index %.4f, %.3f s", r->jain, r->duration_s);
	if (r->nb_repeats > 1)
		fprintf(f, ", median of %u: %.3f to %.3f Mops", r->nb_repeats, r->mops_min,
			r->mops_max);
	fprintf(f, "\n");
	if (r->has_shares)
		fprintf(f, "Shares: PASID %u is farthest from its own, by %+.2f %%\n",
			r->share_pasid, r->share_error * 100);
	print_atc(f, r);
	print_pages(f, r);
}

/* Of a sweep one row each: the totals. */
static void
print_sweep(FILE *f, const struct report *report)
{
	unsigned int i;

	fprintf(f,
		"\n%10s %11s %7s %12s %12s %12s %6s %10s %12s %8s %8s %8s %8s %8s %8s %7s %6s %5s\n",
		"Bytes", "Rate", "PASIDs", "Attempts", "Accepted", "Retry", "Retry%", "Dropped",
		"Completed", "Failed", "Mops", "Gbps", "p50(ns)", "p99", "p99.9", "Jain", "Miss%",
		"Batch");
	for (i = 0; i < report->nb_results; i++) {
		const struct result *r = &report->results[i];

		fprintf(f, "%10u %11llu %7u", r->point.buf_sz, (unsigned long long)r->point.rate,
			r->point.nb_pasids);
		print_counts(f, &r->sum, r->duration_s);
		print_latency(f, &r->latency);
		fprintf(f, " %7.4f %6.2f %5u\n", r->jain, miss_percent(r), r->point.batch_sz);
	}
	for (i = 0; i < report->nb_results; i++)
		print_pages(f, &report->results[i]);
	fprintf(f, "Totals of all PASIDs; --csv and --json have each. Rate 0: closed loop. "
		   "Miss%%: of the ATC's lookups\n");
}

void
out_table(FILE *f, const struct report *report)
{
	print_head(f, report);
	if (report->nb_results == 1)
		print_result(f, &report->results[0]);
	else
		print_sweep(f, report);
}
