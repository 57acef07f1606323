/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space as bytes: what they are after a reset, what can be written, what is restored. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include "fake_mem.h"
#include "pci_cfg.h"

#define BAR_BYTES (UINT64_C(1) << 33) /* more than the lower half has bits for */

struct bed {
	struct fake_mem fm;
	struct pci_cfg_map map;
	struct pci_cfg cfg;
	uint16_t express, msix, pri, siov;
};

static int
setup(void **state)
{
	const struct pci_cfg_ids ids = {
		.vendor = 0x8086,
		.device = 0x1234,
		.revision = 3,
		.class_code = 0x088000,
		.subsystem_vendor = 0x1111,
		.subsystem = 0x2222,
		.is_multifunction = true,
	};
	const struct pci_cfg_msix msix = {.nb_vectors = 2048, .table = 0x2000, .pba = 0x9002};
	const struct pci_cfg_siov siov = {.next_fn = 5, .is_homogeneous = true, .page_sizes = 0x11};
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	fake_mem_init(&bed->fm);
	pci_cfg_map_init(&bed->map, &ids);
	pci_cfg_add_bar(&bed->map, 0, 4096);
	pci_cfg_add_bar(&bed->map, 2, BAR_BYTES);
	bed->express = pci_cfg_add_express(&bed->map);
	bed->msix = pci_cfg_add_msix(&bed->map, &msix);
	pci_cfg_add_pasid(&bed->map, true);
	pci_cfg_add_ats(&bed->map);
	bed->pri = pci_cfg_add_pri(&bed->map, 5);
	pci_cfg_add_dev3(&bed->map);
	bed->siov = pci_cfg_add_siov(&bed->map, &siov);
	pci_cfg_add_vendor(&bed->map, 0x510f, 12);
	assert_int_equal(pci_cfg_init(&bed->cfg, &bed->map, &bed->fm.mem), 0);
	*state = bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;

	pci_cfg_fini(&bed->cfg, &bed->fm.mem);
	assert_int_equal(siov_atomic_load(&bed->fm.nb_live, relaxed), 0);
	free(bed);
	return 0;
}

static uint32_t
get(struct bed *bed, uint32_t offset, unsigned int width)
{
	return pci_cfg_read(&bed->cfg, offset, width);
}

static void
set(struct bed *bed, uint32_t offset, unsigned int width, uint32_t value)
{
	pci_cfg_write(&bed->cfg, offset, width, value);
}

/* ---- what is there ---- */

static void
test_the_header_tells_what_the_function_is(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(get(bed, 0, 4), 0x12348086);
	assert_int_equal(get(bed, PCI_CLASS_REVISION, 4), 0x08800003);
	assert_int_equal(get(bed, PCI_HEADER_TYPE, 1), 0x80);
	assert_int_equal(get(bed, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x22221111);
	assert_int_equal(get(bed, PCI_COMMAND, 2), 0);
	assert_int_equal(get(bed, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	set(bed, 0, 4, 0);
	assert_int_equal(get(bed, 0, 4), 0x12348086);
}

/* Each capability once, in the order in which it was added, and the lists end. */
static void
test_lists_of_capabilities_end(void **state)
{
	static const uint32_t legacy[] = {PCI_CAP_ID_EXP, PCI_CAP_ID_MSIX};
	static const uint32_t extended[] = {
		PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_ID_ATS,  PCI_EXT_CAP_ID_PRI, 0x2f,
		PCI_EXT_CAP_ID_DVSEC, PCI_EXT_CAP_ID_VNDR,
	};
	struct bed *bed = *state;
	uint32_t at = get(bed, PCI_CAPABILITY_LIST, 1);
	unsigned int i;

	for (i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++) {
		assert_int_equal(at % 4, 0);
		assert_int_equal(get(bed, at, 1), legacy[i]);
		at = get(bed, at + 1, 1);
	}
	assert_int_equal(at, 0);
	at = 0x100;
	for (i = 0; i < sizeof(extended) / sizeof(extended[0]); i++) {
		assert_int_equal(get(bed, at, 2), extended[i]);
		assert_int_equal(get(bed, at, 4) >> 16 & 0xf, 1);
		at = get(bed, at, 4) >> 20;
	}
	assert_int_equal(at, 0);
	assert_int_equal(get(bed, bed->msix + PCI_MSIX_FLAGS, 2), 2047);
	assert_int_equal(get(bed, bed->siov + 0x0a, 2), 0x105);
	/* What is beyond reads as nothing, to the last byte. */
	assert_int_equal(get(bed, PCI_CFG_ROOM, 4), 0);
	set(bed, PCI_CFG_BYTES - 4, 4, UINT32_MAX);
	assert_int_equal(get(bed, PCI_CFG_BYTES - 4, 4), 0);
}

/* ---- what can be written ---- */

static uint64_t
size_of_bar(struct bed *bed, unsigned int n)
{
	uint32_t at = PCI_BASE_ADDRESS_0 + 4 * n;

	set(bed, at, 4, UINT32_MAX);
	set(bed, at + 4, 4, UINT32_MAX);
	/* 64-bit, prefetchable. */
	assert_int_equal(get(bed, at, 1) & 0xf, 0xc);
	return ~((uint64_t)get(bed, at + 4, 4) << 32 | (get(bed, at, 4) & ~0xfu)) + 1;
}

static void
test_bars_are_sized_and_placed(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(size_of_bar(bed, 0), 4096);
	assert_int_equal(size_of_bar(bed, 2), BAR_BYTES);
	/* Byte by byte, as a guest may; what is inside the BAR's own size is no address. */
	set(bed, PCI_BASE_ADDRESS_0, 4, 0);
	set(bed, PCI_BASE_ADDRESS_0 + 1, 1, 0x5f);
	set(bed, PCI_BASE_ADDRESS_0 + 6, 2, 0xabcd);
	set(bed, PCI_BASE_ADDRESS_0 + 4, 2, 0);
	assert_int_equal(pci_cfg_bar(&bed->cfg, 0), UINT64_C(0xabcd000000005000));
	set(bed, PCI_BASE_ADDRESS_2, 4, UINT32_MAX);
	set(bed, PCI_BASE_ADDRESS_3, 4, 7);
	assert_int_equal(pci_cfg_bar(&bed->cfg, 2), UINT64_C(0x600000000));
	/* There is no BAR 4. */
	set(bed, PCI_BASE_ADDRESS_4, 4, UINT32_MAX);
	assert_int_equal(get(bed, PCI_BASE_ADDRESS_4, 4), 0);
}

static void
test_bits_are_cleared_by_writing_one(void **state)
{
	struct bed *bed = *state;
	uint32_t status = bed->express + PCI_EXP_DEVSTA;

	pci_cfg_set(&bed->cfg, status, 2,
		    PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_URD | PCI_EXP_DEVSTA_TRPND);
	set(bed, status, 2, PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_TRPND);
	assert_int_equal(get(bed, status, 2), PCI_EXP_DEVSTA_URD | PCI_EXP_DEVSTA_TRPND);
	set(bed, status, 2, 0);
	assert_int_equal(get(bed, status, 2), PCI_EXP_DEVSTA_URD | PCI_EXP_DEVSTA_TRPND);
	/* By way of the register below it, too. */
	set(bed, status - 2, 4, PCI_EXP_DEVSTA_URD << 16);
	assert_int_equal(get(bed, status, 2), PCI_EXP_DEVSTA_TRPND);
	/* A reset by its bit is an event: it reads as 0. */
	set(bed, bed->express + PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR);
	assert_int_equal(get(bed, bed->express + PCI_EXP_DEVCTL, 2), 0);
}

static void
test_only_aligned_words_inside_are_accesses(void **state)
{
	uint32_t at;

	(void)state;
	for (at = 0; at < 8; at++) {
		assert_true(pci_cfg_is_access(at, 1));
		assert_int_equal(pci_cfg_is_access(at, 2), at % 2 == 0);
		assert_int_equal(pci_cfg_is_access(at, 4), at % 4 == 0);
		assert_false(pci_cfg_is_access(at, 0));
		assert_false(pci_cfg_is_access(at, 3));
		assert_false(pci_cfg_is_access(at, 8));
	}
	assert_true(pci_cfg_is_access(PCI_CFG_BYTES - 4, 4));
	assert_false(pci_cfg_is_access(PCI_CFG_BYTES, 1));
	assert_false(pci_cfg_is_access(UINT32_MAX - 3, 4));
}

/* Any access, against a model of bytes and masks that is as simple as can be. */
static void
test_random_accesses_change_what_can_be_written_only(void **state)
{
	struct bed *bed = *state;
	uint8_t model[PCI_CFG_BYTES] = {0};
	uint32_t i, k;

	memcpy(model, bed->map.reset, sizeof(bed->map.reset));
	srand(1);
	for (i = 0; i < 200000; i++) {
		unsigned int width = 1u << rand() % 3;
		uint32_t room = rand() % 2 != 0 ? PCI_CFG_ROOM : PCI_CFG_BYTES;
		uint32_t at = (uint32_t)rand() % (room / width) * width;
		uint32_t value = (uint32_t)rand() * 3u, expected = 0;

		set(bed, at, width, value);
		for (k = 0; k < width && at + k < PCI_CFG_ROOM; k++) {
			uint8_t byte = (uint8_t)(value >> 8 * k), can = bed->map.writable[at + k];

			model[at + k] = (uint8_t)((model[at + k] & ~can) | (byte & can));
			model[at + k] &= (uint8_t) ~(byte & bed->map.w1c[at + k]);
		}
		for (k = 0; k < width; k++)
			expected |= (uint32_t)model[at + k] << 8 * k;
		assert_int_equal(get(bed, at, width), expected);
	}
}

/* ---- saved and restored ---- */

/* Bytes come from another host, and may be anything: none changes what software could not write. */
static void
test_only_what_software_writes_is_restored(void **state)
{
	struct bed *bed = *state;
	uint8_t bytes[PCI_CFG_BYTES];
	uint32_t at;

	memset(bytes, 0xff, sizeof(bytes));
	pci_cfg_restore(&bed->cfg, bytes);
	for (at = 0; at < PCI_CFG_ROOM; at++) {
		uint8_t can = bed->map.writable[at] | bed->map.w1c[at];

		assert_int_equal(get(bed, at, 1), (bed->map.reset[at] & ~can) | can);
	}
	assert_int_equal(get(bed, 0, 4), 0x12348086);
	pci_cfg_reset(&bed->cfg);
	set(bed, PCI_BASE_ADDRESS_2, 4, UINT32_MAX);
	set(bed, PCI_BASE_ADDRESS_3, 4, 7);
	set(bed, bed->siov + 0x10, 4, 0x10);
	for (at = 0; at < PCI_CFG_BYTES; at++)
		bytes[at] = (uint8_t)get(bed, at, 1);
	pci_cfg_reset(&bed->cfg);
	assert_int_equal(pci_cfg_bar(&bed->cfg, 2), 0);
	pci_cfg_restore(&bed->cfg, bytes);
	for (at = 0; at < PCI_CFG_BYTES; at++)
		assert_int_equal(get(bed, at, 1), bytes[at]);
}

static void
test_no_memory_is_an_error(void **state)
{
	struct bed *bed = *state;
	struct pci_cfg cfg;

	fake_mem_fail_at(&bed->fm, 1);
	assert_int_equal(pci_cfg_init(&cfg, &bed->map, &bed->fm.mem), -ENOMEM);
	pci_cfg_fini(&cfg, &bed->fm.mem);
}

#define CFG_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CFG_TEST(test_the_header_tells_what_the_function_is),
		CFG_TEST(test_lists_of_capabilities_end),
		CFG_TEST(test_bars_are_sized_and_placed),
		CFG_TEST(test_bits_are_cleared_by_writing_one),
		CFG_TEST(test_only_aligned_words_inside_are_accesses),
		CFG_TEST(test_random_accesses_change_what_can_be_written_only),
		CFG_TEST(test_only_what_software_writes_is_restored),
		CFG_TEST(test_no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
