/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>

#include "dev_rig.h"

#define GMEM_SIZE (UINT64_C(16) << 20)

/* Engines' arguments; threads and engines are few. */
struct engine_thread {
	struct siov_engine *engine;
	const SIOV_ATOMIC(uint32_t) *stop;
};

void
dev_rig_conf_init(struct siov_dev_conf *conf)
{
	siov_dev_conf_init(conf);
	conf->atc_entries = 256;
	conf->nb_latency = 4;
}

struct dev_rig *
dev_rig_open(const struct siov_dev_conf *conf)
{
	struct dev_rig *rig = calloc(1, sizeof(*rig));
	struct siov_gmem_conf gconf;
	struct siov_dev_conf own;

	assert_non_null(rig);
	fake_mem_init(&rig->fm);
	dev_rig_conf_init(&own);
	if (conf != NULL)
		own = *conf;
	own.mem = &rig->fm.mem;
	assert_int_equal(siov_dev_create(&own, &rig->dev), 0);
	siov_gmem_conf_init(&gconf);
	gconf.size = GMEM_SIZE;
	assert_int_equal(siov_gmem_create(rig->dev, &gconf, &rig->gmem), 0);
	rig->comps = siov_gmem_hva(rig->gmem);
	return rig;
}

/* All PASIDs that tests bind are below this. */
static void
unbind_all(struct dev_rig *rig)
{
	struct siov_iommu *iommu = siov_dev_iommu(rig->dev);
	uint32_t pasid;

	for (pasid = 1; pasid <= SIOV_PASID_MAX; pasid++) {
		if (siov_pasid_is_bound(iommu, pasid) == 1)
			assert_int_equal(siov_pasid_unbind(iommu, pasid), 0);
	}
}

void
dev_rig_close(struct dev_rig *rig)
{
	if (rig->has_control)
		dev_rig_stop_control(rig);
	if (rig->has_engines)
		dev_rig_stop(rig);
	unbind_all(rig);
	assert_int_equal(siov_gmem_free(rig->gmem), 0);
	siov_dev_free(rig->dev);
	assert_int_equal(siov_atomic_load(&rig->fm.nb_live, relaxed), 0);
	free(rig);
}

static void *
run_engine(void *arg)
{
	struct engine_thread *thread = arg;

	siov_dev_run_engine(thread->engine, thread->stop, true);
	free(thread);
	return NULL;
}

void
dev_rig_start(struct dev_rig *rig)
{
	unsigned int i;

	siov_atomic_store(&rig->stop, 0, relaxed);
	for (i = 0; i < siov_dev_get_conf(rig->dev)->nb_engines; i++) {
		struct engine_thread *thread = malloc(sizeof(*thread));

		assert_non_null(thread);
		thread->engine = siov_dev_engine(rig->dev, i);
		thread->stop = &rig->stop;
		assert_int_equal(pthread_create(&rig->engines[i], NULL, run_engine, thread), 0);
	}
	rig->has_engines = true;
}

void
dev_rig_stop(struct dev_rig *rig)
{
	unsigned int i;

	siov_atomic_store(&rig->stop, 1, release);
	for (i = 0; i < siov_dev_get_conf(rig->dev)->nb_engines; i++)
		pthread_join(rig->engines[i], NULL);
	rig->has_engines = false;
}

static void *
run_control(void *arg)
{
	struct dev_rig *rig = arg;

	rig->control_ret = siov_dev_run_control(rig->dev);
	return NULL;
}

void
dev_rig_start_control(struct dev_rig *rig)
{
	assert_int_equal(pthread_create(&rig->control, NULL, run_control, rig), 0);
	rig->has_control = true;
	while (!siov_dev_has_control(rig->dev))
		dev_rig_nap();
}

int
dev_rig_stop_control(struct dev_rig *rig)
{
	siov_dev_stop_control(rig->dev);
	pthread_join(rig->control, NULL);
	rig->has_control = false;
	return rig->control_ret;
}

void
dev_rig_bind(struct dev_rig *rig, uint32_t pasid)
{
	struct siov_iommu *iommu = siov_dev_iommu(rig->dev);
	int ret;

	ret = siov_pasid_alloc_at(iommu, pasid);
	if (ret == -EEXIST)
		return;
	assert_int_equal(ret, 0);
	assert_int_equal(siov_pasid_bind(iommu, pasid, siov_gmem_domain(rig->gmem), 0), 0);
}

struct siov_lane *
dev_rig_attach(struct dev_rig *rig, unsigned int wq_id)
{
	struct siov_lane *lane;

	assert_int_equal(siov_dev_attach(rig->dev, wq_id, 0, &lane), 0);
	return lane;
}

struct siov_portal *
dev_rig_portal(struct dev_rig *rig, struct siov_lane *lane, uint32_t pasid)
{
	struct siov_portal *portal;

	dev_rig_bind(rig, pasid);
	assert_int_equal(siov_dev_portal_open(rig->dev, lane, pasid, SIOV_PORTAL_F_PASID, &portal),
			 0);
	return portal;
}

struct dsa_hw_desc
dev_rig_desc(struct dev_rig *rig, uint8_t opcode, unsigned int comp)
{
	struct dsa_hw_desc desc = {
		.flags = DEV_RIG_CRAV_RCR,
		.opcode = opcode,
		.completion_addr = siov_gmem_iova(rig->gmem) + comp * SIOV_COMP_SIZE,
	};

	assert_true(comp < DEV_RIG_COMPS);
	memset(&rig->comps[comp], 0, sizeof(rig->comps[comp]));
	return desc;
}

static enum siov_dmwr
submit(struct siov_portal *portal, const struct dsa_hw_desc *desc)
{
	if (portal->lane->wq->mode == SIOV_WQ_SHARED)
		return siov_enqcmd(portal, desc);
	siov_movdir64b(portal, desc);
	return SIOV_DMWR_SUCCESS;
}

enum siov_dmwr
dev_rig_noop(struct dev_rig *rig, struct siov_portal *portal, unsigned int comp)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(rig, DSA_OPCODE_NOOP, comp);

	return submit(portal, &desc);
}

enum siov_dmwr
dev_rig_silent(struct siov_portal *portal)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) = {.opcode = DSA_OPCODE_NOOP};

	return submit(portal, &desc);
}

bool
dev_rig_is_done(const struct dev_rig *rig, unsigned int comp)
{
	return siov_atomic_load((SIOV_ATOMIC(uint8_t) *)&rig->comps[comp], acquire) != 0;
}

uint8_t
dev_rig_wait(struct dev_rig *rig, unsigned int comp)
{
	unsigned int i;

	for (i = 0; i < DEV_RIG_WAIT_MS && !dev_rig_is_done(rig, comp); i++)
		dev_rig_nap();
	assert_true(dev_rig_is_done(rig, comp));
	return rig->comps[comp].status;
}

struct siov_stats *
dev_rig_stats(struct dev_rig *rig, unsigned int wq_id, uint32_t pasid)
{
	static struct siov_stats stats;

	assert_int_equal(siov_dev_stats(rig->dev, wq_id, pasid, &stats), 0);
	return &stats;
}

/* EAL leaves it for a later process of the same prefix; there is none. */
static void
remove_runtime_dir(void)
{
	const char *path = rte_eal_get_runtime_dir();
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	for (entry = readdir(dir); entry != NULL; entry = readdir(dir))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

int
dev_rig_init_eal(const char *lcores, const char *more)
{
	/* EAL keeps pointers into its arguments. */
	static char text[8][64];
	char *args[RTE_DIM(text)];
	unsigned int i;

	snprintf(text[0], sizeof(text[0]), "test");
	snprintf(text[1], sizeof(text[1]), "--no-huge");
	snprintf(text[2], sizeof(text[2]), "-m256");
	snprintf(text[3], sizeof(text[3]), "--no-pci");
	snprintf(text[4], sizeof(text[4]), "--lcores=%s", lcores);
	snprintf(text[5], sizeof(text[5]), "--file-prefix=siov_test_%d", (int)getpid());
	snprintf(text[6], sizeof(text[6]), "--log-level=lib.eal:error");
	snprintf(text[7], sizeof(text[7]), "%s", more);
	for (i = 0; i < RTE_DIM(text); i++)
		args[i] = text[i];
	if (rte_eal_init(RTE_DIM(args), args) < 0)
		return -1;
	return atexit(remove_runtime_dir);
}

void
dev_rig_nap(void)
{
	const struct timespec ms = {.tv_nsec = 1000000};

	nanosleep(&ms, NULL);
}
