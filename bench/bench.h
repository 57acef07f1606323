/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The harness: a row compares ours with peers and a limit.
 *
 * Each contestant of a row measures once per repeat, in turn, so that a drift of the machine hits
 * all of them alike; the row shows medians. A contestant sets up, warms up, measures, verifies what
 * was done, and answers one figure, or a negative one if it failed or does not exist here.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_common.h>

#define BENCH_PEERS_MAX 4u

/* Not a figure: the contestant cannot run here. */
#define BENCH_UNSUPPORTED (-1.0)
/* Not a figure: it ran and its result was wrong. */
#define BENCH_FAILED (-2.0)

/* One figure. args is the row's. */
typedef double (*bench_measure_fn)(const void *args);

struct bench_contestant {
	const char *name; /* NULL: no such contestant */
	bench_measure_fn measure;
};

struct bench_row {
	const char *bench;
	const char *name; /* the case: key=value pairs */
	const char *unit;
	bool less_is_better;
	struct bench_contestant ours;
	struct bench_contestant peers[BENCH_PEERS_MAX];
	struct bench_contestant limit;
	const void *args;
};

/* What the command line asked for; const while benchmarks run. */
struct bench_options {
	bool quick;
	unsigned int repeats;
	double seconds; /* of one measurement */
	bool has_huge;
	bool shares_cpus; /* there is but one CPU: everybody yields */
};

extern const struct bench_options *const bench_opt;

/* Measure and print one row. */
void bench_row_run(const struct bench_row *row);

/* Print a row that could not be set up, and make the program fail. */
void bench_row_fail(const struct bench_row *row, const char *why);

/* Lcore of the consumer (engine), on a CPU of its own where there are two. */
unsigned int bench_engine_lcore(void);

/* Lcore of submitter id; 0 is the calling main lcore. All share the first CPU. */
unsigned int bench_submitter_lcore(unsigned int id);

#define BENCH_SUBMITTERS_MAX 4u

/* One benchmark: all its rows. */
void bench_swq_submit(void);
void bench_e2e_copy(void);
void bench_dmadev(void);
void bench_translate(void);
void bench_kinds(void);
void bench_unmap(void);
void bench_page_request(void);
void bench_isolation(void);
void bench_latency(void);
void bench_pasid_scale(void);
void bench_fairness(void);
void bench_batch(void);
void bench_ops(void);
void bench_qos(void);
void bench_adi(void);
void bench_vdev(void);
void bench_migrate(void);
void bench_control(void);
void bench_copyfwd(void);

/* The other process of bench_migrate(): does what is asked on one socket, with the other. */
int bench_migrate_serve(int ask_fd, int data_fd);

/* Wait a moment for the other side: pause, and every so often give a shared CPU away. */
void bench_relax(unsigned int *rounds, bool shares_cpu);

/* Seconds on the TSC. */
double bench_seconds(uint64_t cycles);

#endif /* BENCH_H */
