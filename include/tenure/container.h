/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CONTAINER_H
#define TENURE_CONTAINER_H

/* Which container of the C++ standard library makes a block, by the names that libstdc++ and libc++ give to
 * the functions between the allocator and the program's own line: the type, what the program asked of it, and
 * what its elements are. Strings, shared pointers and callables count as containers here. For the finishing
 * step, which writes it to the log. One thread. */

#include <stdbool.h>

#define TN_CONTAINER_OPERATION_BYTES 64   /* longer names are cut */
#define TN_CONTAINER_ELEMENT_BYTES   1024 /* the same */

/* One container of a stack. */
struct tn_container {
    const char *type; /* "std::vector": of static life; NULL: none */
    int family;       /* types with one implementation (map, set ...) share it; 0: none */
    bool is_public;   /* type and operation are the program's words, and no name inside of the library */
    /* "push_back"; of a constructor "constructor"; "" where no name tells */
    char operation[TN_CONTAINER_OPERATION_BYTES];
    /* the type of an element; of a map its pair; of std::function the callable; "" where no name tells */
    char element[TN_CONTAINER_ELEMENT_BYTES];
};

/* What a function's name tells.
 *
 * function       demangled
 * ret_container  written in any case
 * Returns        whether it is of a container */
bool tn_container_of_function(const char *function, struct tn_container *ret_container);

/* The containers of a stack, walked from the allocator outwards. Zeroed at first; the innermost and the
 * outermost one, equal where there is one only. */
struct tn_container_stack {
    struct tn_container inner, outer;
    bool has_outer; /* outer is another one */
};

/* Add what the next function outwards told. */
void tn_container_stack_add(struct tn_container_stack *stack, const struct tn_container *container);

/* The outermost container: the innermost one where there is no other. Borrowed from stack. */
const struct tn_container *tn_container_stack_outer(const struct tn_container_stack *stack);

#endif
