/* SPDX-License-Identifier: MIT */
/* Decides whether a call is at one of a plan's places. Nearly all calls end at a table of return addresses
 * that were looked at before; only where the innermost frame is a place's is the stack walked. */
#include "tenure/preload.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE_SLOTS  16384 /* a power of two; a program with more places that allocate is looked up anew */
#define CACHE_PROBES 8
#define PASSED_MAX   32

/* What is known of a return address: these marks, and its module and offset as one number. */
#define IS_KNOWN  (UINT64_C(1) << 63)
#define IS_FIRST  (UINT64_C(1) << 62) /* a place begins here */
#define KEY       (IS_FIRST - 1)
#define OFFSET    ((UINT64_C(1) << 48) - 1)
#define NO_MODULE ((UINT64_C(1) << 14) - 1)

/* A return address and what is known of it; 0: free. Written once: address first claimed, then the answer. */
static struct {
    uintptr_t address;
    uint64_t answer;
} cache[CACHE_SLOTS];

static struct {
    uintptr_t first, after;
} passed[PASSED_MAX];
static size_t passed_count;

static uintptr_t passed_first = UINTPTR_MAX, passed_after; /* all of them lie within */

static void pass(uintptr_t first, uintptr_t after)
{
    if (passed_count == PASSED_MAX)
        return;
    passed[passed_count].first = first;
    passed[passed_count++].after = after;
    passed_first = first < passed_first ? first : passed_first;
    passed_after = after > passed_after ? after : passed_after;
}

static void pass_function(void *library, const char *name)
{
    Dl_info info;
    const ElfW(Sym) *entry = NULL;
    void *function = dlsym(library, name);
    if (function != NULL && dladdr1(function, &info, (void **)&entry, RTLD_DL_SYMENT) != 0 && entry != NULL)
        pass((uintptr_t)function, (uintptr_t)function + entry->st_size);
}

/* Those behind this library may be the shim's, and the library's own then stand behind these. */
void tn_preload_pass_operators(void)
{
    static const char *const operators[] = {
        "_Znwm",   "_Znam",   "_ZnwmRKSt9nothrow_t",  "_ZnamRKSt9nothrow_t",
        "_ZdlPv",  "_ZdaPv",  "_ZnwmSt11align_val_t", "_ZnwmSt11align_val_tRKSt9nothrow_t",
        "_ZdlPvm", "_ZdaPvm", "_ZnamSt11align_val_t", "_ZnamSt11align_val_tRKSt9nothrow_t",
    };
    struct tn_preload_image image;
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        pass_function(RTLD_NEXT, operators[i]);
        if (library != NULL)
            pass_function(library, operators[i]);
    }
    void *mark = dlsym(RTLD_DEFAULT, "tenure_mark");
    if (mark != NULL && tn_preload_find_image((uintptr_t)mark, &image))
        pass(image.first, image.after);
}

bool tn_preload_is_passed(uintptr_t address)
{
    if (address <= passed_first || address > passed_after)
        return false;
    for (size_t i = 0; i < passed_count; i++)
        if (address > passed[i].first && address <= passed[i].after)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------- what an address is
 */

static uint64_t key_of(uint64_t module, uint64_t offset_bytes)
{
    return (module & NO_MODULE) << 48 | (offset_bytes & OFFSET);
}

/* The module of the plan that an image is. */
static uint64_t module_of(const struct tn_preload_places *places, const struct tn_preload_image *image)
{
    struct stat status;
    if (stat(image->path[0] != '\0' ? image->path : "/proc/self/exe", &status) < 0)
        return NO_MODULE;
    for (uint64_t module = 0; module < places->module_count; module++)
        if (places->modules[module].device == status.st_dev && places->modules[module].inode == status.st_ino)
            return module;
    return NO_MODULE;
}

static const struct tn_inject_place *place_at(const struct tn_preload_places *places, uint32_t index)
{
    return (const struct tn_inject_place *)((const char *)places->places + index * places->place_bytes);
}

static uint64_t step_key(const struct tn_preload_places *places, uint32_t step)
{
    return key_of(places->steps[step].module, places->steps[step].offset_bytes);
}

/* The first place that begins with a key, or with a higher one. */
static uint32_t first_place(const struct tn_preload_places *places, uint64_t key)
{
    uint32_t low = 0, high = places->place_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (step_key(places, place_at(places, middle)->first_step) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool begins_with(const struct tn_preload_places *places, uint32_t index, uint64_t key)
{
    return index < places->place_count && step_key(places, place_at(places, index)->first_step) == key;
}

static uint64_t look_up(const struct tn_preload_places *places, uintptr_t address)
{
    struct tn_preload_image image;
    if (!tn_preload_find_image(address, &image))
        return IS_KNOWN | key_of(NO_MODULE, 0);
    uint64_t key = key_of(module_of(places, &image), address - image.bias);
    return IS_KNOWN | key | (begins_with(places, first_place(places, key), key) ? IS_FIRST : 0);
}

static uint64_t classify(const struct tn_preload_places *places, uintptr_t address)
{
    size_t slot = (size_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 40);
    for (unsigned probe = 0; probe < CACHE_PROBES; probe++, slot++) {
        uintptr_t free_slot = 0, *at = &cache[slot % CACHE_SLOTS].address;
        uint64_t *answer = &cache[slot % CACHE_SLOTS].answer;
        uintptr_t found = __atomic_load_n(at, __ATOMIC_RELAXED);
        if (found == 0 &&
            __atomic_compare_exchange_n(at, &free_slot, address, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            found = address;
        else if (found == 0)
            found = free_slot;
        if (found != address)
            continue;
        uint64_t known = __atomic_load_n(answer, __ATOMIC_RELAXED);
        if (known == 0) {
            known = look_up(places, address);
            __atomic_store_n(answer, known, __ATOMIC_RELAXED);
        }
        return known;
    }
    return look_up(places, address);
}

/* ---------------------------------------------------------------------------------------- places */

/* A walk that ends where no place can be found any more. */
struct place_search {
    const struct tn_preload_places *places;
    uintptr_t caller;
    struct tn_preload_frame *frames;
    size_t count, wanted, max;
    uint64_t key; /* of the first frame */
    bool is_begun;
};

static size_t longest_place(const struct tn_preload_places *places, uint64_t key)
{
    size_t longest = 0;
    for (uint32_t i = first_place(places, key); begins_with(places, i, key); i++)
        if (place_at(places, i)->step_count > longest)
            longest = place_at(places, i)->step_count;
    return longest;
}

static bool take_frame(const struct tn_preload_frame *frame, void *user)
{
    struct place_search *search = user;
    search->is_begun = search->is_begun || frame->address == search->caller;
    if (!search->is_begun || (search->count == 0 && tn_preload_is_passed(frame->address)))
        return true;
    if (search->count == 0) {
        uint64_t known = classify(search->places, frame->address);
        if ((known & IS_FIRST) == 0)
            return false;
        search->key = known & KEY;
        search->wanted = longest_place(search->places, search->key) + 1;
    }
    search->frames[search->count++] = *frame;
    return search->count < search->wanted && search->count < search->max;
}

static bool is_same(const struct place_search *search, uint32_t index)
{
    const struct tn_inject_place *place = place_at(search->places, index);
    if (place->step_count > search->count)
        return false;
    for (uint32_t i = 1; i < place->step_count; i++)
        if ((classify(search->places, search->frames[i].address) & KEY) !=
            step_key(search->places, place->first_step + i))
            return false;
    return true;
}

uint32_t tn_preload_find_place(const struct tn_preload_places *places, uintptr_t caller,
                               struct tn_preload_frame *ret_frames, size_t max, size_t *ret_count)
{
    struct place_search search = {.places = places, .caller = caller, .frames = ret_frames, .max = max};
    *ret_count = 0;
    if (!tn_preload_is_passed(caller) && (classify(places, caller) & IS_FIRST) == 0)
        return places->place_count;
    tn_preload_visit(take_frame, &search);
    *ret_count = search.count;
    for (uint32_t i = first_place(places, search.key);
         search.count != 0 && begins_with(places, i, search.key); i++)
        if (is_same(&search, i))
            return i;
    return places->place_count;
}
