/* SPDX-License-Identifier: MIT */

/* Keeps the list of modules that the recorder knows, by comparing it with the loader's list on each scan: at
 * the start, when an address is in no known module, and after dlclose. Invariant: the list changes only under
 * the control lock, and each change writes an event. Called by start.c, learn.c, unwinder.c and
 * interpose_other.c. */

#include "shim_modules.h"

#include "control_ring.h"
#include "maps.h"
#include "shim_thread.h"
#include "sys.h"

#include "tenure/event_body.h"
#include "tenure/system_path.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

#include "banned.h"

/* Modules that were announced and are still mapped, at most so many. Under the control lock. */
#define MODULE_COUNT_FIRST 256u
#define MODULE_COUNT_MAX   8192u

static struct tn_module *modules;
static uint32_t module_count, module_capacity;
static uint32_t scan_count;

/* Ranges that modules have left. Another one that is mapped there has the same return addresses for other
 * functions. Under the control lock. */
#define GONE_MAX 64u

static struct gone {
    uintptr_t low, high;
    uint64_t identity;
} gone[GONE_MAX];
static uint32_t gone_count; /* GONE_MAX: some may be missing */

struct build_id {
    const uint8_t *data;
    uint32_t size_bytes;
};

/* One pass over a module's program headers. */
struct facts {
    struct tn_module module;
    struct build_id build_id;
    const char *path;
};

static void read_note(const uint8_t *at, size_t size_bytes, struct build_id *ret_id)
{
    while (size_bytes >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        memcpy(&note, at, sizeof(note));
        size_t name_bytes = (note.n_namesz + 3u) & ~(size_t)3;
        size_t data_bytes = (note.n_descsz + 3u) & ~(size_t)3;
        size_t whole = sizeof(note) + name_bytes + data_bytes;
        if (whole > size_bytes || note.n_descsz > TN_BUILD_ID_BYTES_MAX)
            return;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
            memcmp(at + sizeof(note), "GNU", 4) == 0) {
            ret_id->data = at + sizeof(note) + name_bytes;
            ret_id->size_bytes = note.n_descsz;
            return;
        }
        at += whole;
        size_bytes -= whole;
    }
}

static void read_dynamic(const ElfW(Dyn) * dynamic, uintptr_t bias, uintptr_t *ret_data_base)
{
    for (; dynamic->d_tag != DT_NULL; dynamic++)
        if (dynamic->d_tag == DT_PLTGOT)
            *ret_data_base = dynamic->d_un.d_ptr < bias ? dynamic->d_un.d_ptr + bias : dynamic->d_un.d_ptr;
}

static void read_header(const ElfW(Phdr) * header, uintptr_t bias, struct facts *facts)
{
    uintptr_t address = bias + header->p_vaddr;
    struct tn_module *module = &facts->module;
    switch (header->p_type) {
    case PT_LOAD:
        if (module->high == 0 || address < module->low)
            module->low = address;
        if (address + header->p_memsz > module->high)
            module->high = address + header->p_memsz;
        if ((header->p_flags & PF_W) != 0) {
            module->data_low = module->data_high == 0 ? address : module->data_low;
            module->data_high = address + header->p_memsz;
        }
        if ((header->p_flags & PF_X) != 0 && module->text_high == 0) {
            module->text_low = address;
            module->text_high = address + header->p_memsz;
        }
        return;
    case PT_GNU_EH_FRAME:
        module->unwind_header = address;
        return;
    case PT_DYNAMIC:
        read_dynamic((const ElfW(Dyn) *)address, bias, &module->data_base);
        return;
    case PT_NOTE:
        if (facts->build_id.size_bytes == 0)
            read_note((const uint8_t *)address, header->p_memsz, &facts->build_id);
        return;
    default:
        return;
    }
}

static void read_facts(const struct dl_phdr_info *info, struct facts *facts)
{
    memset(facts, 0, sizeof(*facts));
    facts->module.bias = info->dlpi_addr;
    facts->path = info->dlpi_name != NULL ? info->dlpi_name : "";
    for (unsigned i = 0; i < info->dlpi_phnum; i++)
        read_header(&info->dlpi_phdr[i], info->dlpi_addr, facts);
}

/* The entry of the same module; NULL if it is new. Under the control lock. */
static struct tn_module *find_same(const struct tn_module *like)
{
    for (uint32_t i = 0; i < module_count; i++)
        if (modules[i].low == like->low && modules[i].high == like->high &&
            modules[i].identity == like->identity)
            return &modules[i];
    return NULL;
}

/* Returns false when there is no room: a later scan tries again. */
static bool emit_module(const struct facts *facts, const char *path)
{
    const struct tn_event_module module = {
        .bias = facts->module.bias,
        .start = facts->module.low,
        .end = facts->module.high,
        .build_id = facts->build_id.data,
        .path = path,
        .build_id_bytes = facts->build_id.size_bytes,
        .path_bytes = (uint32_t)tn_length(path),
    };
    uint32_t words = tn_event_module_words(&module);
    uint32_t pad;
    uint64_t *event = tn_control_begin(words, &pad);
    if (event == NULL)
        return false;
    tn_event_put_module(event, &module);
    tn_control_end(pad + words);
    return true;
}

/* Returns false when there is no room: it stays in the list, and a later scan tries again. */
static bool emit_gone(const struct tn_module *module)
{
    uint32_t pad;
    uint64_t *event = tn_control_begin(TN_EVENT_GONE_WORDS, &pad);
    if (event == NULL)
        return false;
    tn_event_put_gone(event, module->bias, module->low);
    tn_control_end(pad + TN_EVENT_GONE_WORDS);
    return true;
}

/* A module's path; the loader's name for the program itself is "". */
static const char *path_of(const struct facts *facts)
{
    static char own_path[4096]; /* read once: later a filter may forbid it */
    if (facts->path[0] != '\0' || own_path[0] != '\0')
        return facts->path[0] != '\0' ? facts->path : own_path;
    long got =
        tn_sys4(SYS_readlinkat, AT_FDCWD, (long)"/proc/self/exe", (long)own_path, sizeof(own_path) - 1);
    own_path[got > 0 ? got : 0] = '\0';
    return own_path;
}

/* The loader has a module's path as it was asked for, which may begin in what was the working directory then;
 * the kernel has the whole path. Under the loader's lock. */
static const char *whole_path_of(const struct facts *facts)
{
    static char whole[4096];
    const char *path = path_of(facts);
    struct tn_maps_search search = {
        .address = facts->module.text_low, .path = whole, .path_bytes = sizeof(whole)};
    if (path[0] == '/' || tn_has_prefix(path, "linux-") || tn_is_filtered)
        return path; /* linux-vdso.so is no file */
    return tn_maps_look_up(&search) && whole[0] != '\0' ? whole : path;
}

/* A hash of what tells a module's content from another's without reading it. */
static uint64_t identity_of(const struct facts *facts, const char *path)
{
    uint64_t hash = facts->module.low ^ facts->module.high << 20;
    for (uint32_t i = 0; i < facts->build_id.size_bytes; i++)
        hash = (hash ^ facts->build_id.data[i]) * UINT64_C(0x100000001b3);
    for (; *path != '\0'; path++)
        hash = (hash ^ (uint8_t)*path) * UINT64_C(0x100000001b3);
    return hash;
}

/* Make room for another module. Returns false when there are too many, or when there is no memory. */
static bool reserve(void)
{
    if (module_count < module_capacity)
        return true;
    uint32_t capacity = module_capacity != 0 ? module_capacity * 2 : MODULE_COUNT_FIRST;
    struct tn_module *larger = capacity <= MODULE_COUNT_MAX ? tn_map_pages(capacity * sizeof(*larger)) : NULL;
    if (larger == NULL)
        return false;
    for (uint32_t i = 0; i < module_count; i++)
        larger[i] = modules[i];
    tn_unmap_pages(modules, module_capacity * sizeof(*modules));
    modules = larger;
    module_capacity = capacity;
    return true;
}

/* The kernel's own code is no file. */
static bool is_of_the_system(const char *path)
{
    return tn_is_system_path(path) || tn_has_prefix(path, "[vdso]") || tn_has_prefix(path, "linux-vdso");
}

/* Tell the search for links where variables lie. Under the control lock. */
static void publish_data(void)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < module_count && count < TN_HEAP_GLOBALS_MAX; i++) {
        if (modules[i].data_high == 0)
            continue;
        struct tn_heap_span *span = &tn_hot.globals.list[count++];
        atomic_store_explicit(&span->low, modules[i].data_low, memory_order_relaxed);
        atomic_store_explicit(&span->high, modules[i].data_high, memory_order_relaxed);
    }
    atomic_store_explicit(&tn_hot.globals.count, count, memory_order_release);
}

static void note_gone(const struct tn_module *module)
{
    for (uint32_t i = 0; i < gone_count; i++)
        if (gone[i].low == module->low && gone[i].identity == module->identity)
            return;
    if (gone_count < GONE_MAX)
        gone[gone_count++] = (struct gone){module->low, module->high, module->identity};
}

/* Whether a new module lies where another one was. */
static bool replaces_another(const struct tn_module *module)
{
    bool is_another = gone_count == GONE_MAX;
    for (uint32_t i = 0; i < gone_count; i++)
        is_another = is_another || (gone[i].low < module->high && module->low < gone[i].high &&
                                    (gone[i].low != module->low || gone[i].identity != module->identity));
    return is_another;
}

/* Stacks that were announced with the older module's functions get new ids. */
static void forget_stacks(void)
{
    tn_stacks_forget();
    gone_count = 0;
}

static void announce(struct facts *facts)
{
    const char *path = path_of(facts);
    if (is_of_the_system(path) || tn_is_own_code(facts->module.text_low))
        facts->module.data_low = facts->module.data_high = 0;
    facts->module.identity = identity_of(facts, path);
    if (!tn_lock_take(&tn_control_lock))
        return;
    struct tn_module *known = find_same(&facts->module);
    if (known == NULL && reserve() && emit_module(facts, whole_path_of(facts))) {
        if (replaces_another(&facts->module))
            forget_stacks();
        known = &modules[module_count++];
        *known = facts->module;
    }
    if (known != NULL)
        known->seen_scan = scan_count;
    tn_lock_drop(&tn_control_lock);
}

/* The loader's lock is held here; no thread waits for it while holding the control lock. */
static int visit(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes;
    (void)context;
    struct facts facts;
    read_facts(info, &facts);
    if (facts.module.high > facts.module.low)
        announce(&facts);
    return 0;
}

/* Remove modules that neither this scan nor a later one has met. */
static void drop_gone(uint32_t scan)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < module_count; i++) {
        if (modules[i].seen_scan >= scan || !emit_gone(&modules[i]))
            modules[kept++] = modules[i];
        else
            note_gone(&modules[i]);
    }
    module_count = kept;
}

void tn_modules_scan(struct tn_thread *thread)
{
    tn_own_begin(thread);
    if (tn_lock_take(&tn_control_lock)) {
        uint32_t scan = ++scan_count;
        tn_lock_drop(&tn_control_lock);
        dl_iterate_phdr(visit, NULL);
        if (tn_lock_take(&tn_control_lock)) {
            drop_gone(scan);
            publish_data();
            tn_lock_drop(&tn_control_lock);
        }
    }
    tn_own_end(thread);
}

void tn_modules_forget(void)
{
    module_count = 0;
    gone_count = 0;
}

bool tn_modules_find(uintptr_t pc, struct tn_module *ret_module)
{
    bool is_found = false;
    if (!tn_lock_take(&tn_control_lock))
        return false;
    for (uint32_t i = 0; i < module_count && !is_found; i++) {
        is_found = pc - modules[i].low < modules[i].high - modules[i].low;
        if (is_found)
            *ret_module = modules[i];
    }
    tn_lock_drop(&tn_control_lock);
    return is_found;
}

bool tn_modules_resolve(struct tn_thread *thread, uintptr_t pc, struct tn_module *ret_module)
{
    if (tn_modules_find(pc, ret_module))
        return true;
    tn_modules_scan(thread);
    return tn_modules_find(pc, ret_module);
}

/* The loader counts the modules that it has unloaded, and passes the number with every module of a walk. */
static int read_unloaded(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    if (size_bytes >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof(info->dlpi_subs))
        *(uint64_t *)context = info->dlpi_subs;
    return 1;
}

uint64_t tn_modules_unloaded(void)
{
    uint64_t unloaded = 0;
    dl_iterate_phdr(read_unloaded, &unloaded);
    return unloaded;
}
