/* SPDX-License-Identifier: MIT */
/* A signal handler that allocates, where the signal interrupts a function without a frame: on processors
 * whose calls leave the return address in a register, nothing of the function's caller lies on the stack.
 *
 * usage: interrupted [own]   own: handlers return to code of this program, not to the system's */
#include "truth.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define TIMES         100
#define KERNEL_SIGSET 8 /* bytes */

/* What the kernel takes: struct sigaction of its headers. */
struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

#define SA_OWN_RESTORER 0x04000000ul

/* One instruction that no processor knows, and a return. */
void leaf(void);
void return_from_handler(void);

#if defined(__x86_64__)
#define TRAP_BYTES 2
#define TRAP       "ud2"
#define RETURN     "mov $15, %rax\n\tsyscall"
#define PC_OF(c)   (c)->uc_mcontext.gregs[REG_RIP]
#else
#define TRAP_BYTES 4
#define TRAP       ".inst 0"
#define RETURN     "mov x8, #139\n\tsvc #0"
#define PC_OF(c)   (c)->uc_mcontext.pc
#endif

__asm__(
    ".text\n"
    ".globl leaf\n"
    ".type leaf, %function\n"
    "leaf:\n"
    "    .cfi_startproc\n"
    "    " TRAP
    "\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size leaf, . - leaf\n"
    "    nop\n" /* libunwind looks for the trampoline one byte before it */
    ".globl return_from_handler\n"
    ".type return_from_handler, %function\n"
    "return_from_handler:\n"
    "    " RETURN
    "\n"
    ".size return_from_handler, . - return_from_handler\n");

static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    struct block block = MALLOC(360);
    FREE(block);
    PC_OF((ucontext_t *)context) += TRAP_BYTES;
}

int main(int argc, char **argv)
{
    struct sigaction action;
    struct kernel_action own = {on_signal, SA_SIGINFO | SA_OWN_RESTORER, return_from_handler, 0};
    memset(&action, 0, sizeof(action));
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    if (argc > 1 && strcmp(argv[1], "own") == 0)
        syscall(SYS_rt_sigaction, SIGILL, &own, NULL, (size_t)KERNEL_SIGSET);
    else
        sigaction(SIGILL, &action, NULL);
    for (int i = 0; i < TIMES; i++) {
        struct block block = MALLOC(370);
        leaf();
        FREE(block);
    }
    return 0;
}
