/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "complain.h"
#include "eal_start.h"
#include "hugepages.h"

#define ADDED_MAX 16 /* arguments that the program adds */
#define MIB (UINT64_C(1) << 20)

/* The arguments as they are given to EAL. */
struct arg_list {
	char **argv;
	int argc;
	char text[ADDED_MAX][48];
	int nb_texts;
};

/* Whether the user gave a long option, or a short one with or without its value attached. */
static bool
has_arg(int argc, char **argv, const char *name)
{
	size_t len = strlen(name);
	bool is_long = name[1] == '-';
	int i;

	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], name, len) != 0)
			continue;
		if (!is_long || argv[i][len] == '\0' || argv[i][len] == '=')
			return true;
	}
	return false;
}

static bool
has_any(int argc, char **argv, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (has_arg(argc, argv, *names))
			return true;
	}
	return false;
}

static void __rte_format_printf(2, 3) add_arg(struct arg_list *list, const char *fmt, ...)
{
	char *text = list->text[list->nb_texts++];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(list->text[0]), fmt, args);
	va_end(args);
	list->argv[list->argc++] = text;
}

/* Hugepages if there are enough free ones, else ordinary memory, of which EAL must know how much. */
static int
choose_memory(struct eal_run *run, struct arg_list *list, int argc, char **argv)
{
	static const char *const amounts[] = {"-m", "--socket-mem", NULL};
	bool is_asked = has_arg(argc, argv, "--no-huge");
	uint64_t free_bytes = hugepages_free_bytes();
	uint64_t available = hugepages_available_bytes();
	uint64_t need_bytes = run->need_bytes;

	if (!is_asked && (free_bytes >= need_bytes || has_any(argc, argv, amounts)))
		return 0;
	run->no_huge = true;
	if (!is_asked) {
		warn("%llu MiB of free hugepages, %llu needed: going on with --no-huge",
		     (unsigned long long)(free_bytes / MIB),
		     (unsigned long long)(need_bytes / MIB));
		add_arg(list, "--no-huge");
	}
	if (has_any(argc, argv, amounts))
		return 0;
	if (need_bytes > available)
		return complain("too little memory: %llu MiB needed, %llu MiB available",
				(unsigned long long)(need_bytes / MIB),
				(unsigned long long)(available / MIB));
	add_arg(list, "-m");
	add_arg(list, "%llu", (unsigned long long)(need_bytes / MIB + 1));
	return 0;
}

int
eal_find_split(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		;
	return i;
}

bool
eal_has_lcores(int argc, char **argv)
{
	static const char *const lcore_args[] = {"-l", "-c", "--lcores", NULL};

	return has_any(argc, argv, lcore_args);
}

static int
add_args(struct eal_run *run, struct arg_list *list, int argc, char **argv)
{
	static const char *const pci_args[] = {"-a", "--allow", "--no-pci", NULL};
	static const char *const prefix_args[] = {"--file-prefix", "--in-memory", NULL};

	if (!has_any(argc, argv, pci_args))
		add_arg(list, "--no-pci");
	if (!has_any(argc, argv, prefix_args))
		add_arg(list, "--file-prefix=siov_%d", (int)getpid());
	if (!has_arg(argc, argv, "--log-level"))
		add_arg(list, "--log-level=lib.*:error");
	if (run->has_va && !has_arg(argc, argv, "--iova-mode"))
		add_arg(list, "--iova-mode=va");
	if (run->lcores != NULL) {
		add_arg(list, "--main-lcore=%u", run->main_lcore);
		add_arg(list, "--lcores");
		list->argv[list->argc++] = (char *)(uintptr_t)run->lcores;
	}
	return choose_memory(run, list, argc, argv);
}

/* EAL leaves its runtime directory for a later process of the same prefix; there is none. */
static void
remove_dir(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL)
		return;
	for (entry = readdir(dir); entry != NULL; entry = readdir(dir))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	rmdir(path);
}

static int
init_eal(struct eal_run *run, struct arg_list *list, bool has_own_prefix)
{
	bool is_started = rte_eal_init(list->argc, list->argv) >= 0;
	const char *dir = has_own_prefix ? rte_eal_get_runtime_dir() : NULL;

	if (dir != NULL)
		snprintf(run->runtime_dir, sizeof(run->runtime_dir), "%s", dir);
	if (is_started)
		return 0;
	if (run->runtime_dir[0] != '\0')
		remove_dir(run->runtime_dir);
	return complain("EAL does not start: %s; the options of " PROGRAM
			" itself come after \"--\"",
			rte_strerror(rte_errno));
}

int
eal_start(struct eal_run *run, int argc, char **argv)
{
	struct arg_list list = {.argc = 0};
	int ret;

	list.argv = calloc((size_t)argc + ADDED_MAX + 3, sizeof(list.argv[0]));
	if (list.argv == NULL)
		return complain("out of memory");
	add_arg(&list, PROGRAM);
	ret = add_args(run, &list, argc, argv);
	if (ret == 0) {
		memcpy(list.argv + list.argc, argv, (size_t)argc * sizeof(argv[0]));
		list.argc += argc;
		ret = init_eal(run, &list, !has_arg(argc, argv, "--file-prefix"));
	}
	free(list.argv);
	return ret;
}

void
eal_end(struct eal_run *run)
{
	rte_eal_cleanup();
	if (run->runtime_dir[0] != '\0')
		remove_dir(run->runtime_dir);
}
