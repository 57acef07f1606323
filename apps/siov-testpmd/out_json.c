/* SPDX-License-Identifier: BSD-3-Clause */
#include <jansson.h>

#include <rte_cycles.h>
#include <rte_version.h>

#include "complain.h"
#include "ptest.h"
#include "result.h"
#include "work_op.h"

#define SCHEMA_VERSION 1

static json_t *
pack_lcores(const struct placement *placement)
{
	json_t *list = json_array();
	char line[PLACEMENT_LINE];
	unsigned int i;

	for (i = 0; placement_line(placement, i, line); i++)
		json_array_append_new(list, json_string(line));
	return list;
}

static json_t *
pack_env(const struct report *report)
{
	char model[128];

	report_cpu_model(model, sizeof(model));
	return json_pack("{s:s, s:s, s:I, s:b, s:o}", "dpdk", rte_version(), "cpu", model, "tsc_hz",
			 (json_int_t)rte_get_tsc_hz(), "hugepages", !report->no_huge, "lcores",
			 pack_lcores(report->placement));
}

static json_t *
pack_config(const struct report *report, const struct result *r)
{
	const struct options *o = report->opts;
	json_t *config;

	config = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "ptest", o->ptest->name,
			   "op", o->op->name, "submit", options_submit_name(o->submit), "buf_sz",
			   (json_int_t)r->point.buf_sz, "qdepth", (json_int_t)o->qdepth,
			   "nb_pasids", (json_int_t)r->point.nb_pasids, "nb_submitters",
			   (json_int_t)report->placement->nb_submitters, "nb_engines",
			   (json_int_t)report->placement->nb_engines, "seed", (json_int_t)o->seed);
	json_object_set_new(config, "batch_sz", json_integer((json_int_t)r->point.batch_sz));
	json_object_set_new(config, "arrival", json_string(options_arrival_name(o->arrival)));
	json_object_set_new(config, "rate", json_integer((json_int_t)r->point.rate));
	json_object_set_new(config, "retry_policy",
			    json_string(options_retry_name(o->retry_policy)));
	json_object_set_new(config, "iommu", json_string(options_iommu_name(o->iommu)));
	json_object_set_new(config, "levels", json_integer((json_int_t)o->levels));
	json_object_set_new(config, "walk_loads_max", json_integer(options_walk_loads(o)));
	json_object_set_new(config, "prs", json_boolean(o->prs));
	json_object_set_new(config, "page_sz",
			    json_integer((json_int_t)(UINT64_C(1) << o->page_shift)));
	json_object_set_new(config, "atc_entries", json_integer(o->atc_entries));
	json_object_set_new(config, "nb_adi", json_integer(o->nb_adis));
	json_object_set_new(config, "via", json_string(options_via_name(o->via)));
	json_object_set_new(config, "warmup_s", json_real(o->warmup_s));
	json_object_set_new(config, "repeats", json_integer(r->nb_repeats));
	return config;
}

static json_t *
pack_number(bool is_valid, double value)
{
	return is_valid ? json_real(value) : json_null();
}

static json_t *
pack_latency(const struct result_latency *l)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "p50", pack_number(l->is_valid, l->p50_ns), "p99",
			 pack_number(l->is_valid, l->p99_ns), "p999",
			 pack_number(l->is_valid, l->p999_ns), "max",
			 pack_number(l->is_valid, l->max_ns));
}

static json_t *
pack_row(const struct result_row *row, double duration_s)
{
	const struct result_counts *nb = &row->nb;
	json_t *pasid = row->pasid == SIOV_PASID_OTHERS ? json_null() : json_integer(row->pasid);
	json_t *retry =
		json_pack("{s:I, s:I, s:I}", "capacity", (json_int_t)nb->retry_capacity, "qos",
			  (json_int_t)nb->retry_qos, "other", (json_int_t)nb->retry_other);

	return json_pack("{s:o, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}",
			 "pasid", pasid, "wq", (json_int_t)row->wq_id, "attempts",
			 (json_int_t)nb->attempts, "accepted", (json_int_t)nb->accepted, "retry",
			 retry, "dropped", (json_int_t)nb->dropped, "completed",
			 (json_int_t)nb->completed, "failed", (json_int_t)nb->failed, "aborted",
			 (json_int_t)nb->aborted, "bytes", (json_int_t)nb->bytes, "mops",
			 result_mops(nb, duration_s), "gbps", result_gbps(nb, duration_s), "lat_ns",
			 pack_latency(&row->latency));
}

static json_t *
pack_summary(const struct result *r)
{
	const struct result_counts *nb = &r->sum;
	json_t *summary;

	summary = json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "attempts",
			    (json_int_t)nb->attempts, "accepted", (json_int_t)nb->accepted,
			    "completed", (json_int_t)nb->completed, "mops",
			    result_mops(nb, r->duration_s), "gbps", result_gbps(nb, r->duration_s),
			    "retry_ratio", result_retry_ratio(nb), "jain", r->jain, "duration_s",
			    r->duration_s);
	json_object_set_new(summary, "lat_ns", pack_latency(&r->latency));
	json_object_set_new(summary, "share_error", json_real(r->share_error));
	json_object_set_new(summary, "mops_min", json_real(r->mops_min));
	json_object_set_new(summary, "mops_max", json_real(r->mops_max));
	json_object_set_new(summary, "atc",
			    json_pack("{s:I, s:I}", "lookups", (json_int_t)r->atc_lookups, "misses",
				      (json_int_t)r->atc_misses));
	json_object_set_new(summary, "page_requests",
			    json_pack("{s:I, s:o}", "count", (json_int_t)r->page_requests, "lat_ns",
				      pack_latency(&r->page_latency)));
	return summary;
}

static json_t *
pack_result(const struct report *report, const struct result *r)
{
	json_t *rows = json_array();
	uint32_t i;

	for (i = 0; i < r->nb_rows; i++)
		json_array_append_new(rows, pack_row(&r->rows[i], r->duration_s));
	return json_pack("{s:i, s:o, s:o, s:o, s:o}", "schema_version", SCHEMA_VERSION, "env",
			 pack_env(report), "config", pack_config(report, r), "results", rows,
			 "summary", pack_summary(r));
}

int
out_json(FILE *f, const struct report *report)
{
	json_t *all = json_array();
	json_t *top = all;
	unsigned int i;
	int ret;

	for (i = 0; i < report->nb_results; i++)
		json_array_append_new(all, pack_result(report, &report->results[i]));
	if (report->nb_results == 1)
		top = json_array_get(all, 0);
	ret = json_dumpf(top, f, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
	if (ret == 0)
		fputc('\n', f);
	json_decref(all);
	return ret == 0 ? 0 : complain("--json: out of memory, or no room for it");
}
