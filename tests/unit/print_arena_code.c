/* SPDX-License-Identifier: MIT */
/* Print the code of an arena for one call at a time, or for as many as the argument says. */
#include "arenas.h"

#include "tenure/base.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct tn_buffer out = {0};
    int r = tn_arena_code("handle_packet", 120, argc > 1 ? strtoul(argv[1], NULL, 10) : 1, &out);
    if (r == 0)
        fwrite(out.data, 1, out.size_bytes, stdout);
    tn_buffer_finish(&out);
    return r == 0 ? 0 : 1;
}
