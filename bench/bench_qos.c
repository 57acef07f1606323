/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes of limits: shares against weights, operations against a rate, and what one that offers
 * ten times as much as the others takes from them. One submitter offers copies of 4 KiB for all PASIDs
 * in turn, more than the engine can do.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>

#include "bench.h"
#include "bench_dev.h"

#define SIZE 4096u
#define ENTRIES 1024u
#define AREA (16u << 20)
#define PASIDS_MAX 64u
#define NOISE 10u /* times what the others offer */
#define RATE 1000000u

struct crowd {
	struct bench_dev bd;
	struct siov_portal *portals[PASIDS_MAX];
	uint32_t nb;
	uint64_t offered;
};

static bool
open_crowd(struct crowd *c, uint32_t nb, const struct siov_qos_conf *limits, bool weights_rise)
{
	struct siov_qos_conf conf = *limits;
	struct siov_lane *lane;
	uint32_t i;

	c->nb = nb;
	memset(c->bd.hva, 0x5a, 2 * AREA);
	if (siov_dev_attach(c->bd.dev, 0, 0, &lane) != 0)
		return false;
	for (i = 0; i < nb; i++) {
		if (weights_rise)
			conf.weight = limits->weight << i;
		if (siov_dev_qos_set(c->bd.dev, 0, i + 1, &conf) != 0 ||
		    siov_dev_portal_open(c->bd.dev, lane, i + 1, SIOV_PORTAL_F_PASID,
					 &c->portals[i]) != 0)
			return false;
	}
	return true;
}

static void
offer(struct crowd *c, uint32_t who)
{
	uint64_t offset = c->offered++ * SIZE % AREA;
	const struct dsa_hw_desc desc __attribute__((aligned(64))) = {
		.opcode = DSA_OPCODE_MEMMOVE,
		.src_addr = c->bd.iova + offset,
		.dst_addr = c->bd.iova + AREA + offset,
		.xfer_size = SIZE,
	};

	siov_enqcmd(c->portals[who], &desc);
}

/* Until the time is over; the last one offers noise times as much. Returns cycles. */
static uint64_t
run(struct crowd *c, uint32_t noise)
{
	uint64_t budget = (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds);
	uint64_t start = rte_rdtsc();
	uint32_t i, k;

	while (rte_rdtsc() - start < budget) {
		for (i = 0; i + 1 < c->nb; i++)
			offer(c, i);
		for (k = 0; k < noise; k++)
			offer(c, c->nb - 1);
	}
	return rte_rdtsc() - start;
}

static uint64_t
accepted(const struct crowd *c, uint32_t who)
{
	return siov_portal_count(c->portals[who], SIOV_DMWR_SUCCESS);
}

/* Everything accepted is done and counted. */
static bool
close_crowd(struct crowd *c)
{
	uint64_t sum = 0;
	bool ok = siov_dev_wq_drain(c->bd.dev, 0, 5000) == 0;
	uint32_t i;

	for (i = 0; i < c->nb; i++)
		sum += accepted(c, i);
	return bench_dev_stop(&c->bd, sum) && ok;
}

/* Largest difference of a share from what its weight says [%]. */
static double
measure_weights(const void *arg)
{
	const struct siov_qos_conf limits = {.weight = 1};
	uint64_t before[4], nb[4], sum = 0;
	struct crowd c = {0};
	double worst = 0;
	uint32_t i;

	RTE_SET_USED(arg);
	if (!bench_dev_start(&c.bd, ENTRIES, 2 * (uint64_t)AREA, 4))
		return BENCH_FAILED;
	if (!open_crowd(&c, 4, &limits, true)) {
		bench_dev_abandon(&c.bd);
		return BENCH_FAILED;
	}
	run(&c, 1);
	for (i = 0; i < 4; i++)
		before[i] = accepted(&c, i);
	run(&c, 1);
	for (i = 0; i < 4; i++) {
		nb[i] = accepted(&c, i) - before[i];
		sum += nb[i];
	}
	for (i = 0; i < 4; i++) {
		double share = (double)nb[i] * 15 / (double)sum / (double)(1u << i);

		worst = RTE_MAX(worst, share > 1 ? share - 1 : 1 - share);
	}
	return close_crowd(&c) ? worst * 100 : BENCH_FAILED;
}

/* What was accepted in a second, in parts of the rate that was set. */
static double
measure_rate(const void *arg)
{
	const struct siov_qos_conf limits = {.rate_ops = RATE, .burst_ops = 64};
	struct crowd c = {0};
	uint64_t before, cycles;
	double nb;

	RTE_SET_USED(arg);
	if (!bench_dev_start(&c.bd, ENTRIES, 2 * (uint64_t)AREA, 1))
		return BENCH_FAILED;
	if (!open_crowd(&c, 1, &limits, false)) {
		bench_dev_abandon(&c.bd);
		return BENCH_FAILED;
	}
	run(&c, 1);
	before = accepted(&c, 0);
	cycles = run(&c, 1);
	nb = (double)(accepted(&c, 0) - before);
	return close_crowd(&c) ? nb / bench_seconds(cycles) / RATE : BENCH_FAILED;
}

struct noisy {
	uint32_t noise;
	bool wants_p99;
};

/* 99 % of the others' operations take no longer [ns]. */
static double
others_p99(struct crowd *c)
{
	struct siov_stats *stats = calloc(1, sizeof(*stats));
	double worst = 0;
	uint32_t i;

	for (i = 0; stats != NULL && i + 1 < c->nb; i++) {
		if (siov_dev_stats(c->bd.dev, 0, i + 1, stats) == 0)
			worst = RTE_MAX(worst,
					bench_seconds(siov_hist_quantile(&stats->latency, 0.99)));
	}
	free(stats);
	return worst * 1e9;
}

/* What the other 63 get, in parts of a fair share, or their p99. */
static double
measure_noisy(const struct noisy *noisy)
{
	const struct siov_qos_conf limits = {.weight = 1};
	uint64_t others = 0, sum;
	struct crowd c = {0};
	double figure;
	uint32_t i;

	if (!bench_dev_start_stamped(&c.bd, ENTRIES, 2 * (uint64_t)AREA, PASIDS_MAX))
		return BENCH_FAILED;
	if (!open_crowd(&c, PASIDS_MAX, &limits, false)) {
		bench_dev_abandon(&c.bd);
		return BENCH_FAILED;
	}
	run(&c, noisy->noise);
	for (i = 0; i + 1 < PASIDS_MAX; i++)
		others += accepted(&c, i);
	sum = others + accepted(&c, PASIDS_MAX - 1);
	figure = noisy->wants_p99 ? others_p99(&c) :
				    (double)others / (PASIDS_MAX - 1) / ((double)sum / PASIDS_MAX);
	return close_crowd(&c) ? figure : BENCH_FAILED;
}

static double
measure_others_share(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_noisy(&(struct noisy){.noise = NOISE});
}

static double
measure_others_p99(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_noisy(&(struct noisy){.noise = NOISE, .wants_p99 = true});
}

static double
measure_quiet_p99(const void *arg)
{
	RTE_SET_USED(arg);
	return measure_noisy(&(struct noisy){.noise = 1, .wants_p99 = true});
}

void
bench_qos(void)
{
	static const struct bench_row rows[] = {
		{
			.bench = "qos",
			.name = "weights=1:2:4:8,figure=error",
			.unit = "%",
			.less_is_better = true,
			.ours = {"siov", measure_weights},
		},
		{
			.bench = "qos",
			.name = "rate=1000000,figure=reached",
			.unit = "x",
			.ours = {"siov", measure_rate},
		},
		{
			.bench = "qos",
			.name = "noisy=10x,pasids=64,figure=others_share",
			.unit = "x",
			.ours = {"siov", measure_others_share},
		},
		{
			.bench = "qos",
			.name = "noisy=10x,pasids=64,figure=others_p99",
			.unit = "ns",
			.less_is_better = true,
			.ours = {"siov", measure_others_p99},
			.limit = {"nobody_is_noisy", measure_quiet_p99},
		},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++)
		bench_row_run(&rows[i]);
}
