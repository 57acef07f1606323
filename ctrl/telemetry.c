/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Read-only telemetry commands, /siov/...
 *
 * Telemetry knows functions, not objects, and never forgets a command. So there is one list of all
 * devices of the process, the only mutable global beside the log type: commands are registered with
 * the first device, and find theirs by its name in the list. The list's lock is held while a
 * command runs, so that no device goes away under it. Lock order: list, then device.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_telemetry.h>

#include "dev_adi_priv.h"

#define LIST_PAGE 256u /* PASIDs in one answer */
#define STATS_PAGE 16u

static struct {
	pthread_mutex_t lock;
	TAILQ_HEAD(, siov_dev) devs;
	bool is_registered;
} registry = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.devs = TAILQ_HEAD_INITIALIZER(registry.devs),
};

/* What a command is about. */
struct subject {
	struct siov_dev *dev;
	uint32_t idx; /* of a queue, or of an ADI */
	uint32_t from; /* first PASID, or index of an ADI, of a page */
};

enum params { NOTHING, DEVICE, DEVICE_FROM, DEVICE_PART, DEVICE_PART_FROM };

struct command {
	const char *name;
	enum params params; /* "from" may be left out */
	int (*show)(const struct subject *subject, struct rte_tel_data *d);
	const char *help;
};

/* ---- answers ---- */

static int
show_devs(const struct subject *subject, struct rte_tel_data *d)
{
	struct siov_dev *dev;

	RTE_SET_USED(subject);
	rte_tel_data_start_array(d, RTE_TEL_STRING_VAL);
	TAILQ_FOREACH(dev, &registry.devs, telemetry_entry)
		rte_tel_data_add_array_string(d, dev->conf.name);
	return 0;
}

static int
show_wqs(const struct subject *subject, struct rte_tel_data *d)
{
	unsigned int i;

	rte_tel_data_start_array(d, SIOV_TEL_UINT_VAL);
	for (i = 0; i < subject->dev->conf.nb_wqs; i++)
		siov_tel_add_array_uint(d, i);
	return 0;
}

static const char *
name_of_state(uint32_t state)
{
	static const char *const names[] = {
		[SIOV_WQ_DISABLED] = "disabled",
		[SIOV_WQ_ENABLED] = "enabled",
		[SIOV_WQ_DRAINING] = "draining",
	};

	return state < RTE_DIM(names) ? names[state] : "unknown";
}

/* Under the device's lock. */
static void
add_wq_info(struct rte_tel_data *d, const struct dev_wq *dwq)
{
	const struct siov_wq *wq = dwq->wq;

	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "mode",
				     wq->mode == SIOV_WQ_SHARED ? "shared" : "dedicated");
	rte_tel_data_add_dict_string(d, "state",
				     name_of_state(siov_atomic_load(&wq->state, relaxed)));
	siov_tel_add_dict_uint(d, "size", wq->size);
	siov_tel_add_dict_uint(d, "threshold", wq->threshold);
	siov_tel_add_dict_uint(d, "group", dwq->conf->group);
	siov_tel_add_dict_uint(d, "priority", dwq->conf->priority);
	siov_tel_add_dict_uint(d, "engines", dwq->nb_engines);
	siov_tel_add_dict_uint(d, "lanes_max", wq->lanes_max);
	siov_tel_add_dict_uint(d, "lanes", wq->nb_attached);
	if (wq->mode == SIOV_WQ_SHARED)
		siov_tel_add_dict_uint(d, "free_credits", siov_wq_free_credits(wq));
	else
		siov_tel_add_dict_uint(d, "pasid", dwq->conf->pasid);
}

static int
show_wq_info(const struct subject *subject, struct rte_tel_data *d)
{
	const struct dev_wq *dwq;

	dev_lock(subject->dev);
	dwq = dev_find_wq(subject->dev, subject->idx);
	if (dwq != NULL)
		add_wq_info(d, dwq);
	dev_unlock(subject->dev);
	return dwq != NULL ? 0 : -EINVAL;
}

static void
add_counter(struct rte_tel_data *d, const char *prefix, const char *name, uint64_t value)
{
	char full[RTE_TEL_MAX_STRING_LEN];

	snprintf(full, sizeof(full), "%s%s", prefix, name);
	siov_tel_add_dict_uint(d, full, value);
}

static void
add_stats(struct rte_tel_data *d, const char *prefix, const struct siov_stats *stats)
{
	static const char *const answers[SIOV_DMWR_NB] = {
		[SIOV_DMWR_SUCCESS] = "accepted_ops",
		[SIOV_DMWR_RETRY_CAPACITY] = "retry_capacity_ops",
		[SIOV_DMWR_RETRY_QOS] = "retry_qos_ops",
		[SIOV_DMWR_RETRY_DRAINING] = "retry_draining_ops",
		[SIOV_DMWR_RETRY_DISABLED] = "retry_disabled_ops",
		[SIOV_DMWR_RETRY_MODE] = "retry_mode_ops",
	};
	unsigned int i;

	for (i = 0; i < SIOV_DMWR_NB; i++)
		add_counter(d, prefix, answers[i], stats->submitted[i]);
	add_counter(d, prefix, "completed_ops", stats->completed);
	add_counter(d, prefix, "failed_ops", stats->failed);
	add_counter(d, prefix, "aborted_ops", stats->aborted);
	add_counter(d, prefix, "bytes", stats->bytes);
}

static int
show_wq_stats(const struct subject *subject, struct rte_tel_data *d)
{
	const struct siov_mem *mem = subject->dev->mem;
	const struct siov_dev_conf *conf = &subject->dev->conf;
	struct siov_stats *stats;
	char prefix[32];
	int ret;

	stats = siov_mem_alloc(mem, "siov_stats", sizeof(*stats), RTE_CACHE_LINE_SIZE, -1);
	if (stats == NULL)
		return -ENOMEM;
	ret = siov_dev_wq_stats(subject->dev, subject->idx, stats);
	if (ret == 0) {
		rte_tel_data_start_dict(d);
		snprintf(prefix, sizeof(prefix), "%s_q%" PRIu32 "_",
			 conf->wqs[subject->idx].mode == SIOV_WQ_SHARED ? "swq" : "dwq",
			 subject->idx);
		add_stats(d, prefix, stats);
	}
	siov_mem_free(mem, stats);
	return ret;
}

static int
show_iommu_stats(const struct subject *subject, struct rte_tel_data *d)
{
	struct siov_dev *dev = subject->dev;
	struct siov_engine_stats engine;
	struct siov_iommu_stats iommu;
	struct siov_engine_stats sum = {0};
	unsigned int i;

	siov_iommu_stats(dev->iommu, &iommu);
	for (i = 0; i < dev->conf.nb_engines; i++) {
		siov_engine_get_stats(dev->engines[i], &engine);
		sum.atc_lookups += engine.atc_lookups;
		sum.atc_misses += engine.atc_misses;
		sum.page_requests += engine.page_requests;
		sum.page_answers += engine.page_answers;
		sum.park_timeouts += engine.park_timeouts;
	}
	rte_tel_data_start_dict(d);
	siov_tel_add_dict_uint(d, "atc_lookup_ops", sum.atc_lookups);
	siov_tel_add_dict_uint(d, "atc_miss_ops", sum.atc_misses);
	siov_tel_add_dict_uint(d, "domains", iommu.nb_domains);
	siov_tel_add_dict_uint(d, "pasids_allocated", iommu.nb_pasids_allocated);
	siov_tel_add_dict_uint(d, "pasids_bound", iommu.nb_pasids_bound);
	siov_tel_add_dict_uint(d, "table_pages", iommu.table_pages);
	siov_tel_add_dict_uint(d, "memory_bytes", iommu.memory_bytes);
	siov_tel_add_dict_uint(d, "invalidation_ops", iommu.nb_invalidations);
	siov_tel_add_dict_uint(d, "invalidation_timeouts", iommu.nb_inval_timeouts);
	siov_tel_add_dict_uint(d, "page_request_ops", sum.page_requests);
	siov_tel_add_dict_uint(d, "page_answer_ops", sum.page_answers);
	siov_tel_add_dict_uint(d, "page_request_timeouts", sum.park_timeouts);
	siov_tel_add_dict_uint(d, "fault_ops", iommu.nb_faults);
	siov_tel_add_dict_uint(d, "faults_lost", iommu.nb_faults_lost);
	return 0;
}

/* ---- pages of PASIDs ---- */

struct page {
	struct rte_tel_data *d;
	unsigned int nb, nb_max;
	uint32_t next; /* first PASID that is not on the page; 0: none */
};

/* Whether there is room for one more; if not, note where the next page starts. */
static bool
turn_page(struct page *page, uint32_t pasid)
{
	if (page->nb++ < page->nb_max)
		return false;
	page->next = pasid;
	return true;
}

static int
list_pasid(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	struct page *page = arg;

	RTE_SET_USED(wq_id);
	RTE_SET_USED(stats);
	if (pasid == SIOV_PASID_OTHERS)
		return 0;
	if (turn_page(page, pasid))
		return 1;
	siov_tel_add_array_uint(page->d, pasid);
	return 0;
}

static int
show_pasids(const struct subject *subject, struct rte_tel_data *d)
{
	struct page page = {.d = rte_tel_data_alloc(), .nb_max = LIST_PAGE};
	int ret;

	if (page.d == NULL)
		return -ENOMEM;
	rte_tel_data_start_array(page.d, SIOV_TEL_UINT_VAL);
	ret = dev_walk_from(subject->dev, subject->idx, subject->from, list_pasid, &page);
	rte_tel_data_start_dict(d);
	if (ret < 0 || rte_tel_data_add_dict_container(d, "pasids", page.d, 0) != 0) {
		rte_tel_data_free(page.d);
		return ret < 0 ? ret : -ENOSPC;
	}
	if (page.next != 0)
		siov_tel_add_dict_uint(d, "next", page.next);
	return 0;
}

static int
show_pasid_row(unsigned int wq_id, uint32_t pasid, const struct siov_stats *stats, void *arg)
{
	struct page *page = arg;
	struct rte_tel_data *row;
	char name[32];

	RTE_SET_USED(wq_id);
	if (turn_page(page, pasid))
		return 1;
	row = rte_tel_data_alloc();
	if (row == NULL)
		return -ENOMEM;
	if (pasid == SIOV_PASID_OTHERS)
		snprintf(name, sizeof(name), "others");
	else
		snprintf(name, sizeof(name), "pasid_%" PRIu32, pasid);
	rte_tel_data_start_dict(row);
	add_stats(row, "", stats);
	if (rte_tel_data_add_dict_container(page->d, name, row, 0) != 0) {
		rte_tel_data_free(row);
		return -ENOSPC;
	}
	return 0;
}

static int
show_pasid_stats(const struct subject *subject, struct rte_tel_data *d)
{
	struct page page = {.d = d, .nb_max = STATS_PAGE};
	int ret;

	rte_tel_data_start_dict(d);
	ret = dev_walk_from(subject->dev, subject->idx, subject->from, show_pasid_row, &page);
	if (page.next != 0)
		siov_tel_add_dict_uint(d, "next", page.next);
	return ret < 0 ? ret : 0;
}

/* ---- ADIs ---- */

static int
show_adis(const struct subject *subject, struct rte_tel_data *d)
{
	struct page page = {.d = rte_tel_data_alloc(), .nb_max = LIST_PAGE};
	const struct adi_pool *adis = &subject->dev->adis;
	const struct adi *adi;

	if (page.d == NULL)
		return -ENOMEM;
	rte_tel_data_start_array(page.d, SIOV_TEL_UINT_VAL);
	dev_lock(subject->dev);
	for (adi = adi_next(adis, subject->from); adi != NULL && !turn_page(&page, adi_index(adi));
	     adi = adi_next(adis, adi_index(adi) + 1))
		siov_tel_add_array_uint(page.d, adi->id);
	dev_unlock(subject->dev);
	rte_tel_data_start_dict(d);
	if (rte_tel_data_add_dict_container(d, "adis", page.d, 0) != 0) {
		rte_tel_data_free(page.d);
		return -ENOSPC;
	}
	if (page.next != 0)
		siov_tel_add_dict_uint(d, "next", page.next);
	return 0;
}

static int
show_adi_info(const struct subject *subject, struct rte_tel_data *d)
{
	struct siov_adi_info info;
	int ret = siov_dev_adi_info(subject->dev, subject->idx, &info);

	if (ret != 0)
		return ret;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "type", siov_adi_type_info(info.type)->name);
	rte_tel_data_add_dict_string(d, "owner", siov_adi_owner_name(info.owner));
	rte_tel_data_add_dict_string(d, "state", siov_adi_state_name(info.state));
	siov_tel_add_dict_uint(d, "pasid", info.conf.pasid);
	siov_tel_add_dict_uint(d, "control_pasid", info.conf.control_pasid);
	if (siov_adi_type_info(info.type)->has_swq && info.state != SIOV_ADI_ALLOCATED)
		siov_tel_add_dict_uint(d, "wq", info.conf.wq_id);
	siov_tel_add_dict_uint(d, "dwqs", info.conf.nb_dwqs);
	siov_tel_add_dict_uint(d, "dwqs_bound", info.nb_bound);
	siov_tel_add_dict_uint(d, "messages", info.conf.nb_messages);
	siov_tel_add_dict_uint(d, "weight", info.conf.qos.weight);
	siov_tel_add_dict_uint(d, "priority", info.conf.qos.priority);
	siov_tel_add_dict_uint(d, "max_outstanding", info.conf.qos.max_outstanding);
	siov_tel_add_dict_uint(d, "rate_ops", info.conf.qos.rate_ops);
	siov_tel_add_dict_uint(d, "rate_bytes", info.conf.qos.rate_bytes);
	return 0;
}

static int
show_adi_stats(const struct subject *subject, struct rte_tel_data *d)
{
	struct siov_adi_info info;
	int ret = siov_dev_adi_info(subject->dev, subject->idx, &info);

	if (ret != 0)
		return ret;
	rte_tel_data_start_dict(d);
	siov_tel_add_dict_uint(d, "accepted_ops", info.accepted);
	siov_tel_add_dict_uint(d, "completed_ops", info.completed);
	siov_tel_add_dict_uint(d, "failed_ops", info.failed);
	siov_tel_add_dict_uint(d, "aborted_ops", info.aborted);
	siov_tel_add_dict_uint(d, "bytes", info.bytes);
	siov_tel_add_dict_uint(d, "errors", info.nb_errors);
	return 0;
}

/* ---- commands ---- */

static const struct command commands[] = {
	{"/siov/list", NOTHING, show_devs, "Lists devices. No parameters"},
	{"/siov/wq/list", DEVICE, show_wqs, "Lists work queues. Parameters: device"},
	{"/siov/wq/info", DEVICE_PART, show_wq_info, "Shows a queue. Parameters: device,wq"},
	{"/siov/wq/stats", DEVICE_PART, show_wq_stats,
	 "Shows a queue's counters. Parameters: device,wq"},
	{"/siov/pasid/list", DEVICE_PART_FROM, show_pasids,
	 "Lists PASIDs of a queue. Parameters: device,wq[,first PASID]"},
	{"/siov/pasid/stats", DEVICE_PART_FROM, show_pasid_stats,
	 "Shows counters of PASIDs on a queue. Parameters: device,wq[,first PASID]"},
	{"/siov/adi/list", DEVICE_FROM, show_adis, "Lists ADIs. Parameters: device[,first index]"},
	{"/siov/adi/info", DEVICE_PART, show_adi_info, "Shows an ADI. Parameters: device,adi"},
	{"/siov/adi/stats", DEVICE_PART, show_adi_stats,
	 "Shows an ADI's counters. Parameters: device,adi"},
	{"/siov/iommu/stats", DEVICE, show_iommu_stats,
	 "Shows the platform's counters. Parameters: device"},
};

/* Read one number; *text goes past it and its comma. -EINVAL: it is none. */
static int
read_number(const char **text, uint32_t *value)
{
	unsigned long number;
	char *end;

	if (**text < '0' || **text > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(*text, &end, 10);
	if (errno != 0 || number > UINT32_MAX || (*end != ',' && *end != '\0'))
		return -EINVAL;
	*value = (uint32_t)number;
	*text = *end == ',' ? end + 1 : end;
	return 0;
}

static struct siov_dev *
find_dev(const char *name, size_t len)
{
	struct siov_dev *dev;

	TAILQ_FOREACH(dev, &registry.devs, telemetry_entry) {
		if (strlen(dev->conf.name) == len && memcmp(dev->conf.name, name, len) == 0)
			return dev;
	}
	return NULL;
}

/* "device[,part][,from]". Under the list's lock. */
static int
parse_subject(const char *params, enum params kind, struct subject *subject)
{
	bool has_from = kind == DEVICE_FROM || kind == DEVICE_PART_FROM;
	size_t len;

	*subject = (struct subject){0};
	if (kind == NOTHING)
		return 0;
	if (params == NULL)
		return -EINVAL;
	len = strcspn(params, ",");
	subject->dev = find_dev(params, len);
	if (subject->dev == NULL)
		return -ENODEV;
	params += len + (params[len] == ',');
	if (kind >= DEVICE_PART && read_number(&params, &subject->idx) != 0)
		return -EINVAL;
	if (has_from && *params != '\0' && read_number(&params, &subject->from) != 0)
		return -EINVAL;
	return *params == '\0' ? 0 : -EINVAL;
}

/* Thread: telemetry's. */
static int
handle_command(const char *name, const char *params, struct rte_tel_data *d)
{
	struct subject subject;
	int ret = -EINVAL;
	unsigned int i;

	pthread_mutex_lock(&registry.lock);
	for (i = 0; i < RTE_DIM(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		ret = parse_subject(params, commands[i].params, &subject);
		if (ret == 0)
			ret = commands[i].show(&subject, d);
		break;
	}
	pthread_mutex_unlock(&registry.lock);
	return ret;
}

static void
register_commands(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < RTE_DIM(commands); i++) {
		ret = rte_telemetry_register_cmd(commands[i].name, handle_command,
						 commands[i].help);
		if (ret != 0)
			CTRL_LOG(NOTICE, "telemetry does not take %s: error %d", commands[i].name,
				 ret);
	}
}

void
telemetry_add(struct siov_dev *dev)
{
	pthread_mutex_lock(&registry.lock);
	if (!registry.is_registered) {
		register_commands();
		registry.is_registered = true;
	}
	TAILQ_INSERT_TAIL(&registry.devs, dev, telemetry_entry);
	dev->is_listed = true;
	pthread_mutex_unlock(&registry.lock);
}

void
telemetry_remove(struct siov_dev *dev)
{
	if (!dev->is_listed)
		return;
	pthread_mutex_lock(&registry.lock);
	TAILQ_REMOVE(&registry.devs, dev, telemetry_entry);
	dev->is_listed = false;
	pthread_mutex_unlock(&registry.lock);
}
