/* SPDX-License-Identifier: MIT */
/* A program whose runs differ by their arguments: `rare` reaches a line that others do not, `swap` releases
 * what others keep for good, `keep` lets blocks outlive their call that are gone in time elsewhere. */
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300

static char *volatile settings;
static char *volatile kept[ROUNDS];
static volatile unsigned sum;

static void format_line(unsigned round)
{
    char *line = malloc(64);
    memset(line, (int)round, 64);
    sum += (unsigned char)line[round % 64];
    free(line);
}

static void explain(unsigned round)
{
    char *reason = malloc(48);
    memset(reason, (int)round, 48);
    sum += (unsigned char)reason[round % 48];
    free(reason);
}

static void answer(unsigned round, int keeps)
{
    char *reply = malloc(96);
    memset(reply, (int)round, 96);
    sum += (unsigned char)reply[round % 96];
    if (keeps)
        kept[round] = reply;
    else
        free(reply);
}

static int has(int argc, char **argv, const char *word)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], word) == 0)
            return 1;
    return 0;
}

static void work(int argc, char **argv)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        format_line(round);
        answer(round, has(argc, argv, "keep"));
        if (has(argc, argv, "rare"))
            explain(round);
    }
}

int main(int argc, char **argv)
{
    settings = malloc(40000);
    memset(settings, 1, 40000);
    work(argc, argv);
    if (has(argc, argv, "swap")) {
        free(settings);
        settings = NULL;
        work(argc, argv);
        work(argc, argv);
    }
    return sum == 0;
}
