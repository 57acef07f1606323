/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small accesses of addresses that may be bad, for which to arm a guard would cost more than the access.
 *
 * The processor's fault names the instruction: the code below is left at guard_small_left whenever one
 * of its instructions faults. It has no stack, and changes no register that its caller keeps. Its
 * stores are in the order in which they are written here, as all of this processor's are.
 */
#include "guard_small_priv.h"

#if GUARD_HAS_SMALL

/* What the last fault of this thread in here was. */
static __thread struct guard_fault left __attribute__((tls_model("initial-exec")));

/* clang-format off */
__asm__(
	".pushsection .text.guard_small, \"ax\", @progbits\n"
	".hidden guard_small_begin\n"
	".hidden guard_small_end\n"
	".hidden guard_small_left\n"
	".hidden guard_small_move\n"
	".hidden guard_small_touch\n"
	".hidden guard_small_store\n"
	".globl guard_small_begin\n"
	".globl guard_small_end\n"
	".globl guard_small_left\n"
	".globl guard_small_move\n"
	".globl guard_small_touch\n"
	".globl guard_small_store\n"

	/* dst in rdi, src in rsi, bytes in edx, 1 at least. */
	"	.p2align 6\n"
	"	.type guard_small_move, @function\n"
	"guard_small_begin:\n"
	"guard_small_move:\n"
	"	mov	%edx, %edx\n"
	"	cmp	$16, %edx\n"
	"	jb	3f\n"
	/* The last 16 bytes are read before anything is written. */
	"	lea	-16(%rsi,%rdx), %r8\n"
	"	lea	-16(%rdi,%rdx), %r9\n"
	"	movdqu	(%r8), %xmm2\n"
	"	lea	-16(%r8), %r10\n"
	"	jmp	2f\n"
	"	.p2align 4\n"
	"1:	movdqu	(%rsi), %xmm0\n"
	"	movdqu	16(%rsi), %xmm1\n"
	"	movdqu	%xmm0, (%rdi)\n"
	"	movdqu	%xmm1, 16(%rdi)\n"
	"	add	$32, %rsi\n"
	"	add	$32, %rdi\n"
	"2:	cmp	%r10, %rsi\n"
	"	jb	1b\n"
	/* At most 32 are left, of which the last 16 are in a register. */
	"	cmp	%r8, %rsi\n"
	"	jae	4f\n"
	"	movdqu	(%rsi), %xmm0\n"
	"	movdqu	%xmm0, (%rdi)\n"
	"4:	movdqu	%xmm2, (%r9)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"3:	cmp	$8, %edx\n"
	"	jb	5f\n"
	"	mov	(%rsi), %rax\n"
	"	mov	-8(%rsi,%rdx), %rcx\n"
	"	mov	%rax, (%rdi)\n"
	"	mov	%rcx, -8(%rdi,%rdx)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"5:	cmp	$4, %edx\n"
	"	jb	6f\n"
	"	mov	(%rsi), %eax\n"
	"	mov	-4(%rsi,%rdx), %ecx\n"
	"	mov	%eax, (%rdi)\n"
	"	mov	%ecx, -4(%rdi,%rdx)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"6:	mov	%edx, %r8d\n"
	"	shr	$1, %r8d\n"
	"	movzbl	(%rsi), %eax\n"
	"	movzbl	(%rsi,%r8), %r9d\n"
	"	movzbl	-1(%rsi,%rdx), %ecx\n"
	"	mov	%al, (%rdi)\n"
	"	mov	%r9b, (%rdi,%r8)\n"
	"	mov	%cl, -1(%rdi,%rdx)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"	.size guard_small_move, . - guard_small_move\n"

	/* A word in rdi: the processor asks for a writable page, whatever it finds there. */
	"	.p2align 4\n"
	"	.type guard_small_touch, @function\n"
	"guard_small_touch:\n"
	"	mov	(%rdi), %rax\n"
	"	lock cmpxchg %rax, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"	.size guard_small_touch, . - guard_small_touch\n"

	/* A record in rdi, its words in rsi: the first one last. */
	"	.p2align 4\n"
	"	.type guard_small_store, @function\n"
	"guard_small_store:\n"
	"	movdqu	16(%rsi), %xmm0\n"
	"	mov	8(%rsi), %rcx\n"
	"	mov	(%rsi), %rax\n"
	"	movdqu	%xmm0, 16(%rdi)\n"
	"	mov	%rcx, 8(%rdi)\n"
	"	mov	%rax, (%rdi)\n"
	"	xor	%eax, %eax\n"
	"	ret\n"
	"	.size guard_small_store, . - guard_small_store\n"
	"guard_small_end:\n"

	"	.type guard_small_left, @function\n"
	"guard_small_left:\n"
	"	mov	$1, %eax\n"
	"	ret\n"
	"	.size guard_small_left, . - guard_small_left\n"
	"	.popsection\n");
/* clang-format on */

extern const char guard_small_begin[], guard_small_end[], guard_small_left[];

bool
guard_small_leave(ucontext_t *context, const struct guard_fault *fault)
{
	greg_t *at = &context->uc_mcontext.gregs[REG_RIP];
	uintptr_t begin = (uintptr_t)guard_small_begin, end = (uintptr_t)guard_small_end;

	if ((uintptr_t)*at - begin >= end - begin)
		return false;
	left = *fault;
	*at = (greg_t)(uintptr_t)guard_small_left;
	return true;
}

struct guard_fault
guard_small_fault(void)
{
	return left;
}

#endif
