/* SPDX-License-Identifier: MIT */
/* A library that, preloaded, tells libtenure.so and tenure-recorder of pages of TENURE_TEST_PAGES bytes: a
 * larger page than the machine's is a multiple of it, so everything that is right for it works here, too.
 * Others get the truth: libunwind has the kernel write a byte for each page, and has room for as many as it
 * knows of. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* The environment as libc has it from the start: getenv may be the program's. */
extern char **environ;

static const char *setting(const char *name)
{
    size_t length = strlen(name);
    for (char **at = environ; at != NULL && *at != NULL; at++)
        if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
            return *at + length + 1;
    return NULL;
}

static unsigned long pages(void)
{
    const char *text = setting("TENURE_TEST_PAGES");
    return text != NULL ? strtoul(text, NULL, 10) : 4096;
}

/* Whether code belongs to the shim or the recorder. */
static int is_ours(const void *caller)
{
    Dl_info info;
    const char *name = dladdr(caller, &info) != 0 && info.dli_fname != NULL ? info.dli_fname : "";
    const char *slash = strrchr(name, '/');
    name = slash != NULL ? slash + 1 : name;
    return strcmp(name, "libtenure.so") == 0 || strcmp(name, "tenure-recorder") == 0;
}

unsigned long getauxval(unsigned long type)
{
    unsigned long (*real)(unsigned long) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "getauxval");
    memcpy(&real, &symbol, sizeof(real));
    return type == AT_PAGESZ && is_ours(__builtin_return_address(0)) ? pages() : real(type);
}

long sysconf(int name)
{
    long (*real)(int) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "sysconf");
    memcpy(&real, &symbol, sizeof(real));
    return name == _SC_PAGESIZE && is_ours(__builtin_return_address(0)) ? (long)pages() : real(name);
}
