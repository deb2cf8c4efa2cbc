/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CODE_H
#define TENURE_CODE_H

/* What the machine code of a module says. About two calls in it: can the second one follow the first before
 * the function returns? If not, two events that show one function at one position of the stack are of two
 * calls of it. And about one call: does an argument, such as the size of a block, stand in the code, or is it
 * computed? Read from the module's file, without running anything; of x86-64 and 64-bit Arm, each on any
 * machine. One thread at a time for each object. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tn_code;

/* Where an argument comes from, on all ways that lead to a call. */
enum tn_code_source {
    TN_CODE_NOT_KNOWN = 0, /* the code cannot be read, or followed */
    TN_CODE_NUMBER,        /* it stands in the code */
    TN_CODE_PARAMETER,     /* it is what the function itself was given, perhaps with a number added */
    TN_CODE_MULTIPLE, /* that, multiplied by a number before: so many elements of a size that stands in the
                         code */
    TN_CODE_COMPUTED, /* anything else */
};

/* What is known of an argument. Written by tn_code_argument. */
struct tn_code_argument {
    enum tn_code_source source;
    uint64_t number; /* the number, the largest one where different ways have different ones; what is added to
                        a parameter or its multiple, modulo 2^64; else 0 */
    uint64_t factor; /* what the parameter is multiplied by, modulo 2^64: 1 with TN_CODE_PARAMETER; else 0 */
    unsigned parameter; /* index of the parameter, from 0; else 0 */
};

/* Open a module's code.
 *
 * path      of the file
 * build_id  lower-case hex, as the log bears it; "" if that is not known: nothing is checked then
 * Returns   0; -ESTALE the file bears another build-id; -ENOTSUP another architecture; -ENOEXEC not an ELF
 * file; -ENOMEM, or that of open
 * Owns      the caller owns *ret_code; tn_code_close releases it
 * Cost      maps the file, and reads its symbols once */
int tn_code_open(const char *path, const char *build_id, struct tn_code **ret_code);

/* Close. NULL is fine. */
void tn_code_close(struct tn_code *code);

/* Whether tn_code_follows can tell anything at all of a module: not where a return address does not say where
 * execution goes on. */
bool tn_code_can_be_followed(const struct tn_code *code);

/* Whether control can come from behind one call to another call, without the function having returned: by
 * the jumps between them, calls being taken to return. In a module that imports setjmp, vfork, getcontext or
 * the unwinder of C++ exceptions, a return address does not say where execution goes on: this is never told.
 *
 * from, to  return addresses minus load bias
 * Returns   1 it can, or this cannot be told (a jump through a register, code that is not understood, an
 *           address that is no return address, too much code); 0 it cannot; -ENOMEM
 * Cost      proportional to the code that is reached, at most 100,000 instructions: some milliseconds */
int tn_code_follows(struct tn_code *code, uint64_t from, uint64_t to);

/* Whether control can come from behind a call to a jump that leaves the function (a tail call), in the same
 * way.
 *
 * from     return address minus load bias
 * jump     an address whose preceding byte belongs to the jump
 * Returns  as tn_code_follows
 * Cost     the same */
int tn_code_reaches_jump(struct tn_code *code, uint64_t from, uint64_t jump);

/* The same of a call or a jump, on a way that does not come by an address.
 *
 * to       of a call, its return address; of a jump, as above
 * around   address of an instruction, minus load bias
 * Returns  as tn_code_follows
 * Cost     the same */
int tn_code_reaches_around(struct tn_code *code, uint64_t from, uint64_t to, uint64_t around);

/* The calls of a function.
 *
 * inside     an address of the function, minus load bias
 * ret_calls  return addresses, ascending; room for `capacity`, further ones are left out
 * Returns    how many; 0 also where nothing is known
 * Cost       proportional to the function: 20 ns an instruction */
size_t tn_code_calls_in(const struct tn_code *code, uint64_t inside, uint64_t *ret_calls, size_t capacity);

/* Whether control can come from the start of a function to a call in it that has made none of others before.
 *
 * call     return address minus load bias
 * without  return addresses of calls in the same function; without_count of them
 * Returns  1 it can; 0 it cannot, or this cannot be told; -ENOMEM
 * Cost     as tn_code_follows */
int tn_code_enters_without(struct tn_code *code, uint64_t call, const uint64_t *without,
                           size_t without_count);

/* Where an argument of a call comes from, by the code from the begin of the function that makes it.
 *
 * call          return address minus load bias; or where a jump ends with which the function leaves, in its
 *               frame's place: what all its jumps to other functions pass on
 * callee        an address in the function whose argument is meant, minus load bias; 0: it is another
 *               module's. Where the function called is another one that ends in a jump to it, the argument is
 *               the one that the jump passes on
 * index         of the argument, from 0; only those in general registers are known
 * ret_argument  written always
 * Returns       0, also where nothing is known; -ENOMEM
 * Cost          proportional to the function, at most 400,000 instructions: some milliseconds */
int tn_code_argument(struct tn_code *code, uint64_t call, uint64_t callee, unsigned index,
                     struct tn_code_argument *ret_argument);

/* Whether a function gives back to its caller what a call in it has returned. */
enum tn_code_hand_back {
    TN_CODE_BACK_NOT_KNOWN =
        0,                  /* the code cannot be read or followed, or another module's function has a say */
    TN_CODE_BACK_NEVER,     /* on no way to a return */
    TN_CODE_BACK_SOMETIMES, /* on one way at least */
};

/* Whether the result of a call, an address, reaches the register for results on a way from behind the call to
 * a return. An address inside the same block counts as well. Functions of the module that are given the
 * result are followed; of those of other modules only the ones are known that return their first argument, as
 * memcpy does. What was stored and is loaded again from there, is the same result. The register says nothing
 * where the function returns nothing at all: ask the debug information first.
 *
 * call           return address minus load bias
 * ret_hand_back  written always
 * Returns        0, also where nothing is known; -ENOMEM
 * Cost           proportional to the code that is reached, at most 50,000 instructions: some milliseconds */
int tn_code_hands_back(struct tn_code *code, uint64_t call, enum tn_code_hand_back *ret_hand_back);

/* The function that a call leads to, where that is one of the same module; and what it passes on, as an
 * argument, where it ends in a jump to another function. Of a call whose frame shows as calling another
 * module's function, it is the one whose own frame is gone.
 *
 * call          return address minus load bias
 * index         of the argument, from 0
 * ret_target    address of the function; 0: the call is indirect, or leads to another module
 * ret_argument  in terms of that function's parameters; written always
 * Returns       0; -ENOMEM
 * Cost          as tn_code_argument */
int tn_code_tail_call(struct tn_code *code, uint64_t call, unsigned index, uint64_t *ret_target,
                      struct tn_code_argument *ret_argument);

/* What a pointer was found from. */
enum tn_code_root {
    TN_CODE_ROOT_UNKNOWN = 0,
    TN_CODE_ROOT_PARAMETER, /* of the function */
    TN_CODE_ROOT_STACK,     /* the function's own frame */
    TN_CODE_ROOT_STATIC,    /* a variable that is global, or static, or of the thread */
    TN_CODE_ROOT_RESULT,    /* what a call gave back */
    TN_CODE_ROOT_BLOCK,     /* the block that is followed */
    TN_CODE_ROOT_NEW,       /* a block that the allocator gave */
};

/* Where a pointer leads. Written by lib/code. */
struct tn_code_origin {
    enum tn_code_root root;
    unsigned parameter; /* index of the parameter; else 0 */
    bool is_loaded;     /* not into the object at the root itself, but to where a pointer in it leads */
    bool is_exact; /* root PARAMETER: a known number of bytes from it; root STATIC: at a known address, and
                      so no element of a table */
    int64_t offset_bytes; /* that number, or address; else 0 */
    uint64_t call;        /* root RESULT: return address of the call; else 0 */
};

/* A store of a block's address. */
struct tn_code_store {
    struct tn_code_origin origin; /* of the pointer that it is stored through; never STACK or BLOCK */
    struct tn_code_origin holder; /* root of origin RESULT: of the pointer that what the call gave is itself
                                     stored through, the longest living one, in terms of the same function;
                                     UNKNOWN: it is stored nowhere; RESULT: it is given back, or stored in
                                     what a further call gave */
    bool is_holder_known;         /* holder is written */
    uint64_t address;             /* behind the instruction, as of a return address */
    bool is_inside; /* what is stored lies behind the block's first byte, and is no member by which the block
                       is in a list: the function stores no address in the block */
    uint32_t module_id; /* 0; for the caller's own use, and kept when stores of an inner function are
                           handed to those of the outer one */
};

/* Where a block is that has not been released since it got there. */
struct tn_block_left {
    bool in_variable;   /* in a variable that is global, static, or of the thread */
    bool in_result;     /* the function gives it back */
    uint8_t parameters; /* where a parameter leads: a bit for each, from the first */
};

#define TN_CODE_STORES_MAX 16u /* further ones are left out */

/* What became of a block in a function and in those that it was passed to. */
struct tn_code_stores {
    bool is_returned;          /* its address is given back, on one way at least */
    struct tn_block_left left; /* at a return, on one way at least */
    struct tn_code_store items[TN_CODE_STORES_MAX];
    size_t count;              /* in items */
    uint64_t resize;           /* behind the call by which realloc gets the block, perhaps in a function that
                                  is called there; 0: none does, as far as can be told */
    uint32_t resize_module_id; /* as module_id of an item */
};

/* Note that a call was seen to lead to the function around an address of the same module. Of calls whose
 * target stands in the code nothing is kept.
 *
 * call     return address minus load bias
 * inside   likewise, of a call that the function made
 * Returns  0 or -ENOMEM */
int tn_code_note_callee(struct tn_code *code, uint64_t call, uint64_t inside);

/* Whether callees of this module's calls are still to be noted: true once. */
bool tn_code_asks_callees(struct tn_code *code);

/* Where the address of the block that a call gave is stored, otherwise than in the function's own frame and
 * in the block itself. Functions of the module that get the address, or that of a local object with it, are
 * followed, calls through pointers to those that were noted; other modules' functions, and copies of whole
 * structs by `rep movs`, are not.
 *
 * call        return address minus load bias
 * inner       what became of the block inside that call: for the allocator itself, that it is returned.
 * Stores
 *             by a parameter are told in terms of this function's; those into its frame are followed
 * ret_stores  written always: what was found before code that cannot be followed is true
 * Returns     0, also where nothing is known; -ENOMEM
 * Cost        at most 200,000 instructions: some milliseconds */
int tn_code_block_stores(struct tn_code *code, uint64_t call, const struct tn_code_stores *inner,
                         struct tn_code_stores *ret_stores);

/* What a pointer was found from that a call passes on as an argument.
 *
 * call        return address minus load bias
 * index       of the argument, from 0
 * ret_origin  written always
 * Returns     0; -ENOMEM
 * Cost        as above */
int tn_code_argument_origin(struct tn_code *code, uint64_t call, unsigned index,
                            struct tn_code_origin *ret_origin);

/* What a pointer was found from that a call gives back, in terms of the function that makes the call: the
 * function that it leads to is looked at, where that is one of the module. Root RESULT: nothing more is
 * known. Root NEW: an allocator of the C or C++ library gave it, directly or through that function.
 *
 * call        as above
 * ret_origin  as above
 * Returns     as above
 * Cost        as above */
int tn_code_result_origin(struct tn_code *code, uint64_t call, struct tn_code_origin *ret_origin);

/* Whether a call leads to the function around an address of the same module, or through a pointer. Else the
 * function that it leads to has ended in a jump to that one.
 *
 * call, inside  return addresses minus load bias */
bool tn_code_calls(struct tn_code *code, uint64_t call, uint64_t inside);

/* Whether the function around an address never returns: all its ways end the program or the thread, leave by
 * a longjmp, or go round for ever. False: it may, or its code cannot be followed.
 *
 * inside  an address of it, minus load bias
 * Cost    once for a function, at most some thousand instructions */
bool tn_code_never_returns(struct tn_code *code, uint64_t inside);

/* Whether two addresses lie in one function. */
bool tn_code_is_one_function(struct tn_code *code, uint64_t one, uint64_t other);

/* A jump by which a function ends in one of another module. */
struct tn_code_import_jump {
    uint64_t end;        /* address behind the jump */
    uint32_t size_bytes; /* of the jump */
    const char *symbol;  /* name of the function; borrowed until the module is closed */
};

/* The jumps by which the function around an address ends in one of another module.
 *
 * inside     an address of the function, minus load bias
 * ret_jumps  in order of addresses; room for `capacity`, further ones are left out
 * ret_count  written always; 0 also where nothing is known
 * Cost       proportional to the function: 20 ns an instruction */
void tn_code_import_jumps(const struct tn_code *code, uint64_t inside, struct tn_code_import_jump *ret_jumps,
                          size_t capacity, size_t *ret_count);

/* The calls of a function in its own module, and the jumps by which other functions end in it: those that
 * name it. Calls through pointers are not known.
 *
 * inside     an address of the function, minus load bias; as a return address it lies behind a call in it
 * ret_calls  addresses behind the instructions, ascending; room for `capacity`, further ones are left out
 * ret_count  written always
 * Returns    0, also where nothing is known; -ENOMEM
 * Cost       the first time, all code of the module is decoded, at most 16 MiB: about 30 ms for one */
int tn_code_callers(struct tn_code *code, uint64_t inside, uint64_t *ret_calls, size_t capacity,
                    size_t *ret_count);

#endif
