/* SPDX-License-Identifier: BSD-3-Clause */
/* show iommu: the platform's counters, faults and translation caches */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

CMD_WORD(tok_show, 0, "show");
CMD_WORD(tok_iommu, 1, "iommu");
CMD_WORD(tok_what, 2, "stats#faults#atc");

struct counter {
	const char *name;
	uint64_t value;
};

static void
print_counters(const struct counter *counters, unsigned int nb)
{
	unsigned int i;

	for (i = 0; i < nb; i++)
		printf("%s: %" PRIu64 "\n", counters[i].name, counters[i].value);
}

static void
print_platform(struct session *session)
{
	struct siov_iommu_stats s;

	siov_iommu_stats(session->rig.iommu, &s);
	const struct counter counters[] = {
		{"domains", s.nb_domains},
		{"pasids_allocated", s.nb_pasids_allocated},
		{"pasids_bound", s.nb_pasids_bound},
		{"atcs", s.nb_atcs},
		{"ranges", s.nb_ranges},
		{"table_pages", s.table_pages},
		{"deferred_pages", s.deferred_pages},
		{"memory_bytes", s.memory_bytes},
		{"invalidations", s.nb_invalidations},
		{"invalidation_timeouts", s.nb_inval_timeouts},
		{"faults", s.nb_faults},
		{"faults_lost", s.nb_faults_lost},
	};

	print_counters(counters, RTE_DIM(counters));
}

static void
print_engine(const struct siov_engine *engine, unsigned int idx)
{
	struct siov_engine_stats s;

	siov_engine_get_stats(engine, &s);
	const struct counter counters[] = {
		{"atc_lookup_ops", s.atc_lookups},
		{"atc_miss_ops", s.atc_misses},
		{"parked_ops", s.parked},
		{"park_refused_ops", s.park_refused},
		{"park_timeout_ops", s.park_timeouts},
		{"page_requests", s.page_requests},
		{"page_answers", s.page_answers},
		{"page_requests_dropped", s.prq_full},
	};
	unsigned int i;

	for (i = 0; i < RTE_DIM(counters); i++)
		printf("engine%u_%s: %" PRIu64 "\n", idx, counters[i].name, counters[i].value);
}

static void
print_stats(struct session *session)
{
	unsigned int i, nb = siov_dev_get_conf(session->rig.dev)->nb_engines;

	print_platform(session);
	for (i = 0; i < nb; i++)
		print_engine(siov_dev_engine(session->rig.dev, i), i);
}

static void
print_atc(struct session *session)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(session->rig.dev);
	struct siov_engine_stats s;
	unsigned int i;

	for (i = 0; i < conf->nb_engines; i++) {
		siov_engine_get_stats(siov_dev_engine(session->rig.dev, i), &s);
		printf("engine %u: %u entries, %" PRIu64 " lookups, %" PRIu64
		       " misses, hit ratio %.4f, %" PRIu64 " second probes, %" PRIu64
		       " nest walks, %" PRIu64 " invalidations\n",
		       i, conf->atc_entries, s.atc_lookups, s.atc_misses,
		       s.atc_lookups == 0 || s.atc_misses > s.atc_lookups ?
			       0 :
			       1 - (double)s.atc_misses / (double)s.atc_lookups,
		       s.atc_second_probes, s.atc_nest_walks, s.atc_invalidations);
	}
}

static void
show_iommu(struct session *session, const struct cmd_args *args)
{
	if (strcmp(args->word[2], "atc") == 0) {
		print_atc(session);
	} else if (strcmp(args->word[2], "faults") == 0) {
		fault_log_fetch(&session->faults, session->rig.iommu);
		fault_log_print(stdout, &session->faults, session->rig.iommu);
	} else {
		print_stats(session);
	}
}

const struct cmd cmds_show_iommu[] = {
	{show_iommu,
	 "show",
	 "show iommu (stats|faults|atc): faults keeps the last 64",
	 {&tok_show, &tok_iommu, &tok_what}},
	{.run = NULL},
};
