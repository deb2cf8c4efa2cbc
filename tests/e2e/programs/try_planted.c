/* SPDX-License-Identifier: MIT */
/* A program that is one thing when it is recorded, and another when a plan is tried in it: with the argument
 * `honest` every block keeps to what findings say of it; with another one, which is named by what it does, it
 * does not, although the code is the same. It checks all that it writes, so that memory which was used twice
 * is noticed.
 *
 *   keeps    one block of serve outlives its call
 *   larger   one is larger than all others
 *   parts    a part of an object outlives the object
 *   crashes  it ends by a signal half way */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 200
#define TURN   150 /* the round in which it happens */

static const char *mode;
static unsigned char *kept;
static size_t kept_bytes;

static int is_turn(int round, const char *what)
{
    return round == TURN && strcmp(mode, what) == 0;
}

static void check(const unsigned char *block, size_t bytes, int value)
{
    for (size_t i = 0; i < bytes; i++)
        if (block[i] != value) {
            puts("a block was written over");
            exit(3);
        }
}

/* What is done with a block is none of the caller's business: nothing is told by its code. */
static void (*volatile release)(void *) = free;

static __attribute__((noinline)) int serve(int round)
{
    size_t bytes = is_turn(round, "larger") ? 400 : 40;
    unsigned char *block = malloc(bytes); /* @buffer */
    memset(block, round & 0x7f, bytes);
    check(block, bytes, round & 0x7f);
    int sum = block[0] + block[bytes - 1];
    if (is_turn(round, "keeps")) {
        kept = block;
        kept_bytes = bytes;
        return sum;
    }
    release(block);
    return sum;
}

struct object {
    unsigned char *name, *text;
};

static __attribute__((noinline)) struct object *make_object(int round)
{
    struct object *object = malloc(sizeof(*object)); /* @object */
    object->name = malloc(32);                       /* @name */
    object->text = malloc(48);                       /* @text */
    memset(object->name, round & 0x7f, 32);
    memset(object->text, 0x55, 48);
    return object;
}

static __attribute__((noinline)) void drop_object(struct object *object, int round)
{
    check(object->name, 32, round & 0x7f);
    check(object->text, 48, 0x55);
    free(object->name);
    if (is_turn(round, "parts")) {
        kept = object->text;
        kept_bytes = 48;
    } else {
        free(object->text);
    }
    free(object);
}

int main(int argc, char **argv)
{
    struct object *objects[4] = {NULL};
    int sum = 0;
    mode = argc > 1 ? argv[1] : "honest";
    for (int round = 0; round < ROUNDS; round++) {
        sum += serve(round);
        if (objects[round % 4] != NULL)
            drop_object(objects[round % 4], round - 4);
        objects[round % 4] = make_object(round);
        if (is_turn(round, "crashes"))
            raise(SIGKILL);
    }
    for (int round = ROUNDS; round < ROUNDS + 4; round++)
        drop_object(objects[round % 4], round - 4);
    if (kept != NULL)
        check(kept, kept_bytes, kept[0]);
    free(kept);
    printf("done %d\n", sum);
    return 0;
}
