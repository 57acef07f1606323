/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands of the prompt: one const table a noun, each row a function with its words.
 *
 * Functions run on the prompt's thread, print to stdout, and say with cmd_fail that they could not
 * do what was asked.
 */
#ifndef CMD_H
#define CMD_H

#include <cmdline.h>
#include <cmdline_parse.h>
#include <cmdline_parse_num.h>
#include <cmdline_parse_string.h>

#include "session.h"

#define CMD_WORDS 7u
#define CMD_TOKENS 12u

/* What any command's words are parsed into. */
struct cmd_args {
	cmdline_fixed_string_t word[CMD_WORDS];
	cmdline_multi_string_t rest;
	uint64_t num[4];
};

struct cmd {
	void (*run)(struct session *session, const struct cmd_args *args);
	const char *section; /* of help */
	const char *help;
	void *tokens[CMD_TOKENS]; /* cmdline tokens, ending with NULL */
};

/* Word idx of the arguments: one of the choices "a#b", or any word if choices is NULL. */
#define CMD_WORD(name, idx, choices) \
	static cmdline_parse_token_string_t name = \
		TOKEN_STRING_INITIALIZER(struct cmd_args, word[idx], choices)
/* Number idx: decimal or 0x... */
#define CMD_NUM(name, idx) \
	static cmdline_parse_token_num_t name = \
		TOKEN_NUM_INITIALIZER(struct cmd_args, num[idx], RTE_UINT64)
/* Everything up to the end of the line. */
#define CMD_REST(name) \
	static cmdline_parse_token_string_t name = \
		TOKEN_STRING_INITIALIZER(struct cmd_args, rest, TOKEN_STRING_MULTI)
/* "all" in place of a number, see cmd_is_all. */
#define CMD_ALL(name) CMD_WORD(name, CMD_WORDS - 1, "all")

/* Tables, each ending with a row without function. */
extern const struct cmd cmds_run[];
extern const struct cmd cmds_show[];
extern const struct cmd cmds_show_iommu[];
extern const struct cmd cmds_set[];
extern const struct cmd cmds_wq[];
extern const struct cmd cmds_adi[];
extern const struct cmd cmds_ims[];
extern const struct cmd cmds_reg[];
extern const struct cmd cmds_pasid[];
extern const struct cmd cmds_iommu[];
extern const struct cmd cmds_inject[];
extern const struct cmd cmds_vdev[];

extern const struct cmd *const cmd_tables[];
extern const unsigned int nb_cmd_tables;

/* Whether a command with a row for a number and one for "all" was given the latter. */
static inline bool
cmd_is_all(const struct cmd_args *args)
{
	/* What a row does not have is empty: cmdline clears its result. */
	return args->word[CMD_WORDS - 1][0] != '\0';
}

/* Print one line on stderr and note that the command failed. */
void cmd_fail(struct session *session, const char *fmt, ...) __rte_format_printf(2, 3);

/* The same for an error of a siov_* call; 0 is none. */
void cmd_check(struct session *session, int ret, const char *what);

/* Whether no workload runs; otherwise the command fails. */
bool cmd_needs_idle(struct session *session);

/* A PASID that fits, or 0 after cmd_fail. */
uint32_t cmd_pasid(struct session *session, uint64_t number);

/* A queue's number: its configuration, or NULL after cmd_fail. */
const struct siov_dev_wq_conf *cmd_find_wq(struct session *session, uint64_t number);

#endif /* CMD_H */
