/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "options.h"
#include "ptest.h"
#include "work_op.h"

enum arg_kind { ARG_NONE, ARG_REQUIRED, ARG_OPTIONAL };

struct opt_row;
/* Returns 0 or a negative errno: the value is not among the allowed. */
typedef int (*opt_parser)(const struct opt_row *row, const char *value, struct options *o);

struct opt_row {
	const char *name;
	char letter; /* 0: none */
	enum arg_kind arg;
	bool is_settable; /* at the prompt */
	opt_parser parse;
	size_t offset; /* of what the parser fills in */
	uint64_t min, max;
	const char *const *choices;
	const char *allowed; /* for the error line */
	const char *help;
};

#define BATCH_MAX 1024u /* the device takes no longer ones */
#define PROFILE_NAMES "none, dsa1, large"
#define FIELD(field) .offset = offsetof(struct options, field)

static void *
field_of(const struct opt_row *row, struct options *o)
{
	return (char *)o + row->offset;
}

/* ---- parsers ---- */

static int
parse_flag(const struct opt_row *row, const char *value, struct options *o)
{
	(void)value;
	*(bool *)field_of(row, o) = true;
	return 0;
}

static int
parse_on_off(const struct opt_row *row, const char *value, struct options *o)
{
	bool on = value == NULL || strcmp(value, "on") == 0;

	if (!on && strcmp(value, "off") != 0)
		return -EINVAL;
	*(bool *)field_of(row, o) = on;
	return 0;
}

/* --json and --csv: the flag, and the path of the file if there is one. */
static int
parse_output(const struct opt_row *row, const char *value, struct options *o)
{
	bool is_json = row->offset == offsetof(struct options, json);

	if (value != NULL && value[0] == '\0')
		return -EINVAL;
	*(bool *)field_of(row, o) = true;
	if (is_json)
		o->json_path = value;
	else
		o->csv_path = value;
	return 0;
}

static int
parse_path(const struct opt_row *row, const char *value, struct options *o)
{
	if (value[0] == '\0')
		return -EINVAL;
	*(const char **)field_of(row, o) = value;
	return 0;
}

static int
parse_u64(const struct opt_row *row, const char *value, struct options *o)
{
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1000};

	return number_parse(value, &limits, field_of(row, o));
}

static int
parse_u32(const struct opt_row *row, const char *value, struct options *o)
{
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1000};
	uint64_t number;
	int ret;

	ret = number_parse(value, &limits, &number);
	if (ret == 0)
		*(uint32_t *)field_of(row, o) = (uint32_t)number;
	return ret;
}

static int
parse_entries(const struct opt_row *row, const char *value, struct options *o)
{
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1024};
	uint64_t number;
	int ret;

	ret = number_parse(value, &limits, &number);
	if (ret == 0)
		*(uint32_t *)field_of(row, o) = (uint32_t)number;
	return ret;
}

static int
parse_sizes(const struct opt_row *row, const char *value, struct options *o)
{
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1024};

	return sweep_parse(value, &limits, field_of(row, o));
}

static int
parse_rates(const struct opt_row *row, const char *value, struct options *o)
{
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1000};

	return sweep_parse(value, &limits, field_of(row, o));
}

/* Seconds; min and max are milliseconds. */
static int
parse_seconds(const struct opt_row *row, const char *value, struct options *o)
{
	char *end;
	double seconds = strtod(value, &end);

	if (end == value || *end != '\0' || !isfinite(seconds))
		return -EINVAL;
	if (seconds * 1e3 < (double)row->min || seconds * 1e3 > (double)row->max)
		return -ERANGE;
	*(double *)field_of(row, o) = seconds;
	return 0;
}

/* An enum whose values are the indexes of the choices. */
static int
parse_choice(const struct opt_row *row, const char *value, struct options *o)
{
	unsigned int i;

	for (i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*(unsigned int *)field_of(row, o) = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_page_size(const struct opt_row *row, const char *value, struct options *o)
{
	static const unsigned int shifts[] = {12, 21, 30};
	unsigned int i;

	for (i = 0; row->choices[i] != NULL; i++) {
		if (strcasecmp(row->choices[i], value) == 0) {
			o->page_shift = shifts[i];
			return 0;
		}
	}
	return -EINVAL;
}

static int
parse_ptest(const struct opt_row *row, const char *value, struct options *o)
{
	(void)row;
	o->ptest = ptest_find(value);
	return o->ptest != NULL ? 0 : -EINVAL;
}

static int
parse_op(const struct opt_row *row, const char *value, struct options *o)
{
	(void)row;
	o->op = work_op_find(value);
	return o->op != NULL ? 0 : -EINVAL;
}

/* "MIN:MAX", nanoseconds. */
static int
parse_backoff(const char *text, struct options *o)
{
	const struct sweep_limits limits = {.min = 1, .max = UINT64_C(1000000000), .k = 1000};
	const char *colon = strchr(text, ':');
	char low[24];
	int ret;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(low))
		return -EINVAL;
	memcpy(low, text, (size_t)(colon - text));
	low[colon - text] = '\0';
	ret = number_parse(low, &limits, &o->retry_min_ns);
	if (ret == 0)
		ret = number_parse(colon + 1, &limits, &o->retry_max_ns);
	if (ret == 0 && o->retry_min_ns > o->retry_max_ns)
		ret = -EINVAL;
	return ret;
}

static const char *const retry_names[] = {"none", "spin", "pause", "backoff", NULL};

static int
parse_retry_policy(const struct opt_row *row, const char *value, struct options *o)
{
	static const char backoff[] = "backoff:";

	if (strncmp(value, backoff, sizeof(backoff) - 1) == 0) {
		o->retry_policy = SIOV_BACKOFF_EXP;
		return parse_backoff(value + sizeof(backoff) - 1, o);
	}
	if (strcmp(value, "backoff") == 0)
		return -EINVAL;
	return parse_choice(row, value, o);
}

static int
parse_qos(const struct opt_row *row, const char *value, struct options *o)
{
	(void)row;
	return qos_parse(value, &o->qos.all);
}

static int
parse_qos_list(const struct opt_row *row, const char *value, struct options *o)
{
	return qos_parse_list(value, row->max, field_of(row, o));
}

/* One PASID that is louder than the others. */
static int
parse_noise(const struct opt_row *row, const char *value, struct options *o)
{
	struct qos_list list;
	int ret;

	ret = qos_parse_list(value, row->max, &list);
	if (ret == 0 &&
	    (list.nb > 1 || (list.nb == 1 && list.rules[0].first != list.rules[0].last)))
		ret = -EINVAL;
	if (ret == 0)
		o->qos.noise = list;
	return ret;
}

/* "1,3-5" */
static int
parse_lcores(const struct opt_row *row, const char *value, struct options *o)
{
	struct lcore_list *list = field_of(row, o);

	list->nb = 0;
	for (;;) {
		char *end;
		unsigned long first = strtoul(value, &end, 10);
		unsigned long last = first;

		if (end == value || value[0] == '-')
			return -EINVAL;
		if (*end == '-') {
			value = end + 1;
			last = strtoul(value, &end, 10);
			if (end == value)
				return -EINVAL;
		}
		if (first > last || last >= RTE_MAX_LCORE)
			return -ERANGE;
		for (; first <= last; first++) {
			if (list->nb == RTE_MAX_LCORE)
				return -ERANGE;
			list->id[list->nb++] = (unsigned int)first;
		}
		if (*end == '\0')
			return 0;
		if (*end != ',')
			return -EINVAL;
		value = end + 1;
	}
}

static int
parse_wq(const struct opt_row *row, const char *value, struct options *o)
{
	(void)row;
	return options_add_wq(o, value);
}

static int
parse_profile(const struct opt_row *row, const char *value, struct options *o)
{
	unsigned int i;

	for (i = 0; i < SIOV_PROFILES; i++) {
		if (strcmp(siov_dev_profile_name(i), value) == 0) {
			*(const char **)field_of(row, o) = siov_dev_profile_name(i);
			return 0;
		}
	}
	return -EINVAL;
}

/* ---- the table ---- */

static const char *const submit_names[] = {"enqcmd", "enqcmds", "movdir64b", NULL};
static const char *const via_names[] = {"adi", "vdev", NULL};
static const char *const arrival_names[] = {"closed", "const", "poisson", NULL};
static const char *const iommu_names[] = {
	[SIOV_DOMAIN_PASS_THROUGH] = "pt",   [SIOV_DOMAIN_SECOND_STAGE] = "second",
	[SIOV_DOMAIN_FIRST_STAGE] = "first", [SIOV_DOMAIN_NESTED] = "nested",
	[SIOV_DOMAIN_PROCESS] = "sva",       NULL,
};
static const char *const page_names[] = {"4k", "2M", "1G", NULL};

#define DAY_MS UINT64_C(86400000)

static const struct opt_row rows[OPT_NB] = {
	[OPT_INTERACTIVE] = {"interactive", 'i', ARG_NONE, false, parse_flag, FIELD(interactive),
			     .help = "prompt"},
	[OPT_START] = {"auto-start", 'a', ARG_NONE, false, parse_flag, FIELD(start),
		       .help = "start at once; needs -i"},
	[OPT_HELP] = {"help", 'h', ARG_NONE, .help = "this text"},
	[OPT_VERSION] = {"version", 0, ARG_NONE, .help = "version of program and DPDK"},
	[OPT_CMDLINE_FILE] = {"cmdline-file", 0, ARG_REQUIRED, false, parse_path,
			      FIELD(cmdline_file), .allowed = "the path of a file",
			      .help = "prompt's commands to run first"},
	[OPT_ERR_EXIT] = {"err-exit", 0, ARG_NONE, false, parse_flag, FIELD(err_exit),
			  .help = "the first failing command ends the program"},
	[OPT_STATS_PERIOD] = {"stats-period", 0, ARG_REQUIRED, false, parse_seconds,
			      FIELD(stats_period_s), .min = 10, .max = DAY_MS,
			      .allowed = "0.01 to 86400 seconds",
			      .help = "totals on stderr every S seconds"},
	[OPT_LIST_ADI] = {"list-adi", 0, ARG_NONE, .help = "types of ADIs, and those of --config"},
	[OPT_CONFIG] = {"config", 0, ARG_REQUIRED, false, parse_path, FIELD(config_file),
			.allowed = "the path of a file",
			.help = "queues, groups and engines in accel-config's JSON"},
	[OPT_PROFILE] = {"profile", 0, ARG_REQUIRED, false, parse_profile, FIELD(profile),
			 .allowed = PROFILE_NAMES,
			 .help = PROFILE_NAMES ": what the device has at most"},
	[OPT_WQ] = {"wq", 0, ARG_REQUIRED, false, parse_wq,
		    .allowed = "at most 64 texts of 127 characters",
		    .help = "ID,mode=shared|dedicated,size=N,threshold=N,group=N,priority=N"},
	[OPT_NB_ENGINES] = {"nb-engines", 0, ARG_REQUIRED, false, parse_u32, FIELD(nb_engines),
			    .min = 1, .max = SIOV_DEV_ENGINES_MAX, .allowed = "1 to 16",
			    .help = "engines, one lcore each"},
	[OPT_NB_SUBMITTERS] = {"nb-submitters", 0, ARG_REQUIRED, false, parse_u32,
			       FIELD(nb_submitters), .min = 1, .max = OPTIONS_SUBMITTERS_MAX,
			       .allowed = "1 to 126", .help = "submitting threads, one lcore each"},
	[OPT_NB_PASIDS] = {"nb-pasids", 0, ARG_REQUIRED, true, parse_u32, FIELD(nb_pasids),
			   .min = 1, .max = SIOV_PASID_MAX, .allowed = "1 to 1048575",
			   .help = "PASIDs, shared out among the submitters"},
	[OPT_NB_ADI] = {"nb-adi", 0, ARG_REQUIRED, true, parse_u32, FIELD(nb_adis), .min = 1,
			.max = SIOV_PASID_MAX, .allowed = "1 to 1048575",
			.help = "as --nb-pasids, each an ADI on its shared queue"},
	[OPT_VIA] = {"via", 0, ARG_REQUIRED, true, parse_choice, FIELD(via), .choices = via_names,
		     .allowed = "adi, vdev",
		     .help = "adi: straight on ADIs; vdev: by guest drivers in VDEVs, one a PASID"},
	[OPT_NB_VDEV] = {"nb-vdev", 0, ARG_REQUIRED, true, parse_u32, FIELD(nb_vdevs), .min = 1,
			 .max = VIA_VDEVS_MAX, .allowed = "1 to 8000",
			 .help = "as --nb-pasids, each through a guest driver in a VDEV"},
	[OPT_SUBMIT_CORES] = {"submit-cores", 0, ARG_REQUIRED, false, parse_lcores,
			      FIELD(submit_cores),
			      .allowed = "lcores such as 1,3-5, each below 128",
			      .help = "lcores of the submitters"},
	[OPT_ENGINE_CORES] = {"engine-cores", 0, ARG_REQUIRED, false, parse_lcores,
			      FIELD(engine_cores),
			      .allowed = "lcores such as 1,3-5, each below 128",
			      .help = "lcores of the engines"},
	[OPT_PTEST] = {"ptest", 0, ARG_REQUIRED, true, parse_ptest, .allowed = PTEST_NAMES,
		       .help = PTEST_NAMES},
	[OPT_OP] = {"op", 0, ARG_REQUIRED, true, parse_op, .allowed = WORK_OP_NAMES,
		    .help = WORK_OP_NAMES},
	[OPT_SUBMIT] = {"submit", 0, ARG_REQUIRED, true, parse_choice, FIELD(submit),
			.choices = submit_names, .allowed = "enqcmd, enqcmds, movdir64b",
			.help = "enqcmd, enqcmds, movdir64b (dedicated queues)"},
	[OPT_BUF_SZ] = {"buf-sz", 0, ARG_REQUIRED, true, parse_sizes, FIELD(buf_sz), .min = 1,
			.max = SIOV_DEV_XFER_MAX,
			.allowed = "v, a,b,c or min:step:max (*k multiplies), each 1 to 2G",
			.help = "SWEEP of transfer sizes, bytes"},
	[OPT_BATCH_SZ] = {"batch-sz", 0, ARG_REQUIRED, true, parse_sizes, FIELD(batch_sz), .min = 1,
			  .max = BATCH_MAX,
			  .allowed = "v, a,b,c or min:step:max (*k multiplies), each 1 to 1024",
			  .help = "SWEEP of operations in a batch; 1: each one by itself"},
	[OPT_QDEPTH] = {"qdepth", 0, ARG_REQUIRED, true, parse_u32, FIELD(qdepth), .min = 1,
			.max = 1u << 20, .allowed = "1 to 1048576",
			.help = "descriptors outstanding, each submitter"},
	[OPT_ARRIVAL] = {"arrival", 0, ARG_REQUIRED, true, parse_choice, FIELD(arrival),
			 .choices = arrival_names, .allowed = "closed, const, poisson",
			 .help = "closed loop, or open loop at a constant or random pace"},
	[OPT_RATE] = {"rate", 0, ARG_REQUIRED, true, parse_rates, FIELD(rate), .min = 1,
		      .max = UINT64_C(10000000000),
		      .allowed = "v, a,b,c or min:step:max (*k multiplies), each 1 to 10G",
		      .help = "SWEEP of operations per second, open loop"},
	[OPT_SEED] = {"seed", 0, ARG_REQUIRED, true, parse_u64, FIELD(seed), .max = UINT64_MAX,
		      .allowed = "0 to 18446744073709551615",
		      .help = "of arrivals, contents, sizes and places"},
	[OPT_RETRY_POLICY] = {"retry-policy", 0, ARG_REQUIRED, true, parse_retry_policy,
			      FIELD(retry_policy), .choices = retry_names,
			      .allowed = "none, spin, pause, backoff:MIN:MAX (1 to 1G ns, "
					 "MIN <= MAX)",
			      .help = "none, spin, pause, backoff:MIN:MAX (ns)"},
	[OPT_DURATION] = {"duration", 0, ARG_REQUIRED, true, parse_seconds, FIELD(duration_s),
			  .min = 1, .max = DAY_MS, .allowed = "0.001 to 86400 seconds",
			  .help = "seconds measured"},
	[OPT_WARMUP] = {"warmup", 0, ARG_REQUIRED, true, parse_seconds, FIELD(warmup_s),
			.max = DAY_MS, .allowed = "0 to 86400 seconds",
			.help = "seconds before that"},
	[OPT_REPEAT] = {"repeat", 0, ARG_REQUIRED, true, parse_u32, FIELD(repeat), .min = 1,
			.max = 1000, .allowed = "1 to 1000",
			.help = "measure N times, show the median"},
	[OPT_TOTAL_OPS] = {"total-ops", 0, ARG_REQUIRED, true, parse_u64, FIELD(total_ops),
			   .min = 1, .max = UINT64_C(1) << 48, .allowed = "1 to 281474976710656",
			   .help = "end after N operations"},
	[OPT_DATA] = {"data", 0, ARG_REQUIRED, false, parse_path, FIELD(data_file),
		      .allowed = "the path of a file",
		      .help = "move a file's bytes with copycrc and verify them"},
	[OPT_VERIFY] = {"verify", 0, ARG_OPTIONAL, true, parse_on_off, FIELD(verify),
			.allowed = "on, off", .help = "check bytes and CRCs after timing"},
	[OPT_NO_LATENCY] = {"no-latency", 0, ARG_OPTIONAL, false, parse_on_off, FIELD(no_latency),
			    .allowed = "on, off", .help = "queues keep no submission times"},
	[OPT_QOS] = {"qos", 0, ARG_REQUIRED, true, parse_qos, .allowed = QOS_KEYS,
		     .help = "limits of every PASID: " QOS_KEYS},
	[OPT_PASID_WEIGHT] = {"pasid-weight", 0, ARG_REQUIRED, true, parse_qos_list,
			      FIELD(qos.weights), .max = SIOV_QOS_WEIGHT_MAX,
			      .allowed = "P:W,P-Q:W,... with weights 1 to 255, or none",
			      .help = "P:W,P-Q:W,...: shares of PASIDs"},
	[OPT_PASID_RATE] = {"pasid-rate", 0, ARG_REQUIRED, true, parse_qos_list, FIELD(qos.rates),
			    .max = SIOV_QOS_RATE_MAX,
			    .allowed = "P:OPS,P-Q:OPS,... with rates 1 to 100G, or none",
			    .help = "P:OPS,P-Q:OPS,...: operations per second"},
	[OPT_PASID_NOISE] = {"pasid-noise", 0, ARG_REQUIRED, true, parse_noise,
			     .max = QOS_NOISE_MAX, .allowed = "P:N with N from 1 to 100, or none",
			     .help = "P:N: it offers N times as much as each other one"},
	[OPT_IOMMU] = {"iommu", 0, ARG_REQUIRED, true, parse_choice, FIELD(iommu),
		       .choices = iommu_names, .allowed = IOMMU_NAMES,
		       .help = IOMMU_NAMES ": how PASIDs are translated"},
	[OPT_PAGE_SZ] = {"page-sz", 0, ARG_REQUIRED, true, parse_page_size, .choices = page_names,
			 .allowed = "4k, 2M, 1G", .help = "4k, 2M, 1G: largest page of the tables"},
	[OPT_LEVELS] = {"levels", 0, ARG_REQUIRED, true, parse_u32, FIELD(levels), .min = 4,
			.max = 5, .allowed = "4, 5", .help = "4, 5: of first-stage tables"},
	[OPT_PRS] = {"prs", 0, ARG_OPTIONAL, true, parse_on_off, FIELD(prs), .allowed = "on, off",
		     .help = "map buffers page by page, as engines ask for them"},
	[OPT_ATC_ENTRIES] = {"atc-entries", 0, ARG_REQUIRED, false, parse_entries,
			     FIELD(atc_entries), .min = SIOV_DEV_ATC_MIN, .max = SIOV_DEV_ATC_MAX,
			     .allowed = "64 to 1M", .help = "translation cache of each engine"},
	[OPT_JSON] = {"json", 0, ARG_OPTIONAL, false, parse_output, FIELD(json),
		      .allowed = "the path of a file, or nothing", .help = "JSON to F, or stdout"},
	[OPT_CSV] = {"csv", 0, ARG_OPTIONAL, false, parse_output, FIELD(csv),
		     .allowed = "the path of a file, or nothing", .help = "CSV to F, or stdout"},
	[OPT_SWEEP] = {"sweep", 0, ARG_REQUIRED, false, parse_path, FIELD(sweep_file),
		       .allowed = "the path of a file", .help = "run the cases of an INI file"},
	[OPT_RESULT] = {"result", 0, ARG_REQUIRED, false, parse_path, FIELD(result_file),
			.allowed = "the path of a file", .help = "CSV of --sweep's cases to F"},
};

static const struct {
	enum option_id first;
	const char *title;
} groups[] = {
	{OPT_INTERACTIVE, "Control"},    {OPT_CONFIG, "Set-up"},     {OPT_PTEST, "Workload"},
	{OPT_QOS, "Quality of service"}, {OPT_IOMMU, "Translation"}, {OPT_JSON, "Output"},
};

/* ---- applying it ---- */

/* Index of a row, or OPT_NB. */
static unsigned int
find_row(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < OPT_NB; i++) {
		if (strlen(rows[i].name) == len && strncmp(rows[i].name, name, len) == 0)
			break;
	}
	return i;
}

static unsigned int
find_letter(char letter)
{
	unsigned int i;

	for (i = 0; i < OPT_NB; i++) {
		if (rows[i].letter == letter)
			break;
	}
	return i;
}

static int
apply_row(unsigned int id, const char *value, struct options *o)
{
	const struct opt_row *row = &rows[id];

	if (row->arg == ARG_NONE && value != NULL)
		return complain("--%s=%s: it takes no value", row->name, value);
	if (row->arg == ARG_REQUIRED && value == NULL)
		return complain("--%s: value missing; allowed: %s", row->name, row->allowed);
	o->is_given[id] = true;
	if (row->parse == NULL || row->parse(row, value, o) == 0)
		return 0;
	return complain("--%s=%s: allowed: %s", row->name, value, row->allowed);
}

/* One argument and, if it needs one, its value after it. Returns arguments used, or -1. */
static int
parse_one(struct options *o, int argc, char **argv)
{
	const char *name = argv[0] + 2;
	size_t len = strcspn(name, "=");
	const char *value = NULL;
	unsigned int id;
	int used = 1;

	if (argv[0][0] != '-' || argv[0][1] == '\0')
		return complain("%s: not an option; -h lists what is allowed", argv[0]);
	if (argv[0][1] != '-') {
		id = argv[0][2] == '\0' ? find_letter(argv[0][1]) : OPT_NB;
		if (id == OPT_NB)
			return complain("%s: unknown option; -h lists what is allowed", argv[0]);
		return apply_row(id, NULL, o) == 0 ? used : -1;
	}
	id = find_row(name, len);
	if (id == OPT_NB)
		return complain("%s: unknown option; -h lists what is allowed", argv[0]);
	if (name[len] == '=')
		value = name + len + 1;
	else if (rows[id].arg == ARG_REQUIRED && argc > 1)
		value = argv[used++];
	return apply_row(id, value, o) == 0 ? used : -1;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	while (argc > 0) {
		int used = parse_one(o, argc, argv);

		if (used < 0)
			return -1;
		argc -= used;
		argv += used;
	}
	return 0;
}

int
options_set(struct options *o, const char *name, const char *value)
{
	unsigned int id = find_row(name, strlen(name));

	if (id == OPT_NB || !rows[id].is_settable)
		return complain("set %s: not a setting; 'help set' lists them", name);
	return apply_row(id, value, o);
}

const char *
options_settable(unsigned int idx)
{
	unsigned int i;

	for (i = 0; i < OPT_NB; i++) {
		if (rows[i].is_settable && idx-- == 0)
			return rows[i].name;
	}
	return NULL;
}

static void
print_row(FILE *f, const struct opt_row *row)
{
	static const char *const value[] = {
		[ARG_NONE] = "", [ARG_REQUIRED] = "=...", [ARG_OPTIONAL] = "[=...]"};
	char name[40];

	if (row->letter != 0)
		snprintf(name, sizeof(name), "-%c, --%s%s", row->letter, row->name,
			 value[row->arg]);
	else
		snprintf(name, sizeof(name), "--%s%s", row->name, value[row->arg]);
	fprintf(f, "  %-24s %s\n", name, row->help);
}

void
options_help(FILE *f)
{
	unsigned int i, group = 0;

	fprintf(f, "usage: " PROGRAM " [EAL arguments] -- [options]\n"
		   "Without arguments: the default throughput benchmark on this machine.\n");
	for (i = 0; i < OPT_NB; i++) {
		if (group < RTE_DIM(groups) && groups[group].first == i)
			fprintf(f, "%s:\n", groups[group++].title);
		print_row(f, &rows[i]);
	}
	fprintf(f, "SWEEP is v, a,b,c or min:step:max; a step *k multiplies.\n");
}

const char *
options_submit_name(enum submit_kind submit)
{
	return submit_names[submit];
}

const char *
options_via_name(enum via_kind via)
{
	return via_names[via];
}

const char *
options_arrival_name(enum arrival_kind arrival)
{
	return arrival_names[arrival];
}

const char *
options_retry_name(enum siov_backoff_policy policy)
{
	return retry_names[policy];
}

const char *
options_iommu_name(enum siov_domain_kind kind)
{
	return iommu_names[kind];
}

bool
options_iommu_find(const char *name, enum siov_domain_kind *kind)
{
	unsigned int i;

	for (i = 0; iommu_names[i] != NULL; i++) {
		if (strcmp(iommu_names[i], name) == 0) {
			*kind = (enum siov_domain_kind)i;
			return true;
		}
	}
	return false;
}

const char *
options_iommu_text(enum siov_domain_kind kind)
{
	static const char *const texts[] = {
		[SIOV_DOMAIN_PASS_THROUGH] = "pass-through",
		[SIOV_DOMAIN_SECOND_STAGE] = "second-stage tables",
		[SIOV_DOMAIN_FIRST_STAGE] = "first-stage tables",
		[SIOV_DOMAIN_NESTED] = "nested tables",
		[SIOV_DOMAIN_PROCESS] = "the process's own address space",
	};

	return texts[kind];
}

void
options_init(struct options *o)
{
	*o = (struct options){
		.nb_pasids = 64,
		.ptest = ptest_find("throughput"),
		.op = work_op_find("memmove"),
		.submit = SUBMIT_ENQCMD,
		.buf_sz = {.v = {4096}, .nb = 1},
		.batch_sz = {.v = {1}, .nb = 1},
		.qdepth = 256,
		.arrival = ARRIVAL_CLOSED,
		.seed = 1,
		.retry_policy = SIOV_BACKOFF_PAUSE,
		.duration_s = 2,
		.warmup_s = 0.2,
		.repeat = 1,
		.iommu = SIOV_DOMAIN_SECOND_STAGE,
		.page_shift = 21,
		.levels = 4,
	};
}
