# SPDX-License-Identifier: MIT
"""The arena that a report proposes compiles and does what it says, for each system: blocks lie one behind the other,
what has no room comes from the heap and goes back there, a reset makes all room free again.

usage: arena_code.py PRINT_ARENA_CODE CC..."""

import pathlib
import subprocess
import sys
import tempfile

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-pthread"]

# What the systems declare, as far as the code needs it, from their documents. Their heaps are counted.
HEAP = """
#pragma once
#include <stdlib.h>
static int taken;
static inline void *NAME(size_t size) { taken++; return malloc(size); }
static inline void FREE(void *memory) { taken -= memory != NULL; free(memory); }
"""
HEADERS = {
    "FreeRTOS.h": HEAP.replace("NAME", "pvPortMalloc").replace("FREE", "vPortFree"),
    "zephyr/kernel.h": HEAP.replace("NAME", "k_malloc").replace("FREE", "k_free") + """
struct k_mem_slab { size_t block_size; unsigned blocks; };
#define K_MEM_SLAB_DEFINE(name, size, count, align) \\
    _Static_assert((size) % (align) == 0 && ((align) & ((align) - 1)) == 0, "slab"); \\
    _Static_assert((size) % sizeof(void *) == 0, "slab holds links"); \\
    struct k_mem_slab name = {size, count}
""",
}

USE = """
#include <assert.h>
#include <string.h>
static void use(struct handle_packet_arena *arena)
{
    for (int round = 0; round < 3; round++) {
        char *first = handle_packet_take(arena, 1), *second = handle_packet_take(arena, 40);
        char *third = handle_packet_take(arena, 72), *none = handle_packet_take(arena, 0);
        assert(((uintptr_t)first | (uintptr_t)second | (uintptr_t)third) % 8 == 0);
        assert(second == first + 8 && third == second + 40 && none != NULL);
        char *outside = handle_packet_take(arena, 1), *huge = handle_packet_take(arena, 5000);
        assert(outside < (char *)arena || outside >= (char *)(arena + 1));
        memset(first, 1, 120);
        memset(huge, 1, 5000);
        handle_packet_give(arena, outside);
        handle_packet_give(arena, huge);
        handle_packet_give(arena, third);
        handle_packet_give(arena, first);
        handle_packet_give(arena, NULL);
        handle_packet_reset(arena);
    }
}
"""

ENDS = {
    "c": "int main(void) { use(&handle_packet_arena); return 0; }\n",
    "freertos": "int main(void) { use(&handle_packet_arenas[COUNT - 1]); assert(taken == 0); return 0; }\n",
    "zephyr": "int main(void)\n{\n    static struct handle_packet_arena arena;\n    use(&arena);\n"
              "    assert(taken == 0 && handle_packet_slab.blocks == COUNT && handle_packet_slab.block_size == sizeof(arena));\n"
              "    return 0;\n}\n",
}


def main():
    printer, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "zephyr").mkdir()
        for header, text in HEADERS.items():
            (folder / header).write_text(text)
        for count in (1, 3):
            code = subprocess.run([printer, str(count)], stdout=subprocess.PIPE, check=True, text=True).stdout
            parts = dict(zip(ENDS, code.split("\n\n")))
            assert len(parts) == len(ENDS) and code.count("\n\n") == 2, code
            for system, part in parts.items():
                source = folder / f"{system}_{count}.c"
                source.write_text(part + USE + ENDS[system].replace("COUNT", str(count)))
                program = source.with_suffix("")
                subprocess.run([*compiler, *FLAGS, "-I", folder, "-o", program, source], check=True)
                subprocess.run([program], check=True)
                print(f"{system}, {count} at once: compiles and does what it says")


main()
