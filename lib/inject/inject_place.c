/* SPDX-License-Identifier: MIT */
/* Decides whether a call is one of the run's places. Nearly all calls end at a table of return addresses that
 * were looked at before; only where the innermost frame is a place's is the stack walked. */
#include "inject_parts.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE_SLOTS  16384 /* a power of two; a program with more places that allocate is looked up anew */
#define CACHE_PROBES 8
#define PASSED_MAX   24

enum {
    IS_OTHER = 1, /* no place begins here */
    IS_PLACE = 2,
    IS_PASSED = 3, /* the shim, or an operator of C++: the caller's caller asks */
};

/* A return address and what it is; 0: free. Written once: address first claimed, then the answer. */
static struct {
    uintptr_t address;
    uint32_t answer;
} cache[CACHE_SLOTS];

static struct {
    uintptr_t first, after;
} passed[PASSED_MAX];
static size_t passed_count;

static const struct tn_inject_module *modules(void)
{
    return (const struct tn_inject_module *)(tn_inject_head + 1);
}

static const struct tn_inject_step *steps(void)
{
    return (const struct tn_inject_step *)(modules() + tn_inject_head->module_count);
}

static const struct tn_inject_place *places(void)
{
    return (const struct tn_inject_place *)(steps() + tn_inject_head->step_count);
}

static void pass_function(const char *name)
{
    Dl_info info;
    const ElfW(Sym) *entry = NULL;
    void *function = dlsym(RTLD_NEXT, name);
    if (function == NULL || passed_count == PASSED_MAX ||
        dladdr1(function, &info, (void **)&entry, RTLD_DL_SYMENT) == 0 || entry == NULL)
        return;
    passed[passed_count].first = (uintptr_t)function;
    passed[passed_count++].after = (uintptr_t)function + entry->st_size;
}

void tn_inject_find_passed(void)
{
    static const char *const operators[] = {
        "_Znwm",
        "_Znam",
        "_ZnwmRKSt9nothrow_t",
        "_ZnamRKSt9nothrow_t",
        "_ZnwmSt11align_val_t",
        "_ZnamSt11align_val_t",
        "_ZnwmSt11align_val_tRKSt9nothrow_t",
        "_ZnamSt11align_val_tRKSt9nothrow_t",
    };
    struct tn_inject_image image;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
        pass_function(operators[i]);
    void *mark = dlsym(RTLD_DEFAULT, "tenure_mark");
    if (mark != NULL && tn_inject_find_image((uintptr_t)mark, &image) && passed_count < PASSED_MAX) {
        passed[passed_count].first = image.first;
        passed[passed_count++].after = image.after;
    }
}

static bool is_passed(uintptr_t address)
{
    for (size_t i = 0; i < passed_count; i++)
        if (address > passed[i].first && address <= passed[i].after)
            return true;
    return false;
}

/* The module of the run that an image is; module_count: none. */
static uint64_t module_of(const struct tn_inject_image *image)
{
    struct stat status;
    uint64_t module = 0, count = tn_inject_head->module_count;
    if (stat(image->path[0] != '\0' ? image->path : "/proc/self/exe", &status) < 0)
        return count;
    while (module < count &&
           (modules()[module].device != status.st_dev || modules()[module].inode != status.st_ino))
        module++;
    return module;
}

static bool is_step(const struct tn_inject_step *step, uintptr_t address)
{
    struct tn_inject_image image;
    return tn_inject_find_image(address, &image) && address - image.bias == step->offset_bytes &&
           module_of(&image) == step->module;
}

/* Whether any place begins with this return address. */
static bool begins_place(uintptr_t address)
{
    struct tn_inject_image image;
    if (!tn_inject_find_image(address, &image))
        return false;
    uint64_t module = module_of(&image), offset_bytes = address - image.bias;
    size_t low = 0, high = tn_inject_head->place_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct tn_inject_step *step = &steps()[places()[middle].first_step];
        if (step->module == module && step->offset_bytes == offset_bytes)
            return true;
        if (step->module < module || (step->module == module && step->offset_bytes < offset_bytes))
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static uint32_t look_up(uintptr_t address)
{
    if (is_passed(address))
        return IS_PASSED;
    return begins_place(address) ? IS_PLACE : IS_OTHER;
}

static uint32_t classify(uintptr_t address)
{
    size_t slot = (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
    for (unsigned probe = 0; probe < CACHE_PROBES; probe++, slot++) {
        uintptr_t free_slot = 0, *at = &cache[slot % CACHE_SLOTS].address;
        uint32_t *answer = &cache[slot % CACHE_SLOTS].answer;
        uintptr_t found = __atomic_load_n(at, __ATOMIC_RELAXED);
        if (found == 0 &&
            __atomic_compare_exchange_n(at, &free_slot, address, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            found = address;
        else if (found == 0)
            found = free_slot;
        if (found != address)
            continue;
        uint32_t known = __atomic_load_n(answer, __ATOMIC_RELAXED);
        if (known == 0) {
            known = look_up(address);
            __atomic_store_n(answer, known, __ATOMIC_RELAXED);
        }
        return known;
    }
    return look_up(address);
}

static bool is_same(const struct tn_inject_place *place, const uintptr_t *frames, size_t count)
{
    if (place->step_count > count)
        return false;
    for (uint32_t i = 0; i < place->step_count; i++)
        if (!is_step(&steps()[place->first_step + i], frames[i]))
            return false;
    return true;
}

/* Compare the stack, from the first frame behind this library and what passes a request on. */
static bool is_place_by_stack(uintptr_t caller)
{
    uintptr_t frames[TN_INJECT_STEPS_MAX + 16];
    size_t count = tn_inject_walk(frames, sizeof(frames) / sizeof(frames[0])), first = 0;
    while (first < count && frames[first] != caller)
        first++;
    while (first < count && is_passed(frames[first]))
        first++;
    for (uint32_t i = 0; i < tn_inject_head->place_count; i++)
        if (is_same(&places()[i], frames + first, count - first))
            return true;
    return false;
}

bool tn_inject_is_place(uintptr_t caller)
{
    return classify(caller) != IS_OTHER && is_place_by_stack(caller);
}
