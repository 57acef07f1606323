/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>

#include "complain.h"
#include "injector.h"
#include "pager.h"
#include "phase.h"
#include "ptest.h"
#include "run.h"
#include "snapshot.h"
#include "via_vdev.h"

#define PRS_SLOTS 4096u /* so that there are many pages to ask for */
#define PARKED_OF_PASID 32u /* operations: half of what an engine lets wait */
#define PARKED_MAX 256u

/* One point being measured. */
struct run {
	struct job *job;
	struct result_point point;
	struct submitter_conf conf;
	struct clients clients;
	struct pager *pager; /* NULL: everything is mapped at once */
	struct submitter *submitters;
	unsigned int nb_submitters;
	struct phase phase;
};

/* ---- set-up ---- */

struct result_point
run_first_point(const struct options *o)
{
	return (struct result_point){
		.buf_sz = o->op->has_data ? (uint32_t)o->buf_sz.v[0] : 0,
		.batch_sz = (uint32_t)o->batch_sz.v[0],
		.rate = o->arrival != ARRIVAL_CLOSED && o->rate.nb > 0 ? o->rate.v[0] : 0,
		.nb_pasids = o->nb_pasids,
	};
}

struct submitter_conf
run_submitter_conf(const struct options *o, unsigned int nb_submitters,
		   const struct result_point *point)
{
	return (struct submitter_conf){
		.op = o->op,
		.submit = o->submit,
		.buf_sz = point->buf_sz,
		.batch_sz = point->batch_sz,
		.qdepth = o->qdepth,
		.nb_slots = o->prs ? RTE_MAX(o->qdepth, PRS_SLOTS) : o->qdepth,
		.blocks = o->prs,
		.arrival = point->rate != 0 ? o->arrival : ARRIVAL_CLOSED,
		.rate = (double)point->rate / nb_submitters,
		.seed = o->seed,
		.retry_policy = o->retry_policy,
		.retry_min_ns = o->retry_min_ns,
		.retry_max_ns = o->retry_max_ns,
		.qos = &o->qos,
	};
}

static struct clients_conf
make_clients_conf(const struct options *o, const struct submitter_conf *conf,
		  unsigned int nb_submitters, uint32_t nb_pasids)
{
	return (struct clients_conf){
		.nb_clients = nb_submitters,
		.nb_pasids = nb_pasids,
		.submit = o->submit,
		.region_bytes = submitter_region_bytes(conf, nb_submitters),
		.qos = &o->qos,
		.are_adis = o->nb_adis != 0,
		.are_vdevs = o->via == VIA_VDEV,
		.guest = {.kind = o->iommu,
			  .page_shift = o->page_shift,
			  .levels = o->levels,
			  .seed = o->seed},
		.window_bytes = submitter_window_bytes,
		.arg = conf,
	};
}

/* Posted writes must not find a full queue: nobody would tell. */
static int
fit_dedicated(struct run *run)
{
	const struct siov_dev_conf *dev = siov_dev_get_conf(run->job->rig->dev);
	const struct options *o = run->job->opts;
	uint32_t wq_ids[SIOV_DEV_WQS_MAX];
	unsigned int i, nb = clients_list_wqs(dev, o->submit, wq_ids);
	uint32_t smallest = UINT32_MAX;

	if (o->submit != SUBMIT_MOVDIR64B)
		return 0;
	run->point.nb_pasids = nb;
	for (i = 0; i < nb; i++)
		smallest = RTE_MIN(smallest, dev->wqs[wq_ids[i]].size);
	if (!o->is_given[OPT_QDEPTH]) {
		run->conf.qdepth = RTE_MIN(run->conf.qdepth, smallest);
		run->conf.nb_slots = o->prs ? run->conf.nb_slots : run->conf.qdepth;
	}
	if (run->nb_submitters > nb)
		return complain("--submit=movdir64b: %u submitters; allowed: at most %u, the "
				"dedicated queues",
				run->nb_submitters, nb);
	return 0;
}

/* Operations that wait for pages must all find a place, together and those of one PASID. */
static void
fit_parking(struct run *run)
{
	uint32_t room = RTE_MIN(run->point.nb_pasids * PARKED_OF_PASID, PARKED_MAX);

	if (run->job->opts->prs && !run->job->opts->is_given[OPT_QDEPTH])
		run->conf.qdepth =
			RTE_MIN(run->conf.qdepth, RTE_MAX(room / run->nb_submitters, 1u));
}

static int
create_submitters(struct run *run)
{
	const struct placement *p = run->job->rig->placement;
	uint64_t total = run->job->opts->total_ops;
	unsigned int i, nb = run->nb_submitters;

	run->submitters = aligned_alloc(64, nb * sizeof(run->submitters[0]));
	if (run->submitters == NULL)
		return complain("submitters: too little memory");
	memset(run->submitters, 0, nb * sizeof(run->submitters[0]));
	for (i = 0; i < nb; i++) {
		struct submitter *s = &run->submitters[i];

		if (submitter_create(s, &run->conf, &run->clients.client[i], nb) != 0)
			return complain("submitter %u: too little memory", i);
		s->yields = p->submitters[i].yields;
		s->total_ops = total == 0 ? UINT64_MAX : total / nb + (i < total % nb);
		s->phase = &run->phase;
	}
	return 0;
}

static int
create_run(struct run *run, struct job *job, const struct result_point *point)
{
	const struct options *o = job->opts;
	struct clients_conf clients_conf;

	*run = (struct run){
		.job = job,
		.point = *point,
		.nb_submitters = job->rig->placement->nb_submitters,
		.phase = {.main = submitter_main, .arg_size = sizeof(struct submitter)},
	};
	phase_init(&run->phase);
	run->conf = run_submitter_conf(o, run->nb_submitters, point);
	if (fit_dedicated(run) != 0)
		return -1;
	fit_parking(run);
	clients_conf = make_clients_conf(o, &run->conf, run->nb_submitters, run->point.nb_pasids);
	if (o->prs && pager_create(job->rig, clients_count_guests(&clients_conf), &run->pager) != 0)
		return -1;
	if (run->pager != NULL)
		clients_conf.queues = pager_queues(run->pager);
	if (clients_create(&run->clients, job->rig, &clients_conf) != 0 ||
	    create_submitters(run) != 0)
		return -1;
	run->phase.args = run->submitters;
	if (run->pager != NULL && pager_start(run->pager, &run->clients) != 0)
		return -1;
	injector_attach(job->injector, &run->clients, &run->phase, o->op);
	return rig_start_engines(job->rig);
}

static int
free_run(struct run *run)
{
	unsigned int i;
	int err;

	err = injector_detach(run->job->injector);
	/* Lanes are taken back while engines still run: they may have to empty them. */
	err |= clients_detach(&run->clients);
	rig_stop_engines(run->job->rig);
	if (run->pager != NULL)
		pager_stop(run->pager);
	err |= clients_free(&run->clients);
	err |= pager_free(run->pager);
	phase_fini(&run->phase);
	for (i = 0; i < run->nb_submitters && run->submitters != NULL; i++)
		submitter_free(&run->submitters[i]);
	free(run->submitters);
	return err;
}

uint64_t
run_bytes(const struct options *o)
{
	struct result_point point = run_first_point(o);
	unsigned int nb_submitters = RTE_MAX(RTE_MAX(o->nb_submitters, o->wish_submitters), 4u);
	struct submitter_conf conf;
	struct clients_conf clients_conf;
	uint64_t bytes;
	unsigned int i;

	for (i = 0; i < o->buf_sz.nb && o->op->has_data; i++)
		point.buf_sz = RTE_MAX(point.buf_sz, (uint32_t)o->buf_sz.v[i]);
	for (i = 0; i < o->batch_sz.nb; i++)
		point.batch_sz = RTE_MAX(point.batch_sz, (uint32_t)o->batch_sz.v[i]);
	conf = run_submitter_conf(o, nb_submitters, &point);
	clients_conf = make_clients_conf(o, &conf, nb_submitters, point.nb_pasids);
	bytes = rig_bytes(o) + clients_bytes(&clients_conf);
	if (o->via == VIA_VDEV)
		bytes += o->nb_pasids * VIA_VDEV_BYTES;
	if (o->ptest->extra_bytes != NULL)
		bytes += o->ptest->extra_bytes(o);
	return bytes;
}

/* ---- checks ---- */

int
run_check_rows(const struct result *result)
{
	uint32_t i;

	for (i = 0; i < result->nb_rows; i++) {
		const struct result_row *row = &result->rows[i];
		const struct result_counts *nb = &row->nb;

		if (nb->attempts != nb->accepted + result_retries(nb) ||
		    nb->accepted != nb->completed + nb->failed + nb->aborted)
			return complain("counts do not add up: PASID %u, wq %u: %" PRIu64
					" attempts, %" PRIu64 " accepted, %" PRIu64
					" retries, %" PRIu64 " completed, %" PRIu64
					" failed, %" PRIu64 " aborted",
					row->pasid, row->wq_id, nb->attempts, nb->accepted,
					result_retries(nb), nb->completed, nb->failed, nb->aborted);
	}
	return 0;
}

static int
compare(const char *what, uint64_t device, uint64_t submitters)
{
	if (device == submitters)
		return 0;
	return complain("counts do not add up: %s: %" PRIu64 " by the device, %" PRIu64
			" by its submitters",
			what, device, submitters);
}

/* The device's totals against what the submitters counted. */
static int
check_totals(const struct run *run, const struct result_counts *sum)
{
	struct submitter_counts nb = {.dropped = 0};
	bool posts = run->conf.submit == SUBMIT_MOVDIR64B;
	uint64_t attempts = 0;
	unsigned int i, answer;

	for (i = 0; i < run->nb_submitters; i++) {
		const struct submitter_counts *more = &run->submitters[i].nb;

		for (answer = 0; answer <= SIOV_DMWR_NB; answer++) {
			nb.answers[answer] += more->answers[answer];
			attempts += more->answers[answer];
		}
		nb.completed += more->completed + more->wrong;
		nb.failed += more->failed;
		nb.aborted += more->aborted;
	}
	if (compare("attempts", sum->attempts, attempts) != 0 ||
	    compare("accepted", sum->accepted, nb.answers[SIOV_DMWR_SUCCESS]) != 0 ||
	    compare("completed", sum->completed, nb.completed) != 0 ||
	    compare("failed", sum->failed, nb.failed) != 0 ||
	    compare("aborted", sum->aborted, nb.aborted) != 0)
		return -1;
	/* Posted writes are told apart by the device only. */
	if (posts)
		return 0;
	return compare("retries for capacity", sum->retry_capacity,
		       nb.answers[SIOV_DMWR_RETRY_CAPACITY]);
}

static int
check_lost(const struct run *run, unsigned int idx)
{
	uint64_t lost = run->submitters[idx].nb.lost;

	return lost == 0 ?
		       0 :
		       complain("submitter %u: %" PRIu64 " descriptors did not complete in time",
				idx, lost);
}

static int
check_submitter(const struct run *run, unsigned int idx)
{
	const struct submitter *s = &run->submitters[idx];
	uint64_t wrong;

	if (check_lost(run, idx) != 0)
		return -1;
	if (s->nb.failed != s->nb_injected)
		return complain("submitter %u: %" PRIu64 " descriptors failed, the first of PASID "
				"%u with status 0x%02x at address 0x%" PRIx64,
				idx, s->nb.failed - s->nb_injected, s->first_bad_pasid,
				work_record_status(s->first_bad), s->first_bad_addr);
	if (s->nb.wrong != 0)
		return complain("submitter %u: %" PRIu64 " completion records are wrong, the first "
				"of PASID %u: 0x%016" PRIx64 " instead of 0x%016" PRIx64,
				idx, s->nb.wrong, s->first_bad_pasid, s->first_bad, s->expected);
	if (!run->job->opts->verify)
		return 0;
	wrong = submitter_count_wrong(s);
	return wrong == 0 ?
		       0 :
		       complain("submitter %u: bytes or CRCs of %" PRIu64 " operations are wrong",
				idx, wrong);
}

/* The row of a PASID on a queue, or NULL. */
static struct result_row *
find_row(struct result *result, const struct client_pasid *pasid)
{
	uint32_t low = 0, high = result->nb_rows;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		struct result_row *row = &result->rows[mid];

		if (row->wq_id == pasid->wq_id && row->pasid == pasid->pasid)
			return row;
		if (row->wq_id < pasid->wq_id ||
		    (row->wq_id == pasid->wq_id && row->pasid < pasid->pasid))
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static void
add_dropped(const struct run *run, struct result *result)
{
	unsigned int i;
	uint32_t p;

	for (i = 0; i < run->nb_submitters; i++) {
		const struct submitter *s = &run->submitters[i];

		for (p = 0; p < s->client->nb_portals && s->nb.dropped != 0; p++) {
			struct result_row *row = find_row(result, s->client->portals[p].pasid);

			if (row != NULL)
				row->nb.dropped += s->dropped[p];
		}
	}
}

static double
phase_seconds(const struct run *run)
{
	uint64_t start = UINT64_MAX, end = 0;
	unsigned int i;

	for (i = 0; i < run->nb_submitters; i++) {
		start = RTE_MIN(start, run->submitters[i].nb.start_cycles);
		end = RTE_MAX(end, run->submitters[i].nb.end_cycles);
	}
	return (double)(end - start) / (double)rte_get_tsc_hz();
}

/* ---- one point ---- */

/* Weights as the device has them, if every row has one. */
static void
add_shares(const struct run *run, struct result *result)
{
	uint32_t i, nb = 0;

	for (i = 0; i < result->nb_rows; i++) {
		struct result_row *row = &result->rows[i];
		struct siov_qos_conf conf = {.weight = 0};

		if (siov_dev_qos_get(run->job->rig->dev, row->wq_id, row->pasid, &conf) != 0 ||
		    conf.weight == 0)
			continue;
		row->share = (double)conf.weight * RTE_MAX(conf.priority, 1u);
		nb++;
	}
	result->has_shares = nb != 0 && nb == result->nb_rows;
	for (i = 0; i < result->nb_rows && !result->has_shares; i++)
		result->rows[i].share = 1;
}

/* One repeat. 0, -1 after one line; result_free is due either way. */
static int
measure_once(struct run *run, struct result *result)
{
	struct snapshot before, after = {.entries = NULL};
	unsigned int i;
	int err;

	*result = (struct result){.rows = NULL};
	for (i = 0; i < run->nb_submitters && run->job->opts->verify; i++)
		submitter_poison(&run->submitters[i]);
	if (pager_reset(run->pager) != 0)
		return -1;
	err = snapshot_take(&before, run->job->rig);
	if (err == 0)
		err = phase_run(&run->phase, run->job, run->job->opts->duration_s, "measuring");
	if (err == 0)
		err = snapshot_take(&after, run->job->rig);
	if (err == 0)
		err = snapshot_difference(&before, &after, result);
	snapshot_free(&before);
	snapshot_free(&after);
	if (err != 0)
		return err == -ENOMEM ? complain("statistics: too little memory") : err;
	result->point = run->point;
	result->duration_s = phase_seconds(run);
	add_dropped(run, result);
	add_shares(run, result);
	result_sum_up(result);
	for (i = 0; i < run->nb_submitters; i++)
		err |= check_submitter(run, i);
	return err | run_check_rows(result) | check_totals(run, &result->sum);
}

static int
compare_mops(const void *a, const void *b)
{
	const struct result *x = a, *y = b;
	double mops_x = result_mops(&x->sum, x->duration_s);
	double mops_y = result_mops(&y->sum, y->duration_s);

	return (mops_x > mops_y) - (mops_x < mops_y);
}

/* Move the median out, free the rest. */
static void
take_median(struct result *results, uint32_t nb, struct result *out)
{
	uint32_t median = (nb - 1) / 2, i;

	qsort(results, nb, sizeof(results[0]), compare_mops);
	*out = results[median];
	out->nb_repeats = nb;
	out->mops_min = result_mops(&results[0].sum, results[0].duration_s);
	out->mops_max = result_mops(&results[nb - 1].sum, results[nb - 1].duration_s);
	results[median].rows = NULL;
	for (i = 0; i < nb; i++)
		result_free(&results[i]);
}

/* What it lost would be counted by the first repeat. */
static int
warm_up(struct run *run)
{
	unsigned int i;
	int err = phase_run(&run->phase, run->job, run->job->opts->warmup_s, "warming up");

	for (i = 0; i < run->nb_submitters && err == 0; i++)
		err = check_lost(run, i);
	return err;
}

static int
measure_repeats(struct run *run, struct result *out)
{
	const struct options *o = run->job->opts;
	struct result *results = calloc(o->repeat, sizeof(results[0]));
	uint32_t nb = 0;
	int err = 0;

	if (results == NULL)
		return complain("results: too little memory");
	if (o->warmup_s > 0 && !run->job->stopper->is_stopped)
		err = warm_up(run);
	while (err == 0 && nb < o->repeat && !run->job->stopper->is_stopped)
		err = measure_once(run, &results[nb++]);
	if (nb > 0)
		take_median(results, nb, out);
	free(results);
	return err;
}

int
run_point(struct job *job, const struct result_point *point, struct result *out)
{
	struct run run;
	int err;

	*out = (struct result){.rows = NULL};
	err = create_run(&run, job, point);
	if (err == 0)
		err = measure_repeats(&run, out);
	return free_run(&run) | err;
}

int
run_and_report(struct job *job, const struct result_point *point)
{
	struct result result;
	int err = run_point(job, point, &result);

	if (result.nb_repeats == 0)
		return err;
	if (report_add(job->report, &result) != 0) {
		result_free(&result);
		return complain("results: too little memory");
	}
	return err;
}

/* Point i of the sweeps: sizes first, then batches, then rates. */
static struct result_point
sweep_point(const struct options *o, unsigned int i)
{
	struct result_point point = run_first_point(o);
	unsigned int nb_rates = point.rate != 0 ? o->rate.nb : 1;

	if (nb_rates > 1)
		point.rate = o->rate.v[i % nb_rates];
	i /= nb_rates;
	point.batch_sz = (uint32_t)o->batch_sz.v[i % o->batch_sz.nb];
	if (o->op->has_data)
		point.buf_sz = (uint32_t)o->buf_sz.v[i / o->batch_sz.nb];
	return point;
}

int
run_sweeps(struct job *job)
{
	const struct options *o = job->opts;
	unsigned int i, nb = o->batch_sz.nb;

	if (o->op->has_data)
		nb *= o->buf_sz.nb;
	if (run_first_point(o).rate != 0)
		nb *= o->rate.nb;
	for (i = 0; i < nb && !job->stopper->is_stopped; i++) {
		const struct result_point point = sweep_point(o, i);

		if (run_and_report(job, &point) != 0)
			return -1;
	}
	return 0;
}
