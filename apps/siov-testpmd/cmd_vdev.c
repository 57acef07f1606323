/* SPDX-License-Identifier: BSD-3-Clause */
/* vdev create, reset, suspend, ... destroy; show vdev; dump config */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <rte_errno.h>

#include "cmd.h"
#include "net_address.h"

#define IMAGE_MAX (64u << 20)

CMD_WORD(tok_vdev, 0, "vdev");
CMD_WORD(tok_create, 1, "create");
CMD_WORD(tok_type, 2, "type");
CMD_WORD(tok_type_name, 3, NULL);
CMD_WORD(tok_dwqs, 4, "dwqs");
CMD_NUM(tok_nb_dwqs, 1);
CMD_WORD(tok_verb, 1, "reset#suspend#resume#migrate#destroy");
CMD_WORD(tok_file_verb, 1, "save#restore#send");
CMD_WORD(tok_receive, 1, "receive");
CMD_NUM(tok_id, 0);
CMD_WORD(tok_file, 2, NULL);
CMD_WORD(tok_show, 0, "show");
CMD_WORD(tok_noun, 1, "vdev");
CMD_WORD(tok_what, 2, "info#summary#stats#xstats");
CMD_ALL(tok_all);
CMD_WORD(tok_dump, 0, "dump");
CMD_WORD(tok_config, 1, "config");
CMD_WORD(tok_pf, 2, "pf");
CMD_WORD(tok_of_vdev, 2, "vdev");

/* ---- which ---- */

/* What is to be done with one VDEV, or with all. */
struct look {
	void (*show)(struct siov_vdev *vdev);
	uint64_t id; /* UINT64_MAX: all */
	bool is_found;
};

static int
look_at(struct siov_vdev *vdev, void *arg)
{
	struct look *look = arg;
	struct siov_vdev_info info;

	siov_vdev_get_info(vdev, &info);
	if (look->id != UINT64_MAX && look->id != info.id)
		return 0;
	look->is_found = true;
	if (look->show != NULL)
		look->show(vdev);
	return 0;
}

/* Whatever it is that has made it: a command, or a workload, which may be running. */
static bool
look(struct session *session, uint64_t id, void (*show)(struct siov_vdev *vdev))
{
	struct look look = {.show = show, .id = id};

	siov_vdcm_walk(session->rig.host.vdcm, look_at, &look);
	return look.is_found;
}

static void
fail_none(struct session *session, uint64_t id)
{
	cmd_fail(session, "vdev %" PRIu64 ": no such VDEV; show vdev info all lists them", id);
}

/* One that commands may change. */
static struct host_machine *
find(struct session *session, uint64_t id)
{
	struct host_machine *machine = NULL;

	if (id <= UINT32_MAX)
		machine = host_find(&session->rig.host, (uint32_t)id);
	if (machine == NULL && look(session, id, NULL))
		cmd_fail(session, "vdev %" PRIu64 ": is the workload's; allowed: show, dump", id);
	else if (machine == NULL)
		fail_none(session, id);
	return machine;
}

static struct siov_vdev *
vdev_of(const struct host_machine *machine)
{
	return siov_vm_vdev(machine->vm, machine->bdf);
}

static void
check(struct session *session, int ret, const char *what, uint64_t id)
{
	if (ret == -EBUSY)
		cmd_fail(session, "vdev %s %" PRIu64 ": not in its state", what, id);
	else if (ret == -EBADMSG)
		cmd_fail(session, "vdev %s: not an image of a VDEV, or a damaged one", what);
	else if (ret == -ENOTSUP)
		cmd_fail(session, "vdev %s: of another version", what);
	else if (ret != 0)
		cmd_fail(session, "vdev %s %" PRIu64 ": %s", what, id, rte_strerror(-ret));
}

/* ---- changing ---- */

static void
list_types(struct session *session, const char *name)
{
	char names[128] = "";
	unsigned int i;

	for (i = 0; siov_vdcm_type(i) != NULL; i++) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i != 0 ? ", " : "",
			 siov_vdcm_type(i)->name);
	}
	cmd_fail(session, "vdev create type %s: allowed: %s", name, names);
}

static void
create(struct session *session, const struct cmd_args *args, uint64_t nb_dwqs, bool is_given)
{
	const struct siov_vdev_type *type = siov_vdcm_type_find(args->word[3]);
	uint32_t id;
	int ret;

	if (!cmd_needs_idle(session))
		return;
	if (type == NULL) {
		list_types(session, args->word[3]);
		return;
	}
	if (!is_given)
		nb_dwqs = type->dwqs_min;
	if (nb_dwqs < type->dwqs_min || nb_dwqs > type->dwqs_max) {
		cmd_fail(session, "vdev create type %s dwqs %" PRIu64 ": allowed: %u to %u",
			 type->name, nb_dwqs, type->dwqs_min, type->dwqs_max);
		return;
	}
	ret = host_make(&session->rig.host, type, (uint32_t)nb_dwqs, &id);
	if (ret == -EAGAIN)
		cmd_fail(session,
			 "vdev create type %s dwqs %" PRIu64
			 ": fewer dedicated queues are free (wq config ID mode=dedicated)",
			 type->name, nb_dwqs);
	else if (ret == -ENOSPC)
		cmd_fail(session, "vdev create type %s: no room: ADIs, messages or a shared queue",
			 type->name);
	else
		cmd_check(session, ret, "vdev create");
	if (ret == 0)
		printf("VDEV %u\n", id);
}

static void
create_plain(struct session *session, const struct cmd_args *args)
{
	create(session, args, 0, false);
}

static void
create_with_dwqs(struct session *session, const struct cmd_args *args)
{
	create(session, args, args->num[1], true);
}

static void
print_move(const struct siov_migrate_stats *stats)
{
	printf("%u rounds, %" PRIu64 " pages of which %" PRIu64
	       " while it stood still, %.3f ms of downtime, %.3f ms in all\n",
	       stats->nb_rounds, stats->nb_pages, stats->nb_pages_stopped,
	       (double)stats->downtime_ns / 1e6, (double)stats->total_ns / 1e6);
}

static int
migrate(struct session *session, struct host_machine *machine)
{
	struct siov_migrate_stats stats;
	uint32_t id;
	int ret;

	ret = host_move(&session->rig.host, machine, &stats, &id);
	if (ret == 0) {
		printf("VDEV %u\n", id);
		print_move(&stats);
	}
	return ret;
}

static void
change(struct session *session, const struct cmd_args *args)
{
	struct host_machine *machine = find(session, args->num[0]);
	const char *verb = args->word[1];
	int ret;

	if (machine == NULL || !cmd_needs_idle(session))
		return;
	if (strcmp(verb, "reset") == 0)
		ret = host_reset(machine);
	else if (strcmp(verb, "suspend") == 0)
		ret = siov_vdev_suspend(vdev_of(machine), RIG_TIMEOUT_MS);
	else if (strcmp(verb, "resume") == 0)
		ret = siov_vdev_resume(vdev_of(machine));
	else if (strcmp(verb, "migrate") == 0)
		ret = migrate(session, machine);
	else
		ret = host_destroy(machine);
	check(session, ret, verb, args->num[0]);
}

/* ---- files ---- */

static int
write_file(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(name, "w");
	size_t nb;

	if (f == NULL)
		return -errno;
	nb = fwrite(bytes, 1, len, f);
	return fclose(f) == 0 && nb == len ? 0 : -EIO;
}

/* It goes on afterwards, if it did before. */
static int
save(struct host_machine *machine, const char *name)
{
	struct siov_vdev *vdev = vdev_of(machine);
	struct siov_vdev_info info;
	int64_t bytes;
	void *image;
	int ret;

	siov_vdev_get_info(vdev, &info);
	ret = siov_vdev_suspend(vdev, RIG_TIMEOUT_MS);
	if (ret != 0)
		return ret;
	bytes = siov_vdev_save(vdev, NULL, 0);
	image = bytes > 0 ? malloc((size_t)bytes) : NULL;
	ret = image != NULL ? 0 : -ENOMEM;
	if (ret == 0) {
		bytes = siov_vdev_save(vdev, image, (size_t)bytes);
		ret = bytes < 0 ? (int)bytes : write_file(name, image, (size_t)bytes);
	}
	free(image);
	if (info.state == SIOV_VDEV_RUNNING)
		siov_vdev_resume(vdev);
	return ret;
}

static int
restore(struct host_machine *machine, const char *name)
{
	struct stat st;
	void *image = NULL;
	FILE *f = fopen(name, "r");
	int ret;

	if (f == NULL)
		return -errno;
	ret = fstat(fileno(f), &st) == 0 && st.st_size > 0 && st.st_size <= (off_t)IMAGE_MAX ?
		      0 :
		      -EBADMSG;
	if (ret == 0) {
		image = malloc((size_t)st.st_size);
		ret = image == NULL ? -ENOMEM : 0;
	}
	if (ret == 0 && fread(image, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		ret = -EIO;
	fclose(f);
	if (ret == 0)
		ret = host_restore(machine, image, (size_t)st.st_size);
	free(image);
	return ret;
}

static int
send_to(struct host_machine *machine, const char *address)
{
	struct siov_migrate_stats stats;
	int fd = net_connect(address), ret;

	if (fd < 0)
		return fd;
	ret = host_send(machine, fd, &stats);
	close(fd);
	if (ret == 0)
		print_move(&stats);
	return ret;
}

static void
change_by_file(struct session *session, const struct cmd_args *args)
{
	struct host_machine *machine = find(session, args->num[0]);
	const char *verb = args->word[1], *name = args->word[2];
	char what[sizeof(args->word[1]) + sizeof(args->word[2])];
	int ret;

	if (machine == NULL || !cmd_needs_idle(session))
		return;
	if (strcmp(verb, "save") == 0)
		ret = save(machine, name);
	else if (strcmp(verb, "restore") == 0)
		ret = restore(machine, name);
	else
		ret = send_to(machine, name);
	snprintf(what, sizeof(what), "%s %s", verb, name);
	check(session, ret, what, args->num[0]);
}

static void
receive(struct session *session, const struct cmd_args *args)
{
	uint32_t id;
	int fd, ret;

	if (!cmd_needs_idle(session))
		return;
	fd = net_accept(args->word[2]);
	ret = fd < 0 ? fd : host_receive(&session->rig.host, fd, &id);
	if (fd >= 0)
		close(fd);
	if (ret == 0)
		printf("VDEV %u\n", id);
	else
		cmd_fail(session, "vdev receive %s: %s", args->word[2], rte_strerror(-ret));
}

/* ---- show ---- */

static void
show_info(struct siov_vdev *vdev)
{
	siov_vdev_dump(stdout, vdev);
}

static void
show_summary(struct siov_vdev *vdev)
{
	struct siov_vdev_info info;
	struct siov_vdev_stats stats;

	siov_vdev_get_info(vdev, &info);
	siov_vdev_get_stats(vdev, &stats);
	printf("VDEV %u: %s, %" PRIu64 " accepted, %" PRIu64 " completed, %" PRIu64
	       " failed, %" PRIu64 " aborted\n",
	       info.id, info.type->name, stats.accepted, stats.completed, stats.failed,
	       stats.aborted);
}

static void
show_stats(struct siov_vdev *vdev)
{
	struct siov_vdev_info info;
	struct siov_vdev_stats s;

	siov_vdev_get_info(vdev, &info);
	siov_vdev_get_stats(vdev, &s);
	printf("VDEV %u: intercepted: %" PRIu64 " reads and %" PRIu64
	       " writes of configuration space, %" PRIu64 " and %" PRIu64 " of registers, %" PRIu64
	       " refused\n",
	       info.id, s.nb_reads[0], s.nb_writes[0], s.nb_reads[1], s.nb_writes[1], s.nb_refused);
	printf("  %" PRIu64 " commands, %" PRIu64 " requests (%" PRIu64 " refused), %" PRIu64
	       " interrupts of its own, %" PRIu64 " resets\n",
	       s.nb_commands, s.nb_requests, s.nb_request_errors, s.nb_interrupts, s.nb_resets);
	printf("  %" PRIu64 " accepted, %" PRIu64 " completed, %" PRIu64 " failed, %" PRIu64
	       " aborted, %" PRIu64 " bytes\n",
	       s.accepted, s.completed, s.failed, s.aborted, s.bytes);
}

static void
show_xstats(struct siov_vdev *vdev)
{
	struct siov_vdev_info info;
	struct siov_vdev_stats s;
	unsigned int i;

	siov_vdev_get_info(vdev, &info);
	siov_vdev_get_stats(vdev, &s);

	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{"cfg_reads", s.nb_reads[0]},
		{"cfg_writes", s.nb_writes[0]},
		{"mmio_reads", s.nb_reads[1]},
		{"mmio_writes", s.nb_writes[1]},
		{"refused", s.nb_refused},
		{"commands", s.nb_commands},
		{"requests", s.nb_requests},
		{"request_errors", s.nb_request_errors},
		{"page_requests", s.nb_page_requests},
		{"interrupts", s.nb_interrupts},
		{"resets", s.nb_resets},
		{"accepted_ops", s.accepted},
		{"completed_ops", s.completed},
		{"failed_ops", s.failed},
		{"aborted_ops", s.aborted},
		{"bytes", s.bytes},
	};

	for (i = 0; i < RTE_DIM(rows); i++)
		printf("vdev_%u_%s: %" PRIu64 "\n", info.id, rows[i].name, rows[i].value);
}

static void
show(struct session *session, const struct cmd_args *args)
{
	static const struct {
		const char *what;
		void (*show)(struct siov_vdev *vdev);
	} rows[] = {
		{"info", show_info},
		{"summary", show_summary},
		{"stats", show_stats},
		{"xstats", show_xstats},
	};
	uint64_t id = cmd_is_all(args) ? UINT64_MAX : args->num[0];
	unsigned int row = 0;

	while (strcmp(rows[row].what, args->word[2]) != 0)
		row++;
	if (!look(session, id, rows[row].show) && !cmd_is_all(args))
		fail_none(session, id);
}

static void
dump_pf(struct session *session, const struct cmd_args *args)
{
	RTE_SET_USED(args);
	siov_pci_dump(stdout, session->rig.host.pci, 0);
}

static void
dump_one(struct siov_vdev *vdev)
{
	siov_vdev_dump_config(stdout, vdev);
}

static void
dump_vdev(struct session *session, const struct cmd_args *args)
{
	if (!look(session, args->num[0], dump_one))
		fail_none(session, args->num[0]);
}

const struct cmd cmds_vdev[] = {
	{create_with_dwqs,
	 "vdev",
	 "vdev create type swq|dwq|mixed|dynamic dwqs N",
	 {&tok_vdev, &tok_create, &tok_type, &tok_type_name, &tok_dwqs, &tok_nb_dwqs}},
	{create_plain,
	 "vdev",
	 "vdev create type swq|dwq|mixed|dynamic",
	 {&tok_vdev, &tok_create, &tok_type, &tok_type_name}},
	{change,
	 "vdev",
	 "vdev (reset|suspend|resume|migrate|destroy) ID",
	 {&tok_vdev, &tok_verb, &tok_id}},
	{change_by_file,
	 "vdev",
	 "vdev (save|restore) ID FILE; vdev send ID ADDRESS (path, or host:port)",
	 {&tok_vdev, &tok_file_verb, &tok_id, &tok_file}},
	{receive,
	 "vdev",
	 "vdev receive ADDRESS: a machine that another siov-testpmd sends",
	 {&tok_vdev, &tok_receive, &tok_file}},
	{show,
	 "vdev",
	 "show vdev (info|summary|stats|xstats) ID",
	 {&tok_show, &tok_noun, &tok_what, &tok_id}},
	{show,
	 "vdev",
	 "show vdev (info|summary|stats|xstats) all",
	 {&tok_show, &tok_noun, &tok_what, &tok_all}},
	{dump_pf,
	 "vdev",
	 "dump config pf: as lspci -F reads it",
	 {&tok_dump, &tok_config, &tok_pf}},
	{dump_vdev, "vdev", "dump config vdev ID", {&tok_dump, &tok_config, &tok_of_vdev, &tok_id}},
	{.run = NULL},
};
