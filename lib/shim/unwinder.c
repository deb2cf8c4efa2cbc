/* SPDX-License-Identifier: MIT */

/* libunwind, for what the shim does not read in unwind tables itself (cfi.c). It is asked to make one step
 * from made-up registers, and its result shows what it was computed from (rules.c). Frames that no rule
 * describes are stepped out of by libunwind itself.
 *
 * libunwind is used as if on a remote process, through the accessors below: so it opens no pipe to test
 * memory with, asks the loader nothing (and takes no lock but its own), reads no memory that was not checked
 * here, and can be given made-up registers. It is loaded by dlopen with RTLD_LOCAL: its _Unwind_* must not
 * capture the C++ exceptions of programs that load libstdc++ later. Where it is not there, such frames are
 * not stepped out of. Called by learn.c, walk.c and verify_stack.c. */

#include "unwinder.h"

#include "cfi.h"
#include "rules.h"
#include "shim_modules.h"
#include "shim_thread.h"
#include "sys.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "banned.h"

/* Generous: libunwind 1.6.2 needs some 10 KiB. */
#define OWN_STACK_BYTES ((size_t)128 << 10)

/* Made-up registers. None is a valid address, so that no real address is taken for a value computed from
 * them. */
#define MADE_UP_SP    UINT64_C(0x1100000000000000)
#define MADE_UP_FP    UINT64_C(0x2200000000000000)
#define MADE_UP_OTHER UINT64_C(0x3300000000000000)
#define MADE_UP_LOAD  UINT64_C(0x4400000000000000)

struct unwinder {
    unw_addr_space_t (*create_addr_space)(unw_accessors_t *, int);
    int (*init_remote)(unw_cursor_t *, unw_addr_space_t, void *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
    int (*get_save_loc)(unw_cursor_t *, int, unw_save_loc_t *);
    int (*search)(unw_addr_space_t, unw_word_t, unw_dyn_info_t *, unw_proc_info_t *, int, void *);
    unw_addr_space_t space;
};

/* One question to libunwind: what its accessors answer from, and what they have observed. */
struct question {
    struct tn_caller frame;  /* in: the frame; out, of a real step: its caller */
    uintptr_t high;          /* of a real step: loads end there */
    uintptr_t link;          /* of a real step: what the return address register held; 0: not known */
    struct tn_probe probe;   /* of a made-up step */
    struct tn_module module; /* that the last address was found in */
    bool is_made_up;
    bool has_caller; /* result of a real step */
};

static struct unwinder unwinder;
static struct tn_lock unwinder_lock;
static char *own_stack; /* NULL: libunwind is not there */
static bool is_broken;  /* the process was forked while it was at work: it cannot be used any more */

/* A module's search table, as libunwind wants it. */
static bool find_table(const struct tn_module *module, unw_dyn_info_t *ret_info)
{
    struct tn_cfi_table table;
    if (!tn_cfi_find_table(module->unwind_header, module->low, module->high, &table))
        return false;
    memset(ret_info, 0, sizeof(*ret_info));
    ret_info->format = UNW_INFO_FORMAT_REMOTE_TABLE;
    ret_info->start_ip = module->low;
    ret_info->end_ip = module->high;
    ret_info->gp = module->data_base;
    ret_info->u.rti.segbase = module->unwind_header;
    ret_info->u.rti.table_data = (unw_word_t)table.entries;
    ret_info->u.rti.table_len = table.entry_count; /* in words of 8, which is what an entry takes */
    return true;
}

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *info, int has_need,
                          void *arg)
{
    struct question *question = arg;
    unw_dyn_info_t table;
    if (!tn_modules_find(ip, &question->module) || ip < question->module.text_low ||
        !find_table(&question->module, &table))
        return -UNW_ENOINFO;
    int result = unwinder.search(space, ip, &table, info, has_need, arg);
    if (result >= 0)
        question->probe.has_info = true;
    return result;
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *info, void *arg)
{
    (void)space;
    (void)info;
    (void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *address, void *arg)
{
    (void)space;
    (void)address;
    (void)arg;
    return -UNW_ENOINFO;
}

/* Whether the 8 bytes at address may be read: in the module found last, or, for real registers, in the stack.
 */
static bool is_readable(const struct question *question, uintptr_t address)
{
    if (address - question->module.low < question->module.high - question->module.low)
        return true;
    return !question->is_made_up && address % 8 == 0 && address >= question->frame.cfa &&
           address < question->high && question->high - address >= 8;
}

static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int is_write, void *arg)
{
    (void)space;
    struct question *question = arg;
    if (is_write)
        return -UNW_EINVAL;
    if (question->is_made_up && address >= MADE_UP_SP - ((uint64_t)1 << 48)) {
        if (question->probe.loads++ == 0)
            question->probe.load_address = address;
        *value = MADE_UP_LOAD;
        return 0;
    }
    if (!is_readable(question, address))
        return -UNW_EINVAL;
    __builtin_memcpy(value, (const void *)address, sizeof(*value));
    return 0;
}

static uint64_t made_up(int number)
{
    return MADE_UP_OTHER + ((uint64_t)(unsigned)number << 48);
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int is_write, void *arg)
{
    (void)space;
    const struct question *question = arg;
    if (is_write)
        return -UNW_EREADONLYREG;
    switch (number) {
    case TN_ARCH_UNWIND_PC:
        *value = question->frame.pc - 1; /* libunwind takes a fresh cursor's address as it is */
        return 0;
    case TN_ARCH_UNWIND_SP:
        *value = question->is_made_up ? MADE_UP_SP : question->frame.cfa;
        return 0;
    case TN_ARCH_UNWIND_FP:
        *value = question->is_made_up ? MADE_UP_FP : question->frame.fp;
        return 0;
    default:
        if (!question->is_made_up && (number != TN_ARCH_UNWIND_RETURN || question->link == 0))
            return -UNW_EBADREG;
        *value = question->is_made_up ? made_up(number) : question->link;
        return 0;
    }
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int is_write,
                        void *arg)
{
    (void)space;
    (void)number;
    (void)value;
    (void)is_write;
    (void)arg;
    return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
    (void)space;
    (void)cursor;
    (void)arg;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t ip, char *name, size_t capacity,
                         unw_word_t *offset, void *arg)
{
    (void)space;
    (void)ip;
    (void)name;
    (void)capacity;
    (void)offset;
    (void)arg;
    return -UNW_ENOINFO;
}

static bool find_symbols(void *library)
{
    static const struct {
        size_t offset;
        const char *name;
    } symbols[] = {
        {offsetof(struct unwinder, create_addr_space), TN_ARCH_UNWIND_SYMBOL("create_addr_space")},
        {offsetof(struct unwinder, init_remote), TN_ARCH_UNWIND_SYMBOL("init_remote")},
        {offsetof(struct unwinder, step), TN_ARCH_UNWIND_SYMBOL("step")},
        {offsetof(struct unwinder, get_reg), TN_ARCH_UNWIND_SYMBOL("get_reg")},
        {offsetof(struct unwinder, get_save_loc), TN_ARCH_UNWIND_SYMBOL("get_save_loc")},
        {offsetof(struct unwinder, search), TN_ARCH_UNWIND_SYMBOL("dwarf_search_unwind_table")},
    };
    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (symbol == NULL)
            return false;
        memcpy((char *)&unwinder + symbols[i].offset, &symbol, sizeof(symbol));
    }
    return true;
}

#define RESTORE_ATTEMPTS 4

/* libunwind's first call opens a pipe to test memory with. The accessors here never use it, and a list of the
 * program's descriptors would show it. While the limit of descriptors is 0, libunwind does without. */
static void begin_without_pipe(void)
{
    struct rlimit64 limit, none;
    struct question question;
    unw_cursor_t cursor;
    memset(&question, 0, sizeof(question));
    bool is_limited = tn_sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, (long)&limit) == 0;
    if (is_limited) {
        none = limit;
        none.rlim_cur = 0;
        is_limited = tn_sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&none, 0) == 0;
    }
    unwinder.init_remote(&cursor, unwinder.space, &question);
    /* The program must get its limit back. */
    for (int i = 0; is_limited && i < RESTORE_ATTEMPTS; i++)
        is_limited = tn_sys4(SYS_prlimit64, 0, RLIMIT_NOFILE, (long)&limit, 0) != 0;
}

/* The program that asks for its last error must not be told of ours. */
static void *load(void)
{
    void *library = dlopen(TN_ARCH_UNWINDER, RTLD_NOW | RTLD_LOCAL);
    bool is_usable = library != NULL && find_symbols(library);
    if (!is_usable)
        dlerror();
    return is_usable ? library : NULL;
}

void tn_unwinder_open(void)
{
    static unw_accessors_t accessors = {
        .find_proc_info = find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = get_dyn_info_list_addr,
        .access_mem = access_mem,
        .access_reg = access_reg,
        .access_fpreg = access_fpreg,
        .resume = resume,
        .get_proc_name = get_proc_name,
    };
    if (load() == NULL)
        return;
    unwinder.space = unwinder.create_addr_space(&accessors, 0);
    char *stack = unwinder.space != NULL ? tn_map_pages(OWN_STACK_BYTES) : NULL;
    if (stack == NULL)
        return;
    tn_sys3(SYS_mprotect, (long)stack, (long)tn_page_bytes, PROT_NONE);
    begin_without_pipe();
    own_stack = stack;
}

/* One step from made-up registers: the result shows what it was computed from. */
static void run_probe(void *context)
{
    struct question *question = context;
    struct tn_probe *probe = &question->probe;
    unw_cursor_t cursor;
    unw_word_t cfa = 0;
    unw_save_loc_t saved;
    probe->sp = MADE_UP_SP;
    probe->fp = MADE_UP_FP;
    probe->step = unwinder.init_remote(&cursor, unwinder.space, question);
    if (probe->step < 0)
        return;
    probe->step = unwinder.step(&cursor);
    if (probe->step <= 0)
        return;
    if (unwinder.get_reg(&cursor, TN_ARCH_UNWIND_SP, &cfa) < 0 ||
        unwinder.get_save_loc(&cursor, TN_ARCH_UNWIND_FP, &saved) < 0) {
        probe->step = -UNW_EUNSPEC;
        return;
    }
    unw_word_t link = 0;
    probe->is_link_kept = unwinder.get_reg(&cursor, TN_ARCH_UNWIND_RETURN, &link) == 0 && TN_ARCH_HAS_LINK &&
                          link == made_up(TN_ARCH_UNWIND_RETURN);
    probe->cfa = cfa;
    probe->is_fp_saved = saved.type == UNW_SLT_MEMORY;
    probe->fp_address = saved.u.addr;
    if (saved.type == UNW_SLT_REG && saved.u.regnum != TN_ARCH_UNWIND_FP)
        probe->step = -UNW_EUNSPEC;
}

/* One step from the true registers. */
static void run_step(void *context)
{
    struct question *question = context;
    unw_cursor_t cursor;
    unw_word_t pc, sp, fp;
    if (unwinder.init_remote(&cursor, unwinder.space, question) < 0 || unwinder.step(&cursor) <= 0)
        return;
    if (unwinder.get_reg(&cursor, TN_ARCH_UNWIND_RETURN, &pc) < 0 ||
        unwinder.get_reg(&cursor, TN_ARCH_UNWIND_SP, &sp) < 0)
        return;
    if (unwinder.get_reg(&cursor, TN_ARCH_UNWIND_FP, &fp) < 0)
        fp = 0;
    question->frame.pc = tn_arch_return_address(pc);
    question->frame.cfa = sp;
    question->frame.fp = fp;
    question->has_caller = true;
}

/* Ask libunwind, on a stack of its own: the program's may be as small as 16 KiB. For Arm it looks at the code
 * before it asks what describes it, so the module has to be known before. Returns false when it cannot be
 * asked. */
static bool ask(void (*run)(void *), struct question *question)
{
    /* libunwind blocks signals by system calls of its own. */
    if (own_stack == NULL || tn_is_filtered || !tn_lock_take(&unwinder_lock))
        return false;
    bool is_usable = !is_broken;
    (void)tn_modules_find(question->frame.pc - 1, &question->module);
    if (is_usable)
        tn_arch_call_on_stack(run, question, own_stack + OWN_STACK_BYTES);
    tn_lock_drop(&unwinder_lock);
    return is_usable;
}

bool tn_unwinder_probe(uintptr_t pc, uint64_t *ret_rule)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    question.is_made_up = true;
    question.frame.pc = pc;
    if (!ask(run_probe, &question))
        return false;
    *ret_rule = tn_rule_from_probe(&question.probe);
    return true;
}

int tn_unwinder_step(struct tn_caller *frame, uintptr_t link, uintptr_t high)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    question.frame = *frame;
    question.link = link;
    question.high = high;
    if (!ask(run_step, &question))
        return -EAGAIN;
    if (question.has_caller)
        *frame = question.frame;
    return question.has_caller;
}

void tn_unwinder_hold(void)
{
    tn_lock_take(&unwinder_lock);
}

void tn_unwinder_release(void)
{
    tn_lock_drop(&unwinder_lock);
}

void tn_unwinder_recover(void)
{
    is_broken = is_broken || atomic_load_explicit(&unwinder_lock.is_taken, memory_order_relaxed);
    tn_lock_drop(&unwinder_lock);
}
