/* SPDX-License-Identifier: MIT */
/* Finds images and walks stacks. The walk is libgcc's: it reads unwind tables that are mapped anyway,
 * allocates nothing, and with glibc 2.35 and later takes no lock of the loader. */
#include "inject_parts.h"

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

/* Since glibc 2.35. */
struct dl_find_object;
#pragma weak _dl_find_object

static bool find_by_loader(uintptr_t address, struct tn_inject_image *ret_image)
{
    Dl_info info;
    struct link_map *map = NULL;
    if (dladdr1((void *)address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL)
        return false;
    *ret_image = (struct tn_inject_image){.path = map->l_name, .bias = map->l_addr};
    return true;
}

bool tn_inject_find_image(uintptr_t address, struct tn_inject_image *ret_image)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
    struct dl_find_object found;
    if (_dl_find_object != NULL) {
        if (_dl_find_object((void *)address, &found) != 0)
            return false;
        *ret_image = (struct tn_inject_image){
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

struct inject_walk {
    uintptr_t *frames;
    size_t count, max;
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *user)
{
    struct inject_walk *walk = user;
    uintptr_t address = _Unwind_GetIP(context);
    if (address == 0 || walk->count == walk->max)
        return _URC_END_OF_STACK;
    walk->frames[walk->count++] = address;
    return _URC_NO_REASON;
}

size_t tn_inject_walk(uintptr_t *ret_frames, size_t max)
{
    struct inject_walk walk = {.frames = ret_frames, .max = max};
    _Unwind_Backtrace(take_frame, &walk);
    return walk.count;
}
