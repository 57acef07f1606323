/* SPDX-License-Identifier: BSD-3-Clause */
/* siov-bench [EAL arguments] -- [--quick] [--json FILE] [NAME...] */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_version.h>

#include "bench.h"

#define REPEATS_MAX 9u

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static struct bench_options options = {
	.repeats = 7,
	.seconds = 0.15,
};
const struct bench_options *const bench_opt = &options;

static FILE *json;
static unsigned int nb_failed;

struct figure {
	double value[REPEATS_MAX];
	unsigned int nb;
	double failure; /* a BENCH_* code, 0: none */
};

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Median; negative: the failure code. */
static double
median(struct figure *f)
{
	if (f->nb == 0)
		return f->failure;
	qsort(f->value, f->nb, sizeof(f->value[0]), compare_doubles);
	return f->value[f->nb / 2];
}

/* Distance of the quartiles over the median. */
static double
spread(const struct figure *f)
{
	if (f->nb < 2 || f->value[f->nb / 2] == 0)
		return 0;
	return (f->value[f->nb * 3 / 4] - f->value[f->nb / 4]) / f->value[f->nb / 2];
}

static void
measure_into(struct figure *f, const struct bench_contestant *c, const void *args)
{
	double value;

	if (c->name == NULL || f->failure != 0)
		return;
	value = c->measure(args);
	if (value < 0)
		f->failure = value;
	else
		f->value[f->nb++] = value;
}

/* The figures of a row: medians, or BENCH_* codes. */
struct result {
	double ours, peers[BENCH_PEERS_MAX], limit;
	double vs_best_peer, vs_limit; /* 0: nothing to compare with */
	double spread; /* of ours */
};

/* Ours against another, turned so that more is better; 0: there is no other. */
static double
ratio(const struct bench_row *row, double ours, double other)
{
	if (ours <= 0 || other <= 0)
		return 0;
	return row->less_is_better ? other / ours : ours / other;
}

static double
best_peer(const struct bench_row *row, const double *peers)
{
	double best = 0;
	unsigned int i;

	for (i = 0; i < BENCH_PEERS_MAX; i++) {
		if (peers[i] > 0 && (best == 0 || ratio(row, peers[i], best) > 1))
			best = peers[i];
	}
	return best;
}

static void
measure_row(const struct bench_row *row, struct result *r)
{
	struct figure ours = {0}, limit = {0}, peers[BENCH_PEERS_MAX] = {0};
	unsigned int i, rep;

	for (rep = 0; rep < options.repeats; rep++) {
		measure_into(&ours, &row->ours, row->args);
		for (i = 0; i < BENCH_PEERS_MAX; i++)
			measure_into(&peers[i], &row->peers[i], row->args);
		measure_into(&limit, &row->limit, row->args);
	}
	r->ours = median(&ours);
	for (i = 0; i < BENCH_PEERS_MAX; i++)
		r->peers[i] = median(&peers[i]);
	r->limit = median(&limit);
	r->vs_best_peer = ratio(row, r->ours, best_peer(row, r->peers));
	r->vs_limit = ratio(row, r->ours, r->limit);
	r->spread = spread(&ours);
}

static void
print_figure(const char *before, double value)
{
	if (value == BENCH_UNSUPPORTED)
		printf(" %sunsupported", before);
	else if (value < 0)
		printf(" %sFAILED", before);
	else
		printf(" %s%.4g", before, value);
}

static void
print_ratio(double value)
{
	if (value > 0)
		printf(" %.3g", value);
	else
		printf(" -");
}

static void
print_text(const struct bench_row *row, const struct result *r)
{
	unsigned int i;

	printf("%s %s", row->bench, row->name);
	print_figure("", r->ours);
	printf(" %s", row->unit);
	for (i = 0; i < BENCH_PEERS_MAX; i++) {
		char before[32];

		if (row->peers[i].name == NULL)
			continue;
		snprintf(before, sizeof(before), "%s=", row->peers[i].name);
		print_figure(before, r->peers[i]);
	}
	if (row->limit.name != NULL)
		print_figure("", r->limit);
	else
		printf(" -");
	print_ratio(r->vs_best_peer);
	print_ratio(r->vs_limit);
	printf("\n");
	fflush(stdout);
}

/* "key":value, or null where there is no figure. */
static void
json_number(const char *before, const char *key, double value, bool is_there)
{
	if (is_there)
		fprintf(json, "%s\"%s\":%.6g", before, key, value);
	else
		fprintf(json, "%s\"%s\":null", before, key);
}

static void
print_json(const struct bench_row *row, const struct result *r)
{
	const char *before = "";
	unsigned int i;

	fprintf(json, "{\"bench\":\"%s\",\"case\":\"%s\",", row->bench, row->name);
	json_number("", "ours", r->ours, r->ours >= 0);
	fprintf(json, ",\"unit\":\"%s\",\"peers\":{", row->unit);
	for (i = 0; i < BENCH_PEERS_MAX; i++) {
		if (row->peers[i].name == NULL)
			continue;
		json_number(before, row->peers[i].name, r->peers[i], r->peers[i] >= 0);
		before = ",";
	}
	fprintf(json, "}");
	json_number(",", "limit", r->limit, row->limit.name != NULL && r->limit >= 0);
	json_number(",", "vs_best_peer", r->vs_best_peer, r->vs_best_peer > 0);
	json_number(",", "vs_limit", r->vs_limit, r->vs_limit > 0);
	json_number(",", "spread", r->spread, r->ours >= 0);
	fprintf(json, "}\n");
	fflush(json);
}

static void
report(const struct bench_row *row, const struct result *r)
{
	unsigned int i;

	print_text(row, r);
	if (json != NULL)
		print_json(row, r);
	for (i = 0; i < BENCH_PEERS_MAX; i++)
		nb_failed += r->peers[i] == BENCH_FAILED;
	nb_failed += (r->ours == BENCH_FAILED) + (r->limit == BENCH_FAILED);
}

void
bench_row_run(const struct bench_row *row)
{
	struct result r;

	measure_row(row, &r);
	report(row, &r);
}

void
bench_row_fail(const struct bench_row *row, const char *why)
{
	struct result r = {.ours = BENCH_FAILED};
	unsigned int i;

	for (i = 0; i < BENCH_PEERS_MAX; i++)
		r.peers[i] = BENCH_UNSUPPORTED;
	r.limit = BENCH_UNSUPPORTED;
	fprintf(stderr, "%s %s: %s\n", row->bench, row->name, why);
	report(row, &r);
}

unsigned int
bench_engine_lcore(void)
{
	return 1;
}

unsigned int
bench_submitter_lcore(unsigned int id)
{
	return id == 0 ? 0 : id + 1;
}

void
bench_relax(unsigned int *rounds, bool shares_cpu)
{
	if (shares_cpu && ++*rounds % 16 == 0)
		sched_yield();
	else
		rte_pause();
}

double
bench_seconds(uint64_t cycles)
{
	return (double)cycles / (double)rte_get_tsc_hz();
}

static const struct {
	const char *name;
	void (*run)(void);
} benches[] = {
	{"swq_submit", bench_swq_submit},
	{"e2e_copy", bench_e2e_copy},
	{"dmadev", bench_dmadev},
	{"translate", bench_translate},
	{"translate", bench_kinds},
	{"latency", bench_latency},
	{"isolation", bench_isolation},
	{"unmap", bench_unmap},
	{"page_request", bench_page_request},
	{"fairness", bench_fairness},
	{"pasid_scale", bench_pasid_scale},
	{"batch", bench_batch},
	{"ops", bench_ops},
	{"qos", bench_qos},
	{"adi", bench_adi},
	{"vdev", bench_migrate},
	{"vdev", bench_vdev},
	{"control", bench_control},
	{"copyfwd", bench_copyfwd},
};

/* The first line of a file that starts with key, after its colon. */
static void
read_cpu_model(char *out, size_t len)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	snprintf(out, len, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || colon == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, len, "%s", colon + 2);
		break;
	}
	if (f != NULL)
		fclose(f);
}

static void
print_head(void)
{
	struct utsname uts;
	char cpu[128];
	unsigned int lcore;

	uname(&uts);
	read_cpu_model(cpu, sizeof(cpu));
	printf("# commit %s, %s, TSC %.0f MHz, kernel %s, %s, %s, %s\n",
	       getenv("BENCH_COMMIT") != NULL ? getenv("BENCH_COMMIT") : "unknown", cpu,
	       (double)rte_get_tsc_hz() / 1e6, uts.release, rte_version(), COMPILER, BENCH_FLAGS);
	printf("# memory: %s; lcore@cpu/node:",
	       options.has_huge ? "2 MiB hugepages" : "no hugepages");
	RTE_LCORE_FOREACH(lcore) {
		rte_cpuset_t set = rte_lcore_cpuset(lcore);
		int cpu_id;

		for (cpu_id = 0; cpu_id < CPU_SETSIZE && !CPU_ISSET(cpu_id, &set); cpu_id++)
			;
		printf(" %u@%d/%u (%s)", lcore, cpu_id, rte_lcore_to_socket_id(lcore),
		       lcore == bench_engine_lcore() ? "engine" : "submitter");
	}
	printf("\n# medians of %u interleaved repeats of %.0f ms; ratios: more is better\n",
	       options.repeats, options.seconds * 1e3);
	printf("# bench case ours unit peer=value... limit ours/best-peer ours/limit\n");
}

static int
parse_options(int argc, char **argv)
{
	static const struct option longs[] = {{"quick", no_argument, NULL, 'q'},
					      {"json", required_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	int opt = getopt_long(argc, argv, "", longs, NULL);

	for (; opt != -1; opt = getopt_long(argc, argv, "", longs, NULL)) {
		if (opt == 'q') {
			options.quick = true;
			options.repeats = 5;
			options.seconds = 0.05;
		} else if (opt == 'j') {
			json = fopen(optarg, "w");
			if (json == NULL) {
				fprintf(stderr, "--json %s: %s\n", optarg, strerror(errno));
				return -EINVAL;
			}
		} else {
			fprintf(stderr, "usage: siov-bench [EAL arguments] -- [--quick] "
					"[--json FILE] [NAME...]\n");
			return -EINVAL;
		}
	}
	return 0;
}

/* Whether all lines reached the file. */
static bool
close_json(void)
{
	bool ok;

	if (json == NULL)
		return true;
	ok = ferror(json) == 0;
	ok = fclose(json) == 0 && ok;
	if (!ok)
		fprintf(stderr, "--json: %s\n", strerror(errno));
	return ok;
}

/* Whether a bench was asked for; with no name given, all are. */
static bool
is_wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = optind; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
	}
	return optind >= argc;
}

static int
check_names(int argc, char **argv)
{
	unsigned int b;
	int i;

	for (i = optind; i < argc; i++) {
		for (b = 0; b < RTE_DIM(benches) && strcmp(argv[i], benches[b].name) != 0; b++)
			;
		if (b < RTE_DIM(benches))
			continue;
		fprintf(stderr, "%s: no such benchmark; there are:", argv[i]);
		for (b = 0; b < RTE_DIM(benches); b++)
			fprintf(stderr, " %s", benches[b].name);
		fprintf(stderr, "\n");
		return -EINVAL;
	}
	return 0;
}

static bool
shares_cpus(unsigned int lcore, unsigned int other)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore), others = rte_lcore_cpuset(other);

	return CPU_EQUAL(&set, &others);
}

/* Another process of a bench, which has begun this one. */
static int
serve(const char *fds)
{
	int ask_fd, data_fd, ret = 2;

	if (sscanf(fds, "%d,%d", &ask_fd, &data_fd) == 2)
		ret = bench_migrate_serve(ask_fd, data_fd);
	rte_eal_cleanup();
	return ret;
}

int
main(int argc, char **argv)
{
	unsigned int b;
	int n = rte_eal_init(argc, argv);

	if (n < 0) {
		fprintf(stderr, "siov-bench: EAL does not start: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	if (argc - n == 3 && strcmp(argv[n + 1], "--serve") == 0)
		return serve(argv[n + 2]);
	if (parse_options(argc - n, argv + n) != 0 || check_names(argc - n, argv + n) != 0)
		return 2;
	if (rte_lcore_count() < 1 + BENCH_SUBMITTERS_MAX) {
		fprintf(stderr, "siov-bench: %u lcores, needs %u; see bench/run.sh\n",
			rte_lcore_count(), 1 + BENCH_SUBMITTERS_MAX);
		return 2;
	}
	options.has_huge = rte_eal_has_hugepages();
	options.shares_cpus = shares_cpus(bench_engine_lcore(), bench_submitter_lcore(0));
	print_head();
	for (b = 0; b < RTE_DIM(benches); b++) {
		if (is_wanted(benches[b].name, argc - n, argv + n))
			benches[b].run();
	}
	if (!close_json())
		nb_failed++;
	rte_eal_cleanup();
	return nb_failed != 0;
}
