/* SPDX-License-Identifier: MIT */
/* Tells where a crash happened. A program that catches such signals itself has its own handlers, and no stack
 * is given for it. After the handler the instruction is repeated, or abort goes on, and the default action
 * ends the process as it would have ended. */
#include "inject_parts.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

static uintptr_t instruction_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    return context != NULL ? 0 : 0;
#endif
}

static void tell_crash(int number, siginfo_t *info, void *user)
{
    struct tn_preload_frame frames[TN_INJECT_FRAMES_MAX];
    uintptr_t instruction = instruction_of(user);
    size_t count = tn_preload_walk(instruction, frames, TN_INJECT_FRAMES_MAX);
    if (count == 0)
        frames[count++] = (struct tn_preload_frame){.address = instruction};
    if (__atomic_load_n(&tn_inject_head->crash.is_taken, __ATOMIC_RELAXED) == 0) {
        tn_inject_head->crash.signal = (uint32_t)number;
        tn_inject_head->crash.address = (uint64_t)(uintptr_t)info->si_addr;
        tn_preload_tell(&tn_inject_seen, &tn_inject_head->crash, frames, count);
    }
}

void tn_inject_watch_crashes(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS};
    struct sigaction action = {.sa_sigaction = tell_crash,
                               .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct sigaction found;
        if (sigaction(signals[i], NULL, &found) == 0 && (found.sa_flags & SA_SIGINFO) == 0 &&
            found.sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
    }
}
