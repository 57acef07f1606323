/* SPDX-License-Identifier: BSD-3-Clause */
/* The ADIs that a configuration asks for. */
#include <errno.h>

#include "dev_priv.h"

static struct siov_adi_conf
make_conf(const struct siov_dev_adi_row *row, uint32_t i)
{
	return (struct siov_adi_conf){
		.pasid = row->pasid != 0 ? row->pasid + i : 0,
		.control_pasid = row->control_pasid,
		.wq_id = row->wq,
		.nb_dwqs = row->nb_dwqs,
		.nb_messages = row->nb_messages,
		.qos = row->qos,
	};
}

/* One ADI; on error there is none. */
static int
make_adi(struct siov_dev *dev, const struct siov_dev_adi_row *row, uint32_t i, uint32_t *id)
{
	const struct siov_adi_conf conf = make_conf(row, i);
	int ret;

	ret = siov_dev_adi_alloc(dev, row->type, row->owner, id);
	if (ret != 0)
		return ret;
	ret = siov_dev_adi_configure(dev, *id, &conf);
	/* Dedicated queues are bound by who uses them: there may be fewer than ADIs. */
	if (ret == 0 && conf.pasid != 0 && row->nb_dwqs == 0)
		ret = siov_dev_adi_enable(dev, *id);
	if (ret != 0)
		siov_dev_adi_release(dev, *id);
	return ret;
}

struct made {
	uint32_t nb;
	uint32_t ids[];
};

static void
release_all(struct siov_dev *dev, struct made *made)
{
	while (made->nb > 0) {
		uint32_t id = made->ids[--made->nb];

		siov_dev_adi_disable(dev, id, 0);
		siov_dev_adi_release(dev, id);
	}
}

static int
make_rows(struct siov_dev *dev, struct made *made)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(dev);
	uint32_t row, i;
	int ret = 0;

	for (row = 0; row < conf->nb_adi_rows && ret == 0; row++) {
		for (i = 0; i < conf->adi_rows[row].count && ret == 0; i++) {
			ret = make_adi(dev, &conf->adi_rows[row], i, &made->ids[made->nb]);
			if (ret == 0)
				made->nb++;
		}
	}
	return ret;
}

int
siov_dev_adi_make_rows(struct siov_dev *dev)
{
	const struct siov_dev_conf *conf = siov_dev_get_conf(dev);
	struct made *made;
	uint32_t row, nb = 0;
	int ret;

	for (row = 0; row < conf->nb_adi_rows; row++)
		nb += conf->adi_rows[row].count;
	made = siov_mem_alloc(dev->mem, "siov_adi_rows", sizeof(*made) + nb * sizeof(made->ids[0]),
			      64, conf->socket_id);
	if (made == NULL)
		return -ENOMEM;
	ret = make_rows(dev, made);
	if (ret != 0)
		release_all(dev, made);
	siov_mem_free(dev->mem, made);
	return ret;
}
