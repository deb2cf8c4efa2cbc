/* SPDX-License-Identifier: MIT */
#ifndef TENURE_CODE_H
#define TENURE_CODE_H

/* What the machine code of a module says about two calls in it: can the second one follow the first before
 * the function returns? If not, two events that show one function at one position of the stack are of two
 * calls of it. Read from the module's file, without running anything; x86-64 only so far. One thread at a
 * time for each object. */

#include <stdint.h>

struct tn_code;

/* Open a module's code.
 *
 * path      of the file
 * build_id  lower-case hex, as the log bears it; "" if that is not known: nothing is checked then
 * Returns   0; -ESTALE the file bears another build-id; -ENOTSUP another architecture, or code in which a
 *           return address does not say where it goes on (it imports setjmp, vfork, getcontext or the
 *           unwinder of C++ exceptions); -ENOEXEC not an ELF file; -ENOMEM, or that of open
 * Owns      the caller owns *ret_code; tn_code_close releases it
 * Cost      maps the file, and reads its symbols once */
int tn_code_open(const char *path, const char *build_id, struct tn_code **ret_code);

/* Close. NULL is fine. */
void tn_code_close(struct tn_code *code);

/* Whether control can come from behind one call to another call, without the function having returned: by
 * the jumps between them, calls being taken to return.
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

#endif
