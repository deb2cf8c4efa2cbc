/* SPDX-License-Identifier: MIT */
/* A session's loop makes packets by one function, queues them, and has another one write them: in this run all are
 * written in the round that made them. It owns none of them. A loop that makes and releases its buffer itself owns
 * it, and so does a function that the loop calls.
 *
 * never {"kind": "stack-buffer", "sites": ["@packet"]}
 * expect {"kind": "pool", "sites": ["@packet"], "evidence": {"block_bytes": "=PACKET_BYTES", "block_count": 2}}
 * never {"kind": "stack-buffer", "sites": ["@single"]}
 * expect {"kind": "stack-buffer", "sites": ["@line"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=LINE_BYTES", "owner": {"function": "session"}, "frames_down": 0, "instances": "=ROUNDS",
 *         "max_live_count": 1, "exceptions": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@reply"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=REPLY_BYTES", "owner": {"function": "answer"}, "frames_down": 1, "instances": "=ROUNDS",
 *         "exceptions": 0}}
 * allow {"kind": "preallocate", "sites": ["@single"]}
 */
#include <stdlib.h>

#define ROUNDS       600
#define PACKET_BYTES 128
#define SINGLE_BYTES 72
#define LINE_BYTES   80
#define REPLY_BYTES  56

struct packet {
    struct packet *next;
    char data[PACKET_BYTES - sizeof(struct packet *)];
};

static struct packet *head;
static char *single;
static volatile int total;

__attribute__((noinline)) static void read_packet(int id)
{
    struct packet *packet = malloc(PACKET_BYTES); /* @packet */
    packet->data[0] = (char)id;
    packet->next = head;
    head = packet;
}

__attribute__((noinline)) static void write_packets(void)
{
    while (head) {
        struct packet *packet = head;
        head = packet->next;
        total += packet->data[0];
        free(packet);
    }
}

/* One at a time in this run, but kept by the program. */
__attribute__((noinline)) static void ask(int id)
{
    single = malloc(SINGLE_BYTES); /* @single */
    single[0] = (char)id;
}

__attribute__((noinline)) static void finish(void)
{
    total += single[0];
    free(single);
    single = NULL;
}

__attribute__((noinline)) static char *make_reply(int id)
{
    char *reply = malloc(REPLY_BYTES); /* @reply */
    reply[0] = (char)id;
    return reply;
}

__attribute__((noinline)) static void answer(int id)
{
    char *reply = make_reply(id);
    total += reply[0];
    free(reply);
    total++;
}

__attribute__((noinline)) static void session(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *line = malloc(LINE_BYTES); /* @line */
        line[0] = (char)i;
        read_packet(i);
        if (i % 3 == 0)
            read_packet(-i);
        answer(i);
        write_packets();
        ask(i);
        finish();
        total += line[0];
        free(line);
    }
}

int main(void)
{
    session();
    return total == 1;
}
