/* SPDX-License-Identifier: MIT */

/* Who holds whose address, found out slowly: a library to preload that keeps every block of the program in a
 * list, looks at the whole of what tenure looks at when a block dies, and compares each word with every block
 * by hand. It shares no code with tenure. At the end it writes, into the file that LINKS_ORACLE names:
 *
 *   look MOMENT CALL LOOKS
 *   link MOMENT HOLDER OFFSET HELD INNER LOOKS DISTINCT
 *
 * CALL, HOLDER and HELD are the calls that asked for the blocks, as MODULE+0xOFFSET of the return address;
 * HOLDER is "global" for the program's variables, and OFFSET then their address in its file. One thread, C
 * only. */

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCKS_MAX  400000
#define LINKS_MAX   20000
#define STACKS_MAX  4000
#define FRAMES_MAX  32
#define SCAN_BYTES  256
#define INNER_BYTES 64
#define INNER_UNIT  8  /* an address inside a block counts at multiples of this */
#define SINCE_MAX   64 /* births after a block's death, after which an address is no link */
#define HELD_MAX    16
#define FIRST       32 /* deaths of each stack that are looked at, and one at each turn */
#define SAMPLES_MAX 8  /* blocks that are looked for at once */
#define SAMPLES     8  /* of each stack, the first ones */
#define LAST_EVENT  32
#define END_EVENT   4096
#define BLOCK_MAX   (128 << 10) /* a place further into a block is not found */
#define GLOBAL      (-1)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *address, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *address);

enum moment { HOLDER_DEATH, EVENT_1, HELD_DEATH = EVENT_1 + 6, OUTPUT, MOMENTS };

static const char *const moment_names[MOMENTS] = {"holder_death", "event_1",    "event_2",
                                                  "event_4",      "event_8",    "event_16",
                                                  "event_32",     "held_death", "output"};

struct stack {
    void *frames[FRAMES_MAX];
    int count;
    unsigned deaths; /* that it made */
    unsigned samples;
    unsigned looks[MOMENTS]; /* into blocks that it asked for, or for them */
};

struct block {
    uintptr_t address;
    size_t size_bytes;
    int stack;
    long birth, death;   /* by the clock of all events; death 0: it lives */
    int births_at_death; /* blocks that were born when it died */
};

struct link {
    enum moment moment;
    int holder, held;
    size_t offset_bytes;
    unsigned inner_bytes, looks, distinct;
    int seen[HELD_MAX];
};

static struct stack stacks[STACKS_MAX];
static struct block blocks[BLOCKS_MAX];
static struct link links[LINKS_MAX];
static int stack_count, block_count, link_count;
static int oldest_live; /* no block before this one lives */
static int births_at_last_death;
static long now;
static struct {
    int block;
    long birth, due;
} samples[SAMPLES_MAX];
static int sample_count;
static long events;
static long turn = 96, turn_count = 1; /* the next turn is at this event */
static bool is_turn;
static uintptr_t data_low, data_high, bias; /* of the program's variables */
static bool is_busy = true;                 /* until the first backtrace was made, which allocates */

static void need(bool is_true, const char *what)
{
    if (is_true)
        return;
    fprintf(stderr, "oracle: %s\n", what);
    _Exit(9);
}

/* The stack of whoever called the function that called this one. */
static __attribute__((noinline)) int stack_of_caller(void)
{
    struct stack taken = {.count = 0};
    void *frames[FRAMES_MAX + 2];
    int count = backtrace(frames, FRAMES_MAX + 2);
    for (int i = 2; i < count; i++)
        taken.frames[taken.count++] = frames[i];
    for (int i = 0; i < stack_count; i++)
        if (stacks[i].count == taken.count &&
            memcmp(stacks[i].frames, taken.frames, (size_t)taken.count * sizeof(void *)) == 0)
            return i;
    need(stack_count < STACKS_MAX, "too many stacks");
    stacks[stack_count] = taken;
    return stack_count++;
}

static void take_sample(int block);

static void note_birth(void *address, size_t size_bytes, int stack)
{
    need(block_count < BLOCKS_MAX, "too many blocks");
    blocks[block_count++] = (struct block){(uintptr_t)address, size_bytes, stack, ++now, 0, 0};
    take_sample(block_count - 1);
}

static struct block *find_live(uintptr_t address)
{
    while (oldest_live < block_count && blocks[oldest_live].death != 0)
        oldest_live++;
    for (int i = block_count - 1; i >= oldest_live; i--)
        if (blocks[i].death == 0 && blocks[i].address == address)
            return &blocks[i];
    return NULL;
}

/* The block that died last at an address, if it lived while the holder did. */
static struct block *find_dead(uintptr_t address, const struct block *holder)
{
    for (int i = block_count - 1; i >= 0; i--)
        if (blocks[i].death != 0 && blocks[i].address == address)
            return blocks[i].death > holder->birth &&
                           births_at_last_death - blocks[i].births_at_death <= SINCE_MAX
                       ? &blocks[i]
                       : NULL;
    return NULL;
}

static struct block *find_inner(uintptr_t value, const struct block *holder, bool is_live)
{
    for (uintptr_t start = (value - 1) & ~(uintptr_t)7; value - start <= INNER_BYTES; start -= 8) {
        struct block *block = is_live ? find_live(start) : find_dead(start, holder);
        if (block != NULL)
            return value % INNER_UNIT == 0 && value - start < (block->size_bytes & ~(size_t)7) ? block : NULL;
    }
    return NULL;
}

static struct block *resolve(uintptr_t value, const struct block *holder)
{
    if (value < 0x10000 || value >> 47 != 0)
        return NULL;
    struct block *block = find_live(value);
    if (block == NULL)
        block = find_dead(value, holder);
    if (block == NULL)
        block = find_inner(value, holder, true);
    return block != NULL ? block : find_inner(value, holder, false);
}

static void count_link(enum moment moment, int holder, size_t offset_bytes, const struct block *held,
                       unsigned inner_bytes)
{
    int i = 0, held_id = (int)(held - blocks);
    while (i < link_count && !(links[i].moment == moment && links[i].holder == holder &&
                               links[i].offset_bytes == offset_bytes && links[i].held == held->stack &&
                               links[i].inner_bytes == inner_bytes))
        i++;
    need(i < LINKS_MAX, "too many links");
    if (i == link_count)
        links[link_count++] = (struct link){.moment = moment,
                                            .holder = holder,
                                            .held = held->stack,
                                            .offset_bytes = offset_bytes,
                                            .inner_bytes = inner_bytes};
    struct link *link = &links[i];
    link->looks++;
    for (unsigned n = 0; n < link->distinct; n++)
        if (link->seen[n] == held_id)
            return;
    if (link->distinct < HELD_MAX)
        link->seen[link->distinct++] = held_id;
}

static void look_into(const struct block *holder)
{
    stacks[holder->stack].looks[HOLDER_DEATH]++;
    for (unsigned offset = 0; offset + 8 <= SCAN_BYTES && offset + 8 <= holder->size_bytes; offset += 8) {
        uintptr_t value;
        memcpy(&value, (const void *)(holder->address + offset), sizeof(value));
        struct block *held = resolve(value, holder);
        if (held != NULL && held != holder)
            count_link(HOLDER_DEATH, holder->stack, offset, held, (unsigned)(value - held->address));
    }
}

/* A size as it is kept of a block: its four highest bits from 1 KiB on. */
static size_t known_bytes(size_t size_bytes)
{
    size_t mask = 7;
    while (size_bytes >= 1024 && size_bytes / (mask + 1) >= 16)
        mask = mask * 2 + 1;
    return size_bytes & ~mask;
}

/* The places of a block's address in a range of memory, whose first byte counts as offset `base`. */
static void look_in(enum moment moment, int holder, uintptr_t low, uintptr_t high, uintptr_t base,
                    const struct block *held)
{
    for (uintptr_t at = (low + 7) & ~(uintptr_t)7; at + 8 <= high; at += 8) {
        uintptr_t value;
        memcpy(&value, (const void *)at, sizeof(value));
        uintptr_t inner = value - held->address;
        if (inner == 0 ||
            (inner <= INNER_BYTES && inner % INNER_UNIT == 0 && inner < known_bytes(held->size_bytes)))
            count_link(moment, holder, at - base, held, (unsigned)inner);
    }
}

static void look_for(const struct block *held, enum moment moment)
{
    stacks[held->stack].looks[moment]++;
    for (int i = oldest_live; i < block_count; i++) {
        const struct block *holder = &blocks[i];
        size_t bytes = known_bytes(holder->size_bytes);
        if (holder->death == 0 && holder != held)
            look_in(moment, holder->stack, holder->address,
                    holder->address + (bytes < BLOCK_MAX + 8 ? bytes : BLOCK_MAX + 8), holder->address, held);
    }
    look_in(moment, GLOBAL, data_low, data_high, bias, held);
}

/* ---------------------------------------------------------------------------------------- samples */

static void remove_sample(int i)
{
    sample_count--;
    memmove(&samples[i], &samples[i + 1], (size_t)(sample_count - i) * sizeof(samples[0]));
}

/* One more event of the thread. */
static void count_event(void)
{
    if (++events == turn) {
        is_turn = true;
        turn += 96 + turn_count++ * 29 % 64;
    }
    for (int i = 0; i < sample_count; i++) {
        long nth = events - samples[i].birth;
        if (samples[i].due != events)
            continue;
        if (nth == END_EVENT) {
            remove_sample(i--);
            continue;
        }
        samples[i].due = samples[i].birth + (nth < LAST_EVENT ? 2 * nth : END_EVENT);
        look_for(&blocks[samples[i].block], (enum moment)(EVENT_1 + __builtin_ctzl((unsigned long)nth)));
    }
}

static void take_sample(int block)
{
    struct stack *stack = &stacks[blocks[block].stack];
    if (stack->samples == SAMPLES)
        return;
    for (int i = 0; sample_count == SAMPLES_MAX && i < sample_count; i++)
        if (samples[i].due - samples[i].birth == END_EVENT)
            remove_sample(i);
    if (sample_count == SAMPLES_MAX)
        return;
    stack->samples++;
    samples[sample_count].block = block;
    samples[sample_count].birth = events;
    samples[sample_count++].due = events + 1;
}

static void end_sample(int block)
{
    for (int i = 0; i < sample_count; i++) {
        if (samples[i].block != block)
            continue;
        remove_sample(i);
        look_for(&blocks[block], HELD_DEATH);
        return;
    }
}

static void look_before_output(void)
{
    for (int i = 0; i < sample_count && !is_busy; i++)
        look_for(&blocks[samples[i].block], OUTPUT);
}

static void note_death(void *address, int stack)
{
    struct block *block = find_live((uintptr_t)address);
    unsigned nth = stacks[stack].deaths++;
    count_event();
    if (block != NULL)
        end_sample((int)(block - blocks));
    if (block != NULL && (nth < FIRST || is_turn)) {
        look_into(block);
        is_turn = false;
    }
    if (block == NULL)
        return;
    block->death = ++now;
    block->births_at_death = births_at_last_death = block_count;
}

/* ---------------------------------------------------------------------------------------- the functions */

void *malloc(size_t size)
{
    void *address = __libc_malloc(size);
    if (!is_busy && address != NULL) {
        count_event();
        note_birth(address, size, stack_of_caller());
    }
    return address;
}

void *calloc(size_t count, size_t size)
{
    void *address = __libc_calloc(count, size);
    if (!is_busy && address != NULL) {
        count_event();
        note_birth(address, count * size, stack_of_caller());
    }
    return address;
}

void *realloc(void *address, size_t size)
{
    if (is_busy)
        return __libc_realloc(address, size);
    int stack = stack_of_caller();
    if (address != NULL)
        note_death(address, stack);
    else
        count_event();
    void *moved = __libc_realloc(address, size);
    if (moved != NULL)
        note_birth(moved, size, stack);
    return moved;
}

void free(void *address)
{
    if (!is_busy && address != NULL)
        note_death(address, stack_of_caller());
    __libc_free(address);
}

static ssize_t look_and_call(const char *name, long a, long b, long c, long d, long e, long f)
{
    ssize_t (*real)(long, long, long, long, long, long);
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(&real, &symbol, sizeof(real));
    look_before_output();
    return real(a, b, c, d, e, f);
}

ssize_t write(int fd, const void *data, size_t size)
{
    return look_and_call("write", fd, (long)data, (long)size, 0, 0, 0);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return look_and_call("writev", fd, (long)parts, count, 0, 0, 0);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return look_and_call("send", fd, (long)data, (long)size, flags, 0, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return look_and_call("sendmsg", fd, (long)message, flags, 0, 0, 0);
}

/* ---------------------------------------------------------------------------------------- the result */

static void print_call(FILE *out, int stack)
{
    Dl_info info;
    void *call = stacks[stack].count > 0 ? stacks[stack].frames[0] : NULL;
    if (call == NULL || dladdr(call, &info) == 0) {
        fprintf(out, " ?");
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    fprintf(out, " %s+0x%zx", slash != NULL ? slash + 1 : info.dli_fname,
            (size_t)((char *)call - (char *)info.dli_fbase));
}

/* The first one is the program itself. */
static int find_data(struct dl_phdr_info *info, size_t size_bytes, void *context)
{
    (void)size_bytes, (void)context;
    bias = info->dlpi_addr;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_W) == 0)
            continue;
        data_low = bias + header->p_vaddr;
        data_high = data_low + header->p_memsz;
    }
    return 1;
}

static __attribute__((constructor)) void begin(void)
{
    void *frame;
    backtrace(&frame, 1);
    dl_iterate_phdr(find_data, NULL);
    is_busy = false;
}

static void print_link(FILE *out, const struct link *link)
{
    fprintf(out, "link %s", moment_names[link->moment]);
    if (link->holder == GLOBAL)
        fprintf(out, " global");
    else
        print_call(out, link->holder);
    fprintf(out, " %zu", link->offset_bytes);
    print_call(out, link->held);
    fprintf(out, " %u %u %u\n", link->inner_bytes, link->looks, link->distinct);
}

static __attribute__((destructor)) void end(void)
{
    is_busy = true;
    const char *path = getenv("LINKS_ORACLE");
    FILE *out = path != NULL ? fopen(path, "w") : NULL;
    need(out != NULL, "LINKS_ORACLE names no file");
    for (int i = 0; i < stack_count; i++) {
        for (int moment = 0; moment < MOMENTS; moment++) {
            if (stacks[i].looks[moment] == 0)
                continue;
            fprintf(out, "look %s", moment_names[moment]);
            print_call(out, i);
            fprintf(out, " %u\n", stacks[i].looks[moment]);
        }
    }
    for (int i = 0; i < link_count; i++)
        print_link(out, &links[i]);
    need(fclose(out) == 0, "the file cannot be written");
}
