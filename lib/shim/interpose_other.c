/* SPDX-License-Identifier: MIT */

/* The other functions that the shim interposes: dlclose, since rules of unloaded code must be forgotten, and
 * those that show where main begins and where the program exits, which become marks; and tenure_mark itself.
 */

#include "control_ring.h"
#include "enter.h"
#include "real.h"
#include "room.h"
#include "shim_modules.h"
#include "sys.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "tenure/mark.h"

TN_EXPORT int dlclose(void *handle);
TN_EXPORT int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*begin)(void),
                                void (*end)(void), void (*loader_end)(void), void *stack_end);

static int (*real_main)(int, char **, char **);

/* A mark, if this process is recorded. */
static void mark(const struct tn_caller *caller, const char *text)
{
    struct tn_thread *thread = &tn_thread;
    if (!tn_enter_other(&thread, caller))
        return;
    bool ends_pause = tn_mark(thread, text);
    tn_leave(thread);
    if (ends_pause)
        tn_room_await_end();
}

/* Rules of unloaded code would be wrong for what is mapped there next. */
static void forget_code(struct tn_thread *thread)
{
    tn_own_begin(thread);
    if (tn_lock_take(&tn_control_lock)) {
        atomic_fetch_add_explicit(&tn_shim_process.rule_epoch, 1, memory_order_relaxed);
        tn_rules_forget(&tn_shim_process.rules);
        tn_lock_drop(&tn_control_lock);
    }
    tn_modules_scan(thread);
    tn_own_end(thread);
}

TN_EXPORT int dlclose(void *handle)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    /* This may be the first call that the shim sees. */
    bool can_write = tn_enter_other(&thread, &caller);
    if (can_write)
        tn_leave(thread);
    uint64_t unloaded = tn_modules_unloaded();
    int result = tn_real.dlclose(handle);
    if (can_write && tn_modules_unloaded() != unloaded && tn_enter_other(&thread, &caller)) {
        forget_code(thread);
        tn_leave(thread);
    }
    return result;
}

/* A frame of its own, which stacks leave out: when main returns here, exiting begins. */
static int run_main(int argc, char **argv, char **envp)
{
    const struct tn_caller caller = TN_CALLER();
    mark(&caller, "main entered");
    int status = real_main(argc, argv, envp);
    mark(&caller, "exit begun");
    return status;
}

TN_EXPORT int __libc_start_main(int (*run)(int, char **, char **), int argc, char **argv, void (*begin)(void),
                                void (*end)(void), void (*loader_end)(void), void *stack_end)
{
    const struct tn_caller caller = TN_CALLER();
    struct tn_thread *thread = &tn_thread;
    if (tn_enter_other(&thread, &caller))
        tn_leave(thread);
    real_main = run;
    return tn_real.start_main(run_main, argc, argv, begin, end, loader_end, stack_end);
}

TN_EXPORT void exit(int status)
{
    const struct tn_caller caller = TN_CALLER();
    mark(&caller, "exit begun");
    tn_real.leave(status);
}

TN_EXPORT void tenure_mark(const char *text)
{
    const struct tn_caller caller = TN_CALLER();
    mark(&caller, text);
}
