/* SPDX-License-Identifier: BSD-3-Clause */
/* Virtual devices: what they are made of, and that their reset is one of each part. */
#include "adi_bed.h"
#include "siov_vdev.h"

#define PASID 7u
#define SECOND 8u
#define OUTSIDER 9u
#define LONG_BYTES (UINT32_C(8) << 20)

static struct siov_vdev_part
part_of(struct adi_bed *bed, uint32_t id)
{
	return (struct siov_vdev_part){.dev = bed->dev, .adi = id};
}

static void
test_s7_1_2_a_vdev_is_made_of_adis(void **state)
{
	struct adi_bed *bed = *state;
	struct siov_vdev_part parts[SIOV_VDEV_PARTS_MAX + 1], more[2];
	struct siov_vdev *one, *many;
	unsigned int i;
	uint32_t id;

	for (i = 0; i <= SIOV_VDEV_PARTS_MAX; i++) {
		assert_int_equal(siov_dev_adi_alloc(bed->dev, SIOV_ADI_CONTEXT, SIOV_ADI_VM, &id),
				 0);
		parts[i] = part_of(bed, id);
	}
	assert_int_equal(siov_vdev_create(parts, 0, &one), -EINVAL);
	assert_int_equal(siov_vdev_create(parts, SIOV_VDEV_PARTS_MAX + 1, &one), -EINVAL);
	assert_int_equal(siov_vdev_create(parts, 1, &one), 0);
	assert_int_equal(siov_vdev_nb_parts(one), 1);
	/* None of another's, none twice, none that is not there: then none is claimed. */
	more[0] = parts[1];
	more[1] = parts[0];
	assert_int_equal(siov_vdev_create(more, 2, &many), -EBUSY);
	more[1] = parts[1];
	assert_int_equal(siov_vdev_create(more, 2, &many), -EBUSY);
	more[1].adi = SIOV_ADI_NONE;
	assert_int_equal(siov_vdev_create(more, 2, &many), -ENOENT);
	assert_int_equal(siov_vdev_create(parts + 1, SIOV_VDEV_PARTS_MAX, &many), 0);
	assert_int_equal(siov_vdev_part(many, 3)->adi, parts[4].adi);
	assert_null(siov_vdev_part(many, SIOV_VDEV_PARTS_MAX));
	assert_int_equal(siov_dev_adi_release(bed->dev, parts[4].adi), -EBUSY);
	siov_vdev_free(many);
	assert_int_equal(siov_dev_adi_release(bed->dev, parts[4].adi), 0);
	siov_vdev_free(one);
	siov_vdev_free(NULL);
}

/* A fill that takes many slices. */
static void
submit_long(struct adi_bed *bed, struct siov_portal *portal, unsigned int comp)
{
	struct dsa_hw_desc desc __attribute__((aligned(64))) =
		dev_rig_desc(bed->rig, DSA_OPCODE_MEMFILL, comp);

	desc.dst_addr = siov_gmem_iova(bed->rig->gmem) + DEV_RIG_DATA;
	desc.xfer_size = LONG_BYTES;
	assert_int_equal(siov_enqcmd(portal, &desc), SIOV_DMWR_SUCCESS);
}

/* Two ADIs of the VDEV, one on either of two devices, and a neighbour that goes on. */
static void
test_s7_7_5_a_virtual_flr_resets_each_adi(void **state)
{
	struct adi_bed *bed = *state, *other;
	struct siov_lane *lane = dev_rig_attach(bed->rig, 0), *far;
	struct siov_vdev_part parts[3];
	struct siov_portal *portals[3], *outsider;
	struct siov_vdev *vdev;
	unsigned int i;

	other = adi_bed_open(NULL);
	far = dev_rig_attach(other->rig, 0);
	parts[0] = part_of(bed, adi_bed_context(bed, PASID));
	parts[1] = part_of(bed, adi_bed_context(bed, SECOND));
	parts[2] = part_of(other, adi_bed_context(other, PASID));
	outsider = adi_bed_portal(bed, adi_bed_context(bed, OUTSIDER), lane);
	portals[0] = adi_bed_portal(bed, parts[0].adi, lane);
	portals[1] = adi_bed_portal(bed, parts[1].adi, lane);
	portals[2] = adi_bed_portal(other, parts[2].adi, far);
	assert_int_equal(siov_vdev_create(parts, 3, &vdev), 0);
	dev_rig_stop(bed->rig);
	dev_rig_stop(other->rig);
	submit_long(bed, portals[0], 0);
	submit_long(bed, portals[1], 1);
	submit_long(other, portals[2], 2);
	submit_long(bed, outsider, 3);
	/* Nobody polls: it is not said to be done, and can be tried again. */
	assert_int_equal(siov_vdev_reset(vdev, 20), -ETIMEDOUT);
	dev_rig_start(bed->rig);
	dev_rig_start(other->rig);
	assert_int_equal(siov_vdev_reset(vdev, ADI_BED_MS), 0);
	for (i = 0; i < 3; i++) {
		struct adi_bed *whose = i < 2 ? bed : other;

		assert_int_equal(adi_bed_info(whose, parts[i].adi).state, SIOV_ADI_CONFIGURED);
		assert_int_equal(dev_rig_noop(whose->rig, portals[i], 100),
				 SIOV_DMWR_RETRY_DISABLED);
		assert_false(dev_rig_is_done(whose->rig, i));
	}
	assert_int_equal(dev_rig_wait(bed->rig, 3), DSA_COMP_SUCCESS);
	for (i = 0; i < 3; i++) {
		struct adi_bed *whose = i < 2 ? bed : other;

		assert_int_equal(siov_dev_adi_enable(whose->dev, parts[i].adi), 0);
		assert_int_equal(dev_rig_noop(whose->rig, portals[i], 10 + i), SIOV_DMWR_SUCCESS);
		assert_int_equal(dev_rig_wait(whose->rig, 10 + i), DSA_COMP_SUCCESS);
	}
	/* One function is reset, which leaves none of its ADIs; the others are reset all the same. */
	siov_dev_portal_close(other->dev, portals[2]);
	assert_int_equal(siov_dev_reset(other->dev, SIOV_RESET_ALL, ADI_BED_MS), 0);
	assert_int_equal(siov_vdev_reset(vdev, ADI_BED_MS), -ENOENT);
	assert_int_equal(adi_bed_info(bed, parts[1].adi).state, SIOV_ADI_CONFIGURED);
	siov_vdev_free(vdev);
	adi_bed_close(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ADI_TEST(test_s7_1_2_a_vdev_is_made_of_adis),
		ADI_TEST(test_s7_7_5_a_virtual_flr_resets_each_adi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
