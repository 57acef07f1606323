/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does rte_dmadev cost on top of the device? Copies in bursts of 32 through the driver dma_siov,
 * which sends each burst as a batch. Peer: DPDK's dma_skeleton, by the same loop. Limit: the same device
 * by its own API, a submission for each copy. Everybody has at most DEPTH operations in flight, one
 * submitter and one engine; what was copied is compared.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_dmadev.h>
#include <rte_malloc.h>

#include "bench.h"
#include "bench_dev.h"

#define DATA_BYTES (16u << 20) /* sources and destinations, half each */
#define DEPTH 256u
#define BURST 32u
#define LOOKS_MAX 64u
#define WARM_UP 0.3 /* share of the measured time */

struct data {
	uint8_t *src, *dst;
	uint32_t size;
	uint32_t nb; /* buffers on each side */
};

static void
fill_data(struct data *data, uint8_t *mem, uint32_t size)
{
	uint32_t i;

	*data = (struct data){mem, mem + DATA_BYTES / 2, size, DATA_BYTES / 2 / size};
	for (i = 0; i < DATA_BYTES / 2; i++)
		data->src[i] = (uint8_t)(i * 13 + (i >> 8) * 5);
	memset(data->dst, 0, DATA_BYTES / 2);
}

static bool
is_copied(const struct data *data, uint64_t nb)
{
	return memcmp(data->src, data->dst, RTE_MIN(nb, (uint64_t)data->nb) * data->size) == 0;
}

static uint64_t
budget_cycles(double share)
{
	return (uint64_t)((double)rte_get_tsc_hz() * bench_opt->seconds * share);
}

/* ---- rte_dmadev ---- */

static void
send_burst(int16_t dev_id, const struct data *data, uint32_t *at)
{
	unsigned int i, rounds = 0;

	for (i = 0; i < BURST; i++) {
		rte_iova_t src = (uintptr_t)data->src + (uint64_t)*at * data->size;

		while (rte_dma_copy(dev_id, 0, src, src + DATA_BYTES / 2, data->size, 0) < 0)
			bench_relax(&rounds, bench_opt->shares_cpus);
		*at = *at + 1 == data->nb ? 0 : *at + 1;
	}
	rte_dma_submit(dev_id, 0);
}

/* Copies done in the given time, all completed. */
static uint64_t
dmadev_for(int16_t dev_id, const struct data *data, uint64_t cycles, bool *ok)
{
	uint64_t start = rte_rdtsc(), nb = 0, done = 0;
	unsigned int rounds = 0;
	bool more = true, error = false;
	uint32_t at = 0;

	while (more || done < nb) {
		uint16_t ended;

		if (more && nb - done <= DEPTH - 2 * BURST) {
			send_burst(dev_id, data, &at);
			nb += BURST;
		}
		ended = rte_dma_completed(dev_id, 0, DEPTH, NULL, &error);
		if (ended == 0)
			bench_relax(&rounds, bench_opt->shares_cpus);
		if (error)
			break;
		done += ended;
		more = rte_rdtsc() - start < cycles;
	}
	*ok = !error;
	return nb;
}

/* A port of the driver, started; -1 if it is not there. */
static int16_t
open_port(const char *name)
{
	const struct rte_dma_conf conf = {.nb_vchans = 1};
	const struct rte_dma_vchan_conf vchan_conf = {.direction = RTE_DMA_DIR_MEM_TO_MEM,
						      .nb_desc = DEPTH};
	char args[32] = "";
	int dev_id;

	if (!bench_opt->shares_cpus)
		snprintf(args, sizeof(args), "lcore=%u", bench_engine_lcore());
	if (rte_dma_get_dev_id_by_name(name) < 0 && rte_vdev_init(name, args) != 0)
		return -1;
	dev_id = rte_dma_get_dev_id_by_name(name);
	if (dev_id < 0 || rte_dma_configure((int16_t)dev_id, &conf) != 0 ||
	    rte_dma_vchan_setup((int16_t)dev_id, 0, &vchan_conf) != 0 ||
	    rte_dma_start((int16_t)dev_id) != 0)
		return -1;
	return (int16_t)dev_id;
}

static double
measure_port(const char *name, uint32_t size)
{
	uint8_t *mem = rte_malloc(NULL, DATA_BYTES, 2u << 20);
	int16_t dev_id = open_port(name);
	uint64_t start, nb, cycles;
	bool ok, warm_ok;
	struct data data;

	if (mem == NULL || dev_id < 0) {
		rte_free(mem);
		return BENCH_UNSUPPORTED;
	}
	fill_data(&data, mem, size);
	dmadev_for(dev_id, &data, budget_cycles(WARM_UP), &warm_ok);
	start = rte_rdtsc();
	nb = dmadev_for(dev_id, &data, budget_cycles(1), &ok);
	cycles = rte_rdtsc() - start;
	rte_dma_stop(dev_id);
	ok = ok && warm_ok && is_copied(&data, nb);
	rte_free(mem);
	return ok ? (double)nb / bench_seconds(cycles) / 1e6 : BENCH_FAILED;
}

/* The driver is a plug-in; its engine polls as long as there is a port. */
static double
measure_siov(const void *arg)
{
	double figure;

	if (dlopen("librte_dma_siov.so", RTLD_NOW) == NULL)
		return BENCH_UNSUPPORTED;
	figure = measure_port("dma_siov_bench", *(const uint32_t *)arg);
	rte_vdev_uninit("dma_siov_bench");
	return figure;
}

static double
measure_skeleton(const void *arg)
{
	return measure_port("dma_skeleton", *(const uint32_t *)arg);
}

/* ---- the device's own API ---- */

struct native {
	struct siov_portal *portal;
	struct dsa_completion_record *recs;
	unsigned int nb_looks; /* at a burst that is not complete */
	struct dsa_hw_desc desc __attribute__((aligned(64)));
};

static void
native_burst(struct native *native, const struct data *data, uint64_t nb, uint32_t *at)
{
	unsigned int rounds = 0;
	uint64_t end = nb + BURST;

	for (; nb < end; nb++) {
		struct dsa_completion_record *rec = &native->recs[nb % DEPTH];

		rec->status = DSA_COMP_NONE;
		native->desc.completion_addr = (uintptr_t)rec;
		native->desc.src_addr = (uintptr_t)data->src + (uint64_t)*at * data->size;
		native->desc.dst_addr = native->desc.src_addr + DATA_BYTES / 2;
		*at = *at + 1 == data->nb ? 0 : *at + 1;
		while (siov_enqcmd(native->portal, &native->desc) != SIOV_DMWR_SUCCESS)
			bench_relax(&rounds, bench_opt->shares_cpus);
	}
}

/*
 * Two cores that touch the same line cost each other dearly: the youngest of a burst is asked for, a
 * bounded number of times, before all of them are.
 */
static bool
is_unripe(struct native *native, uint64_t done, uint64_t nb)
{
	const struct dsa_completion_record *youngest = &native->recs[(done + BURST - 1) % DEPTH];

	if (nb - done < BURST || native->nb_looks == LOOKS_MAX ||
	    siov_atomic_load(&youngest->status, relaxed) != DSA_COMP_NONE) {
		native->nb_looks = 0;
		return false;
	}
	native->nb_looks++;
	return true;
}

static uint64_t
native_for(struct native *native, const struct data *data, uint64_t cycles, bool *ok)
{
	uint64_t start = rte_rdtsc(), nb = 0, done = 0;
	unsigned int rounds = 0;
	bool more = true;
	uint32_t at = 0;

	*ok = true;
	native->desc.opcode = DSA_OPCODE_MEMMOVE;
	native->desc.flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR;
	native->desc.xfer_size = data->size;
	while (more || done < nb) {
		uint64_t before = done;

		if (more && nb - done <= DEPTH - 2 * BURST) {
			native_burst(native, data, nb, &at);
			nb += BURST;
		}
		if (is_unripe(native, done, nb))
			continue;
		for (; done < nb; done++) {
			uint8_t status =
				siov_atomic_load(&native->recs[done % DEPTH].status, acquire);

			if (status == DSA_COMP_NONE)
				break;
			*ok &= status == DSA_COMP_SUCCESS;
		}
		if (done == before)
			bench_relax(&rounds, bench_opt->shares_cpus);
		more = rte_rdtsc() - start < cycles;
	}
	return nb;
}

static double
measure_native(const void *arg)
{
	uint64_t start = 0, nb = 0, cycles = 0, nb_warm = 0;
	struct native native = {0};
	bool ok, warm_ok = false;
	struct siov_lane *lane;
	struct bench_dev bd;
	struct data data;

	if (!bench_dev_start_kind(&bd, 1024, DATA_BYTES + (2u << 20), 1, SIOV_DOMAIN_PROCESS))
		return BENCH_FAILED;
	fill_data(&data, bd.hva, *(const uint32_t *)arg);
	native.recs = (void *)(bd.hva + DATA_BYTES);
	ok = siov_dev_attach(bd.dev, 0, 0, &lane) == 0 &&
	     siov_dev_portal_open(bd.dev, lane, 1, SIOV_PORTAL_F_PASID, &native.portal) == 0;
	if (ok) {
		nb_warm = native_for(&native, &data, budget_cycles(WARM_UP), &warm_ok);
		start = rte_rdtsc();
		nb = native_for(&native, &data, budget_cycles(1), &ok);
		cycles = rte_rdtsc() - start;
	}
	ok = ok && warm_ok && is_copied(&data, nb);
	ok = bench_dev_stop(&bd, nb_warm + nb) && ok;
	return ok ? (double)nb / bench_seconds(cycles) / 1e6 : BENCH_FAILED;
}

void
bench_dmadev(void)
{
	static const uint32_t sizes[] = {64, 1024};
	unsigned int i;

	for (i = 0; i < RTE_DIM(sizes); i++) {
		char name[32];
		const struct bench_row row = {
			.bench = "dmadev",
			.name = name,
			.unit = "Mops",
			.ours = {"siov", measure_siov},
			.peers = {{"dma_skeleton", measure_skeleton}},
			.limit = {"native", measure_native},
			.args = &sizes[i],
		};

		snprintf(name, sizeof(name), "size=%u,burst=%u", sizes[i], BURST);
		bench_row_run(&row);
	}
}
