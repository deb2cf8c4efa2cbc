/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SYMBOL_H
#define TENURE_SYMBOL_H

/* Names code addresses: function, file and line of an address in a module, with the functions that the
 * compiler inlined there. From the module's debug information, or its separate debug file; without any,
 * function names come from the symbol tables. Never from the network. Used by the finishing process only:
 * large debug data take memory that the recorder must not. One thread at a time for each module. */

#include "tenure/base.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How much is known about a module's code. */
enum tn_symbol_detail {
    TN_SYMBOL_NONE = 0,  /* no function symbols at all: only module and offset */
    TN_SYMBOL_TABLE = 1, /* names of functions (.symtab, .dynsym, .gnu_debugdata), no lines */
    TN_SYMBOL_DEBUG = 2, /* DWARF: functions, inlined ones too, files and lines */
};

/* One function at an address. */
struct tn_symbol_frame {
    const char *function; /* demangled, with parameters, without return type; NULL: unknown */
    const char *file;     /* absolute where the compiler told its directory, normalised; NULL: unknown */
    uint32_t line;        /* from 1; 0: unknown */
    uint32_t column;      /* of the call in that line, from 1; 0: unknown */
};

/* Where a call or a jump leads. */
struct tn_symbol_target {
    uint64_t function;  /* a function of this module: equal for equal ones; 0: none is known */
    const char *symbol; /* its name in symbol tables, where other modules can know it; NULL: none, or not
                           known. Borrowed until tn_symbol_close */
};

/* A jump with which a function ends instead of a call and a return: a tail call. Its function's frame is gone
 * while the target runs. */
struct tn_symbol_jump {
    uint64_t offset_bytes; /* as of a return address: the byte before it belongs to the jump */
    struct tn_symbol_target target;
};

struct tn_symbol_file;

/* Open a module for look-ups. Its separate debug file is looked for by build-id under
 * /usr/lib/debug/.build-id, then by .gnu_debuglink.
 *
 * path      where the module was when it was mapped; also tells where a debug link may point to
 * fd        descriptor of the module's file, borrowed until tn_symbol_close; -1: path is opened
 * build_id  lower-case hex, of the mapped image; "": not known, and not checked
 * Returns   0; -ESTALE: the file has another build-id than the image, so it was replaced since; -ENOEXEC: not
 *           an ELF file; -ENOENT, -EACCES...: it cannot be opened; -ENOMEM; error says what failed
 * Owns      the caller owns *ret_file; tn_symbol_close releases it
 * Cost      maps the file; its tables are read by the first look-up that needs them */
int tn_symbol_open(const char *path, int fd, const char *build_id, struct tn_symbol_file **ret_file,
                   struct tn_error *error);

/* Close. NULL is fine. */
void tn_symbol_close(struct tn_symbol_file *file);

/* How much is known about this module's code. Reads its tables at the first call. */
enum tn_symbol_detail tn_symbol_file_detail(struct tn_symbol_file *file);

/* Name a return address. The byte before it is looked up, which belongs to the call.
 *
 * offset_bytes  return address minus load bias, from 1
 * ret_frames    innermost first: the functions inlined at the address, each with the line that it had
 *               reached; the last one is the physical function. Borrowed until the next call; the strings
 *               until tn_symbol_close
 * ret_count     from 1; what is not known is NULL or 0 in the frames
 * Returns       0 or -ENOMEM
 * Cost          2 to 40 us (measured: 20,000 addresses of glibc 0.2 s, of a C++ unit with 15 MB of debug
 *               information 0.85 s); the first look-up in a unit reads its functions */
int tn_symbol_look_up(struct tn_symbol_file *file, uint64_t offset_bytes,
                      const struct tn_symbol_frame **ret_frames, unsigned *ret_count);

/* Where a function that was inlined at a return address begins: every call of it comes by there.
 *
 * offset_bytes  as in tn_symbol_look_up
 * depth         which one, from 1: the one inlined into the physical function
 * ret_entry     minus load bias; 0: not known
 * Returns       0 or -ENOMEM */
int tn_symbol_inlined_entry(struct tn_symbol_file *file, uint64_t offset_bytes, unsigned depth,
                            uint64_t *ret_entry);

/* The function around a return address, by debug information.
 *
 * offset_bytes  as in tn_symbol_look_up
 * ret_function  0: none is known
 * Returns       0 or -ENOMEM */
int tn_symbol_function_at(struct tn_symbol_file *file, uint64_t offset_bytes, uint64_t *ret_function);

/* Whether the function around a return address has the type void, by debug information.
 *
 * offset_bytes       as in tn_symbol_look_up
 * ret_gives_nothing  false, too, where there is no debug information
 * Returns            0 or -ENOMEM */
int tn_symbol_gives_nothing(struct tn_symbol_file *file, uint64_t offset_bytes, bool *ret_gives_nothing);

/* Which function a call leads to, by debug information (DW_TAG_call_site; GCC and clang write it with
 * optimisation).
 *
 * offset_bytes  return address of the call, minus load bias
 * ret_target    both fields are 0 and NULL where that is not known
 * Returns       0 or -ENOMEM
 * Cost          the first question about a function reads its call sites, and the list of its unit's
 * functions */
int tn_symbol_call_target(struct tn_symbol_file *file, uint64_t offset_bytes,
                          struct tn_symbol_target *ret_target);

/* The jumps with which a function may end.
 *
 * function         of tn_symbol_function_at or a target
 * ret_jumps        in order of their addresses; borrowed until the next call
 * ret_is_complete  false: the compiler does not say that these are all
 * Returns          0 or -ENOMEM */
int tn_symbol_jumps(struct tn_symbol_file *file, uint64_t function, const struct tn_symbol_jump **ret_jumps,
                    size_t *ret_count, bool *ret_is_complete);

/* Where the code of a function begins, as a return address minus load bias would tell it: the address of its
 * second byte. 0: in several parts, or not known.
 *
 * function  as above */
uint64_t tn_symbol_function_begin(struct tn_symbol_file *file, uint64_t function);

/* What a function may give back, by its return type. */
enum tn_symbol_result {
    TN_SYMBOL_RESULT_UNKNOWN = 0, /* no debug information */
    TN_SYMBOL_RESULT_NOTHING,     /* void, or a number that is too small for an address */
    TN_SYMBOL_RESULT_WORD,        /* a pointer, or a number of its size */
    TN_SYMBOL_RESULT_OBJECT,      /* a struct, which may hold pointers */
};

/* What the function around a return address may give back.
 *
 * ret_result  written always
 * Returns     0 or -ENOMEM */
int tn_symbol_result_at(struct tn_symbol_file *file, uint64_t offset_bytes,
                        enum tn_symbol_result *ret_result);

/* A member of a struct, or what little is known of it. */
struct tn_symbol_member {
    const char *type; /* "struct txn", "ns::Txn", or what a typedef calls it; NULL: not known. Borrowed until
                         tn_symbol_close, as name */
    const char *name; /* of the member there: "token", "parts[2].name"; NULL: of several in a union, one is */
    bool is_refuted;  /* type is NULL because the only type of that size has no pointer there */
};

/* Name what a block probably is, and its member at an offset: where the unit around a return address
 * describes exactly one type of the block's size (struct, class or union), which has a pointer there. Two
 * candidates, or none, give no name.
 *
 * offset_bytes         as in tn_symbol_look_up, of the call that asks for the block
 * size_bytes           of the block
 * member_offset_bytes  below size_bytes
 * ret_member           written always
 * Returns              0 or -ENOMEM
 * Cost                 the first question about a unit reads its DIEs, 0.1 us each; a module's first four
 *                      million are read, then no more is known */
int tn_symbol_member_at(struct tn_symbol_file *file, uint64_t offset_bytes, uint64_t size_bytes,
                        uint64_t member_offset_bytes, struct tn_symbol_member *ret_member);

/* The function that a symbol of this module names, by debug information.
 *
 * ret_function  0: there is none, or several have the name
 * Returns       0 or -ENOMEM */
int tn_symbol_function_named(struct tn_symbol_file *file, const char *symbol, uint64_t *ret_function);

/* Whether a symbol of this module names the function around a return address.
 *
 * Returns  1 it does; 0 it does not, or the module has no such symbol, or several; -ENOMEM */
int tn_symbol_is_named(struct tn_symbol_file *file, uint64_t offset_bytes, const char *symbol);

#endif
