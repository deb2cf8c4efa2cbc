/* SPDX-License-Identifier: MIT */
/* Near misses of a wrapper: functions whose callers choose the size, and that keep the block themselves. What they
 * return is a status, a length, or nothing; the register for results may hold the block all the same. Their own
 * lines ask for the memory.
 *
 * allow {"kind": "*", "sites": ["@send"]}
 * allow {"kind": "*", "sites": ["@append"]}
 * allow {"kind": "*", "sites": ["@log"]}
 * never {"kind": "*", "sites": ["@hello", "@bye", "@ping", "@first", "@second", "@third", "@one", "@two", "@three"]}
 * check wrappers
 */
#include <stdlib.h>
#include <string.h>

#define ROUNDS 60

struct item {
    struct item *next;
    size_t size_bytes;
    char data[];
};

static struct item *queue, *text, *lines;

__attribute__((noinline)) static int send_message(const char *data, size_t size_bytes)
{
    struct item *item = malloc(sizeof(*item) + size_bytes); /* @send */
    if (!item)
        return -1;
    memcpy(item->data, data, size_bytes);
    item->size_bytes = size_bytes;
    item->next = queue;
    queue = item;
    return 0;
}

__attribute__((noinline)) static long append_text(size_t size_bytes)
{
    struct item *item = malloc(sizeof(*item) + size_bytes); /* @append */
    if (!item)
        abort();
    item->size_bytes = size_bytes;
    item->next = text;
    text = item;
    return (long)item->size_bytes;
}

__attribute__((noinline)) static void log_line(size_t size_bytes)
{
    struct item *item = malloc(sizeof(*item) + size_bytes); /* @log */
    item->size_bytes = size_bytes;
    item->next = lines;
    lines = item;
}

static void talk(int i)
{
    send_message("hello hello hello", 12);   /* @hello */
    send_message("bye bye bye bye bye", 19); /* @bye */
    if (i % 2 == 0)
        send_message("ping", 4); /* @ping */
}

static long write_text(void)
{
    long size_bytes = append_text(30);   /* @first */
    size_bytes += append_text(50);       /* @second */
    return size_bytes + append_text(70); /* @third */
}

static void write_log(void)
{
    log_line(22); /* @one */
    log_line(44); /* @two */
    log_line(66); /* @three */
}

static void clear(struct item **list)
{
    while (*list) {
        struct item *item = *list;
        *list = item->next;
        free(item);
    }
}

int main(void)
{
    long size_bytes = 0;
    for (int i = 0; i < ROUNDS; i++) {
        talk(i);
        size_bytes += write_text();
        write_log();
        if (i % 4 == 3) {
            clear(&queue);
            clear(&text);
            clear(&lines);
        }
    }
    return size_bytes == 0;
}
