/* SPDX-License-Identifier: MIT */

/* Finds the unwind rule of a return address. Most are read from the unwind tables (cfi.c). For the others
 * libunwind is asked to make one step from made-up registers, and its result shows what it was computed from
 * (rules.c). Frames that no rule describes are stepped out of by libunwind itself.
 *
 * libunwind is used as if on a remote process, through the accessors below: so it opens no pipe to test
 * memory with, asks the loader nothing (and takes no lock but its own), reads no memory that was not checked
 * here, and can be given made-up registers. It is loaded by dlopen with RTLD_LOCAL: its _Unwind_* must not
 * capture the C++ exceptions of programs that load libstdc++ later. Called by walk.c and verify_stack.c. */

#include "unwinder.h"

#include "cfi.h"
#include "control_ring.h"
#include "rules.h"
#include "shim_modules.h"
#include "shim_thread.h"
#include "sys.h"

#include <dlfcn.h>
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
    struct tn_probe probe;   /* of a made-up step */
    struct tn_module module; /* that the last address was found in */
    bool is_made_up;
    bool has_caller; /* result of a real step */
};

static struct unwinder unwinder;
static struct tn_lock unwinder_lock;
static char *own_stack;
static bool is_broken; /* the process was forked while it was at work: it cannot be used any more */

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
        if (!question->is_made_up)
            return -UNW_EBADREG;
        *value = MADE_UP_OTHER + ((uint64_t)(unsigned)number << 48);
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

bool tn_unwinder_open(void)
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
    own_stack = tn_map_pages(OWN_STACK_BYTES);
    void *library = dlopen(TN_ARCH_UNWINDER, RTLD_NOW | RTLD_LOCAL);
    if (own_stack == NULL || library == NULL || !find_symbols(library))
        return false;
    tn_sys3(SYS_mprotect, (long)own_stack, (long)tn_page_bytes, PROT_NONE);
    unwinder.space = unwinder.create_addr_space(&accessors, 0);
    if (unwinder.space == NULL)
        return false;
    begin_without_pipe();
    return true;
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

/* Ask libunwind, on a stack of its own: the program's may be as small as 16 KiB. Returns false when it cannot
 * be asked. */
static bool ask(void (*run)(void *), struct question *question)
{
    /* libunwind blocks signals by system calls of its own. */
    if (tn_is_filtered || !tn_lock_take(&unwinder_lock))
        return false;
    bool is_usable = !is_broken;
    if (is_usable)
        tn_arch_call_on_stack(run, question, own_stack + OWN_STACK_BYTES);
    tn_lock_drop(&unwinder_lock);
    return is_usable;
}

/* Put a rule into the table, unless code was unloaded since it was found. */
static void keep(uintptr_t pc, uint64_t rule, uint32_t epoch)
{
    if (!tn_lock_take(&tn_control_lock))
        return;
    if (atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_relaxed) == epoch)
        tn_rules_put(&tn_shim_process.rules, pc, rule);
    tn_lock_drop(&tn_control_lock);
}

/* The rule as the unwind table states it; false if it takes libunwind to read it. */
static bool read_rule(const struct tn_module *module, uintptr_t pc, uint64_t *ret_rule)
{
    struct tn_cfi_table table;
    return pc - 1 >= module->text_low &&
           tn_cfi_find_table(module->unwind_header, module->low, module->high, &table) &&
           tn_cfi_rule(&table, pc, ret_rule);
}

/* The rule as one step of libunwind shows it. */
static bool probe_rule(struct question *question, uint64_t *ret_rule)
{
    if (!ask(run_probe, question))
        return false;
    *ret_rule = tn_rule_from_probe(&question->probe);
    return true;
}

/* With TENURE_CHECK_STACKS: compare a rule that cfi.c has read with libunwind's. */
static void check_rule(struct question *question, uint64_t rule)
{
    uint64_t other;
    if (probe_rule(question, &other) && other != rule)
        atomic_fetch_add_explicit(&tn_hot.header->stacks_different, 1, memory_order_relaxed);
}

uint64_t tn_unwinder_learn_rule(struct tn_thread *thread, uintptr_t pc)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    question.is_made_up = true;
    question.frame.pc = pc;
    uint64_t rule = TN_RULE_UNKNOWN;
    tn_own_begin(thread);
    uint32_t epoch = atomic_load_explicit(&tn_shim_process.rule_epoch, memory_order_relaxed);
    bool has_module = tn_modules_resolve(thread, pc - 1, &question.module);
    if (has_module && pc >= question.module.text_low &&
        pc + TN_ARCH_SIGNAL_CODE_BYTES <= question.module.text_high)
        question.probe.is_signal = tn_arch_is_signal_return(pc);
    bool is_read = has_module && !question.probe.is_signal && read_rule(&question.module, pc, &rule);
    if (is_read && tn_shim_process.options.check_stacks != 0)
        check_rule(&question, rule);
    if (is_read || probe_rule(&question, &rule)) {
        keep(pc, rule, epoch);
        atomic_fetch_add_explicit(&tn_hot.header->rules_learned, 1, memory_order_relaxed);
    }
    tn_own_end(thread);
    return rule;
}

bool tn_unwinder_step(struct tn_thread *thread, struct tn_caller *frame, uintptr_t high)
{
    struct question question;
    memset(&question, 0, sizeof(question));
    question.frame = *frame;
    question.high = high;
    tn_own_begin(thread);
    bool has_caller = ask(run_step, &question) && question.has_caller;
    atomic_fetch_add_explicit(&tn_hot.header->frames_complex, 1, memory_order_relaxed);
    tn_own_end(thread);
    if (has_caller)
        *frame = question.frame;
    return has_caller;
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
