/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_cfgfile.h>
#include <rte_string_fns.h>

#include "cases.h"
#include "complain.h"

#define CASES_MAX 256
#define ARGS_MAX 64
#define ARG_LEN 512
#define GLOBAL "GLOBAL"

/* The arguments after "--" of one case. */
struct case_args {
	char text[ARGS_MAX][ARG_LEN];
	char *argv[ARGS_MAX];
	int nb;
};

/* Long names; with some of them a process ends well without having measured anything. */
static const char *const refused[] = {
	"auto-start",  "cmdline-file", "csv",    "data",         "err-exit", "help",
	"interactive", "json",         "result", "stats-period", "sweep",    "version",
};

/* dma-perf's "first,last,step,ADD" is first:step:last, and with MUL first:*step:last. */
static void
write_value(char *out, size_t len, const char *value)
{
	char first[32], last[32], step[32], how[5];

	if (sscanf(value, "%31[^,],%31[^,],%31[^,],%4s", first, last, step, how) == 4 &&
	    (strcmp(how, "ADD") == 0 || strcmp(how, "MUL") == 0))
		snprintf(out, len, "%s:%s%s:%s", first, how[0] == 'M' ? "*" : "", step, last);
	else
		rte_strscpy(out, value, len);
}

static int
add_entry(struct case_args *args, const char *path, const char *section,
	  const struct rte_cfgfile_entry *entry)
{
	char name[CFG_NAME_LEN], value[CFG_VALUE_LEN];
	unsigned int i;

	rte_strscpy(name, entry->name, sizeof(name));
	for (i = 0; name[i] != '\0'; i++)
		name[i] = name[i] == '_' ? '-' : name[i];
	if (strcmp(name, "buf-size") == 0)
		snprintf(name, sizeof(name), "buf-sz");
	for (i = 0; i < RTE_DIM(refused); i++) {
		if (strcmp(name, refused[i]) == 0)
			return complain("%s: [%s]: %s: not in a case; allowed: options of set-up, "
					"workload and translation",
					path, section, entry->name);
	}
	if (args->nb == ARGS_MAX - 2)
		return complain("%s: [%s]: more than %d keys", path, section, ARGS_MAX - 2);
	write_value(value, sizeof(value), entry->value);
	args->argv[args->nb] = args->text[args->nb];
	snprintf(args->text[args->nb++], ARG_LEN, "--%s%s%s", name, value[0] != '\0' ? "=" : "",
		 value);
	return 0;
}

static int
add_section(struct case_args *args, const char *path, struct rte_cfgfile *file, const char *section)
{
	struct rte_cfgfile_entry entries[ARGS_MAX];
	int nb = rte_cfgfile_section_num_entries(file, section);
	int i;

	if (nb > ARGS_MAX)
		return complain("%s: [%s]: more than %d keys", path, section, ARGS_MAX);
	nb = nb > 0 ? rte_cfgfile_section_entries(file, section, entries, ARGS_MAX) : 0;
	for (i = 0; i < nb; i++) {
		if (add_entry(args, path, section, &entries[i]) != 0)
			return -1;
	}
	return 0;
}

/* What [GLOBAL] says, then what the case says. */
static int
make_args(struct case_args *args, const char *path, struct rte_cfgfile *file, const char *section)
{
	args->nb = 0;
	if (rte_cfgfile_has_section(file, GLOBAL) && add_section(args, path, file, GLOBAL) != 0)
		return -1;
	return add_section(args, path, file, section);
}

static int
check_case(const struct case_args *args, const char *path, const char *section)
{
	static struct options given, opts;
	char where[ARG_LEN];
	int err;

	snprintf(where, sizeof(where), "%s: [%s]: ", path, section);
	complain_in(where);
	options_init(&given);
	err = options_parse(&given, args->nb, (char **)(uintptr_t)args->argv);
	if (err == 0)
		err = options_finish(&given, &opts);
	complain_in("");
	return err;
}

/* Copy the file to out, the header row only the first time. 0 or -1 after one line. */
static int
append_file(FILE *out, const char *path)
{
	static const char header[] = "buf_sz,";
	static bool has_header;
	FILE *in = fopen(path, "r");
	char line[4096];

	if (in == NULL)
		return complain("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), in) != NULL) {
		bool is_header = strncmp(line, header, sizeof(header) - 1) == 0;

		if (!is_header || !has_header)
			fputs(line, out);
		has_header |= is_header;
	}
	fclose(in);
	return fflush(out) == 0 ? 0 : complain("--result: %s", strerror(errno));
}

/* Become the program with the EAL's and the case's arguments; only an error comes back. */
static void
exec_case(const struct case_args *args, const char *program, int nb_eal, char **eal, char *csv)
{
	char **argv = calloc((size_t)nb_eal + ARGS_MAX + 4, sizeof(*argv));
	int i, nb = 0;

	if (argv == NULL)
		return;
	argv[nb++] = (char *)(uintptr_t)program;
	for (i = 0; i < nb_eal; i++)
		argv[nb++] = eal[i];
	argv[nb++] = (char *)(uintptr_t) "--";
	for (i = 0; i < args->nb; i++)
		argv[nb++] = args->argv[i];
	argv[nb++] = csv; /* NULL: tables only */
	execv("/proc/self/exe", argv);
	free(argv);
}

/* Run one case; its CSV goes to path, NULL: nowhere. 0, or -1 if it failed. */
static int
spawn_case(const struct case_args *args, const char *program, int nb_eal, char **eal,
	   const char *path)
{
	char csv[64];
	int status = -1;
	pid_t pid;

	snprintf(csv, sizeof(csv), "--csv=%s", path != NULL ? path : "");
	pid = fork();
	if (pid == 0) {
		exec_case(args, program, nb_eal, eal, path != NULL ? csv : NULL);
		_exit(EXIT_FAILURE);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
run_case(const struct case_args *args, const char *program, int nb_eal, char **eal, FILE *out)
{
	char path[] = "/tmp/siov_case_XXXXXX";
	int fd, err;

	if (out == stdout)
		return spawn_case(args, program, nb_eal, eal, NULL);
	fd = mkstemp(path);
	if (fd < 0)
		return complain("%s: %s", path, strerror(errno));
	close(fd);
	err = spawn_case(args, program, nb_eal, eal, path);
	err |= append_file(out, path);
	unlink(path);
	return err;
}

/* Check the cases, or run them. 0 or -1. */
static int
for_each_case(struct rte_cfgfile *file, char **names, int nb, const struct options *o,
	      const char *program, int nb_eal, char **eal, FILE *out)
{
	static struct case_args args;
	int i, err = 0;

	for (i = 0; i < nb; i++) {
		if (strcmp(names[i], GLOBAL) == 0)
			continue;
		if (make_args(&args, o->sweep_file, file, names[i]) != 0)
			return -1;
		if (out == NULL && check_case(&args, o->sweep_file, names[i]) != 0)
			return -1;
		if (out == NULL)
			continue;
		fprintf(out, "# case %s\n", names[i]);
		fflush(out);
		if (run_case(&args, program, nb_eal, eal, out) != 0)
			err = complain("%s: [%s]: the case failed", o->sweep_file, names[i]);
	}
	return err;
}

/* A case is a section of its own, and its keys are all it is asked. 0 or -1 after one line. */
static int
check_names(struct rte_cfgfile *file, char **names, int nb, const struct options *o)
{
	int i, j;

	for (i = 0; i < OPT_NB; i++) {
		if (o->is_given[i] && i != OPT_SWEEP && i != OPT_RESULT)
			return complain("--sweep=%s: with other options; allowed: --result, the "
					"rest in [" GLOBAL "]",
					o->sweep_file);
	}
	if (rte_cfgfile_num_sections(file, NULL, 0) > CASES_MAX)
		return complain("--sweep=%s: too many sections; allowed: %d", o->sweep_file,
				CASES_MAX);
	for (i = 0; i < nb; i++) {
		for (j = 0; j < i; j++) {
			if (strcmp(names[i], names[j]) == 0)
				return complain("%s: [%s]: twice; allowed: each section once",
						o->sweep_file, names[i]);
		}
	}
	return 0;
}

int
cases_run(const struct options *o, const char *program, int nb_eal, char **eal)
{
	struct rte_cfgfile *file = rte_cfgfile_load(o->sweep_file, CFG_FLAG_EMPTY_VALUES);
	static char text[CASES_MAX][CFG_NAME_LEN];
	char *names[CASES_MAX];
	FILE *out = stdout;
	int i, nb, err;

	if (file == NULL)
		return complain("--sweep=%s: cannot be read; allowed: [section] lines and "
				"key=value lines",
				o->sweep_file);
	for (i = 0; i < CASES_MAX; i++)
		names[i] = text[i];
	nb = rte_cfgfile_sections(file, names, CASES_MAX);
	err = nb - (nb > 0 && rte_cfgfile_has_section(file, GLOBAL)) > 0 ?
		      check_names(file, names, nb, o) :
		      complain("--sweep=%s: no case in it; allowed: a [section] for each",
			       o->sweep_file);
	if (err == 0)
		err = for_each_case(file, names, nb, o, program, nb_eal, eal, NULL);
	if (err == 0 && o->result_file != NULL) {
		out = fopen(o->result_file, "w");
		if (out == NULL)
			err = complain("--result=%s: %s", o->result_file, strerror(errno));
	}
	if (err == 0)
		err = for_each_case(file, names, nb, o, program, nb_eal, eal, out);
	if (out != NULL && out != stdout)
		fclose(out);
	rte_cfgfile_close(file);
	return err;
}
