/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_eal.h>
#include <siov/siov_mem.h>

int
main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0)
		return EXIT_FAILURE;
	const struct siov_mem *mem = siov_mem_eal();
	unsigned char *page = siov_mem_alloc(mem, "embed", 4096, 4096, -1);
	int status = page != NULL && page[4095] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
	siov_mem_free(mem, page);
	rte_eal_cleanup();
	return status;
}
