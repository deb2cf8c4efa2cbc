/* SPDX-License-Identifier: MIT */
/* An arena to paste into a program, for plain C, FreeRTOS and Zephyr. What it has no room for comes from the
 * heap, and what is not the arena's own goes back there, so that lines of release may stay as they are.
 * tests/unit/arena_code.py compiles and runs it. */
#include "arenas.h"

#include "tenure/base.h"
#include "tenure/template.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define NAME_BYTES 64 /* of an identifier; more of a function's name are cut */

/* @N stands for the arena's name, @B for its bytes, @C for how many calls are under way at once, @A for the
 * alignment of blocks, @S for the storage of the C part, @M for the heap's function that gives memory, @F for
 * the one that takes it back. */
struct arena_filling {
    const char *name, *storage, *take, *give_back;
    uint64_t bytes, count;
};

static const char head_alone[] =
    "/* Plain C11, for one call of the function at a time: take instead of malloc,\n"
    " * give instead of free, and reset where the function returns */\n";
static const char head_shared[] =
    "/* Plain C11, an arena a thread: take instead of malloc, give instead of free,\n"
    " * and reset where the function returns. At most @C calls were under way at once */\n";
static const char includes[] =
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "#include <stdlib.h>\n";
static const char freertos_head[] =
    "/* FreeRTOS, an arena a call: @N_arenas[i] is for call i of @C */\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "#include \"FreeRTOS.h\"\n";
static const char zephyr_head[] =
    "/* Zephyr, an arena a call: k_mem_slab_alloc(&@N_slab, (void **)&arena, K_FOREVER),\n"
    " * arena->used = 0, and k_mem_slab_free(&@N_slab, arena) where the function returns */\n"
    "#include <stddef.h>\n"
    "#include <stdint.h>\n"
    "#include <zephyr/kernel.h>\n";

static const char type[] =
    "struct @N_arena {\n"
    "    size_t used;\n"
    "    _Alignas(@A) unsigned char bytes[@B];\n"
    "};\n";
static const char one[] = "static @Sstruct @N_arena @N_arena;\n";
static const char several[] = "static struct @N_arena @N_arenas[@C];\n";
static const char slab[] = "K_MEM_SLAB_DEFINE(@N_slab, sizeof(struct @N_arena), @C, @A);\n";

static const char functions[] =
    "static void *@N_take(struct @N_arena *arena, size_t size_bytes)\n"
    "{\n"
    "    unsigned char *block = arena->bytes + arena->used;\n"
    "    if (size_bytes > sizeof(arena->bytes) - arena->used)\n"
    "        return @M(size_bytes); /* more than was ever seen */\n"
    "    arena->used += (size_bytes + @A - 1) / @A * @A;\n"
    "    return block;\n"
    "}\n"
    "static void @N_give(struct @N_arena *arena, void *memory)\n"
    "{\n"
    "    if ((uintptr_t)memory - (uintptr_t)arena->bytes >= sizeof(arena->bytes))\n"
    "        @F(memory);\n"
    "}\n"
    "static void @N_reset(struct @N_arena *arena)\n"
    "{\n"
    "    arena->used = 0;\n"
    "}\n";

static int print_mark(const void *context, char mark, struct tn_buffer *out)
{
    const struct arena_filling *filling = context;
    switch (mark) {
    case 'N':
        return tn_buffer_print(out, "%s", filling->name);
    case 'B':
        return tn_buffer_print(out, "%" PRIu64, filling->bytes);
    case 'C':
        return tn_buffer_print(out, "%" PRIu64, filling->count);
    case 'A':
        return tn_buffer_print(out, "%u", TN_ARENA_ALIGNMENT_BYTES);
    case 'S':
        return tn_buffer_print(out, "%s", filling->storage);
    default:
        return tn_buffer_print(out, "%s", mark == 'M' ? filling->take : filling->give_back);
    }
}

/* Template arguments and parameters say nothing in an identifier: it ends before them. */
static void print_name(const char *function, char *ret_name, size_t name_bytes)
{
    size_t length = 0;
    if (!isalpha((unsigned char)function[0]))
        ret_name[length++] = 'n';
    for (; *function != '\0' && *function != '(' && *function != '<' && length + 1 < name_bytes; function++)
        ret_name[length++] = isalnum((unsigned char)*function) ? *function : '_';
    ret_name[length] = '\0';
}

int tn_arena_code(const char *function, uint64_t arena_bytes, uint64_t arena_count, struct tn_buffer *out)
{
    char name[NAME_BYTES];
    struct arena_filling c = {name, "", "malloc", "free", arena_bytes, arena_count};
    struct arena_filling freertos = {name, "", "pvPortMalloc", "vPortFree", arena_bytes, arena_count};
    struct arena_filling zephyr = {name, "", "k_malloc", "k_free", arena_bytes, arena_count};
    bool is_shared = arena_count > 1;
    print_name(function, name, sizeof(name));
    const struct {
        const char *template;
        const struct arena_filling *filling;
    } parts[] = {
        {is_shared ? head_shared : head_alone, &c},
        {includes, &c},
        {type, &c},
        {one, &c},
        {functions, &c},
        {"\n", &c},
        {freertos_head, &freertos},
        {type, &freertos},
        {several, &freertos},
        {functions, &freertos},
        {"\n", &freertos},
        {zephyr_head, &zephyr},
        {type, &zephyr},
        {slab, &zephyr},
        {functions, &zephyr},
    };
    int r = 0;
    if (is_shared)
        c.storage = "_Thread_local ";
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++)
        r = tn_template_print(parts[i].template, print_mark, parts[i].filling, out);
    return r;
}
