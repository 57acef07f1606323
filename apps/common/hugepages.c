/* SPDX-License-Identifier: BSD-3-Clause */
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hugepages.h"

/* The number after a key in a file of "Key:   number kB" lines; 0: not there. */
static uint64_t
read_meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	uint64_t kb = 0;
	char line[128];

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, key, strlen(key)) == 0) {
			kb = strtoull(line + strlen(key), NULL, 10);
			break;
		}
	}
	fclose(f);
	return kb * 1024;
}

/* Page size in KiB of a hugetlbfs, from its mount options. */
static uint64_t
page_kb(const struct mntent *mount)
{
	const char *option = hasmntopt(mount, "pagesize");
	uint64_t size;
	char *end;

	if (option == NULL || option[8] != '=')
		return read_meminfo("Hugepagesize:") / 1024;
	size = strtoull(option + 9, &end, 10);
	switch (*end) {
	case 'G':
		return size << 20;
	case 'M':
		return size << 10;
	case 'K':
		return size;
	default:
		return size >> 10;
	}
}

static uint64_t
read_free_pages(uint64_t kb)
{
	char path[96];
	uint64_t nb = 0;
	char line[32];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%llukB/free_hugepages",
		 (unsigned long long)kb);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) != NULL)
		nb = strtoull(line, NULL, 10);
	fclose(f);
	return nb;
}

uint64_t
hugepages_free_bytes(void)
{
	uint64_t seen_kb[8] = {0};
	unsigned int nb_seen = 0, i;
	struct mntent *mount;
	uint64_t bytes = 0;
	FILE *f;

	f = setmntent("/proc/mounts", "r");
	if (f == NULL)
		return 0;
	for (mount = getmntent(f); mount != NULL && nb_seen < 8; mount = getmntent(f)) {
		uint64_t kb;

		if (strcmp(mount->mnt_type, "hugetlbfs") != 0 || access(mount->mnt_dir, W_OK) != 0)
			continue;
		kb = page_kb(mount);
		for (i = 0; i < nb_seen && seen_kb[i] != kb; i++)
			;
		if (i == nb_seen) {
			seen_kb[nb_seen++] = kb;
			bytes += read_free_pages(kb) * kb * 1024;
		}
	}
	endmntent(f);
	return bytes;
}

uint64_t
hugepages_available_bytes(void)
{
	return read_meminfo("MemAvailable:");
}
