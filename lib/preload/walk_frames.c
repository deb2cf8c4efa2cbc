/* SPDX-License-Identifier: MIT */
/* Finds images and walks stacks. The walk is libgcc's: it reads unwind tables that are mapped anyway,
 * allocates nothing, and with glibc 2.35 and later takes no lock of the loader. */
#include "tenure/preload.h"

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

/* Since glibc 2.35. */
struct dl_find_object;
#pragma weak _dl_find_object

static bool find_by_loader(uintptr_t address, struct tn_preload_image *ret_image)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL)
        return false;
    *ret_image = (struct tn_preload_image){.path = map->l_name, .bias = map->l_addr};
    return true;
}

bool tn_preload_find_image(uintptr_t address, struct tn_preload_image *ret_image)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
    struct dl_find_object found;
    if (_dl_find_object != NULL) {
        if (_dl_find_object((void *)address, &found) != 0)
            return false;
        *ret_image = (struct tn_preload_image){
            .path = found.dlfo_link_map->l_name,
            .bias = found.dlfo_link_map->l_addr,
            .first = (uintptr_t)found.dlfo_map_start,
            .after = (uintptr_t)found.dlfo_map_end,
        };
        return true;
    }
#endif
    return find_by_loader(address, ret_image);
}

struct visitor {
    bool (*visit)(const struct tn_preload_frame *, void *);
    void *user;
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *user)
{
    const struct visitor *visitor = user;
    const struct tn_preload_frame frame = {
        .address = _Unwind_GetIP(context),
        .cfa = _Unwind_GetCFA(context),
        .function = _Unwind_GetRegionStart(context),
    };
    return frame.address != 0 && visitor->visit(&frame, visitor->user) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void tn_preload_visit(bool (*visit)(const struct tn_preload_frame *frame, void *user), void *user)
{
    struct visitor visitor = {visit, user};
    _Unwind_Backtrace(take_frame, &visitor);
}

struct kept_walk {
    uintptr_t first;
    struct tn_preload_frame *frames;
    size_t count, max;
};

static bool keep_frame(const struct tn_preload_frame *frame, void *user)
{
    struct kept_walk *walk = user;
    if (walk->count != 0 || frame->address == walk->first)
        walk->frames[walk->count++] = *frame;
    return walk->count < walk->max;
}

size_t tn_preload_walk(uintptr_t first, struct tn_preload_frame *ret_frames, size_t max)
{
    struct kept_walk walk = {.first = first, .frames = ret_frames, .max = max};
    tn_preload_visit(keep_frame, &walk);
    return walk.count;
}
