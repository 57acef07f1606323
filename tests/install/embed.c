/* SPDX-License-Identifier: BSD-3-Clause */
/* A device, a PASID, and one copy through its shared work queue; the engine is polled right here. */
#include <rte_eal.h>
#include <siov/siov_gmem.h>

int
main(int argc, char **argv)
{
	struct siov_dev *dev;
	struct siov_gmem *mem;
	struct siov_lane *lane;
	struct siov_portal *portal;

	if (rte_eal_init(argc, argv) < 0 || siov_dev_create(NULL, &dev) != 0 ||
	    siov_gmem_create(dev, NULL, &mem) != 0 || siov_gmem_bind(mem, 7) != 0 ||
	    siov_dev_enable(dev) != 0 || siov_dev_attach(dev, 0, 0, &lane) != 0 ||
	    siov_dev_portal_open(dev, lane, 7, SIOV_PORTAL_F_PASID, &portal) != 0)
		return 1;
	uint64_t iova = siov_gmem_iova(mem);
	struct dsa_completion_record *rec = siov_gmem_hva(mem);
	struct dsa_hw_desc desc = {.opcode = DSA_OPCODE_MEMMOVE,
				   .flags = IDXD_OP_FLAG_CRAV | IDXD_OP_FLAG_RCR,
				   .completion_addr = iova,
				   .src_addr = iova + 4096,
				   .dst_addr = iova + 8192,
				   .xfer_size = 4096};
	siov_engine_start(siov_dev_engine(dev, 0));
	if (siov_enqcmd(portal, &desc) != SIOV_DMWR_SUCCESS)
		return 1;
	while (rec->status == DSA_COMP_NONE)
		siov_engine_poll(siov_dev_engine(dev, 0));
	return rec->status != DSA_COMP_SUCCESS;
}
