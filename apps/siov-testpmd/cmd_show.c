/* SPDX-License-Identifier: BSD-3-Clause */
/* show and clear: what the device counts, and how it is set up */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "cmd.h"
#include "ptest.h"
#include "run.h"
#include "work_op.h"

#define PAGE_ROWS 64u /* of PASIDs */

CMD_WORD(tok_show, 0, "show");
CMD_WORD(tok_clear, 0, "clear");
CMD_WORD(tok_noun, 1, "wq#pasid");
CMD_WORD(tok_what, 2, "info#summary#stats#xstats");
CMD_WORD(tok_cleared, 2, "stats#xstats");
CMD_ALL(tok_all);
CMD_NUM(tok_id, 0);
CMD_WORD(tok_config, 1, "config");
CMD_WORD(tok_config_what, 2, "cores#wl#wq#qos");

/* Which rows a command is about. */
struct filter {
	bool is_wq; /* else PASIDs */
	bool is_all;
	uint64_t id;
};

static struct filter
make_filter(const struct cmd_args *args)
{
	return (struct filter){
		.is_wq = strcmp(args->word[1], "wq") == 0,
		.is_all = cmd_is_all(args),
		.id = args->num[0],
	};
}

static bool
is_meant(const struct filter *filter, uint32_t wq_id, uint32_t pasid)
{
	return filter->is_all || filter->id == (filter->is_wq ? wq_id : pasid);
}

/* Refuse a number that no queue or PASID can have. */
static bool
is_filter_good(struct session *session, const struct filter *filter)
{
	if (filter->is_all)
		return true;
	return filter->is_wq ? cmd_find_wq(session, filter->id) != NULL :
			       cmd_pasid(session, filter->id) != 0;
}

/* What happened since the last clear. result_free is due either way; false after cmd_fail. */
static bool
take_result(struct session *session, struct result *result)
{
	struct snapshot now;
	int ret = snapshot_take(&now, &session->rig);

	*result = (struct result){.rows = NULL};
	if (ret == 0)
		ret = snapshot_difference(&session->cleared, &now, result);
	snapshot_free(&now);
	cmd_check(session, ret, "show");
	return ret == 0;
}

/* ---- rows ---- */

static void
print_head(void)
{
	printf("%7s %3s %12s %12s %12s %12s %8s %16s %8s %8s\n", "PASID", "WQ", "Attempts",
	       "Accepted", "Retry", "Completed", "Failed", "Bytes", "p50(ns)", "p99");
}

static void
print_counts(const struct result_counts *nb)
{
	printf(" %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %12" PRIu64 " %8" PRIu64 " %16" PRIu64,
	       nb->attempts, nb->accepted, result_retries(nb), nb->completed, nb->failed,
	       nb->bytes);
}

static void
print_row(const struct result_row *row)
{
	if (row->pasid == SIOV_PASID_OTHERS)
		printf("%7s %3u", "others", row->wq_id);
	else
		printf("%7u %3u", row->pasid, row->wq_id);
	print_counts(&row->nb);
	if (row->latency.is_valid)
		printf(" %8.0f %8.0f\n", row->latency.p50_ns, row->latency.p99_ns);
	else
		printf(" %8s %8s\n", "-", "-");
}

/* Names as DPDK's drivers give them. */
static void
print_xstats(const char *prefix, uint32_t id, const struct result_counts *nb)
{
	const struct {
		const char *name;
		uint64_t value;
	} xstats[] = {
		{"attempted_ops", nb->attempts},
		{"accepted_ops", nb->accepted},
		{"retry_capacity_ops", nb->retry_capacity},
		{"retry_qos_ops", nb->retry_qos},
		{"retry_other_ops", nb->retry_other},
		{"completed_ops", nb->completed},
		{"failed_ops", nb->failed},
		{"aborted_ops", nb->aborted},
		{"bytes", nb->bytes},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(xstats); i++)
		printf("%s%u_%s: %" PRIu64 "\n", prefix, id, xstats[i].name, xstats[i].value);
}

static void
add_counts(struct result_counts *sum, const struct result_counts *nb)
{
	sum->attempts += nb->attempts;
	sum->accepted += nb->accepted;
	sum->retry_capacity += nb->retry_capacity;
	sum->retry_qos += nb->retry_qos;
	sum->retry_other += nb->retry_other;
	sum->completed += nb->completed;
	sum->failed += nb->failed;
	sum->aborted += nb->aborted;
	sum->bytes += nb->bytes;
}

/* Rows of a queue, or of a PASID, added up. */
static struct result_counts
sum_rows(const struct result *result, bool is_wq, uint32_t id)
{
	struct result_counts sum = {.attempts = 0};
	uint32_t i;

	for (i = 0; i < result->nb_rows; i++) {
		const struct result_row *row = &result->rows[i];

		if ((is_wq ? row->wq_id : row->pasid) == id)
			add_counts(&sum, &row->nb);
	}
	return sum;
}

/* One row each for what is meant, a page at most. */
static void
print_rows(const struct result *result, const struct filter *filter)
{
	uint32_t i, nb = 0;

	print_head();
	for (i = 0; i < result->nb_rows; i++) {
		const struct result_row *row = &result->rows[i];

		if (!is_meant(filter, row->wq_id, row->pasid))
			continue;
		if (nb++ < PAGE_ROWS)
			print_row(row);
	}
	if (nb > PAGE_ROWS)
		printf("... %u more rows; show pasid stats ID shows one\n", nb - PAGE_ROWS);
}

/* ---- queues ---- */

static const char *
state_name(const struct siov_wq *wq)
{
	switch (siov_atomic_load(&wq->state, relaxed)) {
	case SIOV_WQ_DISABLED:
		return "disabled";
	case SIOV_WQ_ENABLED:
		return "enabled";
	case SIOV_WQ_DRAINING:
		return "draining";
	default:
		return "unknown";
	}
}

static void
print_wq_info(struct session *session, uint32_t id)
{
	const struct siov_dev_wq_conf *conf = &siov_dev_get_conf(session->rig.dev)->wqs[id];
	struct siov_wq *wq = siov_dev_wq(session->rig.dev, id);

	printf("wq %u: %s, %s, size %u, threshold %u, group %u, priority %u, %u free entries", id,
	       conf->mode == SIOV_WQ_SHARED ? "shared" : "dedicated", state_name(wq), conf->size,
	       conf->threshold != 0 ? conf->threshold : conf->size, conf->group, conf->priority,
	       siov_wq_free_credits(wq));
	if (conf->mode == SIOV_WQ_DEDICATED)
		printf(", PASID %u, %" PRIu64 " overflows, %" PRIu64 " refused", conf->pasid,
		       siov_atomic_load(&wq->nb_overflow, relaxed),
		       siov_atomic_load(&wq->nb_refused, relaxed));
	printf("\n");
}

static void
print_wq(struct session *session, const struct result *result, uint32_t id, const char *what)
{
	struct result_counts sum = sum_rows(result, true, id);

	if (strcmp(what, "xstats") == 0) {
		print_xstats("swq_q", id, &sum);
		return;
	}
	if (strcmp(what, "info") == 0 || strcmp(what, "summary") == 0)
		print_wq_info(session, id);
	if (strcmp(what, "info") != 0) {
		printf("%11s", "");
		print_counts(&sum);
		printf("\n");
	}
}

static void
show_wqs(struct session *session, const struct result *result, const struct filter *filter,
	 const char *what)
{
	uint32_t i, nb = siov_dev_get_conf(session->rig.dev)->nb_wqs;

	if (strcmp(what, "stats") == 0) {
		print_rows(result, filter);
		return;
	}
	for (i = 0; i < nb; i++) {
		if (filter->is_all || filter->id == i)
			print_wq(session, result, i, what);
	}
}

/* ---- PASIDs ---- */

static void
print_pasid_info(struct session *session, const struct filter *filter)
{
	uint32_t pasid = (uint32_t)filter->id;

	if (filter->is_all)
		book_print_all(stdout, session->book);
	else if (!book_print(stdout, session->book, pasid))
		printf("PASID %u: %s\n", pasid,
		       siov_pasid_is_bound(session->rig.iommu, pasid) ? "of the workload, bound" :
									"not bound");
}

static void
print_pasid_xstats(const struct result *result, const struct filter *filter)
{
	uint32_t i, last = UINT32_MAX - 1, nb = 0;

	for (i = 0; i < result->nb_rows; i++) {
		uint32_t pasid = result->rows[i].pasid;
		struct result_counts sum;

		if (pasid == last || pasid == SIOV_PASID_OTHERS || !is_meant(filter, 0, pasid))
			continue;
		last = pasid;
		if (nb++ >= PAGE_ROWS)
			continue;
		sum = sum_rows(result, false, pasid);
		print_xstats("pasid_p", pasid, &sum);
	}
	if (nb > PAGE_ROWS)
		printf("... %u more PASIDs; show pasid xstats ID shows one\n", nb - PAGE_ROWS);
}

static void
show_pasids(struct session *session, const struct result *result, const struct filter *filter,
	    const char *what)
{
	struct siov_iommu_stats stats;

	if (strcmp(what, "info") == 0) {
		print_pasid_info(session, filter);
	} else if (strcmp(what, "summary") == 0) {
		siov_iommu_stats(session->rig.iommu, &stats);
		printf("%" PRIu64 " PASIDs allocated, %" PRIu64 " bound, %" PRIu64
		       " address spaces; %u rows of counters\n",
		       stats.nb_pasids_allocated, stats.nb_pasids_bound, stats.nb_domains,
		       result->nb_rows);
	} else if (strcmp(what, "stats") == 0) {
		print_rows(result, filter);
	} else {
		print_pasid_xstats(result, filter);
	}
}

static void
show(struct session *session, const struct cmd_args *args)
{
	struct filter filter = make_filter(args);
	struct result result;

	if (!is_filter_good(session, &filter))
		return;
	if (take_result(session, &result)) {
		if (filter.is_wq)
			show_wqs(session, &result, &filter, args->word[2]);
		else
			show_pasids(session, &result, &filter, args->word[2]);
	}
	result_free(&result);
}

/* ---- clear ---- */

static struct snapshot_entry *
find_entry(struct snapshot *snapshot, const struct snapshot_entry *like)
{
	uint32_t i;

	for (i = 0; i < snapshot->nb_entries; i++) {
		if (snapshot->entries[i].wq_id == like->wq_id &&
		    snapshot->entries[i].pasid == like->pasid)
			return &snapshot->entries[i];
	}
	return NULL;
}

/* Entries that are not meant keep what was cleared before, or count from the beginning. */
static void
keep_others(struct snapshot *now, struct snapshot *before, const struct filter *filter)
{
	uint32_t i;

	for (i = 0; i < now->nb_entries; i++) {
		struct snapshot_entry *entry = &now->entries[i];
		struct snapshot_entry kept = {.pasid = entry->pasid, .wq_id = entry->wq_id};
		struct snapshot_entry *old;

		if (is_meant(filter, entry->wq_id, entry->pasid))
			continue;
		old = find_entry(before, entry);
		free(entry->latency);
		*entry = old != NULL ? *old : kept;
		if (old != NULL)
			old->latency = NULL; /* moved */
	}
}

static void
clear(struct session *session, const struct cmd_args *args)
{
	struct filter filter = make_filter(args);
	struct snapshot now;
	int ret;

	if (!is_filter_good(session, &filter))
		return;
	ret = snapshot_take(&now, &session->rig);
	if (ret != 0) {
		snapshot_free(&now);
		cmd_check(session, ret, "clear");
		return;
	}
	keep_others(&now, &session->cleared, &filter);
	snapshot_free(&session->cleared);
	session->cleared = now;
}

/* ---- settings ---- */

static void
print_sweep(const char *name, const struct sweep *sweep)
{
	unsigned int i;

	printf("%s:", name);
	for (i = 0; i < sweep->nb; i++)
		printf("%s%" PRIu64, i == 0 ? " " : ",", sweep->v[i]);
	printf("\n");
}

static void
print_workload(const struct options *o)
{
	printf("ptest: %s\nop: %s\nsubmit: %s\nnb-pasids: %u\nqdepth: %u\narrival: %s\n",
	       o->ptest->name, o->op->name, options_submit_name(o->submit), o->nb_pasids, o->qdepth,
	       options_arrival_name(o->arrival));
	print_sweep("buf-sz", &o->buf_sz);
	print_sweep("batch-sz", &o->batch_sz);
	print_sweep("rate", &o->rate);
	printf("retry-policy: %s", options_retry_name(o->retry_policy));
	if (o->retry_policy == SIOV_BACKOFF_EXP)
		printf(":%" PRIu64 ":%" PRIu64, o->retry_min_ns, o->retry_max_ns);
	printf("\nduration: %g s\nwarmup: %g s\nrepeat: %u\ntotal-ops: %" PRIu64 "\nseed: %" PRIu64
	       "\nverify: %s\n",
	       o->duration_s, o->warmup_s, o->repeat, o->total_ops, o->seed,
	       o->verify ? "on" : "off");
	printf("iommu: %s\n", options_iommu_name(o->iommu));
	if (options_iommu_has_tables(o->iommu))
		printf("page-sz: %" PRIu64 "\nprs: %s\n", UINT64_C(1) << o->page_shift,
		       o->prs ? "on" : "off");
	if (options_iommu_has_first(o->iommu))
		printf("levels: %u\n", o->levels);
}

static void
show_config(struct session *session, const struct cmd_args *args)
{
	char line[PLACEMENT_LINE];
	unsigned int i;

	if (strcmp(args->word[2], "wl") == 0) {
		print_workload(&session->opts);
		return;
	}
	if (strcmp(args->word[2], "cores") == 0) {
		for (i = 0; placement_line(&session->placement, i, line); i++)
			printf("%s\n", line);
		return;
	}
	if (strcmp(args->word[2], "qos") == 0) {
		qos_print(stdout, &session->opts.qos, "");
		return;
	}
	for (i = 0; i < siov_dev_get_conf(session->rig.dev)->nb_wqs; i++)
		print_wq_info(session, i);
}

const struct cmd cmds_show[] = {
	{show,
	 "show",
	 "show (wq|pasid) (info|summary|stats|xstats) ID",
	 {&tok_show, &tok_noun, &tok_what, &tok_id}},
	{show,
	 "show",
	 "show (wq|pasid) (info|summary|stats|xstats) all",
	 {&tok_show, &tok_noun, &tok_what, &tok_all}},
	{clear,
	 "show",
	 "clear (wq|pasid) (stats|xstats) ID",
	 {&tok_clear, &tok_noun, &tok_cleared, &tok_id}},
	{clear,
	 "show",
	 "clear (wq|pasid) (stats|xstats) all",
	 {&tok_clear, &tok_noun, &tok_cleared, &tok_all}},
	{show_config,
	 "show",
	 "show config (cores|wl|wq|qos)",
	 {&tok_show, &tok_config, &tok_config_what}},
	{.run = NULL},
};
