/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cmdline_socket.h>

#include "book.h"
#include "cmd.h"
#include "complain.h"
#include "prompt.h"

#define LINE_MAX_LEN 1024u
#define LOAD_DEPTH_MAX 8u
#define PROMPT "siov> "

struct prompt {
	struct session *session;
	cmdline_parse_ctx_t *ctx; /* all commands, ending with NULL */
	cmdline_parse_inst_t *insts[128];
	unsigned int nb_insts;
	struct cmdline *file_cl; /* commands that come from files */
	bool has_failed; /* a command has, and that was to end the program */
};

const struct cmd *const cmd_tables[] = {cmds_run,   cmds_show,  cmds_show_iommu, cmds_set,
					cmds_wq,    cmds_adi,   cmds_ims,        cmds_reg,
					cmds_pasid, cmds_iommu, cmds_inject,     cmds_vdev};
const unsigned int nb_cmd_tables = RTE_DIM(cmd_tables);

/* What cmdline hands to a command: the row, and for whom. */
struct bound_cmd {
	const struct cmd *cmd;
	struct session *session;
};

void
cmd_fail(struct session *session, const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fflush(stdout);
	complain("%s", text);
	session->cmd_failed = true;
}

static void
run_command(void *parsed, struct cmdline *cl, void *data)
{
	const struct bound_cmd *bound = data;

	(void)cl;
	bound->cmd->run(bound->session, parsed);
	fflush(stdout);
}

/* ---- from const tables to what cmdline wants ---- */

static int
add_command(struct prompt *prompt, const struct cmd *cmd)
{
	struct bound_cmd *bound;
	cmdline_parse_inst_t *inst;
	size_t tokens_bytes = sizeof(cmd->tokens) + sizeof(cmd->tokens[0]);

	if (prompt->nb_insts + 1 >= RTE_DIM(prompt->insts))
		return -ENOSPC;
	/* One block: the instance, its tokens, what its function gets. */
	inst = calloc(1, sizeof(*inst) + tokens_bytes + sizeof(*bound));
	if (inst == NULL)
		return -ENOMEM;
	bound = (void *)((char *)(inst + 1) + tokens_bytes);
	bound->cmd = cmd;
	bound->session = prompt->session;
	inst->f = run_command;
	inst->data = bound;
	inst->help_str = cmd->help;
	memcpy(inst->tokens, cmd->tokens, sizeof(cmd->tokens));
	prompt->insts[prompt->nb_insts++] = inst;
	return 0;
}

static int
make_context(struct prompt *prompt)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < nb_cmd_tables; i++) {
		const struct cmd *cmd;

		for (cmd = cmd_tables[i]; cmd->run != NULL && ret == 0; cmd++)
			ret = add_command(prompt, cmd);
	}
	prompt->ctx = prompt->insts;
	prompt->file_cl = ret == 0 ? cmdline_new(prompt->ctx, "", -1, STDOUT_FILENO) : NULL;
	return prompt->file_cl != NULL ? 0 : complain("prompt: too little memory");
}

static void
free_context(struct prompt *prompt)
{
	unsigned int i;

	if (prompt->file_cl != NULL)
		cmdline_free(prompt->file_cl);
	for (i = 0; i < prompt->nb_insts; i++)
		free(prompt->insts[i]);
}

/* ---- lines ---- */

/* Execute one line. Returns whether the next one may follow. */
static bool
run_line(struct prompt *prompt, const char *line)
{
	struct session *session = prompt->session;
	char text[LINE_MAX_LEN + 2];
	int ret;

	session->cmd_failed = false;
	snprintf(text, sizeof(text), "%.*s\n", (int)strcspn(line, "\r\n"), line);
	if (text[strspn(text, " \t\n")] == '\0' || text[strspn(text, " \t")] == '#')
		return true;
	ret = cmdline_parse(prompt->file_cl, text);
	text[strlen(text) - 1] = '\0';
	if (ret == CMDLINE_PARSE_AMBIGUOUS)
		cmd_fail(session, "%s: ambiguous command", text);
	else if (ret == CMDLINE_PARSE_NOMATCH)
		cmd_fail(session, "%s: no such command; help lists what is allowed", text);
	else if (ret < 0)
		cmd_fail(session, "%s: bad arguments; help lists what is allowed", text);
	if (session->cmd_failed && session->given.err_exit) {
		prompt->has_failed = true;
		session->is_quitting = true;
	}
	return !session->is_quitting;
}

/* Commands of a stream, up to its end or to "quit". */
static void
run_lines(struct prompt *prompt, FILE *f)
{
	char line[LINE_MAX_LEN];

	while (!prompt->session->is_quitting && fgets(line, sizeof(line), f) != NULL)
		run_line(prompt, line);
}

/* The prompt's own context is not at hand where "load" is executed: it makes another. */
bool
prompt_load(struct session *session, const char *path)
{
	struct prompt prompt = {.session = session};
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		complain("%s: %s", path, strerror(errno));
		return false;
	}
	if (session->load_depth == LOAD_DEPTH_MAX) {
		fclose(f);
		complain("%s: files that load files, more than %u deep", path, LOAD_DEPTH_MAX);
		return false;
	}
	session->load_depth++;
	if (make_context(&prompt) == 0)
		run_lines(&prompt, f);
	free_context(&prompt);
	session->load_depth--;
	fclose(f);
	if (prompt.has_failed)
		session->cmd_failed = true;
	return true;
}

/* ---- stdin ---- */

/* Wait for input. Returns 1: there is some; 0: a signal ended the workload; -1: or the program. */
static int
wait_input(struct prompt *prompt)
{
	struct pollfd fds[] = {
		{.fd = STDIN_FILENO, .events = POLLIN},
		{.fd = prompt->session->signal_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	while (poll(fds, 2, -1) < 0 && errno == EINTR)
		;
	if (!(fds[1].revents & POLLIN))
		return 1;
	if (read(fds[1].fd, &info, sizeof(info)) == (ssize_t)sizeof(info) &&
	    info.ssi_signo == SIGINT && !session_is_idle(prompt->session)) {
		stopper_ask(&prompt->session->stopper);
		return 0;
	}
	return -1;
}

/* A person: cmdline edits, completes and remembers. */
static void
talk(struct prompt *prompt)
{
	struct session *session = prompt->session;
	struct cmdline *cl = cmdline_stdin_new(prompt->ctx, PROMPT);
	char c;

	if (cl == NULL) {
		complain("prompt: stdin cannot be used");
		return;
	}
	while (!session->is_quitting) {
		int input = wait_input(prompt);

		if (input == 0)
			continue;
		session->cmd_failed = false;
		if (input < 0 || read(STDIN_FILENO, &c, 1) != 1 || cmdline_in(cl, &c, 1) < 0)
			break;
		if (session->cmd_failed && session->given.err_exit) {
			prompt->has_failed = true;
			break;
		}
	}
	cmdline_stdin_exit(cl);
	printf("\n");
}

/* A pipe or a file: whole lines. Unbuffered, so that what poll sees is all there is. */
static void
listen_to_pipe(struct prompt *prompt)
{
	char line[LINE_MAX_LEN];

	setvbuf(stdin, NULL, _IONBF, 0);
	while (!prompt->session->is_quitting) {
		int input = wait_input(prompt);

		if (input == 0)
			continue;
		if (input < 0 || fgets(line, sizeof(line), stdin) == NULL)
			break;
		run_line(prompt, line);
	}
}

/* ---- the thread ---- */

static void
run_prompt(struct prompt *prompt)
{
	struct session *session = prompt->session;

	if (session->given.cmdline_file != NULL &&
	    !prompt_load(session, session->given.cmdline_file))
		prompt->has_failed = true;
	if (session->cmd_failed && session->given.err_exit)
		prompt->has_failed = true;
	if (session->given.start && !session->is_quitting)
		session_start(session);
	if (!session->given.interactive || session->is_quitting) {
		if (!session->is_quitting)
			session_wait(session, 0);
		return;
	}
	if (isatty(STDIN_FILENO))
		talk(prompt);
	else
		listen_to_pipe(prompt);
}

static void *
prompt_main(void *arg)
{
	struct prompt *prompt = arg;

	run_prompt(prompt);
	session_end(prompt->session);
	return NULL;
}

int
prompt_run(struct session *session)
{
	struct prompt prompt = {.session = session};
	pthread_t thread;
	int ret;

	/* Signals come to the prompt, which stops a workload or ends the program. */
	session->stopper.signal_fd = -1;
	if (book_create(session->rig.iommu, &session->book) != 0)
		return complain("prompt: too little memory");
	if (make_context(&prompt) != 0) {
		free_context(&prompt);
		return -1;
	}
	ret = pthread_create(&thread, NULL, prompt_main, &prompt);
	if (ret != 0) {
		free_context(&prompt);
		return complain("prompt's thread: %s", strerror(ret));
	}
	ret = session_serve(session);
	pthread_join(thread, NULL);
	free_context(&prompt);
	return prompt.has_failed ? -1 : ret;
}
