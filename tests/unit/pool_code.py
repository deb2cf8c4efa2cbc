# SPDX-License-Identifier: MIT
"""The code that a report proposes compiles and does what it says: the C part is run, the parts for other systems are
compiled against headers that declare what these systems do, and have pools that hold just as many blocks.

usage: pool_code.py PRINT_POOL_CODE CC..."""

import pathlib
import subprocess
import sys
import tempfile

FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-pthread"]

# What the systems declare, and do, as far as the code needs it: from their documents.
HEADERS = {
    "FreeRTOS.h": """
#include <stddef.h>
#include <stdint.h>
typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t;
""",
    "queue.h": """
#include <string.h>
typedef struct { uint8_t *slots; UBaseType_t length, size, used; } StaticQueue_t;
typedef StaticQueue_t *QueueHandle_t;
static inline QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t size, uint8_t *slots, StaticQueue_t *queue)
{
    *queue = (StaticQueue_t){slots, length, size, 0};
    return queue;
}
static inline BaseType_t xQueueSend(QueueHandle_t queue, const void *item, TickType_t ticks)
{
    (void)ticks;
    if (queue->used == queue->length)
        return 0;
    memcpy(queue->slots + queue->used++ * queue->size, item, queue->size);
    return 1;
}
static inline BaseType_t xQueueReceive(QueueHandle_t queue, void *item, TickType_t ticks)
{
    (void)ticks;
    if (queue->used == 0)
        return 0;
    memcpy(item, queue->slots + --queue->used * queue->size, queue->size);
    return 1;
}
""",
    "zephyr/kernel.h": """
#include <stddef.h>
struct k_mem_slab { size_t block_size; unsigned blocks; char *buffer; };
/* The block size has to be a multiple of the alignment, and to hold a pointer. */
#define K_MEM_SLAB_DEFINE(name, size, count, align) \\
    _Static_assert((size) % (align) == 0 && ((align) & ((align) - 1)) == 0, "slab"); \\
    _Static_assert((size) % sizeof(void *) == 0, "slab holds links"); \\
    static char name##_buffer[(size) * (count)] __attribute__((aligned(align))); \\
    struct k_mem_slab name = {size, count, name##_buffer}
""",
    "tx_api.h": """
#include <stddef.h>
typedef unsigned int UINT;
typedef unsigned long ULONG;
typedef char CHAR;
typedef unsigned char UCHAR;
typedef void VOID;
typedef struct { ULONG total; } TX_BLOCK_POOL;
/* As the system counts: blocks rounded to ULONG, a pointer before each. */
static inline UINT tx_block_pool_create(TX_BLOCK_POOL *pool, CHAR *name, ULONG size, VOID *start, ULONG pool_size)
{
    (void)name;
    (void)start;
    size = (size + sizeof(ULONG) - 1) / sizeof(ULONG) * sizeof(ULONG);
    pool->total = pool_size / (size + sizeof(UCHAR *));
    return pool->total == 0;
}
""",
}

ONE = """
#include <assert.h>
#include <stdint.h>
int main(void)
{
    void *blocks[%(count)d], *block;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < %(count)d; i++) {
            blocks[i] = %(name)s_get();
            assert(blocks[i] != NULL && (uintptr_t)blocks[i] %% %(align)d == 0);
            for (int j = 0; j < i; j++)
                assert((char *)blocks[i] >= (char *)blocks[j] + %(size)d || (char *)blocks[j] >= (char *)blocks[i] + %(size)d);
        }
        assert(%(name)s_get() == NULL);
        block = malloc(%(size)d);
        for (int i = 0; i < %(count)d; i++)
            assert(%(name)s_owns(blocks[i]) && %(name)s_owns((char *)blocks[i] + %(size)d - 1));
        assert(!%(name)s_owns(block) && !%(name)s_owns(NULL) && !%(name)s_owns(&block));
        %(name)s_put(block);
        %(name)s_put(NULL);
        for (int i = 0; i < %(count)d; i++)
            %(name)s_put(blocks[i]);
    }
    %(name)s_init();
    for (int i = 0; i < %(count)d; i++)
        assert(xQueueReceive(%(name)s_queue, &block, 0) && (uintptr_t)block %% %(align)d == 0);
    assert(!xQueueReceive(%(name)s_queue, &block, 0));
    assert(%(name)s_slab.blocks == %(count)d && %(name)s_slab.block_size == %(size)d);
    assert(%(name)s_create() == 0 && %(name)s_block_pool.total == %(count)d);
    return 0;
}
"""

SET = """
#include <assert.h>
#include <stdint.h>
static void fill(size_t low, size_t high, int count)
{
    void *blocks[8];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < count; i++) {
            blocks[i] = pool_get(i % 2 ? low : high);
            assert(blocks[i] != NULL && (uintptr_t)blocks[i] % 8 == 0);
            for (int j = 0; j < i; j++)
                assert((char *)blocks[i] >= (char *)blocks[j] + high || (char *)blocks[j] >= (char *)blocks[i] + high);
        }
        assert(pool_get(low) == NULL && pool_get(high) == NULL);
        pool_put(malloc(high));
        pool_put(NULL);
        for (int i = 0; i < count; i++)
            pool_put(blocks[i]);
    }
}
int main(void)
{
    fill(0, 24, 5);
    fill(25, 1000, 2);
    assert(pool_get(1001) == NULL);
    assert(pool_24_slab.blocks == 5 && pool_1000_slab.blocks == 2);
    assert(pool_24_create() == 0 && pool_24_block_pool.total == 5);
    assert(pool_1000_create() == 0 && pool_1000_block_pool.total == 2);
    return 0;
}
"""

# Four threads take blocks, write their own number into all of each, and give them back; some come from the heap.
SHARED = """
#include <assert.h>
#include <string.h>
static void *work(void *number)
{
    for (int round = 0; round < 20000; round++) {
        unsigned char *blocks[3];
        for (int i = 0; i < 3; i++) {
            blocks[i] = %(get)s;
            if (blocks[i] == NULL)
                blocks[i] = malloc(24);
            memset(blocks[i], (int)(uintptr_t)number, 24);
        }
        for (int i = 0; i < 3; i++) {
            for (int j = 0; j < 24; j++)
                assert(blocks[i][j] == (unsigned char)(uintptr_t)number);
            %(put)s(blocks[i]);
        }
    }
    return NULL;
}
int main(void)
{
    pthread_t threads[4];
    void *blocks[5];
    for (uintptr_t i = 0; i < 4; i++)
        assert(pthread_create(&threads[i], NULL, work, (void *)(i + 1)) == 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 5; i++) {
        blocks[i] = %(get)s;
        assert(blocks[i] != NULL);
    }
    assert(%(get)s == NULL);
    for (int i = 0; i < 5; i++)
        %(put)s(blocks[i]);
    return 0;
}
"""

CASES = {
    "one": ONE % {"name": "node_new_20", "count": 5, "size": 24, "align": 8},
    "aligned": ONE % {"name": "page_get_100", "count": 3, "size": 128, "align": 64},
    "set": SET,
    "shared": SHARED % {"get": "node_new_20_get()", "put": "node_new_20_put"},
    "shared_set": SHARED % {"get": "pool_get(24)", "put": "pool_put"},
}


def main():
    printer, compiler = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "zephyr").mkdir()
        for header, text in HEADERS.items():
            (folder / header).write_text("#pragma once\n" + text)
        for case, harness in CASES.items():
            code = subprocess.run([printer, case], check=True, capture_output=True, text=True).stdout
            longest = max(map(len, code.splitlines()))
            assert longest <= 92, f"{case}: a line of {longest} columns"
            (folder / f"{case}.c").write_text(code + harness)
            subprocess.run([*compiler, *FLAGS, "-I", name, "-o", folder / case, folder / f"{case}.c"], check=True)
            subprocess.run([folder / case], check=True)
            print(f"{case}: compiled and run, {len(code.splitlines())} lines")


main()
