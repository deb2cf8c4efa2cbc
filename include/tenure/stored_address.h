/* SPDX-License-Identifier: MIT */
#ifndef TENURE_STORED_ADDRESS_H
#define TENURE_STORED_ADDRESS_H

/* Where the program stores the address of a block, by its machine code: in the functions between the call
 * that asked for the block and the function that could own it, and in those that they pass it to. A store
 * between two events leaves no other trace. Kinds ask when they state findings. One thread. */

#include "tenure/analysis.h"

enum tn_stored_kind {
    TN_STORED_NOWHERE = 0, /* so far as the code could be followed */
    TN_STORED_STATIC,      /* in a variable that is global, static, or of the thread */
    TN_STORED_TABLE,       /* in an element of a table that is so, or in one of several variables */
    TN_STORED_GIVEN,       /* in an object of a caller's own, where it is alive when the owner returns */
    TN_STORED_OBJECT,      /* in an object that may outlive the owner's call */
};

/* The store that says most. */
struct tn_stored_address {
    enum tn_stored_kind kind;
    uint32_t module_id;        /* row of `module` */
    uint64_t address;          /* behind the instruction, minus load bias */
    uint32_t resize_module_id; /* row of `module` */
    uint64_t
        resize; /* behind the first call found, site to owner, by which realloc gets the block; 0: none */
    bool is_returned; /* the owner gives the block back on a way that does not release it before */
};

/* What is asked. */
struct tn_stored_question {
    uint32_t site;                       /* index in tn_pass.sites */
    const struct tn_finding_site *names; /* borrowed */
    const uint32_t *stacks;              /* borrowed; rows of the stacks of its births */
    size_t stack_count;                  /* in stacks; the first few are looked at */
    uint32_t owner;                      /* index in tn_source_frames.functions: how far out it is followed */
    bool is_about_holders; /* who has the block is asked, not who has an address: those inside it do not count
                            */
    /* Whether blocks born with a stack are gone when the owner's call returns, so that what is stored in them
     * is gone, too. */
    bool (*is_gone)(const void *context, uint32_t stack_id);
    const void *context; /* for is_gone */
};

/* Look for stores of a block's address. Its own contents, objects in the frames of the functions that are
 * passed, blocks that are gone when the owner returns, and objects in the frames of functions further out do
 * not count; of what cannot be followed nothing is told.
 *
 * ret_stored  written when 0 is returned
 * Returns     0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost        some milliseconds for each function between site and owner */
int tn_stored_address_find(const struct tn_pass *pass, const struct tn_stored_question *question,
                           struct tn_stored_address *ret_stored);

/* The line of a place in a module's code, by the debug information beside its file.
 *
 * address   as of a return address: the byte before it is named
 * ret_line  written when 0 is returned; what is not known is "" and 0; the caller releases it by
 *           tn_finding_line_finish
 * Returns   0; -ENOMEM, -EIO; pass->error then says what failed
 * Cost      opens the module's debug information each time: ask for what is told only */
int tn_pass_code_line(const struct tn_pass *pass, uint32_t module_id, uint64_t address,
                      struct tn_finding_line *ret_line);

#endif
