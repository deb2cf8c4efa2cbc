/* SPDX-License-Identifier: MIT */
/* Runs a command, and lets the Nth system call of one number fail in all processes of one image that descend
 * from it. By ptrace: each call of theirs stops here. So nothing else changes for them, as a filter of system
 * calls would, and the calls that no library makes are seen, too.
 *
 * usage: inject_faults [-i IMAGE] [-w FILE] [-o FILE] [-c NUMBER -n N -e ERRNO] [-s SECONDS] -t TOLD
 * COMMAND...
 *
 * -i  count only calls of processes that run an image of this name
 * -w  and only those made by code within a mapped file whose path holds this
 * -o  and none made by code within such a file
 * -s  end everything after this time
 *
 * Writes into TOLD, a line each: `calls NUMBER COUNT` for each number that was counted, `hit` if the call
 * failed, `signal IMAGE SIGNAL` of whoever died of one, `left` if the time limit ended anything, and `status
 * STATUS MS` when the command ends: its exit status, or 128 and the signal, and after how long. */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRACEES_MAX 4096
#define NUMBERS_MAX 512
#define IMAGE_BYTES 64

struct range {
    uint64_t low, high; /* both 0: not known yet */
};

struct tracee {
    pid_t pid;
    bool is_known; /* its first stop was seen */
    bool is_image; /* it runs the image that is asked for */
    bool is_failing;
    char image[IMAGE_BYTES];
    struct range within, outside;
};

static struct {
    const char *image, *within, *outside, *told;
    long number, nth, code, seconds;
} asked = {.number = -1, .seconds = 60};

static struct tracee tracees[TRACEES_MAX];
static uint32_t tracee_count;
static unsigned long counts[NUMBERS_MAX];
static bool is_hit;
static FILE *told;
static volatile sig_atomic_t is_late;

static void on_alarm(int number)
{
    (void)number;
    is_late = 1;
}

static void give_up(const char *what)
{
    fprintf(stderr, "inject_faults: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* ------------------------------------------------------------------------------ what the tracees are */

static void read_image(struct tracee *tracee)
{
    char link[64], path[4096];
    snprintf(link, sizeof(link), "/proc/%d/exe", tracee->pid);
    ssize_t length = readlink(link, path, sizeof(path) - 1);
    path[length > 0 ? length : 0] = '\0';
    const char *slash = strrchr(path, '/');
    snprintf(tracee->image, sizeof(tracee->image), "%.63s", slash != NULL ? slash + 1 : path);
    tracee->is_image = asked.image == NULL || strcmp(tracee->image, asked.image) == 0;
    tracee->within = tracee->outside = (struct range){0, 0};
}

static struct tracee *tracee_of(pid_t pid)
{
    for (uint32_t i = 0; i < tracee_count; i++)
        if (tracees[i].pid == pid)
            return &tracees[i];
    if (tracee_count == TRACEES_MAX)
        give_up("too many processes at once");
    struct tracee *tracee = &tracees[tracee_count++];
    *tracee = (struct tracee){.pid = pid};
    read_image(tracee);
    return tracee;
}

static void forget(pid_t pid)
{
    for (uint32_t i = 0; i < tracee_count; i++)
        if (tracees[i].pid == pid) {
            tracees[i] = tracees[--tracee_count];
            return;
        }
}

/* Where a file is mapped in a process, as one range. */
static struct range find_range(pid_t pid, const char *part)
{
    char name[64], line[4352];
    struct range range = {0, 0};
    snprintf(name, sizeof(name), "/proc/%d/maps", pid);
    FILE *maps = fopen(name, "re");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        uint64_t low, high;
        if (strstr(line, part) == NULL || sscanf(line, "%lx-%lx", &low, &high) != 2)
            continue;
        range.low = range.low == 0 ? low : range.low;
        range.high = high;
    }
    if (maps != NULL)
        fclose(maps);
    return range;
}

static bool holds(struct range *range, pid_t pid, const char *part, uint64_t pc)
{
    if (range->high == 0)
        *range = find_range(pid, part);
    return pc >= range->low && pc < range->high;
}

/* ------------------------------------------------------------------------------ their calls */

#ifdef __x86_64__
static void set_number(pid_t pid, long number)
{
    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), number);
}

static void set_result(pid_t pid, long result)
{
    ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result);
}
#elif defined(__aarch64__)
static void set_number(pid_t pid, long number)
{
    int value = (int)number;
    struct iovec part = {&value, sizeof(value)};
    ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &part);
}

static void set_result(pid_t pid, long result)
{
    struct user_regs_struct registers;
    struct iovec part = {&registers, sizeof(registers)};
    ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &part);
    registers.regs[0] = (uint64_t)result;
    ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &part);
}
#else
#error "no way is known to let a system call fail on this processor"
#endif

static bool is_counted(struct tracee *tracee, uint64_t pc)
{
    if (!tracee->is_image)
        return false;
    if (asked.outside != NULL && holds(&tracee->outside, tracee->pid, asked.outside, pc))
        return false;
    return asked.within == NULL || holds(&tracee->within, tracee->pid, asked.within, pc);
}

static void see_call(struct tracee *tracee)
{
    struct __ptrace_syscall_info info;
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tracee->pid, sizeof(info), &info) < 0)
        return;
    if (info.op == PTRACE_SYSCALL_INFO_EXIT && tracee->is_failing) {
        set_result(tracee->pid, -asked.code);
        tracee->is_failing = false;
    }
    uint64_t number = info.op == PTRACE_SYSCALL_INFO_ENTRY ? info.entry.nr : NUMBERS_MAX;
    if (number >= NUMBERS_MAX || (asked.number >= 0 && number != (uint64_t)asked.number))
        return;
    if (!is_counted(tracee, info.instruction_pointer))
        return;
    counts[number]++;
    if ((long)number != asked.number || counts[number] != (unsigned long)asked.nth)
        return;
    set_number(tracee->pid, -1);
    tracee->is_failing = is_hit = true;
}

/* ------------------------------------------------------------------------------ the run */

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void start(char **command, pid_t *ret_pid)
{
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        raise(SIGSTOP);
        execvp(command[0], command);
        _exit(127);
    }
    if (waitpid(pid, NULL, 0) != pid)
        give_up("waitpid");
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                   PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, pid, NULL, options) < 0)
        give_up("ptrace");
    tracee_of(pid)->is_known = true;
    ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
    *ret_pid = pid;
}

/* Give the signal that is passed on. */
static int see_stop(struct tracee *tracee, int status)
{
    int signal_number = WSTOPSIG(status), event = status >> 16;
    if (signal_number == (SIGTRAP | 0x80)) {
        see_call(tracee);
        return 0;
    }
    if (event == PTRACE_EVENT_EXEC)
        read_image(tracee);
    if (event != 0)
        return 0;
    if (signal_number == SIGSTOP && !tracee->is_known) {
        tracee->is_known = true;
        return 0;
    }
    return signal_number;
}

static void see_end(pid_t pid, pid_t command, int status, double begun_ms)
{
    struct tracee *tracee = tracee_of(pid);
    if (WIFSIGNALED(status) && !is_late)
        fprintf(told, "signal %s %d\n", tracee->image, WTERMSIG(status));
    if (pid == command)
        fprintf(told, "status %d %.0f\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
                now_ms() - begun_ms);
    forget(pid);
}

static void end_all(void)
{
    fprintf(told, "left\n");
    for (uint32_t i = 0; i < tracee_count; i++) {
        fprintf(told, "alive %s\n", tracees[i].image);
        kill(tracees[i].pid, SIGKILL);
    }
}

static void watch(pid_t command, double begun_ms)
{
    bool is_ended = false;
    for (;;) {
        int status;
        if (is_late && !is_ended) {
            end_all();
            is_ended = true;
        }
        pid_t pid = waitpid(-1, &status, __WALL);
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return;
        if (!WIFSTOPPED(status))
            see_end(pid, command, status, begun_ms);
        else
            ptrace(PTRACE_SYSCALL, pid, NULL, (long)see_stop(tracee_of(pid), status));
    }
}

static char **read_arguments(int argument_count, char **arguments)
{
    for (int option; (option = getopt(argument_count, arguments, "+i:w:o:c:n:e:s:t:")) != -1;) {
        long *number = option == 'c'   ? &asked.number
                       : option == 'n' ? &asked.nth
                       : option == 'e' ? &asked.code
                       : option == 's' ? &asked.seconds
                                       : NULL;
        const char **text = option == 'i'   ? &asked.image
                            : option == 'w' ? &asked.within
                            : option == 'o' ? &asked.outside
                            : option == 't' ? &asked.told
                                            : NULL;
        if (number != NULL)
            *number = strtol(optarg, NULL, 10);
        else if (text != NULL)
            *text = optarg;
        else
            exit(2);
    }
    if (asked.told == NULL || optind >= argument_count)
        exit(2);
    return arguments + optind;
}

int main(int argument_count, char **arguments)
{
    pid_t command;
    struct sigaction action = {.sa_handler = on_alarm};
    char **words = read_arguments(argument_count, arguments);
    told = fopen(asked.told, "we");
    if (told == NULL)
        give_up(asked.told);
    sigaction(SIGALRM, &action, NULL);
    double begun_ms = now_ms();
    start(words, &command);
    alarm((unsigned)asked.seconds);
    watch(command, begun_ms);
    for (int i = 0; i < NUMBERS_MAX; i++)
        if (counts[i] != 0)
            fprintf(told, "calls %d %lu\n", i, counts[i]);
    if (is_hit)
        fprintf(told, "hit\n");
    return fclose(told) == 0 ? 0 : 2;
}
