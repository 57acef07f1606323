/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "complain.h"
#include "result.h"

static void
add_counts(struct result_counts *sum, const struct result_counts *more)
{
	sum->attempts += more->attempts;
	sum->accepted += more->accepted;
	sum->retry_capacity += more->retry_capacity;
	sum->retry_qos += more->retry_qos;
	sum->members += more->members;
	sum->retry_other += more->retry_other;
	sum->dropped += more->dropped;
	sum->completed += more->completed;
	sum->failed += more->failed;
	sum->aborted += more->aborted;
	sum->bytes += more->bytes;
}

/* Who is farthest from his share of all that was completed. */
static void
find_farthest(struct result *result)
{
	double completed = (double)result->sum.completed, shares = 0;
	uint32_t i;

	for (i = 0; i < result->nb_rows; i++)
		shares += result->rows[i].share;
	result->share_error = 0;
	for (i = 0; i < result->nb_rows && completed > 0; i++) {
		const struct result_row *row = &result->rows[i];
		double due = completed * row->share / shares;
		double error = ((double)row->nb.completed - due) / due;

		if (fabs(error) <= fabs(result->share_error))
			continue;
		result->share_error = error;
		result->share_pasid = row->pasid;
	}
}

void
result_sum_up(struct result *result)
{
	/* PASIDs to which nothing happened have no row, but their share counts. */
	uint32_t nb = RTE_MAX(result->nb_rows, result->point.nb_pasids);
	double sum = 0, squares = 0;
	uint32_t i;

	memset(&result->sum, 0, sizeof(result->sum));
	for (i = 0; i < result->nb_rows; i++) {
		double x = (double)result->rows[i].nb.completed / result->rows[i].share;

		add_counts(&result->sum, &result->rows[i].nb);
		sum += x;
		squares += x * x;
	}
	result->jain = squares > 0 ? sum * sum / (nb * squares) : 0;
	find_farthest(result);
}

void
result_free(struct result *result)
{
	free(result->rows);
	*result = (struct result){.rows = NULL};
}

int
report_add(struct report *report, const struct result *result)
{
	struct result *results;

	results = realloc(report->results, (report->nb_results + 1) * sizeof(*results));
	if (results == NULL)
		return -ENOMEM;
	report->results = results;
	report->results[report->nb_results++] = *result;
	return 0;
}

void
report_clear(struct report *report)
{
	unsigned int i;

	for (i = 0; i < report->nb_results; i++)
		result_free(&report->results[i]);
	free(report->results);
	report->results = NULL;
	report->nb_results = 0;
}

void
report_cpu_model(char *model, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(model, size, "unknown");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
			colon[strcspn(colon, "\n")] = '\0';
			snprintf(model, size, "%s", colon + 2);
			break;
		}
	}
	fclose(f);
}

static int
write_json(FILE *f, const struct report *report)
{
	return out_json(f, report);
}

static int
write_csv(FILE *f, const struct report *report)
{
	out_csv(f, report);
	return 0;
}

/* One writer, to a file or to stdout. */
static int
write_to(const char *option, const char *path, int (*writer)(FILE *, const struct report *),
	 const struct report *report)
{
	FILE *f = path != NULL ? fopen(path, "w") : stdout;
	int ret;

	if (f == NULL)
		return complain("--%s=%s: %s", option, path, strerror(errno));
	ret = writer(f, report);
	if (fflush(f) != 0 || ferror(f))
		ret = complain("--%s=%s: %s", option, path != NULL ? path : "stdout",
			       strerror(errno));
	if (path != NULL && fclose(f) != 0 && ret == 0)
		ret = complain("--%s=%s: %s", option, path, strerror(errno));
	return ret;
}

static int
check_file(const char *option, const char *path)
{
	FILE *f = path != NULL ? fopen(path, "a") : NULL;

	if (path == NULL)
		return 0;
	if (f == NULL)
		return complain("--%s=%s: cannot be written: %s", option, path, strerror(errno));
	fclose(f);
	return 0;
}

int
report_check_files(const struct options *o)
{
	return check_file("json", o->json_path) != 0 ? -1 : check_file("csv", o->csv_path);
}

int
report_write(const struct report *report)
{
	const struct options *o = report->opts;
	int err = 0;

	if (!(o->json && o->json_path == NULL) && !(o->csv && o->csv_path == NULL)) {
		out_table(stdout, report);
		if (fflush(stdout) != 0)
			err = complain("stdout: %s", strerror(errno));
	}
	if (o->json)
		err |= write_to("json", o->json_path, write_json, report);
	if (o->csv)
		err |= write_to("csv", o->csv_path, write_csv, report);
	return err;
}
