/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_MODULES_H
#define TENURE_SHIM_MODULES_H

/* The program and its libraries, as the loader has mapped them; each is announced to the recorder before the
 * first stack that shows it. */

#include <stdbool.h>
#include <stdint.h>

struct tn_thread;

/* What is known of one module. Written under the control lock. */
struct tn_module {
    uintptr_t low, high;           /* mapped range: [low, high); there may be holes in it */
    uintptr_t text_low, text_high; /* its code, without holes */
    uintptr_t data_low, data_high; /* its variables: [low, high); high 0: it has none, or is the system's */
    uintptr_t bias;                /* load bias: what is added to an address in the file */
    uintptr_t unwind_header;       /* .eh_frame_hdr, 0 if there is none */
    uintptr_t data_base;           /* DT_PLTGOT: what data-relative pointers are relative to */
    uint64_t identity;             /* tells it from another one that was mapped to the same range */
    uint32_t seen_scan;            /* the last scan that met it */
};

/* Announce every module that was loaded, and every one that is gone, since the last scan. Takes the loader's
 * lock and the control lock; call without either. Cost: a walk over all modules. */
void tn_modules_scan(struct tn_thread *thread);

/* How many modules the loader has unloaded so far. Any thread. */
uint64_t tn_modules_unloaded(void);

/* Forget what was announced: new shared memory is taken into use. Before any event is written to it. */
void tn_modules_forget(void);

/* Find the module at pc. Signals blocked; takes the control lock.
 *
 * Returns  whether there is one; if not, ret_module is untouched */
bool tn_modules_find(uintptr_t pc, struct tn_module *ret_module);

/* The same; scans once when it is not found at first. Without a lock. */
bool tn_modules_resolve(struct tn_thread *thread, uintptr_t pc, struct tn_module *ret_module);

#endif
