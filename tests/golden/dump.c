/* SPDX-License-Identifier: BSD-3-Clause */
/* Print configuration spaces for golden.sh: dump NAME. */
#include "host_bed.h"

static int
usage(void)
{
	fprintf(stderr, "dump: function, function_no_ims_64k, or a type of VDEV, or dvsec\n");
	return 2;
}

static int
dump_function(bool has_no_ims, uint64_t page_bytes)
{
	const struct host_bed_conf conf = {
		.nb_fns = 2,
		.has_no_ims = has_no_ims,
		.page_bytes = page_bytes,
	};
	struct host_bed *bed = host_bed_open(&conf);

	siov_pci_dump(stdout, bed->pci, 0);
	siov_pci_dump(stdout, bed->pci, 1);
	host_bed_close(bed);
	return 0;
}

static int
dump_vdev(const char *name, uint32_t flags)
{
	const struct siov_vdev_conf conf = {
		.type = siov_vdcm_type_find(name),
		.nb_dwqs = siov_vdcm_type_find(name)->dwqs_min,
		.flags = flags,
	};
	struct host_bed *bed = host_bed_open(NULL);
	struct siov_vm *vm = host_bed_vm(bed, 1);
	uint16_t bdf;

	assert_int_equal(siov_vm_plug(vm, &conf, &bdf), 0);
	siov_vdev_dump_config(stdout, siov_vm_vdev(vm, bdf));
	host_bed_unplug(vm, bdf);
	assert_int_equal(siov_vm_free(vm), 0);
	host_bed_close(bed);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return usage();
	if (strcmp(argv[1], "function") == 0)
		return dump_function(false, 0);
	if (strcmp(argv[1], "function_no_ims_64k") == 0)
		return dump_function(true, 65536);
	if (strcmp(argv[1], "dvsec") == 0)
		return dump_vdev("swq", SIOV_VDEV_F_DVSEC);
	return siov_vdcm_type_find(argv[1]) != NULL ? dump_vdev(argv[1], 0) : usage();
}
