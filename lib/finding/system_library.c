/* SPDX-License-Identifier: MIT */
/* Tells findings about the program from those about libraries of the system: nobody changes a line of a
 * library that came with the system, whether its debug information is installed or not. Called by reports and
 * by lib/simulate. */
#include "tenure/finding.h"

#include <string.h>

/* Where systems keep what their packages bring; /usr/local is what somebody built here. */
static bool is_of_the_system(const char *path)
{
    static const char *const roots[] = {"/lib/",       "/lib32/",     "/lib64/",     "/libx32/",
                                        "/usr/lib/",   "/usr/lib32/", "/usr/lib64/", "/usr/libx32/",
                                        "/nix/store/", "/gnu/store/"};
    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++)
        if (strncmp(path, roots[i], strlen(roots[i])) == 0)
            return true;
    return false;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

const char *tn_finding_library(const struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct tn_finding_site *site = &finding->sites[i];
        if (!is_of_the_system(site->module) || strstr(base_name(site->module), ".so") == NULL)
            return NULL;
    }
    return finding->site_count != 0 ? base_name(finding->sites[0].module) : NULL;
}
