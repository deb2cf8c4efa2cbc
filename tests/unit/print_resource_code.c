/* SPDX-License-Identifier: MIT */
/* Print the C++ code of a pool for each maker: `nodes`, `shared` (its pointers, for several threads), `new`.
 */
#include "resource_code.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    bool is_shared = strcmp(argv[1], "shared") == 0, is_new = strcmp(argv[1], "new") == 0;
    struct tn_made_by made_by = {.maker = is_shared ? TN_MAKER_SHARED
                                          : is_new  ? TN_MAKER_NEW
                                                    : TN_MAKER_NODES,
                                 .type = "std::map"};
    struct tn_cplusplus_scene scene = {.made_by = &made_by,
                                       .name = "net_open_48",
                                       .block_bytes = 48,
                                       .block_count = 5,
                                       .alignment_bytes = 8,
                                       .is_shared = is_shared};
    struct tn_finding finding = {0};
    int r = tn_cplusplus_pool_code(&scene, &finding);
    if (r == 0)
        fputs(finding.code, stdout);
    tn_finding_finish(&finding);
    return r == 0 ? 0 : 1;
}
