/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_lcore.h>

#include "complain.h"
#include "options.h"
#include "siov_wq.h"
#include "sweep.h"

struct opt_row;
/* 0 or a negative errno: the value is not among the allowed. */
typedef int (*opt_parser)(const struct opt_row *row, const char *value, struct options *o);

enum value_kind { VALUE_NONE, VALUE_NEEDED, VALUE_MAY_BE };

struct opt_row {
	const char *name;
	enum value_kind value;
	opt_parser parse;
	size_t offset; /* of the field */
	uint64_t min, max;
	const char *const *choices; /* ends with NULL */
	int copy; /* enum copy_mode that it belongs to; -1: any */
	const char *allowed;
	const char *help;
};

static const char *const copy_names[] = {
	[COPY_NATIVE] = "native",
	[COPY_DMADEV] = "dmadev",
	[COPY_MEMCPY] = "memcpy",
	[COPY_MODES] = NULL,
};

static const char *const iommu_names[] = {
	[SIOV_DOMAIN_PASS_THROUGH] = "pt",   [SIOV_DOMAIN_SECOND_STAGE] = "second",
	[SIOV_DOMAIN_FIRST_STAGE] = "first", [SIOV_DOMAIN_NESTED] = "nested",
	[SIOV_DOMAIN_PROCESS] = "sva",       NULL,
};

/* ---- parsers ---- */

static void *
field_of(const struct opt_row *row, struct options *o)
{
	return (char *)o + row->offset;
}

static int
parse_flag(const struct opt_row *row, const char *value, struct options *o)
{
	RTE_SET_USED(value);
	*(bool *)field_of(row, o) = true;
	return 0;
}

static int
parse_text(const struct opt_row *row, const char *value, struct options *o)
{
	if (value[0] == '\0')
		return -EINVAL;
	*(const char **)field_of(row, o) = value;
	return 0;
}

static int
parse_json(const struct opt_row *row, const char *value, struct options *o)
{
	o->json = true;
	return value == NULL ? 0 : parse_text(row, value, o);
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
	const struct sweep_limits limits = {.min = row->min, .max = row->max, .k = 1024};
	uint64_t number;
	int ret = number_parse(value, &limits, &number);

	if (ret == 0)
		*(uint32_t *)field_of(row, o) = (uint32_t)number;
	return ret;
}

static int
parse_power(const struct opt_row *row, const char *value, struct options *o)
{
	int ret = parse_u32(row, value, o);

	return ret == 0 && !rte_is_power_of_2(*(uint32_t *)field_of(row, o)) ? -EINVAL : ret;
}

static int
parse_seconds(const struct opt_row *row, const char *value, struct options *o)
{
	char *end;
	double s = strtod(value, &end);

	if (end == value || *end != '\0' || !isfinite(s) || s < 0.001 || s > 1e6)
		return -ERANGE;
	*(double *)field_of(row, o) = s;
	return 0;
}

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

SIOV_STATIC_ASSERT(sizeof(enum copy_mode) == sizeof(unsigned int), "parse_choice fills it");
SIOV_STATIC_ASSERT(sizeof(enum siov_domain_kind) == sizeof(unsigned int), "parse_choice fills it");

/* ---- the table ---- */

#define FIELD(field) .offset = offsetof(struct options, field)
#define SECONDS "0.001 to 1000000 seconds"

static const struct opt_row rows[] = {
	{"rx", VALUE_NEEDED, parse_text, FIELD(rx), .copy = -1,
	 .allowed = "a port's name or number",
	 .help = "port to receive from: name or number (the first)"},
	{"tx", VALUE_NEEDED, parse_text, FIELD(tx), .copy = -1,
	 .allowed = "a port's name or number",
	 .help = "port to send to (the second, or the first if it is the only one)"},
	{"bidir", VALUE_NONE, parse_flag, FIELD(is_bidir), .copy = -1,
	 .help = "forward from --tx to --rx as well"},
	{"copy", VALUE_NEEDED, parse_choice, FIELD(copy), .choices = copy_names, .copy = -1,
	 .allowed = "native, dmadev, memcpy",
	 .help = "who copies: native (this device), dmadev, memcpy (a second lcore)"},
	{"dma", VALUE_NEEDED, parse_text, FIELD(dma), .copy = COPY_DMADEV,
	 .allowed = "a dmadev's name", .help = "dmadev: its name (the first)"},
	{"nb-flows", VALUE_NEEDED, parse_u32, FIELD(nb_flows), .min = 1, .max = FLOWS_MAX,
	 .copy = -1, .allowed = "1 to 4096",
	 .help = "flows told apart, a PASID each; the last one is all others (64)"},
	{"ring-sz", VALUE_NEEDED, parse_power, FIELD(ring_sz), .min = 2, .max = RING_MAX,
	 .copy = -1, .allowed = "a power of two, 2 to 16384",
	 .help = "copies in flight at most (256)"},
	{"wq-sz", VALUE_NEEDED, parse_u32, FIELD(wq_sz), .min = 1, .max = SIOV_WQ_SIZE_MAX,
	 .copy = COPY_NATIVE, .allowed = "1 to 65536",
	 .help = "native: entries of the shared queue (512)"},
	{"iommu", VALUE_NEEDED, parse_choice, FIELD(iommu), .choices = iommu_names,
	 .copy = COPY_NATIVE, .allowed = "pt, second, first, nested, sva",
	 .help = "native: address spaces of the PASIDs (second)"},
	{"burst", VALUE_NEEDED, parse_u32, FIELD(burst), .min = 1, .max = BURST_MAX, .copy = -1,
	 .allowed = "1 to 256", .help = "packets of a burst (32)"},
	{"mbuf-size", VALUE_NEEDED, parse_u32, FIELD(mbuf_sz), .min = 64, .max = 32768, .copy = -1,
	 .allowed = "64 to 32768 bytes", .help = "bytes that an mbuf holds (2048)"},
	{"nb-mbufs", VALUE_NEEDED, parse_u32, FIELD(nb_mbufs), .min = 64, .max = 1u << 20,
	 .copy = -1, .allowed = "64 to 1048576",
	 .help = "mbufs of each of the two pools (as are needed)"},
	{"total-pkts", VALUE_NEEDED, parse_u64, FIELD(total_pkts), .min = 1, .max = UINT64_MAX - 1,
	 .copy = -1, .allowed = "1 or more", .help = "end when so many were received"},
	{"duration", VALUE_NEEDED, parse_seconds, FIELD(duration_s), .copy = -1, .allowed = SECONDS,
	 .help = "end after so many seconds"},
	{"idle", VALUE_NEEDED, parse_seconds, FIELD(idle_s), .copy = -1, .allowed = SECONDS,
	 .help = "end when nothing was received for so many seconds"},
	{"fwd-core", VALUE_NEEDED, parse_u32, FIELD(fwd_core), .max = RTE_MAX_LCORE - 1, .copy = -1,
	 .allowed = "an lcore", .help = "lcore that forwards"},
	{"copy-core", VALUE_NEEDED, parse_u32, FIELD(copy_core), .max = RTE_MAX_LCORE - 1,
	 .copy = -1, .allowed = "an lcore",
	 .help = "native: lcore of the engine; memcpy: that copies"},
	{"json", VALUE_MAY_BE, parse_json, FIELD(json_path), .copy = -1, .allowed = "a file's path",
	 .help = "report as JSON, on stdout or into a file"},
	{"help", VALUE_NONE, parse_flag, FIELD(wants_help), .copy = -1, .help = "this text"},
	{"version", VALUE_NONE, parse_flag, FIELD(wants_version), .copy = -1,
	 .help = "the version"},
};

static const struct opt_row *
find_row(const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static int
apply(const struct opt_row *row, const char *value, struct options *o)
{
	if (row->value == VALUE_NONE && value != NULL)
		return complain("--%s: takes no value", row->name);
	if (row->value == VALUE_NEEDED && value == NULL)
		return complain("--%s: needs a value; allowed: %s", row->name, row->allowed);
	if (row->parse(row, value, o) != 0)
		return complain("--%s=%s: allowed: %s", row->name, value, row->allowed);
	return 0;
}

/* One argument, and the next one if that is its value. Returns how many, or -1. */
static int
parse_arg(struct options *o, int argc, char **argv, const struct opt_row **row)
{
	const char *name = argv[0], *value;
	size_t len;
	int nb = 1;

	if (strcmp(name, "-h") == 0)
		name = "--help";
	if (strncmp(name, "--", 2) != 0)
		return complain("%s: not an option; -h lists them", argv[0]);
	name += 2;
	len = strcspn(name, "=");
	value = name[len] == '=' ? name + len + 1 : NULL;
	*row = find_row(name, len);
	if (*row == NULL)
		return complain("%s: no such option; -h lists them", argv[0]);
	if (value == NULL && (*row)->value == VALUE_NEEDED && argc > 1) {
		value = argv[1];
		nb = 2;
	}
	return apply(*row, value, o) == 0 ? nb : -1;
}

static int
check(const struct options *o, const bool *is_given)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(rows); i++) {
		if (is_given[i] && rows[i].copy >= 0 && rows[i].copy != (int)o->copy)
			return complain("--%s: only with --copy=%s", rows[i].name,
					copy_names[rows[i].copy]);
	}
	if (o->copy == COPY_DMADEV && o->copy_core >= 0)
		return complain("--copy-core: not with --copy=dmadev, whose driver has its own");
	if (o->fwd_core >= 0 && o->fwd_core == o->copy_core)
		return complain("--copy-core=%d: is the lcore of --fwd-core", o->copy_core);
	return 0;
}

int
options_parse(struct options *o, int argc, char **argv)
{
	bool is_given[RTE_DIM(rows)] = {false};
	const struct opt_row *row = NULL;
	int i, nb;

	*o = (struct options){
		.copy = COPY_NATIVE,
		.nb_flows = 64,
		.ring_sz = 256,
		.wq_sz = 512,
		.burst = 32,
		.mbuf_sz = 2048,
		.iommu = SIOV_DOMAIN_SECOND_STAGE,
		.total_pkts = UINT64_MAX,
		.fwd_core = -1,
		.copy_core = -1,
	};
	for (i = 0; i < argc; i += nb) {
		nb = parse_arg(o, argc - i, argv + i, &row);
		if (nb < 0)
			return -1;
		is_given[row - rows] = true;
	}
	return check(o, is_given);
}

void
options_help(FILE *f)
{
	static const char *const value[] = {"", "=...", "[=...]"};
	char name[32];
	unsigned int i;

	fprintf(f, "usage: " PROGRAM " [EAL arguments] -- [options]\n"
		   "Forwards packets between two ports; a DMA device copies each. EAL's --vdev "
		   "arguments make ports.\n");
	for (i = 0; i < RTE_DIM(rows); i++) {
		snprintf(name, sizeof(name), "--%s%s", rows[i].name, value[rows[i].value]);
		fprintf(f, "  %-20s %s\n", name, rows[i].help);
	}
}

const char *
options_copy_name(enum copy_mode mode)
{
	return copy_names[mode];
}

const char *
options_iommu_name(enum siov_domain_kind kind)
{
	return iommu_names[kind];
}
