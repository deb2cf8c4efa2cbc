/* SPDX-License-Identifier: MIT */
/* Coroutines whose stacks vanish: a stack is used, then replaced by a smaller one at the same address, so
 * that what lay above it is not mapped any more, and the next coroutine allocates there. Whoever remembers
 * where the old stack ended reads into nothing. Its blocks have 41 bytes.
 *
 * usage: swapped_stacks unmap ROUNDS      munmap, and a smaller mmap at the same place
 *        swapped_stacks remap ROUNDS      mremap makes it smaller
 *        swapped_stacks protect ROUNDS    mprotect takes the upper part away
 *
 * Prints "made N". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_BYTES ((size_t)1 << 18)
#define SMALL_BYTES ((size_t)1 << 16)
#define BLOCKS      50

static long made;
static volatile char *sink;

static __attribute__((noinline)) void make(int depth)
{
    volatile char frame[128];
    frame[0] = (char)depth;
    if (depth > 0)
        make(depth - 1);
    else
        for (int i = 0; i < BLOCKS; i++) {
            sink = malloc(41);
            made += sink != NULL;
            free((void *)sink);
        }
    frame[1] = frame[0];
}

/* Calls function on another stack, whose first word is then the return address to here. As in hand-made
 * coroutine libraries, its unwind information speaks of the stack that it was called on: who believes it
 * looks for the caller above the end of the other one. */
void on_stack(void *stack_end, void (*function)(void));
#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".type on_stack, @function\n"
    "on_stack:\n"
    ".cfi_startproc\n"
    "push %rbx\n"
    ".cfi_def_cfa_offset 16\n"
    ".cfi_offset %rbx, -16\n"
    "mov %rsp, %rbx\n"
    "mov %rdi, %rsp\n"
    "call *%rsi\n"
    "mov %rbx, %rsp\n"
    "pop %rbx\n"
    ".cfi_def_cfa_offset 8\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size on_stack, . - on_stack\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".type on_stack, %function\n"
    "on_stack:\n"
    ".cfi_startproc\n"
    "stp x29, x30, [sp, #-32]!\n"
    ".cfi_def_cfa_offset 32\n"
    ".cfi_offset x29, -32\n"
    ".cfi_offset x30, -24\n"
    "str x19, [sp, #16]\n"
    ".cfi_offset x19, -16\n"
    "mov x19, sp\n"
    "mov sp, x0\n"
    "blr x1\n"
    "mov sp, x19\n"
    "ldr x19, [sp, #16]\n"
    "ldp x29, x30, [sp], #32\n"
    ".cfi_def_cfa_offset 0\n"
    ".cfi_restore x19\n"
    ".cfi_restore x30\n"
    ".cfi_restore x29\n"
    "ret\n"
    ".cfi_endproc\n"
    ".size on_stack, . - on_stack\n");
#else
#error "this test has no stack switch for this processor"
#endif

static void coroutine(void)
{
    make(20);
}

static void run_on(char *stack, size_t size_bytes)
{
    on_stack(stack + size_bytes, coroutine);
}

static void make_smaller(const char *mode, char *stack)
{
    if (strcmp(mode, "remap") == 0 && mremap(stack, LARGE_BYTES, SMALL_BYTES, 0) == stack)
        return;
    if (strcmp(mode, "protect") == 0 &&
        mprotect(stack + SMALL_BYTES, LARGE_BYTES - SMALL_BYTES, PROT_NONE) == 0)
        return;
    if (strcmp(mode, "unmap") == 0 && munmap(stack, LARGE_BYTES) == 0 &&
        mmap(stack, SMALL_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
            stack)
        return;
    exit(3);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    for (long i = atol(argv[2]); i > 0; i--) {
        char *stack = mmap(NULL, LARGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (stack == MAP_FAILED)
            return 3;
        run_on(stack, LARGE_BYTES);
        make_smaller(argv[1], stack);
        run_on(stack, SMALL_BYTES);
        munmap(stack, LARGE_BYTES);
    }
    printf("made %ld\n", made);
    return 0;
}
