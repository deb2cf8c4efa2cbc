/* SPDX-License-Identifier: MIT */
/* One line makes the entries of a table that is set up when the program starts and never released, and those of
 * requests, which are. And one makes buffers of one size for one caller, of any size for another.
 *
 * expect {"kind": "permanent", "sites": ["@entry"], "roles": [["@entry", "@set_up"]], "evidence": {"count":
 *         "=ENTRIES", "max_size_bytes": "=ENTRY_BYTES"}}
 * expect {"kind": "pool", "sites": ["@entry"], "roles": [["@entry", "@from_request"]], "confidence": "consistent",
 *         "evidence": {"block_bytes": "=ENTRY_BYTES", "block_count": "=REQUESTS"}}
 * expect {"kind": "pool", "sites": ["@buffer"], "roles": [["@buffer", "@packet"]], "condition": {"kind":
 *         "size-computed"}, "evidence": {"block_bytes": "=PACKET_BYTES", "block_count": "=PACKETS"}}
 * allow {"kind": "fixed-maximum", "sites": ["@buffer"]}
 * allow {"kind": "preallocate", "sites": ["@buffer"], "confidence": "conditional"}
 * allow {"kind": "pinning", "sites": ["@buffer"]}
 */
#include <stdlib.h>

#define ENTRIES      64
#define ENTRY_BYTES  80
#define CALLS        900
#define REQUESTS     9
#define PACKETS      23
#define TEXTS        4
#define PACKET_BYTES 128
#define KINDS        7

static void *table[ENTRIES];
static char *requests[REQUESTS], *packets[PACKETS], *texts[TEXTS];
static volatile size_t sizes[] = {PACKET_BYTES, 10, 50, 200, 400, 800, 1600, 3200};
static volatile unsigned total;

__attribute__((noinline)) static void *make_entry(int id)
{
    char *entry = malloc(ENTRY_BYTES); /* @entry */
    entry[0] = (char)id;
    return entry;
}

__attribute__((noinline)) static void set_up(void)
{
    for (int i = 0; i < ENTRIES; i++)
        table[i] = make_entry(i); /* @set_up */
}

/* The size is looked up, so that it is not the callers' to choose, and this is no wrapper. */
__attribute__((noinline)) static char *make_buffer(int kind)
{
    char *buffer = malloc(sizes[kind]); /* @buffer */
    buffer[0] = (char)total++;
    return buffer;
}

/* Three rings of other lengths, so that nothing comes and goes together. */
__attribute__((noinline)) static void request(int id)
{
    free(requests[id % REQUESTS]);
    requests[id % REQUESTS] = make_entry(id); /* @from_request */
    total++;
}

__attribute__((noinline)) static void receive(int id)
{
    free(packets[id % PACKETS]);
    packets[id % PACKETS] = make_buffer(0); /* @packet */
    total++;
}

__attribute__((noinline)) static void print(int id)
{
    free(texts[id % TEXTS]);
    texts[id % TEXTS] = make_buffer(1 + id % KINDS);
    total++;
}

__attribute__((noinline)) static void end(void)
{
    for (int i = 0; i < TEXTS; i++)
        free(texts[i]);
    for (int i = 0; i < REQUESTS; i++)
        free(requests[i]);
    for (int i = 0; i < PACKETS; i++)
        free(packets[i]);
}

int main(void)
{
    set_up();
    for (int i = 0; i < CALLS; i++) {
        request(i);
        print(i);
        receive(i);
    }
    end();
    return total == 1 && table[0] == NULL;
}
