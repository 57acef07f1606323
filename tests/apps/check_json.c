/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * check-json FILE NB_POINTS NB_ROWS: whether a report has the form of schema version 1, that many
 * points (an object if one, else an array) with that many rows, and counts that add up.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

static bool is_good = true;

static void
fail(const char *what, const char *key)
{
	fprintf(stderr, "check-json: %s: %s\n", what, key);
	is_good = false;
}

static json_int_t
get_count(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		fail("no count", key);
	return json_integer_value(value);
}

static double
get_number(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_number(value))
		fail("no number", key);
	return json_number_value(value);
}

static const json_t *
get_object(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_object(value))
		fail("no object", key);
	return value;
}

static void
check_env(const json_t *env)
{
	if (!json_is_string(json_object_get(env, "dpdk")) ||
	    !json_is_string(json_object_get(env, "cpu")))
		fail("not a text", "dpdk or cpu");
	if (!json_is_boolean(json_object_get(env, "hugepages")))
		fail("not a boolean", "hugepages");
	if (json_array_size(json_object_get(env, "lcores")) < 3)
		fail("fewer than three", "lcores");
	if (get_count(env, "tsc_hz") == 0)
		fail("zero", "tsc_hz");
}

static void
check_latency(const json_t *row)
{
	const json_t *lat = get_object(row, "lat_ns");
	double p50 = get_number(lat, "p50"), p99 = get_number(lat, "p99");
	double p999 = get_number(lat, "p999"), max = get_number(lat, "max");

	if (p50 <= 0 || p50 > p99 || p99 > p999 || p999 > max)
		fail("not in order", "lat_ns");
}

/* Counts of one row, added to sum: attempts, accepted, completed. */
static void
check_row(const json_t *row, json_int_t *sum)
{
	const json_t *retry = get_object(row, "retry");
	json_int_t retries =
		get_count(retry, "capacity") + get_count(retry, "qos") + get_count(retry, "other");
	json_int_t attempts = get_count(row, "attempts"), accepted = get_count(row, "accepted");
	json_int_t completed = get_count(row, "completed");

	if (get_count(row, "pasid") == 0)
		fail("zero", "pasid");
	get_count(row, "wq");
	get_count(row, "bytes");
	get_number(row, "mops");
	get_number(row, "gbps");
	if (attempts != accepted + retries)
		fail("attempts are not accepted + retries", "results");
	if (accepted != completed + get_count(row, "failed") + get_count(row, "aborted"))
		fail("accepted is not completed + failed + aborted", "results");
	if (get_count(row, "dropped") > retries)
		fail("more dropped than retried", "results");
	check_latency(row);
	sum[0] += attempts;
	sum[1] += accepted;
	sum[2] += completed;
}

static void
check_point(const json_t *point, size_t nb_rows)
{
	const json_t *rows = json_object_get(point, "results");
	const json_t *summary = get_object(point, "summary");
	json_int_t sum[3] = {0, 0, 0};
	double jain = get_number(summary, "jain"), ratio = get_number(summary, "retry_ratio");
	size_t i;

	if (get_count(point, "schema_version") != 1)
		fail("not 1", "schema_version");
	check_env(get_object(point, "env"));
	get_object(point, "config");
	if (json_array_size(rows) != nb_rows)
		fail("another number of rows than asked for", "results");
	for (i = 0; i < json_array_size(rows); i++)
		check_row(json_array_get(rows, i), sum);
	if (sum[0] != get_count(summary, "attempts") || sum[1] != get_count(summary, "accepted") ||
	    sum[2] != get_count(summary, "completed") || sum[2] == 0)
		fail("not the sum of the rows", "summary");
	if (jain <= 0 || jain > 1.000001 || ratio < 0 || ratio > 1)
		fail("out of range", "jain or retry_ratio");
	if (get_number(summary, "duration_s") <= 0 || get_number(summary, "mops") <= 0)
		fail("not positive", "duration_s or mops");
	get_number(summary, "gbps");
}

int
main(int argc, char **argv)
{
	size_t nb_points, i;
	json_error_t error;
	json_t *report;

	if (argc != 4)
		return EXIT_FAILURE;
	nb_points = strtoul(argv[2], NULL, 10);
	report = json_load_file(argv[1], 0, &error);
	if (report == NULL) {
		fprintf(stderr, "check-json: line %d: %s\n", error.line, error.text);
		return EXIT_FAILURE;
	}
	if (nb_points == 1)
		check_point(report, strtoul(argv[3], NULL, 10));
	else if (json_array_size(report) != nb_points)
		fail("another number of points than asked for", argv[1]);
	for (i = 0; i < json_array_size(report); i++)
		check_point(json_array_get(report, i), strtoul(argv[3], NULL, 10));
	json_decref(report);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
