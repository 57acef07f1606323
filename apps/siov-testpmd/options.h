/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the program was asked to do.
 *
 * Text is parsed by one const table (name, parser, help) into one struct. Parsing keeps what was
 * given apart from what follows from it: options_parse and options_set fill a struct in, and
 * options_finish makes the complete, checked copy of it that everything else reads as const.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include <rte_config.h>

#include "qos_rules.h"
#include "siov_dev.h"
#include "sweep.h"

struct ptest;
struct work_op;

enum option_id {
	OPT_INTERACTIVE,
	OPT_START,
	OPT_HELP,
	OPT_VERSION,
	OPT_CMDLINE_FILE,
	OPT_ERR_EXIT,
	OPT_STATS_PERIOD,
	OPT_LIST_ADI,
	OPT_CONFIG,
	OPT_PROFILE,
	OPT_WQ,
	OPT_NB_ENGINES,
	OPT_NB_SUBMITTERS,
	OPT_NB_PASIDS,
	OPT_NB_ADI,
	OPT_VIA,
	OPT_NB_VDEV,
	OPT_SUBMIT_CORES,
	OPT_ENGINE_CORES,
	OPT_PTEST,
	OPT_OP,
	OPT_SUBMIT,
	OPT_BUF_SZ,
	OPT_BATCH_SZ,
	OPT_QDEPTH,
	OPT_ARRIVAL,
	OPT_RATE,
	OPT_SEED,
	OPT_RETRY_POLICY,
	OPT_DURATION,
	OPT_WARMUP,
	OPT_REPEAT,
	OPT_TOTAL_OPS,
	OPT_DATA,
	OPT_VERIFY,
	OPT_NO_LATENCY,
	OPT_QOS,
	OPT_PASID_WEIGHT,
	OPT_PASID_RATE,
	OPT_PASID_NOISE,
	OPT_IOMMU,
	OPT_PAGE_SZ,
	OPT_LEVELS,
	OPT_PRS,
	OPT_ATC_ENTRIES,
	OPT_JSON,
	OPT_CSV,
	OPT_SWEEP,
	OPT_RESULT,
	OPT_NB,
};

enum submit_kind { SUBMIT_ENQCMD, SUBMIT_ENQCMDS, SUBMIT_MOVDIR64B };
#define VIA_VDEVS_MAX 8000u /* a VM has some more places */

enum via_kind { VIA_ADI, VIA_VDEV };
enum arrival_kind { ARRIVAL_CLOSED, ARRIVAL_CONST, ARRIVAL_POISSON };

#define IOMMU_NAMES "pt, first, second, nested, sva" /* of address spaces */

#define OPTIONS_SUBMITTERS_MAX (RTE_MAX_LCORE - 2u)

#define OPTIONS_WQ_TEXT 128u /* longest argument of --wq, with its end */

struct lcore_list {
	unsigned int id[RTE_MAX_LCORE];
	unsigned int nb;
};

struct options {
	bool is_given[OPT_NB]; /* by the user */

	/* control */
	bool interactive;
	bool start;
	bool err_exit;
	const char *cmdline_file;
	double stats_period_s;

	/* set-up */
	const char *config_file;
	const char *profile; /* NULL: none, or the file's */
	char wq_text[SIOV_DEV_WQS_MAX][OPTIONS_WQ_TEXT]; /* arguments of --wq, in their order */
	unsigned int nb_wq_texts;
	uint32_t nb_engines; /* 0: as the lcores allow */
	uint32_t nb_submitters; /* 0: as the lcores allow */
	uint32_t wish_submitters; /* what the workload would like, where lcores can be made */
	uint32_t nb_pasids;
	uint32_t nb_adis; /* PASIDs that are ADIs: all, or 0 */
	uint32_t nb_vdevs; /* as given; 0: not */
	enum via_kind via; /* straight, or each PASID through a guest driver in a VDEV */
	struct lcore_list submit_cores;
	struct lcore_list engine_cores;

	/* workload */
	const struct ptest *ptest;
	const struct work_op *op;
	enum submit_kind submit;
	struct sweep buf_sz; /* bytes */
	struct sweep batch_sz; /* operations of a batch; 1: no batches */
	uint32_t qdepth; /* descriptors outstanding, each submitter */
	enum arrival_kind arrival;
	struct sweep rate; /* operations per second, all submitters */
	uint64_t seed;
	enum siov_backoff_policy retry_policy;
	uint64_t retry_min_ns;
	uint64_t retry_max_ns;
	double duration_s;
	double warmup_s;
	uint32_t repeat;
	uint64_t total_ops; /* 0: until the duration is over */
	const char *data_file;
	bool verify;
	bool no_latency;

	struct qos_rules qos;

	/* mmu */
	enum siov_domain_kind iommu;
	unsigned int page_shift;
	uint32_t levels; /* of first-stage tables, a guest's included: 4 or 5 */
	bool prs; /* pages are mapped when they are asked for */
	uint32_t atc_entries;

	/* output; with an empty path to stdout */
	bool json;
	bool csv;
	const char *json_path;
	const char *csv_path;
	const char *sweep_file; /* cases, see cases.h */
	const char *result_file;

	/* made by options_finish: the configuration file with --wq on top; without counts that
	 * depend on lcores
	 */
	struct siov_dev_conf dev;
};

/* Defaults, nothing given. */
void options_init(struct options *o);

/*
 * Parse the arguments after "--" (argv[0] is the first of them). Texts stay the caller's.
 * Returns 0 or -1 after one line on stderr.
 */
int options_parse(struct options *o, int argc, char **argv);

/* Parse one option by name, as the prompt's "set" does. Returns 0 or -1 after one line. */
int options_set(struct options *o, const char *name, const char *value);

/*
 * Read the configuration file, apply --wq, put in what the workload needs, refuse contradictions.
 * Returns 0 or -1 after one line on stderr; *out is then undefined.
 */
int options_finish(const struct options *given, struct options *out);

/* Append an argument of --wq. Returns 0, -ERANGE (no room for it), -EINVAL (too long). */
int options_add_wq(struct options *o, const char *text);

/* Give each dedicated queue without a PASID one of its own. */
void options_name_pasids(struct siov_dev_conf *dev);

/* Share out nb_engines engines, 1 to SIOV_DEV_ENGINES_MAX, over the groups that have queues. */
void options_deal_engines(struct siov_dev_conf *dev, uint32_t nb_engines);

/* Print all options, by group. */
void options_help(FILE *f);

/* Names of settings, for output. */
const char *options_submit_name(enum submit_kind submit);
const char *options_via_name(enum via_kind via);
const char *options_arrival_name(enum arrival_kind arrival);
const char *options_retry_name(enum siov_backoff_policy policy);
const char *options_iommu_name(enum siov_domain_kind kind);

/* An address space's kind in words, and the other way round: false, there is none of that name. */
const char *options_iommu_text(enum siov_domain_kind kind);
bool options_iommu_find(const char *name, enum siov_domain_kind *kind);
/* Whether address spaces of this kind have tables of ours, or of a guest of ours. */
bool options_iommu_has_tables(enum siov_domain_kind kind);
/* Whether some of these are first-stage tables. */
bool options_iommu_has_first(enum siov_domain_kind kind);
/* Entries of page tables that one walk reads at most. */
unsigned int options_walk_loads(const struct options *o);

/* Name of an option that the prompt's "set" takes, by index; NULL after the last. */
const char *options_settable(unsigned int idx);

#endif /* OPTIONS_H */
