/* SPDX-License-Identifier: MIT */

/* Finds the functions that come after the shim's in symbol order, once, at the process's first event. Called
 * by start.c. */

#include "real.h"

#include "shim_process.h"
#include "sys.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

struct tn_real tn_real;
void *tn_dlopen_next, *tn_dlmopen_next;

void *tn_real_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

/* Copied, because the language has no cast from an object's address to a function's. */
static void find(void *slot, const char *name)
{
    void *symbol = tn_real_symbol(name);
    memcpy(slot, &symbol, sizeof(symbol));
}

/* The program's own hooks of -finstrument-functions. libc's two are one function. */
static void find_hooks(void)
{
    void *enter = tn_real_symbol("__cyg_profile_func_enter");
    if (enter == tn_real_symbol("__cyg_profile_func_exit"))
        return;
    find(&tn_real.function_enter, "__cyg_profile_func_enter");
    find(&tn_real.function_exit, "__cyg_profile_func_exit");
}

static void find_starts(void)
{
    find(&tn_real.execve, "execve");
    find(&tn_real.execv, "execv");
    find(&tn_real.execvp, "execvp");
    find(&tn_real.execvpe, "execvpe");
    find(&tn_real.fexecve, "fexecve");
    find(&tn_real.execveat, "execveat");
    find(&tn_real.posix_spawn, "posix_spawn");
    find(&tn_real.posix_spawnp, "posix_spawnp");
    find(&tn_real.system, "system");
    find(&tn_real.popen, "popen");
    find(&tn_real.fork, "fork");
    find(&tn_real.pthread_create, "pthread_create");
}

void tn_real_find(void)
{
    find(&tn_real.malloc, "malloc");
    find(&tn_real.calloc, "calloc");
    find(&tn_real.realloc, "realloc");
    find(&tn_real.reallocarray, "reallocarray");
    find(&tn_real.free, "free");
    find(&tn_real.free_sized, "free_sized");
    find(&tn_real.free_aligned_sized, "free_aligned_sized");
    find(&tn_real.posix_memalign, "posix_memalign");
    find(&tn_real.aligned_alloc, "aligned_alloc");
    find(&tn_real.memalign, "memalign");
    find(&tn_real.valloc, "valloc");
    find(&tn_real.pvalloc, "pvalloc");
    find(&tn_real.malloc_usable_size, "malloc_usable_size");
    find(&tn_real.munmap, "munmap");
    find(&tn_real.mprotect, "mprotect");
    find(&tn_real.mremap, "mremap");
    find(&tn_real.mmap, "mmap64");
    find(&tn_real.shmdt, "shmdt");
    find(&tn_real.dlclose, "dlclose");
    find(&tn_real.write, "write");
    find(&tn_real.writev, "writev");
    find(&tn_real.send, "send");
    find(&tn_real.sendto, "sendto");
    find(&tn_real.sendmsg, "sendmsg");
    find_starts();
    find(&tn_real.start_main, "__libc_start_main");
    find(&tn_real.leave, "exit");
    find(&tn_syscall_next, "syscall");
    find(&tn_dlopen_next, "dlopen");
    find(&tn_dlmopen_next, "dlmopen");
    find_hooks();
}

/* Not by the loader's symbol: that would make its file one that every C library has to have. The loader
 * writes where its list is into the program's dynamic section. */
static const struct r_debug *find_loader(void)
{
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR), *dynamic = NULL;
    uintptr_t bias = 0;
    for (unsigned long i = 0; headers != NULL && i < getauxval(AT_PHNUM); i++) {
        if (headers[i].p_type == PT_PHDR)
            bias = (uintptr_t)headers - headers[i].p_vaddr;
        if (headers[i].p_type == PT_DYNAMIC)
            dynamic = &headers[i];
    }
    const ElfW(Dyn) *entry = dynamic != NULL ? (const ElfW(Dyn) *)(bias + dynamic->p_vaddr) : NULL;
    for (; entry != NULL && entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_DEBUG)
            return (const struct r_debug *)entry->d_un.d_ptr;
    return NULL;
}

/* Only glibc has it; musl loads this library all the same. */
#pragma weak dladdr1

/* The second allocator of `tenure try` stands before the shim, and passes on what it does not serve. */
static bool passes_on(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at != '\0'; at++)
        if (*at == '/')
            name = at + 1;
    return tn_has_prefix(name, "libtenure_trial.so");
}

const char *tn_real_bypass(void)
{
    Dl_info info;
    const ElfW(Sym) *entry = NULL;
    void *seen = dlsym(RTLD_DEFAULT, "malloc");
    if (tn_is_own_code((uintptr_t)seen) || dladdr1 == NULL)
        return NULL;
    if (dladdr1(seen, &info, (void **)&entry, RTLD_DL_SYMENT) == 0 || entry == NULL)
        return NULL;
    /* A program at a fixed address that takes malloc's own lends it the address of a stub, and defines none.
     */
    return entry->st_shndx != SHN_UNDEF && !passes_on(info.dli_fname) ? info.dli_fname : NULL;
}

/* valgrind's core alone (callgrind, cachegrind) leaves malloc as it is. */
static bool is_watcher(const char *name)
{
    static const char *const prefixes[] = {"libasan.so", "libhwasan.so", "libtsan.so", "liblsan.so",
                                           "vgpreload_"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (tn_has_prefix(name, prefixes[i]))
            return !tn_has_prefix(name, "vgpreload_core");
    return false;
}

const char *tn_real_watcher(void)
{
    const struct r_debug *loader = find_loader();
    for (const struct link_map *map = loader != NULL ? loader->r_map : NULL; map != NULL; map = map->l_next) {
        const char *name = map->l_name != NULL ? map->l_name : "";
        for (const char *at = name; *at != '\0'; at++)
            if (*at == '/')
                name = at + 1;
        if (is_watcher(name))
            return name;
    }
    return NULL;
}
