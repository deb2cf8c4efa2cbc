/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

/* Structs that hold addresses, and what a name for them can go wrong by; members.py knows which of them have
 * one. Each type that is to be named has a size that no other type here has. */

#define ROUNDS   40
#define NOINLINE __attribute__((noinline))

static void *volatile sink;

/* Blocks that hold something until the next round, so that each round has other ones. */
static void *kept[16];
static int kept_count;

static NOINLINE void *hold(void)
{
    kept[kept_count] = malloc(24);
    return kept[kept_count++];
}

static NOINLINE void finish_round(void *block)
{
    sink = block;
    free(block);
    while (kept_count > 0)
        free(kept[--kept_count]);
}

struct part {
    long id;
    const char *const name;
};

struct transaction { /* 104 bytes */
    int number;
    char *token;
    struct part parts[3];
    void *slots[4];
    long last;
};

/* Members, one of them nested in an array of structs, one in an array. */
static NOINLINE void nested(void)
{
    struct transaction *made = calloc(1, sizeof(struct transaction));
    made->token = hold();
    *(void **)(uintptr_t)&made->parts[1].name = hold();
    made->slots[2] = hold();
    finish_round(made);
}

typedef struct { /* 120 bytes, and no name but this one */
    char text[112];
    void *owner;
} box;

static NOINLINE void typedef_only(void)
{
    box *made = calloc(1, sizeof(*made));
    made->owner = hold();
    finish_round(made);
}

struct tagged { /* 136 bytes */
    char text[120];
    int kind;
    union {
        void *pointer;
        double number;
    };
};

/* The member is one of two. */
static NOINLINE void in_a_union(void)
{
    struct tagged *made = calloc(1, sizeof(*made));
    made->pointer = hold();
    finish_round(made);
}

struct red { /* 152 bytes, as the next one */
    char text[144];
    void *mate;
};

struct green {
    void *mate;
    char text[144];
};

/* Two types have the size: either would fit. */
static NOINLINE void two_types(void)
{
    struct red *made = calloc(1, sizeof(*made));
    struct green *other = calloc(1, sizeof(*other));
    made->mate = hold();
    other->mate = hold();
    sink = other;
    free(other);
    finish_round(made);
}

struct measured { /* 168 bytes */
    char text[160];
    long number;
};

/* Not the struct of that size, for it has a number there. */
static NOINLINE void a_number_there(void)
{
    void **made = calloc(1, 168);
    made[20] = hold();
    finish_round(made);
}

struct padded { /* 192 bytes; behind kind are four bytes of nothing, and behind last eight */
    _Alignas(16) char text[160];
    void *first;
    int kind;
    _Alignas(16) char last;
};

/* One place is a member, the other one a gap: so it is another type. */
static NOINLINE void one_place_in_a_gap(void)
{
    void **made = calloc(1, 208 - 16);
    made[20] = hold();
    made[23] = hold();
    finish_round(made);
}

/* Blocks of several sizes, one of which a type has. */
static NOINLINE void several_sizes(int i)
{
    void **made = calloc(1, sizeof(struct transaction) + (size_t)(i % 2) * 8);
    made[1] = hold();
    finish_round(made);
}

int main(void)
{
    struct measured *measured = NULL;
    struct padded *padded = NULL;
    sink = measured;
    sink = padded;
    for (int i = 0; i < ROUNDS; i++) {
        nested();
        typedef_only();
        in_a_union();
        two_types();
        a_number_there();
        one_place_in_a_gap();
        several_sizes(i);
    }
    return 0;
}
