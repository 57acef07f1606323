/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>

#include <rte_lcore.h>

#include "complain.h"
#include "cpus.h"
#include "placement.h"

/* ---- numbers ---- */

/* Engines of the device's profile. */
static unsigned int
most_engines(const struct options *o)
{
	return siov_dev_profile_limits(o->dev.profile)->nb_engines;
}

/* Half of the CPUs (rounded down) for engines, the rest for submitters; at least one of each. */
static unsigned int
count_engines(const struct options *o, unsigned int nb_cpus)
{
	unsigned int nb = RTE_MAX(nb_cpus / 2, 1u);

	if (o->engine_cores.nb != 0)
		return o->engine_cores.nb;
	if (o->nb_engines != 0)
		return o->nb_engines;
	return RTE_MAX(RTE_MIN(nb, most_engines(o)), o->dev.nb_engines);
}

static unsigned int
count_submitters(const struct options *o, unsigned int nb_cpus, unsigned int nb_engines)
{
	if (o->submit_cores.nb != 0)
		return o->submit_cores.nb;
	if (o->nb_submitters != 0)
		return o->nb_submitters;
	return RTE_MAX(nb_cpus > nb_engines ? nb_cpus - nb_engines : 1, o->wish_submitters);
}

/* ---- before EAL ---- */

/* Append to a text; false if it is full. */
static bool __rte_format_printf(3, 4) append(char *text, size_t *len, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(text + *len, PLACEMENT_TEXT - *len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= PLACEMENT_TEXT - *len)
		return false;
	*len += (size_t)n;
	return true;
}

static bool
is_named(const struct lcore_list *list, unsigned int id)
{
	unsigned int i;

	for (i = 0; i < list->nb; i++) {
		if (list->id[i] == id)
			return true;
	}
	return false;
}

/* The next lcore id that neither list names. */
static unsigned int
next_free_id(const struct options *o, unsigned int id)
{
	while (is_named(&o->submit_cores, id) || is_named(&o->engine_cores, id))
		id++;
	return id;
}

/* CPUs for engines: the last ones, as many as their share of all lcores that poll. */
static unsigned int
count_engine_cpus(const struct placement *p, unsigned int nb_cpus)
{
	unsigned int nb = nb_cpus * p->nb_engines / (p->nb_engines + p->nb_submitters);

	if (p->nb_engines + p->nb_submitters <= nb_cpus)
		nb = p->nb_engines;
	return RTE_MIN(RTE_MAX(nb, 1u), nb_cpus - 1);
}

/* One lcore: the id that the list names, or the next that no list names. */
static bool
append_lcore(const struct options *o, const struct lcore_list *list, unsigned int idx,
	     unsigned int cpu, unsigned int *last_id, char *lcores, size_t *len)
{
	unsigned int id;

	if (list->nb == 0)
		*last_id = next_free_id(o, *last_id + 1);
	id = list->nb != 0 ? list->id[idx] : *last_id;
	return id < RTE_MAX_LCORE && append(lcores, len, ",%u@%u", id, cpu);
}

int
placement_plan(const struct options *o, struct placement *p, char *lcores)
{
	unsigned int cpus[RTE_MAX_LCORE];
	unsigned int nb_cpus = cpus_list(cpus, RTE_MAX_LCORE);
	unsigned int nb_engine_cpus, nb_other, i, id;
	size_t len = 0;
	bool fits;

	if (nb_cpus == 0)
		return complain("the CPUs of this process cannot be listed");
	p->nb_engines = count_engines(o, nb_cpus);
	p->nb_submitters = count_submitters(o, nb_cpus, p->nb_engines);
	if (p->nb_engines + p->nb_submitters >= RTE_MAX_LCORE)
		return complain("%u submitters and %u engines: allowed: %u lcores in all",
				p->nb_submitters, p->nb_engines, RTE_MAX_LCORE - 1);
	nb_engine_cpus = count_engine_cpus(p, nb_cpus);
	nb_other = nb_cpus - nb_engine_cpus;
	p->main_lcore = next_free_id(o, 0);
	id = p->main_lcore;
	fits = append(lcores, &len, "%u@%u", id, cpus[0]);
	for (i = 0; i < p->nb_submitters && fits; i++)
		fits = append_lcore(o, &o->submit_cores, i, cpus[i % nb_other], &id, lcores, &len);
	for (i = 0; i < p->nb_engines && fits; i++)
		fits = append_lcore(o, &o->engine_cores, i,
				    cpus[nb_engine_cpus == 0 ? 0 : nb_other + i % nb_engine_cpus],
				    &id, lcores, &len);
	return fits ? 0 : complain("too many lcores; allowed: %u in all", RTE_MAX_LCORE - 1);
}

/* ---- after EAL ---- */

static int
take_named(const struct lcore_list *list, const char *option, struct placed_lcore *out)
{
	unsigned int i;

	for (i = 0; i < list->nb; i++) {
		if (!rte_lcore_is_enabled(list->id[i]) || list->id[i] == rte_get_main_lcore())
			return complain("%s: lcore %u; allowed: EAL's lcores without the main "
					"lcore %u",
					option, list->id[i], rte_get_main_lcore());
		out[i].id = list->id[i];
	}
	return 0;
}

/* Worker lcores that no list names. */
static unsigned int
list_free(const struct options *o, unsigned int *ids)
{
	unsigned int lcore, nb = 0;

	RTE_LCORE_FOREACH_WORKER(lcore) {
		if (!is_named(&o->submit_cores, lcore) && !is_named(&o->engine_cores, lcore))
			ids[nb++] = lcore;
	}
	return nb;
}

static void
find_sharing(struct placement *p)
{
	unsigned int nb = p->nb_submitters + p->nb_engines;
	unsigned int i, j;

	for (i = 0; i < nb; i++) {
		struct placed_lcore *a = i < p->nb_submitters ? &p->submitters[i] :
								&p->engines[i - p->nb_submitters];

		for (j = 0; j < nb && !a->yields; j++) {
			struct placed_lcore *b = j < p->nb_submitters ?
							 &p->submitters[j] :
							 &p->engines[j - p->nb_submitters];

			a->yields = i != j && cpus_are_shared(a->id, b->id);
		}
	}
}

/* How many of the lcores that are left serve as engines. */
static unsigned int
split_free(const struct options *o, unsigned int nb_free)
{
	if (o->engine_cores.nb != 0)
		return 0;
	if (o->nb_engines != 0)
		return o->nb_engines;
	if (o->submit_cores.nb != 0)
		return RTE_MIN(nb_free, most_engines(o));
	if (o->nb_submitters != 0 && o->nb_submitters < nb_free)
		return RTE_MIN(nb_free - o->nb_submitters, most_engines(o));
	return RTE_MAX(RTE_MIN(nb_free / 2, most_engines(o)), o->dev.nb_engines);
}

/* And how many submit. */
static unsigned int
rest_free(const struct options *o, unsigned int nb_free, unsigned int engines)
{
	if (o->submit_cores.nb != 0)
		return 0;
	if (o->nb_submitters != 0)
		return o->nb_submitters;
	return nb_free > engines ? nb_free - engines : 1;
}

int
placement_resolve(const struct options *o, struct placement *p)
{
	bool is_planned = p->nb_engines != 0;
	unsigned int ids[RTE_MAX_LCORE];
	unsigned int nb_free = list_free(o, ids);
	unsigned int engines, submitters, i;

	engines = is_planned ? p->nb_engines - o->engine_cores.nb : split_free(o, nb_free);
	submitters =
		is_planned ? p->nb_submitters - o->submit_cores.nb : rest_free(o, nb_free, engines);
	*p = (struct placement){.main_lcore = rte_get_main_lcore()};
	if (take_named(&o->submit_cores, "--submit-cores", p->submitters) != 0 ||
	    take_named(&o->engine_cores, "--engine-cores", p->engines) != 0)
		return -1;
	if (submitters + engines > nb_free)
		return complain("too few lcores: %u beside the main one; needed: %u (%u for "
				"submitters, %u for engines); EAL's --lcores or -l gives more",
				nb_free + o->submit_cores.nb + o->engine_cores.nb,
				submitters + engines + o->submit_cores.nb + o->engine_cores.nb,
				submitters + o->submit_cores.nb, engines + o->engine_cores.nb);
	for (i = 0; i < submitters; i++)
		p->submitters[o->submit_cores.nb + i].id = ids[i];
	for (i = 0; i < engines; i++)
		p->engines[o->engine_cores.nb + i].id = ids[submitters + i];
	p->nb_submitters = o->submit_cores.nb + submitters;
	p->nb_engines = o->engine_cores.nb + engines;
	find_sharing(p);
	return 0;
}

/* ---- telling ---- */

bool
placement_line(const struct placement *p, unsigned int idx, char *line)
{
	unsigned int lcore = p->main_lcore;
	const char *role = "control";
	char number[16] = "";
	char cpus[32];

	if (idx > p->nb_submitters + p->nb_engines)
		return false;
	if (idx > p->nb_submitters) {
		idx -= p->nb_submitters + 1;
		lcore = p->engines[idx].id;
		role = "engine";
		snprintf(number, sizeof(number), " %u", idx);
	} else if (idx > 0) {
		lcore = p->submitters[idx - 1].id;
		role = "submitter";
		snprintf(number, sizeof(number), " %u", idx - 1);
	}
	cpus_print(lcore, cpus, sizeof(cpus));
	snprintf(line, PLACEMENT_LINE, "lcore %u @ CPU %s: %s%s", lcore, cpus, role, number);
	return true;
}
