/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_cycles.h>
#include <rte_version.h>

#include "ptest.h"
#include "result.h"
#include "work_op.h"

static void
print_comments(FILE *f, const struct report *report)
{
	const struct options *o = report->opts;
	char line[PLACEMENT_LINE], model[128];
	unsigned int i;

	report_cpu_model(model, sizeof(model));
	fprintf(f, "# ptest=%s op=%s submit=%s iommu=%s\n", o->ptest->name, o->op->name,
		options_submit_name(o->submit),
		o->iommu == SIOV_DOMAIN_PASS_THROUGH ? "pt" : "second");
	fprintf(f, "# cpu=%s tsc_hz=%llu dpdk=%s hugepages=%s\n", model,
		(unsigned long long)rte_get_tsc_hz(), rte_version(),
		report->no_huge ? "no" : "yes");
	for (i = 0; placement_line(report->placement, i, line); i++)
		fprintf(f, "# %s\n", line);
}

static void
print_latency(FILE *f, const struct result_latency *l)
{
	if (l->is_valid)
		fprintf(f, ",%.0f,%.0f,%.0f,%.0f", l->p50_ns, l->p99_ns, l->p999_ns, l->max_ns);
	else
		fprintf(f, ",,,,");
}

static void
print_row(FILE *f, const struct result *r, const struct result_row *row)
{
	const struct result_counts *nb = &row->nb;

	fprintf(f, "%u,%llu,%u,", r->point.buf_sz, (unsigned long long)r->point.rate,
		r->point.nb_pasids);
	if (row->pasid == SIOV_PASID_OTHERS)
		fprintf(f, "others");
	else
		fprintf(f, "%u", row->pasid);
	fprintf(f, ",%u,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%llu,%.6f,%.6f", row->wq_id,
		(unsigned long long)nb->attempts, (unsigned long long)nb->accepted,
		(unsigned long long)nb->retry_capacity, (unsigned long long)nb->retry_qos,
		(unsigned long long)nb->retry_other, (unsigned long long)nb->dropped,
		(unsigned long long)nb->completed, (unsigned long long)nb->failed,
		(unsigned long long)nb->aborted, (unsigned long long)nb->bytes,
		result_mops(nb, r->duration_s), result_gbps(nb, r->duration_s));
	print_latency(f, &row->latency);
	fprintf(f, ",%u\n", r->point.batch_sz);
}

static void
print_summary(FILE *f, const struct result *r)
{
	fprintf(f,
		"# total buf_sz=%u batch_sz=%u rate=%llu pasids=%u mops=%.6f gbps=%.6f retry_ratio=%.6f "
		"jain=%.6f duration_s=%.6f",
		r->point.buf_sz, r->point.batch_sz, (unsigned long long)r->point.rate,
		r->point.nb_pasids, result_mops(&r->sum, r->duration_s),
		result_gbps(&r->sum, r->duration_s), result_retry_ratio(&r->sum), r->jain,
		r->duration_s);
	fprintf(f, " repeats=%u mops_min=%.6f mops_max=%.6f atc_lookups=%llu atc_misses=%llu\n",
		r->nb_repeats, r->mops_min, r->mops_max, (unsigned long long)r->atc_lookups,
		(unsigned long long)r->atc_misses);
}

void
out_csv(FILE *f, const struct report *report)
{
	unsigned int i;
	uint32_t row;

	print_comments(f, report);
	fprintf(f, "buf_sz,rate,nb_pasids,pasid,wq,attempts,accepted,retry_capacity,retry_qos,"
		   "retry_other,dropped,completed,failed,aborted,bytes,mops,gbps,lat_p50_ns,"
		   "lat_p99_ns,lat_p999_ns,lat_max_ns,batch_sz\n");
	for (i = 0; i < report->nb_results; i++) {
		const struct result *r = &report->results[i];

		for (row = 0; row < r->nb_rows; row++)
			print_row(f, r, &r->rows[row]);
		print_summary(f, r);
	}
}
