/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * @file
 * A device with ADIs: queue 0 shared, queues 1 to 4 dedicated and of nobody, interrupts that count.
 */
#ifndef ADI_BED_H
#define ADI_BED_H

#include "dev_rig.h"
#include "msg_bed.h"

#define ADI_BED_DWQS 4u
#define ADI_BED_MS DEV_RIG_WAIT_MS

struct adi_bed {
	struct msg_bed msg;
	struct dev_rig *rig;
	struct siov_dev *dev;
};

/** Engines run. @p conf NULL: as above; else it is used but for interrupts. */
struct adi_bed *adi_bed_open(const struct siov_dev_conf *conf);
void adi_bed_conf_init(struct siov_dev_conf *conf);
void adi_bed_close(struct adi_bed *bed);

int adi_bed_setup(void **state);
int adi_bed_teardown(void **state);
#define ADI_TEST(name) cmocka_unit_test_setup_teardown(name, adi_bed_setup, adi_bed_teardown)

/** A context on queue 0, enabled, with one message; its PASID is bound to guest memory. */
uint32_t adi_bed_context(struct adi_bed *bed, uint32_t pasid);

/** A portal of it on @p lane, which must open. */
struct siov_portal *adi_bed_portal(struct adi_bed *bed, uint32_t id, struct siov_lane *lane);

struct siov_adi_info adi_bed_info(struct adi_bed *bed, uint32_t id);

/** Message 0 of an ADI raises entry @p vector of the remapping unit. */
void adi_bed_program(struct adi_bed *bed, uint32_t id, unsigned int vector);

#endif /* ADI_BED_H */
