/* SPDX-License-Identifier: MIT */
/* Tells the runtime's own blocks from the program's, by the module that asked for them. Called by
 * compose_sites.c, compose_totals.c and format_json.c. */
#include "runtime_block.h"

#include <string.h>

const char *tn_report_module_name(const struct tn_summary_site *site)
{
    const char *slash = strrchr(site->module, '/');
    return slash != NULL ? slash + 1 : site->module;
}

bool tn_report_is_runtime(const struct tn_summary_site *site)
{
    static const char *const starts[] = {"libc.so",      "libc-",      "ld-linux",      "ld-musl",
                                         "libstdc++.so", "libc++.so.", "libpthread.so", "libgcc_s.so"};
    const char *name = tn_report_module_name(site);
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (strncmp(name, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

const struct tn_summary_site *tn_report_runtime_block(const struct tn_summary *summary)
{
    const struct tn_summary_sites *sites = &summary->lists[TN_SUMMARY_BY_PEAK_LIVE_BYTES];
    for (size_t i = 0; i < sites->count; i++) {
        const struct tn_summary_site *site = &sites->sites[i];
        if (tn_report_is_runtime(site) && site->allocations == 1 && site->live_at_end == 1 &&
            site->total_bytes > summary->totals.peak_live_bytes / 2)
            return site;
    }
    return NULL;
}
