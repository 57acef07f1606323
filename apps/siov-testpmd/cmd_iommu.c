/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iommu map, unmap, invalidate: for PASIDs made by hand. What they are bound to decides whose tables
 * change: the platform's (first, second), or the guest's own (nested).
 */
#include <string.h>

#include "book.h"
#include "cmd.h"

CMD_WORD(tok_iommu, 0, "iommu");
CMD_WORD(tok_map, 1, "map");
CMD_WORD(tok_verb, 1, "map#unmap");
CMD_WORD(tok_invalidate, 1, "invalidate");
CMD_WORD(tok_pasid, 2, "pasid");
CMD_NUM(tok_number, 0);
CMD_WORD(tok_iova, 3, "iova");
CMD_NUM(tok_address, 1);
CMD_WORD(tok_len, 4, "len");
CMD_NUM(tok_bytes, 2);
CMD_WORD(tok_perm, 3, "perm");
CMD_WORD(tok_rw, 5, "r#w#rw");

/* What makes no sense for the kind of address space gets a line of its own. */
static void
check(struct session *session, int ret, uint32_t pasid, const char *what)
{
	if (ret == -ENOTSUP)
		cmd_fail(session, "%s: PASID %u has no tables; allowed: first, second, nested",
			 what, pasid);
	else if (ret == -EEXIST)
		cmd_fail(session, "%s: something is mapped there already", what);
	else if (ret == -EINVAL)
		cmd_fail(session,
			 "%s: allowed: multiples of 4096, and perm w alone for second only", what);
	else
		cmd_check(session, ret, what);
}

static void
map(struct session *session, const struct cmd_args *args, unsigned int perm)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);

	if (pasid != 0)
		check(session, book_map(session->book, pasid, args->num[1], args->num[2], perm),
		      pasid, "iommu map");
}

static void
map_perm(struct session *session, const struct cmd_args *args)
{
	map(session, args,
	    (strchr(args->word[5], 'r') != NULL ? SIOV_PERM_R : 0) |
		    (strchr(args->word[5], 'w') != NULL ? SIOV_PERM_W : 0));
}

static void
map_or_unmap(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid;

	if (strcmp(args->word[1], "map") == 0) {
		map(session, args, SIOV_PERM_R | SIOV_PERM_W);
		return;
	}
	pasid = cmd_pasid(session, args->num[0]);
	if (pasid != 0)
		check(session, book_unmap(session->book, pasid, args->num[1], args->num[2]), pasid,
		      "iommu unmap");
}

/* Unmapping invalidates by itself; this asks for it apart. */
static void
invalidate(struct session *session, const struct cmd_args *args)
{
	uint32_t pasid = cmd_pasid(session, args->num[0]);

	if (pasid != 0)
		cmd_check(session,
			  siov_pasid_invalidate(session->rig.iommu, pasid, args->num[1],
						args->num[2]),
			  "iommu invalidate");
}

const struct cmd cmds_iommu[] = {
	{map_perm,
	 "iommu",
	 "iommu map pasid N iova A len L perm (r|w|rw): new memory at A; nested: by the "
	 "guest's own tables",
	 {&tok_iommu, &tok_map, &tok_pasid, &tok_number, &tok_iova, &tok_address, &tok_len,
	  &tok_bytes, &tok_perm, &tok_rw}},
	{map_or_unmap,
	 "iommu",
	 "iommu (map|unmap) pasid N iova A len L",
	 {&tok_iommu, &tok_verb, &tok_pasid, &tok_number, &tok_iova, &tok_address, &tok_len,
	  &tok_bytes}},
	{invalidate,
	 "iommu",
	 "iommu invalidate pasid N iova A len L: drop it from every engine's cache",
	 {&tok_iommu, &tok_invalidate, &tok_pasid, &tok_number, &tok_iova, &tok_address, &tok_len,
	  &tok_bytes}},
	{.run = NULL},
};
