/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver as EAL and rte_dmadev know it: a virtual device, and its operations. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <bus_vdev_driver.h>
#include <rte_dmadev_pmd.h>
#include <rte_eal.h>
#include <rte_version.h>

#include "log.h"
#include "vchan.h"

#define DESC_MIN 1u

RTE_LOG_REGISTER(dma_siov_logtype, pmd.dma.siov, NOTICE)

static struct port *
port_of(const struct rte_dma_dev *dev)
{
	return dev->data->dev_private;
}

/* ---- operations ---- */

static int
port_info_get(const struct rte_dma_dev *dev, struct rte_dma_info *info, uint32_t size)
{
	const struct args *args = vdev_args(port_of(dev)->vdev);
	uint32_t entries = emu_args(vdev_emu(port_of(dev)->vdev))->entries;
	bool is_dwq = args->profile == PROFILE_DWQ;

	RTE_SET_USED(size);
	info->dev_capa = RTE_DMA_CAPA_MEM_TO_MEM | RTE_DMA_CAPA_SVA | RTE_DMA_CAPA_SILENT |
			 RTE_DMA_CAPA_HANDLES_ERRORS | RTE_DMA_CAPA_OPS_COPY |
			 RTE_DMA_CAPA_OPS_COPY_SG | RTE_DMA_CAPA_OPS_FILL;
	info->max_vchans = args_vchans_max(args);
	/* A dedicated queue answers nothing, so its port never sends more than it has entries. */
	info->max_desc = (uint16_t)(is_dwq ? RTE_MIN(entries, VCHAN_DESC_MAX) : VCHAN_DESC_MAX);
	info->min_desc = DESC_MIN;
	info->max_sges = VCHAN_SGES_MAX;
	return 0;
}

static void
free_vchans(struct port *port)
{
	unsigned int i;

	for (i = 0; i < DMA_SIOV_VCHANS_MAX; i++) {
		vchan_free(port->vchans[i]);
		port->vchans[i] = NULL;
	}
	port->nb_vchans = 0;
}

static int
port_configure(struct rte_dma_dev *dev, const struct rte_dma_conf *conf, uint32_t size)
{
	struct port *port = port_of(dev);

	RTE_SET_USED(size);
	free_vchans(port);
	port->nb_vchans = conf->nb_vchans;
	return 0;
}

/* The PASID of the port parameters, whose type is none between memories. -EINVAL and one line: two of them. */
static int
find_pasid(const struct rte_dma_dev *dev, const struct rte_dma_vchan_conf *conf, uint32_t *pasid)
{
	uint32_t src = conf->src_port.pcie.pasid, dst = conf->dst_port.pcie.pasid;

	*pasid = src != 0 ? src : dst;
	if (dst == 0 || dst == *pasid)
		return 0;
	DMA_SIOV_ERR("%s: PASIDs %u and %u: a channel has one", dev->data->dev_name, src, dst);
	return -EINVAL;
}

static int
port_vchan_setup(struct rte_dma_dev *dev, uint16_t vchan, const struct rte_dma_vchan_conf *conf,
		 uint32_t size)
{
	struct port *port = port_of(dev);
	struct vchan *vc;
	uint32_t pasid;
	int ret;

	RTE_SET_USED(size);
	ret = find_pasid(dev, conf, &pasid);
	if (ret != 0)
		return ret;
	ret = vchan_create(conf->nb_desc, pasid, dev->data->numa_node, &vc);
	if (ret != 0) {
		DMA_SIOV_ERR("%s: no memory for a channel of %u operations", dev->data->dev_name,
			     conf->nb_desc);
		return ret;
	}
	vchan_free(port->vchans[vchan]);
	port->vchans[vchan] = vc;
	return 0;
}

static void
stop_vchans(struct port *port, unsigned int nb)
{
	while (nb > 0)
		vchan_stop(port->vchans[--nb], port->vdev);
}

static int
port_start(struct rte_dma_dev *dev)
{
	struct port *port = port_of(dev);
	unsigned int i;
	int ret;

	for (i = 0; i < port->nb_vchans; i++) {
		if (port->vchans[i] == NULL) {
			DMA_SIOV_ERR("%s: channel %u is not set up", dev->data->dev_name, i);
			ret = -EINVAL;
		} else {
			ret = vchan_start(port->vchans[i], port->vdev, i,
					  siov_dma_conf_is_silent(&dev->data->dev_conf));
		}
		if (ret != 0) {
			stop_vchans(port, i);
			return ret;
		}
	}
	port->is_started = true;
	return 0;
}

static int
port_stop(struct rte_dma_dev *dev)
{
	struct port *port = port_of(dev);

	stop_vchans(port, port->nb_vchans);
	port->is_started = false;
	return 0;
}

static int
port_close(struct rte_dma_dev *dev)
{
	struct port *port = port_of(dev);

	struct args args = *vdev_args(port->vdev);
	struct emu *emu = vdev_emu(port->vdev);

	free_vchans(port);
	vdev_destroy(port->vdev);
	emu_put(emu, &args);
	return 0;
}

/* Channels first to last of one number, or of all: RTE_DMA_ALL_VCHAN. */
static unsigned int
first_vchan(uint16_t vchan)
{
	return vchan == RTE_DMA_ALL_VCHAN ? 0 : vchan;
}

static unsigned int
end_vchan(const struct port *port, uint16_t vchan)
{
	return vchan == RTE_DMA_ALL_VCHAN ? port->nb_vchans : vchan + 1u;
}

static int
port_stats_get(const struct rte_dma_dev *dev, uint16_t vchan, struct rte_dma_stats *stats,
	       uint32_t size)
{
	const struct port *port = port_of(dev);
	struct rte_dma_stats one;
	unsigned int i;

	RTE_SET_USED(size);
	*stats = (struct rte_dma_stats){0};
	for (i = first_vchan(vchan); i < end_vchan(port, vchan); i++) {
		if (port->vchans[i] == NULL)
			continue;
		vchan_stats(port->vchans[i], &one);
		stats->submitted += one.submitted;
		stats->completed += one.completed;
		stats->errors += one.errors;
	}
	return 0;
}

static int
port_stats_reset(struct rte_dma_dev *dev, uint16_t vchan)
{
	struct port *port = port_of(dev);
	unsigned int i;

	for (i = first_vchan(vchan); i < end_vchan(port, vchan); i++) {
		if (port->vchans[i] != NULL)
			vchan_stats_reset(port->vchans[i]);
	}
	return 0;
}

static int
port_vchan_status(const struct rte_dma_dev *dev, uint16_t vchan, enum rte_dma_vchan_status *status)
{
	struct vchan *vc = port_of(dev)->vchans[vchan];

	if (vc == NULL)
		return -EINVAL;
	*status = vchan_is_idle(vc) ? RTE_DMA_VCHAN_IDLE : RTE_DMA_VCHAN_ACTIVE;
	return 0;
}

static int
port_dump(const struct rte_dma_dev *dev, FILE *f)
{
	const struct port *port = port_of(dev);
	unsigned int i;

	for (i = 0; i < port->nb_vchans; i++) {
		const struct vchan *vc = port->vchans[i];

		if (vc == NULL)
			continue;
		fprintf(f,
			"  channel %u: pasid %u, operations %u, next %" PRIu64 ", reaped %" PRIu64
			"\n",
			i, vc->seat.pasid, vc->nb_desc, vc->tail, vc->head);
	}
	vdev_dump(f, port->vdev);
	return 0;
}

static const struct rte_dma_dev_ops port_ops = {
	.dev_info_get = port_info_get,
	.dev_configure = port_configure,
	.dev_start = port_start,
	.dev_stop = port_stop,
	.dev_close = port_close,
	.vchan_setup = port_vchan_setup,
	.stats_get = port_stats_get,
	.stats_reset = port_stats_reset,
	.vchan_status = port_vchan_status,
	.dev_dump = port_dump,
};

/* ---- come and go ---- */

/* What this driver cannot work with: 0, or a negative errno and one line of log. */
static int
check_surroundings(void)
{
	if (rte_version_year() != RTE_VER_YEAR || rte_version_month() != RTE_VER_MONTH) {
		DMA_SIOV_ERR("built for DPDK %u.%02u, this is %u.%02u", RTE_VER_YEAR, RTE_VER_MONTH,
			     rte_version_year(), rte_version_month());
		return -ENOTSUP;
	}
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		DMA_SIOV_ERR("%s", "ports work in the primary process only");
		return -ENOTSUP;
	}
	if (rte_eal_iova_mode() != RTE_IOVA_VA) {
		DMA_SIOV_ERR("%s", "addresses must be virtual: start with --iova-mode=va");
		return -ENOTSUP;
	}
	return 0;
}

static int
make_vdev(const struct args *args, struct vdev **vdev)
{
	struct emu *emu;
	int ret;

	ret = emu_get(args, &emu);
	if (ret != 0)
		return ret;
	ret = vdev_create(emu, args, vdev);
	if (ret != 0)
		emu_put(emu, args);
	return ret;
}

static int
make_port(struct rte_vdev_device *vdev, const char *name, const struct args *args)
{
	int socket_id = vdev->device.numa_node;
	struct rte_dma_dev *dev = rte_dma_pmd_allocate(name, socket_id, sizeof(struct port));
	struct port *port;
	int ret;

	if (dev == NULL) {
		DMA_SIOV_ERR("%s: rte_dmadev has no room for another device", name);
		return -ENOMEM;
	}
	port = port_of(dev);
	ret = make_vdev(args, &port->vdev);
	if (ret != 0) {
		rte_dma_pmd_release(name);
		return ret;
	}
	dev->device = &vdev->device;
	dev->dev_ops = &port_ops;
	*dev->fp_obj = (struct rte_dma_fp_object){
		.dev_private = port,
		.copy = vchan_copy,
		.copy_sg = vchan_copy_sg,
		.fill = vchan_fill,
		.submit = vchan_submit,
		.completed = vchan_completed,
		.completed_status = vchan_completed_status,
		.burst_capacity = vchan_burst_capacity,
	};
	dev->state = RTE_DMA_DEV_READY;
	return 0;
}

static int
port_probe(struct rte_vdev_device *vdev)
{
	struct args args;
	const char *name;
	int ret = check_surroundings();

	if (ret != 0)
		return ret;
	name = rte_vdev_device_name(vdev);
	if (name == NULL)
		return -EINVAL;
	ret = args_parse(&args, name, rte_vdev_device_args(vdev));
	return ret != 0 ? ret : make_port(vdev, name, &args);
}

static int
port_remove(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	const struct port *port;
	int dev_id;

	if (name == NULL)
		return -EINVAL;
	dev_id = rte_dma_get_dev_id_by_name(name);
	if (dev_id < 0)
		return 0; /* the application has closed it */
	port = rte_dma_fp_objs[dev_id].dev_private;
	/* A port that is taken away at work lets what flies end. */
	if (port->is_started)
		rte_dma_stop((int16_t)dev_id);
	return rte_dma_pmd_release(name);
}

static struct rte_vdev_driver dma_siov_driver = {
	.probe = port_probe,
	.remove = port_remove,
	.drv_flags = RTE_VDEV_DRV_NEED_IOVA_AS_VA,
};

RTE_PMD_REGISTER_VDEV(dma_siov, dma_siov_driver);
RTE_PMD_REGISTER_PARAM_STRING(dma_siov, DMA_SIOV_ARGS);
