/* SPDX-License-Identifier: MIT */
/* Print the code of pools: `one` a pool, `set` a set of them, `shared` and `shared_set` for several threads.
 */
#include "pool_code.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct tn_buffer out = {0};
    struct tn_pool_plan plan = {.count = 2};
    int r;
    if (argc != 2)
        return 2;
    plan.pools[0] = (struct tn_pool_choice){.block_bytes = 24, .block_count = 5};
    plan.pools[1] = (struct tn_pool_choice){.block_bytes = 1000, .block_count = 2};
    if (strcmp(argv[1], "set") == 0)
        r = tn_pool_code_set(&plan, 8, false, &out);
    else if (strcmp(argv[1], "shared_set") == 0)
        r = tn_pool_code_set(&plan, 8, true, &out);
    else if (strcmp(argv[1], "aligned") == 0)
        r = tn_pool_code("page_get_100", 128, 3, 64, false, &out);
    else if (strcmp(argv[1], "shared") == 0)
        r = tn_pool_code("node_new_20", 24, 5, 8, true, &out);
    else
        r = tn_pool_code("node_new_20", 24, 5, 8, false, &out);
    if (r == 0)
        fwrite(out.data, 1, out.size_bytes, stdout);
    tn_buffer_finish(&out);
    return r == 0 ? 0 : 1;
}
