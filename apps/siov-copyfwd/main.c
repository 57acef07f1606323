/* SPDX-License-Identifier: BSD-3-Clause */
/* Parse, build, forward, tell. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_version.h>

#include "complain.h"
#include "eal_start.h"
#include "report.h"
#include "stopper.h"

#define TICK_MS 20
#define OTHER_BYTES (UINT64_C(64) << 20) /* ports, tables, queues */

/* All that is built, in this order. */
struct program {
	struct options opts;
	struct lcores lcores;
	struct eal_run eal;
	struct stopper stopper;
	const struct copier_ops *ops;
	struct ports ports;
	struct copy *ring;
	struct copier *copier;
	struct pools pools;
	struct forward forward;
	bool has_forward;
};

static const struct copier_ops *const copiers[] = {
	[COPY_NATIVE] = &copy_native_ops,
	[COPY_DMADEV] = &copy_dmadev_ops,
	[COPY_MEMCPY] = &copy_memcpy_ops,
};

/* ---- run ---- */

/* Sleep until the forwarder has ended, and end it when it is time. */
static void
supervise(struct program *p)
{
	const struct options *o = &p->opts;
	uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc(), last_new = start, nb_seen = 0;

	while (!stopper_sleep(&p->stopper, TICK_MS)) {
		uint64_t now = rte_rdtsc();
		uint64_t nb = siov_atomic_load(&p->forward.nb_rx, relaxed);

		if (nb != nb_seen)
			last_new = now;
		nb_seen = nb;
		if (o->duration_s > 0 && (double)(now - start) >= o->duration_s * (double)hz)
			break;
		if (o->idle_s > 0 && (double)(now - last_new) >= o->idle_s * (double)hz)
			break;
	}
	siov_atomic_store(&p->forward.stop, 1, relaxed);
	rte_eal_wait_lcore(p->lcores.forward);
}

static int
run(struct program *p)
{
	const struct report report = {
		.opts = &p->opts,
		.forward = &p->forward,
		.lcores = &p->lcores,
		.no_huge = p->eal.no_huge,
	};
	int err;

	if (p->ops->start(p->copier) != 0)
		return -1;
	if (rte_eal_remote_launch(forward_main, &p->forward, p->lcores.forward) != 0)
		return complain("lcore %u is busy", p->lcores.forward);
	supervise(p);
	p->ops->stop(p->copier);
	err = report_print(&report);
	err |= report_check(&report);
	return err != 0 ? err : p->ops->check(p->copier, p->forward.flows.counts);
}

/* ---- build ---- */

static int
build_copier(struct program *p)
{
	struct copier_conf conf = {
		.opts = &p->opts,
		.pools_bytes = pools_bytes(&p->opts),
		.lcore = p->lcores.copy,
		.yields = p->lcores.are_shared,
	};

	p->ring = rte_zmalloc("copies", p->opts.ring_sz * sizeof(p->ring[0]), RTE_CACHE_LINE_SIZE);
	if (p->ring == NULL)
		return complain("ring of copies: too little memory");
	conf.ring = p->ring;
	return p->ops->create(&conf, &p->copier);
}

static int
build(struct program *p)
{
	struct forward_conf conf = {
		.opts = &p->opts,
		.ports = &p->ports,
		.pools = &p->pools,
		.ops = p->ops,
		.stopper = &p->stopper,
		.yields = p->lcores.are_shared,
	};

	if (ports_find(&p->ports, &p->opts) != 0 || build_copier(p) != 0 ||
	    pools_create(&p->pools, &p->opts, p->ops->memory(p->copier)) != 0)
		return -1;
	conf.copier = p->copier;
	conf.ring = p->ring;
	p->has_forward = true;
	if (forward_create(&p->forward, &conf) != 0)
		return -1;
	return ports_start(&p->ports, &p->pools);
}

static void
take_down(struct program *p)
{
	if (p->copier != NULL)
		p->ops->stop(p->copier);
	ports_stop(&p->ports);
	if (p->has_forward)
		forward_free(&p->forward);
	pools_free(&p->pools);
	p->ops->free(p->copier);
	rte_free(p->ring);
}

static int
build_and_run(struct program *p)
{
	int err = -1;

	p->ops = copiers[p->opts.copy];
	if (lcores_resolve(&p->opts, &p->lcores) == 0 && build(p) == 0)
		err = run(p);
	take_down(p);
	return err;
}

/* ---- start ---- */

static int
start_eal(struct program *p, int argc, char **argv)
{
	static char lcores[LCORES_TEXT];

	p->eal.need_bytes = pools_bytes(&p->opts) + OTHER_BYTES;
	p->eal.has_va = true;
	if (!eal_has_lcores(argc, argv)) {
		if (lcores_plan(&p->opts, &p->lcores, lcores) != 0)
			return -1;
		p->eal.lcores = lcores;
		p->eal.main_lcore = p->lcores.main;
	}
	return eal_start(&p->eal, argc, argv);
}

/* -h, --help and --version work on both sides of "--", and need no EAL. */
static bool
is_only_asking(const struct options *o, int nb_eal, char **eal)
{
	bool is_one = nb_eal == 1;
	bool wants_help = o->wants_help ||
			  (is_one && (strcmp(eal[0], "-h") == 0 || strcmp(eal[0], "--help") == 0));
	bool wants_version = o->wants_version || (is_one && strcmp(eal[0], "--version") == 0);

	if (wants_help)
		options_help(stdout);
	else if (wants_version)
		printf(PROGRAM " " SIOV_VERSION ", %s\n", rte_version());
	return wants_help || wants_version;
}

int
main(int argc, char **argv)
{
	static struct program p;
	int split = eal_find_split(argc, argv);
	int signal_fd, err;

	if (options_parse(&p.opts, RTE_MAX(argc - split - 1, 0), argv + split + 1) != 0)
		return EXIT_FAILURE;
	if (is_only_asking(&p.opts, split - 1, argv + 1))
		return EXIT_SUCCESS;
	signal_fd = stopper_block_signals();
	if (signal_fd < 0 || stopper_open(&p.stopper, signal_fd) != 0)
		return EXIT_FAILURE;
	if (start_eal(&p, split - 1, argv + 1) != 0)
		return EXIT_FAILURE;
	err = build_and_run(&p);
	eal_end(&p.eal);
	stopper_close(&p.stopper);
	close(signal_fd);
	return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
