/* SPDX-License-Identifier: MIT */
#ifndef TENURE_MAKER_H
#define TENURE_MAKER_H

/* What in the source makes the blocks of a site: a call such as malloc, a new expression, or a type of the
 * C++ standard library. Advice depends on it: a block that a container owns cannot be a local array, nor come
 * from a pool written in C. For kinds of findings. */

#include "tenure/analysis.h"

#include <stdbool.h>
#include <stdint.h>

enum tn_maker {
    TN_MAKER_CALL = 0, /* malloc and its like, strdup, an allocation wrapper; or several makers at one site */
    TN_MAKER_NEW,      /* a new expression, std::make_unique */
    TN_MAKER_TEXT,     /* std::string and its like: one buffer, which grows */
    TN_MAKER_SEQUENCE, /* std::vector, std::deque, the table of a hash container: buffers that grow */
    TN_MAKER_NODES,    /* std::map, std::list, std::unordered_map ...: a block for each element */
    TN_MAKER_SHARED,   /* std::shared_ptr, std::make_shared: the counters, with or without the object */
    TN_MAKER_CALLABLE, /* std::function, std::any: what is too large to be kept inside */
    TN_MAKER_LIBRARY,  /* other types, which take memory as they like: std::regex, std::thread, std::locale */
    TN_MAKER_COUNT
};

#define TN_MAKER_TYPE_BYTES      96 /* as TN_SITE_VIA_BYTES */
#define TN_MAKER_ELEMENT_BYTES   96 /* longer names are cut */
#define TN_MAKER_OPERATION_BYTES 64 /* as TN_CONTAINER_OPERATION_BYTES */

/* The maker of a site's blocks. Written by tn_pass_maker. */
struct tn_made_by {
    enum tn_maker maker;                  /* the innermost type around the call of the allocator */
    char type[TN_MAKER_TYPE_BYTES];       /* "std::map", as `via` would say it; "" for TN_MAKER_CALL */
    char element[TN_MAKER_ELEMENT_BYTES]; /* of a container: type of its elements, as sentences bear it; ""
                                             where it is not known, or several are */
    char operation[TN_MAKER_OPERATION_BYTES]; /* likewise: what the program asked of it, "push_back" */
};

/* Whether the C++ standard library owns the blocks, and not the program's own code. */
static inline bool tn_maker_is_library(enum tn_maker maker)
{
    return maker >= TN_MAKER_TEXT;
}

/* Whether the blocks are memory of a container, which can be used again without knowing how large it gets. */
static inline bool tn_maker_is_container(enum tn_maker maker)
{
    return maker == TN_MAKER_TEXT || maker == TN_MAKER_SEQUENCE || maker == TN_MAKER_NODES;
}

/* Find what makes the blocks of a site: the innermost type of the standard library between the allocator and
 * the site, by the names that libstdc++ and libc++ give their functions; all stacks of the site must agree.
 *
 * site         index in tn_pass.sites
 * ret_made_by  written when 0 is returned
 * Returns      0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost         the first time a walk through the stacks of all sites, then nothing */
int tn_pass_maker(const struct tn_pass *pass, uint32_t site, struct tn_made_by *ret_made_by);

/* Whether a stack's block is the first that a text takes when it outgrows the characters that it keeps inside
 * of itself: it was made as a short one, and something was added.
 *
 * stack_id      row; 0: none
 * ret_is_first  written when 0 is returned
 * Returns       0; -ENOMEM, -EIO, -EBADMSG; pass->error then says what failed
 * Cost          a walk through the stack; the same question should not be asked for each event */
int tn_pass_outgrew_inline(const struct tn_pass *pass, uint32_t stack_id, bool *ret_is_first);

/* The maker of what a function of the standard library allocates, by the function's name.
 *
 * function  demangled
 * ret_type  TN_MAKER_TYPE_BYTES: the type, "" where the name tells of none
 * Returns   TN_MAKER_CALL where the name tells nothing */
enum tn_maker tn_maker_of_function(const char *function, char *ret_type);

#endif
