/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stddef.h>

#include "regs.h"
#include "siov_bars.h"

#define REGS_BYTES (SIOV_BARS_MSIXPERM + SIOV_BARS_VECTORS_MAX * SIOV_MSIXPERM_STRIDE)
#define ALL UINT32_MAX

/* How many dwords a row has. */
enum reg_count {
	COUNT_FIXED,
	COUNT_GROUPS,
	COUNT_WQS,
	COUNT_VECTORS,
};

struct reg {
	const char *name;
	uint32_t offset; /* of the first dword */
	uint32_t stride;
	uint32_t nb; /* COUNT_FIXED */
	enum reg_count count;
	uint32_t rw;
	uint32_t rw_disabled;
	uint32_t rw_wq;
	uint32_t w1c;
	uint32_t rsvd;
};

struct regs {
	struct regs_conf conf;
	uint32_t words[REGS_BYTES / 4];
};

#define RO(label, at, n) \
	{ \
		.name = label, .offset = at, .stride = 4, .nb = n \
	}
#define GRP(label, at, ...) \
	{ \
		.name = label, .offset = SIOV_BARS_GRPCFG + (at), .stride = SIOV_GRPCFG_STRIDE, \
		.count = COUNT_GROUPS, __VA_ARGS__ \
	}
#define WQ(label, at, ...) \
	{ \
		.name = label, .offset = SIOV_BARS_WQCFG + (at), .stride = SIOV_WQCFG_STRIDE, \
		.count = COUNT_WQS, __VA_ARGS__ \
	}
#define ONE(label, at, ...) \
	{ \
		.name = label, .offset = at, .stride = 4, .nb = 1, __VA_ARGS__ \
	}

static const struct reg reg_table[] = {
	RO("VERSION", SIOV_REG_VERSION, 1),
	RO("GENCAP", SIOV_REG_GENCAP, 2),
	RO("WQCAP", SIOV_REG_WQCAP, 2),
	RO("GRPCAP", SIOV_REG_GRPCAP, 2),
	RO("ENGCAP", SIOV_REG_ENGCAP, 2),
	RO("OPCAP", SIOV_REG_OPCAP, 8),
	RO("OFFSETS", SIOV_REG_OFFSETS, 4),
	ONE("GENCFG", SIOV_REG_GENCFG, .rsvd = ALL),
	ONE("GENCTRL", SIOV_REG_GENCTRL, .rw = 0x3, .rsvd = ~0x3u),
	RO("GENSTS", SIOV_REG_GENSTS, 1),
	ONE("INTCAUSE", SIOV_REG_INTCAUSE, .w1c = 0x20013, .rsvd = ~0x20013u),
	ONE("CMD", SIOV_REG_CMD, .rw = ALL),
	RO("CMDSTS", SIOV_REG_CMDSTS, 1),
	RO("CMDCAP", SIOV_REG_CMDCAP, 1),
	ONE("SWERR", SIOV_REG_SWERR, .w1c = 0x3),
	RO("SWERR", SIOV_REG_SWERR + 4, 7),
	RO("ADICAP", SIOV_REG_ADICAP, 2),
	RO("ADICAP", SIOV_REG_ADICAP_ROWS, SIOV_ADICAP_ROWS_MAX *SIOV_ADICAP_STRIDE / 4),
	GRP("GRPWQS", 0, .rw_disabled = ALL),
	GRP("GRPWQS", 4, .rw_disabled = ALL),
	GRP("GRPENG", 32, .rw_disabled = ALL),
	GRP("GRPENG", 36, .rw_disabled = ALL),
	GRP("GRPFLAGS", 40, .rw_disabled = 0x3f, .rsvd = ~0x3fu),
	WQ("WQSIZE", 0, .rw_disabled = 0xffff, .rsvd = 0xffff0000),
	WQ("WQTHRESHOLD", 4, .rw_disabled = 0xffff, .rsvd = 0xffff0000),
	WQ("WQMODE", 8, .rw_disabled = 0xf3, .rw_wq = 0x3fffff00, .rsvd = 0xc000000c),
	WQ("WQLIMITS", 12, .rw_disabled = 0x1ff, .rsvd = ~0x1ffu),
	WQ("WQSTATE", 24, .rw_disabled = 0),
	{.name = "MSIXPERM",
	 .offset = SIOV_BARS_MSIXPERM,
	 .stride = SIOV_MSIXPERM_STRIDE,
	 .count = COUNT_VECTORS,
	 .rw = 0xfffff00c,
	 .rsvd = 0xff3},
};

static uint32_t
count_of(const struct regs *regs, const struct reg *reg)
{
	switch (reg->count) {
	case COUNT_GROUPS:
		return regs->conf.nb_groups;
	case COUNT_WQS:
		return regs->conf.nb_wqs;
	case COUNT_VECTORS:
		return regs->conf.nb_vectors;
	default:
		return reg->nb;
	}
}

/* The row of the dword at offset, or NULL. */
static const struct reg *
find_reg(const struct regs *regs, uint64_t offset)
{
	size_t i;

	for (i = 0; i < sizeof(reg_table) / sizeof(reg_table[0]); i++) {
		const struct reg *reg = &reg_table[i];
		uint64_t nb = (offset - reg->offset) / reg->stride;

		if (offset >= reg->offset && (offset - reg->offset) % reg->stride == 0 &&
		    nb < count_of(regs, reg))
			return reg;
	}
	return NULL;
}

int
regs_create(const struct regs_conf *conf, struct regs **out)
{
	struct regs *regs =
		siov_mem_alloc(conf->mem, "siov_regs", sizeof(*regs), 64, conf->socket_id);

	if (regs == NULL)
		return -ENOMEM;
	regs->conf = *conf;
	*out = regs;
	return 0;
}

void
regs_free(struct regs *regs)
{
	if (regs != NULL)
		siov_mem_free(regs->conf.mem, regs);
}

uint32_t
regs_get(const struct regs *regs, uint32_t offset)
{
	return regs->words[offset / 4];
}

void
regs_set(struct regs *regs, uint32_t offset, uint32_t value)
{
	regs->words[offset / 4] = value;
}

static int
check_place(uint64_t offset, unsigned int width)
{
	if (width != 1 && width != 2 && width != 4 && width != 8)
		return -EINVAL;
	if (offset % width != 0)
		return -EINVAL;
	return offset < REGS_BYTES ? 0 : -ERANGE;
}

int
regs_read(const struct regs *regs, uint64_t offset, unsigned int width, uint64_t *value)
{
	uint64_t bits;
	int ret = check_place(offset, width);

	if (ret != 0)
		return ret;
	bits = regs->words[offset / 4];
	if (width == 8)
		bits |= (uint64_t)regs->words[offset / 4 + 1] << 32;
	bits >>= 8 * (offset % 4);
	*value = width == 8 ? bits : bits & ((UINT64_C(1) << 8 * width) - 1);
	return 0;
}

/* What may be written of a dword now. */
static uint32_t
writable(const struct reg *reg, const struct regs_access *access, uint64_t offset)
{
	uint32_t rw = reg->rw;

	if (access->is_disabled)
		rw |= reg->rw_disabled;
	if (reg->count == COUNT_WQS &&
	    (access->wqs_disabled >> (offset - reg->offset) / reg->stride & 1))
		rw |= reg->rw_wq;
	return rw;
}

/* bytes: the bits of the dword that the access covers. */
static int
check_dword(const struct regs *regs, uint64_t offset, uint32_t bytes, uint32_t value)
{
	const struct reg *reg = find_reg(regs, offset);

	/* A command is one write: half of one would start something else. */
	if (offset == SIOV_REG_CMD && bytes != ALL)
		return -EINVAL;
	return value & bytes & (reg != NULL ? reg->rsvd : ALL) ? -EINVAL : 0;
}

static void
write_dword(struct regs *regs, const struct regs_access *access, uint64_t offset, uint32_t bytes,
	    uint32_t value)
{
	const struct reg *reg = find_reg(regs, offset);
	uint32_t *word = &regs->words[offset / 4];
	uint32_t rw;

	if (reg == NULL)
		return;
	rw = writable(reg, access, offset) & bytes;
	*word = (*word & ~rw) | (value & rw);
	*word &= ~(value & bytes & reg->w1c);
}

int
regs_write(struct regs *regs, const struct regs_access *access, uint64_t offset, unsigned int width,
	   uint64_t value, regs_written written, void *arg)
{
	const uint64_t first = offset & ~UINT64_C(3);
	unsigned int nb = width == 8 ? 2 : 1;
	uint32_t bytes = ALL;
	unsigned int i;
	int ret = check_place(offset, width);

	if (ret != 0)
		return ret;
	if (width < 4) {
		bytes = ((UINT32_C(1) << 8 * width) - 1) << 8 * (offset % 4);
		value <<= 8 * (offset % 4);
	}
	for (i = 0; i < nb && ret == 0; i++)
		ret = check_dword(regs, first + 4 * i, bytes, (uint32_t)(value >> 32 * i));
	if (ret != 0)
		return ret;
	for (i = 0; i < nb; i++)
		write_dword(regs, access, first + 4 * i, bytes, (uint32_t)(value >> 32 * i));
	for (i = 0; i < nb && written != NULL; i++)
		written(arg, (uint32_t)first + 4 * i, regs->words[first / 4 + i]);
	return 0;
}

const char *
regs_name(const struct regs *regs, uint64_t offset)
{
	const struct reg *reg = find_reg(regs, offset & ~UINT64_C(3));

	return reg != NULL ? reg->name : NULL;
}
