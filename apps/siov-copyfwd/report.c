/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_version.h>

#include "complain.h"
#include "cpus.h"
#include "report.h"

#define SCHEMA_VERSION 1
#define FLOW_TEXT 128u
#define LINE_TEXT 160u

static double
seconds(const struct report *report)
{
	return (double)report->forward->cycles / (double)rte_get_tsc_hz();
}

/* ---- checks ---- */

int
report_check(const struct report *report)
{
	const struct forward *f = report->forward;
	struct flow_counts sum;
	uint32_t i;

	if (f->nb_lost > 0)
		return complain("%" PRIu64 " copies did not end within 30 s", f->nb_lost);
	for (i = 0; i < f->flows.nb; i++) {
		const struct flow_counts *nb = &f->flows.counts[i];

		if (nb->rx != nb->tx + nb->dropped + nb->failed)
			return complain("flow %u: %" PRIu64 " packets received, %" PRIu64
					" sent, %" PRIu64 " dropped, %" PRIu64 " failed",
					i, nb->rx, nb->tx, nb->dropped, nb->failed);
	}
	flows_sum(&f->flows, &sum);
	if (sum.rx != siov_atomic_load(&f->nb_rx, relaxed))
		return complain("%" PRIu64 " packets received, %" PRIu64 " in flows",
				siov_atomic_load(&f->nb_rx, relaxed), sum.rx);
	return sum.failed == 0 ? 0 : complain("%" PRIu64 " packets failed", sum.failed);
}

/* ---- table ---- */

static void
print_row(const char *head, uint32_t pasid, const struct flow_counts *nb, const char *text)
{
	char number[16] = "";

	if (pasid != 0)
		snprintf(number, sizeof(number), "%u", pasid);
	printf("%5s %6s %10" PRIu64 " %12" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64
	       " %10" PRIu64 " %7" PRIu64 "  %s\n",
	       head, number, nb->rx, nb->rx_bytes, nb->copies, nb->retries, nb->tx, nb->dropped,
	       nb->failed, text);
}

static void
print_lcore(const char *role, unsigned int lcore)
{
	char cpus[32];

	cpus_print(lcore, cpus, sizeof(cpus));
	printf("lcore %u @ CPU %s: %s\n", lcore, cpus, role);
}

static void
print_head(const struct report *report)
{
	const struct forward *f = report->forward;
	char rx[RTE_ETH_NAME_MAX_LEN], tx[RTE_ETH_NAME_MAX_LEN], line[LINE_TEXT];
	unsigned int i;

	f->ops->describe(f->copier, line, sizeof(line));
	printf("%s, %s pages\n", line, report->no_huge ? "ordinary" : "huge");
	print_lcore("control", report->lcores->main);
	print_lcore("forwards", report->lcores->forward);
	if (report->lcores->copy != RTE_MAX_LCORE)
		print_lcore("copies", report->lcores->copy);
	for (i = 0; i < f->nb_ways; i++)
		printf("%s -> %s\n", ports_name(f->ways[i].route.rx, rx),
		       ports_name(f->ways[i].route.tx, tx));
}

static void
print_table(const struct report *report)
{
	const struct flows *flows = &report->forward->flows;
	char text[FLOW_TEXT], head[16];
	double s = seconds(report);
	struct flow_counts sum;
	uint32_t i;

	print_head(report);
	printf("\n%5s %6s %10s %12s %10s %10s %10s %10s %7s  %s\n", "flow", "PASID", "rx", "bytes",
	       "copies", "retries", "tx", "dropped", "failed", "source -> destination");
	for (i = 0; i < flows->nb; i++) {
		if (!flows->flow[i].is_used)
			continue;
		flows_print(flows, i, text, sizeof(text));
		snprintf(head, sizeof(head), "%u", i);
		print_row(head, report->forward->ops->pasid(report->forward->copier, i),
			  &flows->counts[i], text);
	}
	flows_sum(flows, &sum);
	print_row("total", 0, &sum, "");
	printf("%.3f s, %.3f Mpps, %.3f Gbps\n", s, (double)sum.tx / s / 1e6,
	       (double)sum.tx_bytes * 8 / s / 1e9);
}

/* ---- JSON ---- */

static json_t *
pack_counts(const struct flow_counts *nb)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "rx", (json_int_t)nb->rx,
			 "rx_bytes", (json_int_t)nb->rx_bytes, "copies", (json_int_t)nb->copies,
			 "retries", (json_int_t)nb->retries, "tx", (json_int_t)nb->tx, "tx_bytes",
			 (json_int_t)nb->tx_bytes, "dropped", (json_int_t)nb->dropped, "failed",
			 (json_int_t)nb->failed);
}

static json_t *
pack_flows(const struct report *report)
{
	const struct forward *f = report->forward;
	json_t *list = json_array();
	char text[FLOW_TEXT];
	uint32_t i;

	for (i = 0; i < f->flows.nb; i++) {
		json_t *flow;

		if (!f->flows.flow[i].is_used)
			continue;
		flow = pack_counts(&f->flows.counts[i]);
		flows_print(&f->flows, i, text, sizeof(text));
		json_object_set_new(flow, "flow", json_integer(i));
		json_object_set_new(flow, "pasid", json_integer(f->ops->pasid(f->copier, i)));
		json_object_set_new(flow, "name", json_string(text));
		json_array_append_new(list, flow);
	}
	return list;
}

static json_t *
pack_report(const struct report *report)
{
	const struct options *o = report->opts;
	double s = seconds(report);
	struct flow_counts sum;

	flows_sum(&report->forward->flows, &sum);
	return json_pack(
		"{s:i, s:s, s:b, s:{s:s, s:I, s:I, s:I, s:I, s:b}, s:o, s:o, s:f, s:f, s:f}",
		"version", SCHEMA_VERSION, "dpdk", rte_version(), "hugepages", !report->no_huge,
		"config", "copy", options_copy_name(o->copy), "nb_flows", (json_int_t)o->nb_flows,
		"ring_sz", (json_int_t)o->ring_sz, "wq_sz", (json_int_t)o->wq_sz, "burst",
		(json_int_t)o->burst, "bidir", (int)o->is_bidir, "flows", pack_flows(report),
		"total", pack_counts(&sum), "seconds", s, "mpps", (double)sum.tx / s / 1e6, "gbps",
		(double)sum.tx_bytes * 8 / s / 1e9);
}

static int
print_json(const struct report *report)
{
	FILE *f = report->opts->json_path != NULL ? fopen(report->opts->json_path, "w") : stdout;
	json_t *root;
	int err = 0;

	if (f == NULL)
		return complain("%s: %s", report->opts->json_path, strerror(errno));
	root = pack_report(report);
	if (root == NULL || json_dumpf(root, f, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0)
		err = -1;
	json_decref(root);
	if (err == 0 && fputc('\n', f) == EOF)
		err = -1;
	if ((f != stdout ? fclose(f) : fflush(f)) != 0)
		err = -1;
	return err == 0 ? 0 : complain("JSON cannot be written");
}

int
report_print(const struct report *report)
{
	if (report->opts->json)
		return print_json(report);
	print_table(report);
	return fflush(stdout) == 0 ? 0 : complain("stdout: %s", strerror(errno));
}
