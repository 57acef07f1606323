/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One handler for the two signals of a bad address, and a way out of it.
 *
 * The variables below are the process's, as its signal handlers are: what was installed before us
 * is kept once however many devices there are, and the handler learns from the thread alone which
 * guard is meant.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include <sys/ucontext.h>

#include <rte_atomic.h>

#include "guard_priv.h"
#include "guard_small_priv.h"

static const int guard_signals[] = {SIGSEGV, SIGBUS};

static pthread_mutex_t guard_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int guard_nb_users;
static bool guard_is_installed[RTE_DIM(guard_signals)];
static struct sigaction guard_old[RTE_DIM(guard_signals)];
/* No allocation at the first use in a thread: that may be in the handler. */
static __thread struct guard *guard_armed __attribute__((tls_model("initial-exec")));

/* ---- in the handler ---- */

/* Whether the processor met a bad address; not a signal that somebody sent, nor a warning. */
static bool
is_bad_access(int sig, const siginfo_t *info)
{
	if (info->si_code <= 0 || info->si_code == SI_KERNEL)
		return false;
	return sig == SIGSEGV || info->si_code != BUS_MCEERR_AO;
}

static bool
is_covered(const struct guard *guard, uint64_t addr)
{
	unsigned int i;

	for (i = 0; i < guard->nb_spans; i++) {
		if (addr - guard->spans[i].start < guard->spans[i].len)
			return true;
	}
	return false;
}

static bool
was_write(const void *context)
{
#if defined(__x86_64__)
	const ucontext_t *uc = context;

	return uc->uc_mcontext.gregs[REG_ERR] & 2; /* W/R of the page fault's error code */
#else
	(void)context;
	return false;
#endif
}

/* Default action: the faulting instruction runs again, without us; what was sent is sent again. */
static void
fall_back(int sig, const siginfo_t *info)
{
	signal(sig, SIG_DFL);
	if (info->si_code <= 0)
		raise(sig);
}

static void
pass_on(int sig, siginfo_t *info, void *context)
{
	const struct sigaction *old = &guard_old[sig == guard_signals[0] ? 0 : 1];

	if (old->sa_flags & SA_SIGINFO)
		old->sa_sigaction(sig, info, context);
	else if (old->sa_handler == SIG_DFL || (old->sa_handler == SIG_IGN && info->si_code > 0))
		fall_back(sig, info); /* the kernel lets nobody ignore a real fault */
	else if (old->sa_handler != SIG_IGN)
		old->sa_handler(sig);
}

/* Whether it was one of the small accesses, which goes on at its end. */
static bool
leave_small(int sig, const siginfo_t *info, void *context)
{
#if GUARD_HAS_SMALL
	const struct guard_fault fault = {(uintptr_t)info->si_addr, was_write(context)};

	return is_bad_access(sig, info) && guard_small_leave(context, &fault);
#else
	RTE_SET_USED(sig);
	RTE_SET_USED(info);
	RTE_SET_USED(context);
	return false;
#endif
}

static void
on_signal(int sig, siginfo_t *info, void *context)
{
	struct guard *guard = guard_armed;
	uint64_t addr = (uintptr_t)info->si_addr;

	if (leave_small(sig, info, context))
		return;
	if (guard == NULL || !is_bad_access(sig, info) || !is_covered(guard, addr)) {
		pass_on(sig, info, context);
		return;
	}
	guard_armed = NULL;
	guard->fault_addr = addr;
	guard->is_write = was_write(context);
	siglongjmp(guard->env, 1);
}

/* ---- control ---- */

/* Whether our handler may still be called: others may have come on top and pass on to it. */
static bool
is_reached(unsigned int i)
{
	struct sigaction now;

	if (!guard_is_installed[i] || sigaction(guard_signals[i], NULL, &now) != 0)
		return false;
	/* No handler, or what was there before us again: somebody has put us away. */
	return now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN &&
	       now.sa_sigaction != guard_old[i].sa_sigaction;
}

static int
install(unsigned int i)
{
	/* On the thread's alternate stack if it has one, as the handler before us may expect. */
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
	int sig = guard_signals[i];

	action.sa_sigaction = on_signal;
	sigemptyset(&action.sa_mask);
	/* First what to pass on to: faults of other threads come at any time. */
	if (sigaction(sig, NULL, &guard_old[i]) != 0 || sigaction(sig, &action, NULL) != 0)
		return -errno;
	guard_is_installed[i] = true;
	return 0;
}

/* Not if others came on top: they may pass on to us for as long as the process lives. */
static void
uninstall(unsigned int i)
{
	struct sigaction now;
	int sig = guard_signals[i];

	if (!guard_is_installed[i] || sigaction(sig, NULL, &now) != 0)
		return;
	if (!(now.sa_flags & SA_SIGINFO) || now.sa_sigaction != on_signal)
		return;
	if (sigaction(sig, &guard_old[i], NULL) == 0)
		guard_is_installed[i] = false;
}

static void
uninstall_all(void)
{
	unsigned int i;

	for (i = 0; i < RTE_DIM(guard_signals); i++)
		uninstall(i);
}

int
guard_get(void)
{
	unsigned int i;
	int ret = 0;

	pthread_mutex_lock(&guard_lock);
	for (i = 0; i < RTE_DIM(guard_signals) && ret == 0; i++) {
		if (!is_reached(i))
			ret = install(i);
	}
	if (ret == 0)
		guard_nb_users++;
	else if (guard_nb_users == 0)
		uninstall_all();
	pthread_mutex_unlock(&guard_lock);
	return ret;
}

void
guard_put(void)
{
	pthread_mutex_lock(&guard_lock);
	if (--guard_nb_users == 0)
		uninstall_all();
	pthread_mutex_unlock(&guard_lock);
}

void
guard_unblock_signals(void)
{
	sigset_t set;
	unsigned int i;

	sigemptyset(&set);
	for (i = 0; i < RTE_DIM(guard_signals); i++)
		sigaddset(&set, guard_signals[i]);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- guarded calls ---- */

bool
guard_call(struct guard *guard, void (*fn)(void *arg), void *arg)
{
	/* The signal mask stays: SA_NODEFER has not changed it. */
	if (sigsetjmp(guard->env, 0) != 0)
		return false;
	guard_armed = guard;
	rte_compiler_barrier();
	fn(arg);
	rte_compiler_barrier();
	guard_armed = NULL;
	return true;
}
