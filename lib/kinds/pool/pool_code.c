/* SPDX-License-Identifier: MIT */
/* Definitions of pools to paste into a program, for plain C, FreeRTOS, Zephyr and ThreadX, made from
 * templates. tests/unit/pool_code.py compiles and runs the C ones. */
#include "pool_code.h"

#include "tenure/template.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Template arguments and parameters say nothing in an identifier: the name ends before them. */
const char *tn_pool_name(const char *function, uint64_t size_bytes, char *ret_name)
{
    size_t length = 0;
    bool needs_bar = false;
    for (const char *c = function; *c != '\0' && *c != '(' && *c != '<' && length + 27 < TN_POOL_NAME_BYTES;
         c++) {
        if (!isalnum((unsigned char)*c)) {
            needs_bar = length != 0;
            continue;
        }
        if (length == 0 && isdigit((unsigned char)*c))
            ret_name[length++] = 'n';
        if (needs_bar)
            ret_name[length++] = '_';
        needs_bar = false;
        ret_name[length++] = (char)tolower((unsigned char)*c);
    }
    snprintf(&ret_name[length], TN_POOL_NAME_BYTES - length, "%s%" PRIu64, length == 0 ? "block_" : "_",
             size_bytes);
    return ret_name;
}

/* A template: @N stands for the pool's name, @B and @C for its block_bytes and block_count, @A for the
 * alignment, @X for a further text; where several threads use the pool, @H for what declares its lock, @L for
 * taking it and @U for giving it back. */
struct filling {
    const char *name, *text;
    uint64_t block_bytes, block_count, alignment_bytes;
    bool is_shared;
};

static int print_lock(const struct filling *filling, char mark, struct tn_buffer *out)
{
    if (!filling->is_shared)
        return 0;
    if (mark == 'H')
        return tn_buffer_print(out,
                               "#include <pthread.h>\n"
                               "static pthread_mutex_t %s_lock = PTHREAD_MUTEX_INITIALIZER;\n",
                               filling->name);
    return tn_buffer_print(out, "    pthread_mutex_%s(&%s_lock);\n", mark == 'L' ? "lock" : "unlock",
                           filling->name);
}

static int print_mark(const void *context, char mark, struct tn_buffer *out)
{
    const struct filling *filling = context;
    switch (mark) {
    case 'N':
        return tn_buffer_print(out, "%s", filling->name);
    case 'B':
        return tn_buffer_print(out, "%" PRIu64, filling->block_bytes);
    case 'C':
        return tn_buffer_print(out, "%" PRIu64, filling->block_count);
    case 'A':
        return tn_buffer_print(out, "%" PRIu64, filling->alignment_bytes);
    case 'H':
    case 'L':
    case 'U':
        return print_lock(filling, mark, out);
    default:
        return tn_buffer_print(out, "%s", filling->text);
    }
}

static int fill(const char *template, const struct filling *filling, struct tn_buffer *out)
{
    return tn_template_print(template, print_mark, filling, out);
}

/* ---------------------------------------------------------------------------------------- one pool */

/* A free block holds the link to the next one. Blocks that were never used come from the end of the array, so
 * that nothing needs to be initialised. What is not the pool's own came from the heap, when the pool was
 * empty. */
static const char plain_c[] =
    "/* Plain C11@X */\n"
    "#include <stdint.h>\n"
    "#include <stdlib.h>\n"
    "@H"
    "static union @N_block {\n"
    "    union @N_block *next;\n"
    "    _Alignas(@A) unsigned char bytes[@B];\n"
    "} @N_pool[@C], *@N_free;\n"
    "static size_t @N_used;\n"
    "static void *@N_get(void) /* NULL: the pool is empty; refuse, or take malloc's */\n"
    "{\n"
    "@L"
    "    union @N_block *block = @N_free;\n"
    "    if (block != NULL)\n"
    "        @N_free = block->next;\n"
    "    else if (@N_used < @C)\n"
    "        block = &@N_pool[@N_used++];\n"
    "@U"
    "    return block;\n"
    "}\n"
    "static int @N_owns(const void *memory) /* it is of the pool, not of the heap */\n"
    "{\n"
    "    return (uintptr_t)memory - (uintptr_t)@N_pool < sizeof(@N_pool);\n"
    "}\n"
    "static void @N_put(void *memory) /* of the pool, or of malloc */\n"
    "{\n"
    "    union @N_block *block = memory;\n"
    "    if (!@N_owns(memory)) {\n"
    "        free(memory);\n"
    "        return;\n"
    "    }\n"
    "@L"
    "    block->next = @N_free;\n"
    "    @N_free = block;\n"
    "@U"
    "}\n";

static const char alone_text[] = "; for one thread, or under the caller's lock";
static const char shared_text[] = " and POSIX threads; for several threads";

/* FreeRTOS has no block pools; a static queue of pointers is one, and safe between tasks. */
static const char freertos[] =
    "/* FreeRTOS: xQueueReceive(@N_queue, &block, ticks) takes a block,\n"
    " * xQueueSend(@N_queue, &block, 0) gives it back */\n"
    "#include \"FreeRTOS.h\"\n"
    "#include \"queue.h\"\n"
    "static uint8_t @N_memory[@C][@B]\n"
    "    __attribute__((aligned(@A)));\n"
    "static uint8_t @N_slots[@C * sizeof(void *)];\n"
    "static StaticQueue_t @N_control;\n"
    "static QueueHandle_t @N_queue;\n"
    "static void @N_init(void)\n"
    "{\n"
    "    @N_queue = xQueueCreateStatic(@C, sizeof(void *), @N_slots,\n"
    "                                  &@N_control);\n"
    "    for (unsigned i = 0; i < @C; i++) {\n"
    "        void *block = @N_memory[i];\n"
    "        (void)xQueueSend(@N_queue, &block, 0);\n"
    "    }\n"
    "}\n";

static const char zephyr_head[] =
    "/* Zephyr: k_mem_slab_alloc takes, k_mem_slab_free gives back */\n"
    "#include <zephyr/kernel.h>\n";
static const char zephyr[] = "K_MEM_SLAB_DEFINE(@N_slab, @B, @C, @A);\n";

/* A ThreadX block pool keeps a pointer before each block, and rounds blocks to ULONG. */
static const char threadx_head[] =
    "/* ThreadX: a pointer more for each block@X */\n"
    "#include \"tx_api.h\"\n";
static const char threadx[] =
    "static TX_BLOCK_POOL @N_block_pool;\n"
    "static ULONG @N_area[@C * ((@B + sizeof(void *) + sizeof(ULONG) - 1)\n"
    "                           / sizeof(ULONG))];\n"
    "static UINT @N_create(void)\n"
    "{\n"
    "    return tx_block_pool_create(&@N_block_pool, \"@N\", @B,\n"
    "                                @N_area, sizeof(@N_area));\n"
    "}\n";

static int fill_all(const char *const *templates, size_t count, const struct filling *filling,
                    struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = fill(templates[i], filling, out);
    return r;
}

int tn_pool_code(const char *name, uint64_t block_bytes, uint64_t block_count, uint64_t alignment_bytes,
                 bool is_shared, struct tn_buffer *out)
{
    static const char *const templates[] = {"\n",   freertos, "\n",         zephyr_head,
                                            zephyr, "\n",     threadx_head, threadx};
    struct filling filling = {.name = name,
                              .text = is_shared ? shared_text : alone_text,
                              .block_bytes = block_bytes,
                              .block_count = block_count,
                              .alignment_bytes = alignment_bytes,
                              .is_shared = is_shared};
    int r = fill(plain_c, &filling, out);
    filling.text = alignment_bytes > 8 ? "; it aligns blocks to ULONG only" : "";
    return r == 0 ? fill_all(templates, sizeof(templates) / sizeof(templates[0]), &filling, out) : r;
}

/* ---------------------------------------------------------------------------------------- a set of pools */

static const char set_head[] =
    "/* Plain C11@X;\n"
    " * on FreeRTOS: between taskENTER_CRITICAL() and taskEXIT_CRITICAL() */\n"
    "#include <stdint.h>\n"
    "#include <stdlib.h>\n"
    "@H";
static const char set_table[] =
    "static struct pool {\n"
    "    size_t block_bytes, block_count, used;\n"
    "    unsigned char *memory;\n"
    "    void *free;\n"
    "} pools[] = {\n";
static const char set_memory[] = "_Alignas(@A) static unsigned char pool_@B_memory[@C * @B];\n";
static const char set_pool[] = "    {@B, @C, 0, pool_@B_memory, NULL},\n";
static const char set_tail[] =
    "};\n"
    "#define POOL_COUNT (sizeof(pools) / sizeof(pools[0]))\n"
    "static void *pool_get(size_t size_bytes) /* NULL: that pool is empty, or there is none */\n"
    "{\n"
    "    struct pool *pool = pools;\n"
    "    while (pool < pools + POOL_COUNT && pool->block_bytes < size_bytes)\n"
    "        pool++;\n"
    "    if (pool == pools + POOL_COUNT)\n"
    "        return NULL;\n"
    "@L"
    "    void *block = pool->free;\n"
    "    if (block != NULL)\n"
    "        pool->free = *(void **)block;\n"
    "    else if (pool->used < pool->block_count)\n"
    "        block = pool->memory + pool->used++ * pool->block_bytes;\n"
    "@U"
    "    return block;\n"
    "}\n"
    "static struct pool *pool_of(const void *block) /* NULL: the heap */\n"
    "{\n"
    "    for (struct pool *pool = pools; pool < pools + POOL_COUNT; pool++)\n"
    "        if ((uintptr_t)block - (uintptr_t)pool->memory <\n"
    "            pool->block_count * pool->block_bytes)\n"
    "            return pool;\n"
    "    return NULL;\n"
    "}\n"
    "static void pool_put(void *block) /* that pool_get gave, or malloc */\n"
    "{\n"
    "    struct pool *pool = pool_of(block);\n"
    "    if (pool == NULL) {\n"
    "        free(block);\n"
    "        return;\n"
    "    }\n"
    "@L"
    "    *(void **)block = pool->free;\n"
    "    pool->free = block;\n"
    "@U"
    "}\n";

/* Print a template once a pool; each pool is named after its block size. */
static int fill_pools(const char *template, const struct tn_pool_plan *plan, uint64_t alignment_bytes,
                      struct tn_buffer *out)
{
    int r = 0;
    for (uint32_t i = 0; i < plan->count && r == 0; i++) {
        char name[TN_POOL_NAME_BYTES];
        snprintf(name, sizeof(name), "pool_%" PRIu64, plan->pools[i].block_bytes);
        struct filling filling = {.name = name,
                                  .text = "",
                                  .block_bytes = plan->pools[i].block_bytes,
                                  .block_count = plan->pools[i].block_count,
                                  .alignment_bytes = alignment_bytes};
        r = fill(template, &filling, out);
    }
    return r;
}

int tn_pool_code_set(const struct tn_pool_plan *plan, uint64_t alignment_bytes, bool is_shared,
                     struct tn_buffer *out)
{
    static const struct {
        const char *once, *each;
    } parts[] = {{set_head, set_memory}, {set_table, set_pool},
                 {set_tail, ""},         {"\n", ""},
                 {zephyr_head, zephyr},  {"\n", ""},
                 {threadx_head, threadx}};
    struct filling filling = {.name = "pool",
                              .text = is_shared ? shared_text : alone_text,
                              .alignment_bytes = alignment_bytes,
                              .is_shared = is_shared};
    int r = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && r == 0; i++) {
        r = fill(parts[i].once, &filling, out);
        filling.text = "";
        if (r == 0)
            r = fill_pools(parts[i].each, plan, alignment_bytes, out);
    }
    return r;
}
