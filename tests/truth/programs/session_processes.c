/* SPDX-License-Identifier: MIT */
/* A server starts a process for each session. Its loop makes packets by one function, and has another one write them;
 * how often all sessions together were entered says nothing of how many packets one of them has queued. What each
 * process makes and releases within one call of a function is local all the same.
 *
 * never {"kind": "stack-buffer", "sites": ["@packet"]}
 * expect {"kind": "pool", "sites": ["@packet"], "evidence": {"block_bytes": "=PACKET_BYTES", "block_count": 2}}
 * expect {"kind": "stack-buffer", "sites": ["@reply"], "confidence": "consistent", "condition": null, "evidence":
 *         {"buffer_bytes": "=REPLY_BYTES", "owner": {"function": "answer"}, "frames_down": 0, "instances": "=ROUNDS",
 *         "exceptions": 0}}
 */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSIONS     24
#define ROUNDS       42
#define PACKET_BYTES 128
#define REPLY_BYTES  56

struct packet {
    struct packet *next;
    char data[PACKET_BYTES - sizeof(struct packet *)];
};

static struct packet *head;
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

__attribute__((noinline)) static void answer(int id)
{
    char *reply = malloc(REPLY_BYTES); /* @reply */
    reply[0] = (char)id;
    total += reply[0];
    free(reply);
    total++;
}

__attribute__((noinline)) static void session(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        read_packet(i);
        if (i % 3 == 0)
            read_packet(-i);
        answer(i);
        write_packets();
    }
    total++;
}

int main(void)
{
    for (int i = 0; i < SESSIONS; i++) {
        pid_t child = fork();
        if (child == 0) {
            session();
            return 0;
        }
        waitpid(child, NULL, 0);
    }
    return total == 1;
}
