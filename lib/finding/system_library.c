/* SPDX-License-Identifier: MIT */
/* Tells findings about the program from those about libraries of the system: nobody changes a line of a
 * library that came with the system, whether its debug information is installed or not. Called by reports and
 * by lib/simulate. */
#include "tenure/finding.h"
#include "tenure/system_path.h"

#include <string.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

const char *tn_finding_library(const struct tn_finding *finding)
{
    for (size_t i = 0; i < finding->site_count; i++) {
        const struct tn_finding_site *site = &finding->sites[i];
        if (!tn_is_system_path(site->module) || strstr(base_name(site->module), ".so") == NULL)
            return NULL;
    }
    return finding->site_count != 0 ? base_name(finding->sites[0].module) : NULL;
}
