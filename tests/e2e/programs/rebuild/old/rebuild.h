/* SPDX-License-Identifier: MIT */
#ifndef REBUILD_H
#define REBUILD_H

/* What the files of the program share. */

#define ROUNDS 1200

/* Keeps a block from being optimised away. */
static inline void use(char *block)
{
    __asm__ volatile("" : : "r"(block) : "memory");
}

/* Behind a call, so that it is no tail call: those leave no frame, and callers would be unknown. */
static inline void stay(void)
{
    __asm__ volatile("" : : : "memory");
}

void work_a(void);
void work_b(void);
void work_moved(void);
void work_other(void);
void work_more(void);

#endif
