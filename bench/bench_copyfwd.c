/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does a packet application get? siov-copyfwd between two net_null ports, each packet copied by
 * one engine through its flow's PASID. Peers: the same program, copying with rte_memcpy on a second
 * lcore through an rte_ring, and through rte_dmadev by dma_skeleton. Each is a process of its own, on
 * the CPUs of this one's submitter and engine; it checks its counts, and fails if they do not add up.
 */
#include <stdio.h>

#include <jansson.h>

#include <rte_lcore.h>

#include "bench.h"

#define COMMAND_TEXT 1024u

struct args {
	unsigned int size; /* bytes of a packet */
};

static unsigned int
first_cpu(unsigned int lcore)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	unsigned int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set); cpu++)
		;
	return cpu;
}

/* Million packets a second that a run reports. */
static double
read_report(FILE *pipe)
{
	json_t *root = json_loadf(pipe, 0, NULL);
	double mpps = json_number_value(json_object_get(root, "mpps"));

	json_decref(root);
	return mpps > 0 ? mpps : BENCH_FAILED;
}

static double
run(const struct args *args, const char *copy, const char *eal)
{
	unsigned int first = first_cpu(bench_submitter_lcore(0));
	unsigned int second = first_cpu(bench_engine_lcore());
	char command[COMMAND_TEXT];
	double mpps;
	FILE *pipe;

	/* Start and end take time as well; the program counts what lies between. */
	snprintf(command, sizeof(command),
		 "'%s' %s--log-level='*:error' --main-lcore=0 --lcores=0@%u,1@%u,2@%u "
		 "--vdev=net_null0,size=%u --vdev=net_null1 %s -- --copy=%s --duration=%g --json",
		 BENCH_COPYFWD, bench_opt->has_huge ? "" : "--no-huge ", first, first, second,
		 args->size, eal, copy, bench_opt->seconds * 4);
	fflush(stdout);
	pipe = popen(command, "r");
	if (pipe == NULL)
		return BENCH_FAILED;
	mpps = read_report(pipe);
	return pclose(pipe) == 0 ? mpps : BENCH_FAILED;
}

static double
measure_native(const void *args)
{
	return run(args, "native", "");
}

static double
measure_memcpy(const void *args)
{
	return run(args, "memcpy", "");
}

static double
measure_skeleton(const void *args)
{
	/* Its thread has the CPU that others copy on. */
	return run(args, "dmadev", "--vdev=dma_skeleton,lcore=2");
}

void
bench_copyfwd(void)
{
	static const struct args small = {.size = 64}, large = {.size = 1518};
	static const struct bench_row rows[] = {
		{
			.bench = "copyfwd",
			.name = "size=64,ports=net_null",
			.unit = "Mpps",
			.ours = {"siov", measure_native},
			.peers = {{"rte_memcpy", measure_memcpy},
				  {"dma_skeleton", measure_skeleton}},
			.args = &small,
		},
		{
			.bench = "copyfwd",
			.name = "size=1518,ports=net_null",
			.unit = "Mpps",
			.ours = {"siov", measure_native},
			.peers = {{"rte_memcpy", measure_memcpy},
				  {"dma_skeleton", measure_skeleton}},
			.args = &large,
		},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++)
		bench_row_run(&rows[i]);
}
