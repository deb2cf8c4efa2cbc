/* SPDX-License-Identifier: MIT */
/* Buffers of which never more than one lives, since the clients come one after the other. Two hang on an object of a
 * client, one of them stored by the caller of the line that makes it: clients that overlap need one each. Near misses:
 * a static variable and a static structure that is passed by its address each hold one buffer, whoever comes; and a
 * table of the places found in an answer holds none, though it is found by a pointer. One that is put into a list by a
 * member of it is held by the list. One is put into a table while the link is down, which it is not in this run: as
 * many wait then as the table takes.
 *
 * expect {"kind": "preallocate", "sites": ["@packet"], "confidence": "conditional", "condition": {"kind": "number",
 *         "sites": ["@packet"]}}
 * expect {"kind": "preallocate", "sites": ["@will"], "confidence": "conditional", "condition": {"kind": "number",
 *         "sites": ["@keep_will"]}}
 * expect {"kind": "preallocate", "sites": ["@letter"], "confidence": "conditional", "condition": {"kind": "number",
 *         "sites": ["@keep_letter"]}}
 * expect {"kind": "preallocate", "sites": ["@line"], "confidence": "consistent", "condition": null}
 * expect {"kind": "preallocate", "sites": ["@page"], "confidence": "consistent", "condition": null}
 * expect {"kind": "preallocate", "sites": ["@answer"], "confidence": "consistent", "condition": null}
 * expect {"kind": "preallocate", "sites": ["@job"], "confidence": "conditional", "condition": {"kind": "number",
 *         "sites": ["@link"]}}
 * allow {"kind": "permanent", "sites": ["@places", "@jobs", "@client"]}
 */
#include <stddef.h>
#include <stdlib.h>

#define ROUNDS       300
#define CLIENTS      4
#define PACKET_BYTES 4001
#define WILL_BYTES   3001
#define LINE_BYTES   2001
#define PAGE_BYTES   1001
#define ANSWER_BYTES 5001
#define LETTER_BYTES 70001

struct client {
    int number;
    char *packet;
    char *will;
};

struct cache {
    int number;
    char *page;
};

struct link {
    struct link *next, *before;
};

struct job {
    char text[6000];
    struct link link;
};

static char **places;
static char *answer;
static struct link *jobs;
static struct client *clients[CLIENTS];
static struct cache cache;
static char *line;
static char *volatile waiting[16];
static volatile int waiting_count;
static volatile int total;

__attribute__((noinline)) static void read_header(struct client *client, int i)
{
    client->packet = malloc(PACKET_BYTES); /* @packet */
    client->packet[0] = (char)i;
}

__attribute__((noinline)) static void read_rest(struct client *client)
{
    total += client->packet[0];
    free(client->packet);
    client->packet = NULL;
}

__attribute__((noinline)) static char *make_will(int i)
{
    char *will = malloc(WILL_BYTES); /* @will */
    will[0] = (char)i;
    return will;
}

__attribute__((noinline)) static void begin_will(struct client *client, int i)
{
    client->will = make_will(i); /* @keep_will */
    client->number++;
}

__attribute__((noinline)) static void end_will(struct client *client)
{
    total += client->will[0];
    free(client->will);
    client->will = NULL;
}

__attribute__((noinline)) static void begin_line(int i)
{
    line = malloc(LINE_BYTES); /* @line */
    line[0] = (char)i;
}

__attribute__((noinline)) static void end_line(void)
{
    total += line[0];
    free(line);
    line = NULL;
}

__attribute__((noinline)) static void begin_page(struct cache *to, int i)
{
    to->page = malloc(PAGE_BYTES); /* @page */
    to->page[0] = (char)i;
}

__attribute__((noinline)) static void end_page(struct cache *from)
{
    total += from->page[0];
    free(from->page);
    from->page = NULL;
}

__attribute__((noinline)) static void find_places(char *text)
{
    int found = 0;
    for (char *at = text + 1; at < text + 40; at += 10)
        if (*at != 0)
            places[found++] = at;
    total += found;
}

__attribute__((noinline)) static void begin_answer(int i)
{
    answer = calloc(1, ANSWER_BYTES); /* @answer */
    answer[11] = (char)i;
    find_places(answer);
}

__attribute__((noinline)) static void end_answer(void)
{
    total += answer[0];
    free(answer);
    answer = NULL;
}

__attribute__((noinline)) static void begin_job(struct link *list, int i)
{
    struct job *job = malloc(sizeof(*job)); /* @job */
    job->text[0] = (char)i;
    job->link.next = list->next;
    job->link.before = list;
    list->next = &job->link; /* @link */
}

__attribute__((noinline)) static void end_job(struct link *list)
{
    struct link *link = list->next;
    list->next = link->next;
    free((char *)link - offsetof(struct job, link));
    total++;
}

__attribute__((noinline)) static char *write_letter(int i)
{
    char *letter = malloc(LETTER_BYTES); /* @letter */
    letter[0] = (char)i;
    return letter;
}

__attribute__((noinline)) static void send_letter(char *letter, int is_down)
{
    if (is_down) {
        waiting[waiting_count++ & 15] = letter; /* @keep_letter */
        return;
    }
    total += letter[0];
    free(letter);
}

int main(int argc, char **argv)
{
    (void)argv;
    places = calloc(8, sizeof(places[0])); /* @places */
    jobs = calloc(1, sizeof(*jobs));       /* @jobs */
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = calloc(1, sizeof(struct client)); /* @client */
    for (int i = 0; i < ROUNDS; i++) {
        struct client *client = clients[i % CLIENTS];
        read_header(client, i);
        read_rest(client);
        begin_will(client, i);
        end_will(client);
        begin_line(i);
        end_line();
        begin_page(&cache, i);
        begin_answer(i);
        end_answer();
        begin_job(jobs, i);
        end_job(jobs);
        end_page(&cache);
        send_letter(write_letter(i), argc > 1);
    }
    for (int i = 0; i < CLIENTS; i++)
        free(clients[i]);
    return total == 1;
}
