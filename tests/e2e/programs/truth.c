/* SPDX-License-Identifier: MIT */
#include "truth.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TABLE_COUNT  64
#define STORY_COUNT  8192
#define MODULE_COUNT 16
#define MODULE_BYTES 32
#define LINE_BYTES   512
#define EXTRA_BYTES  8192
#define BUFFER_BYTES 65536

/* One distinct story, and how many blocks had it. */
struct story {
    uint64_t size_bytes, usable_size_bytes, alignment_bytes, previous_size_bytes;
    int function, module, line, tid, previous_line;
    int free_function, free_module, free_line, free_tid;
    int is_failure;
    uint64_t count; /* last, and not part of the comparison */
};

/* Threads share a table only when there are more than TABLE_COUNT, so its lock is nearly always free and the
 * noting does not serialise what the test wants to happen at once. */
struct table {
    char lock;
    struct story stories[STORY_COUNT];
};

static struct table tables[TABLE_COUNT];
static char modules[MODULE_COUNT][MODULE_BYTES];
static int module_count;
static char module_lock;
static char path[512];
static char extra[EXTRA_BYTES];
static size_t extra_bytes;
static uint64_t inherited_frees, allocations, allocated_bytes;
static uint64_t ended_count, lifetime_allocations, lifetime_bytes;
static int is_single_thread, is_printed, generation, thread_count;
static __thread int own_tid, own_table, own_generation;

static const char *const function_names[] = {
    "",
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
    "valloc",
    "pvalloc",
    "operator new",
    "operator new[]",
    "free",
    "free_sized",
    "free_aligned_sized",
    "operator delete",
    "operator delete[]",
};

static void lock(char *flag)
{
    while (__atomic_test_and_set(flag, __ATOMIC_ACQUIRE))
        ;
}

static void unlock(char *flag)
{
    __atomic_clear(flag, __ATOMIC_RELEASE);
}

static void know_thread(void)
{
    if (own_generation == generation + 1)
        return;
    own_generation = generation + 1;
    own_tid = (int)syscall(SYS_gettid);
    own_table = __atomic_fetch_add(&thread_count, 1, __ATOMIC_RELAXED) % TABLE_COUNT;
}

static int module_of(const char *name)
{
    int count = __atomic_load_n(&module_count, __ATOMIC_ACQUIRE);
    for (int i = 0; i < count; i++)
        if (strcmp(modules[i], name) == 0)
            return i;
    lock(&module_lock);
    count = module_count;
    strncpy(modules[count], name, MODULE_BYTES - 1);
    __atomic_store_n(&module_count, count + 1, __ATOMIC_RELEASE);
    unlock(&module_lock);
    return count;
}

/* Stories are compared as bytes: whoever fills one starts from zeroes. */
static void count_story(const struct story *story)
{
    const uint8_t *bytes = (const uint8_t *)story;
    uint64_t hash = 1469598103934665603u;
    for (size_t i = 0; i < offsetof(struct story, count); i++)
        hash = (hash ^ bytes[i]) * 1099511628211u;
    struct table *table = &tables[own_table];
    lock(&table->lock);
    for (size_t n = 0;; n++) {
        struct story *place = &table->stories[((hash >> 20) + n) % STORY_COUNT];
        if (n == STORY_COUNT)
            _exit(96);
        if (place->count == 0)
            memcpy(place, story, sizeof(*place));
        if (place->count != 0 && memcmp(place, story, offsetof(struct story, count)) != 0)
            continue;
        place->count++;
        break;
    }
    unlock(&table->lock);
}

static struct story story_of(const struct block *block)
{
    struct story story;
    memset(&story, 0, sizeof(story));
    story.size_bytes = block->size_bytes;
    story.usable_size_bytes = block->usable_size_bytes;
    story.alignment_bytes = block->alignment_bytes;
    story.previous_size_bytes = block->previous_size_bytes;
    story.function = block->function;
    story.module = block->module;
    story.line = block->line;
    story.tid = block->tid;
    story.previous_line = block->previous_line;
    return story;
}

static void note_failure(int function, size_t size_bytes, int line, const char *module)
{
    struct story story;
    memset(&story, 0, sizeof(story));
    story.is_failure = 1;
    story.function = function;
    story.size_bytes = size_bytes;
    story.line = line;
    story.module = module_of(module);
    story.tid = own_tid;
    count_story(&story);
}

struct block truth_birth(int function, void *address, size_t size_bytes, size_t alignment_bytes, int line,
                         const char *module)
{
    struct block block;
    memset(&block, 0, sizeof(block));
    know_thread();
    if (address == NULL) {
        note_failure(function, size_bytes, line, module);
        return block;
    }
    block.address = address;
    block.function = function;
    block.size_bytes = size_bytes;
    block.usable_size_bytes = malloc_usable_size(address);
    block.alignment_bytes = alignment_bytes;
    block.line = line;
    block.tid = own_tid;
    block.module = module_of(module);
    if (is_single_thread) {
        block.birth_allocations = ++allocations;
        block.birth_bytes = allocated_bytes += size_bytes;
    }
    return block;
}

void truth_death(struct block *block, int function, int line, const char *module)
{
    know_thread();
    if (block->address == NULL)
        return;
    if (block->is_inherited || block->tid == 0) {
        __atomic_fetch_add(&inherited_frees, 1, __ATOMIC_RELAXED);
        return;
    }
    struct story story = story_of(block);
    story.free_function = function;
    story.free_module = module_of(module);
    story.free_line = line;
    story.free_tid = own_tid;
    count_story(&story);
    if (!is_single_thread)
        return;
    ended_count++;
    lifetime_allocations += allocations - block->birth_allocations;
    lifetime_bytes += allocated_bytes - block->birth_bytes;
}

void truth_realloc(struct block *block, int function, void *address, size_t size_bytes, int line,
                   const char *module)
{
    know_thread();
    if (address == NULL && size_bytes != 0) {
        note_failure(function, size_bytes, line, module);
        return;
    }
    struct block old = *block;
    truth_death(&old, function, line, module);
    memset(block, 0, sizeof(*block));
    if (address == NULL)
        return;
    *block = truth_birth(function, address, size_bytes, 0, line, module);
    if (old.address == NULL || old.is_inherited)
        return;
    block->previous_size_bytes = old.size_bytes;
    block->previous_line = old.line;
}

void truth_keep(struct block *block)
{
    if (block->address == NULL)
        return;
    know_thread();
    struct story story = story_of(block);
    count_story(&story);
}

void truth_fork_child(void)
{
    memset(tables, 0, sizeof(tables[0]) * (size_t)(thread_count < TABLE_COUNT ? thread_count : TABLE_COUNT));
    module_lock = 0;
    extra_bytes = 0;
    inherited_frees = ended_count = lifetime_allocations = lifetime_bytes = 0;
    is_printed = is_single_thread = thread_count = 0;
    generation++;
    know_thread();
}

void truth_single_thread(void)
{
    is_single_thread = 1;
}

struct text {
    int fd;
    size_t size_bytes;
    char data[BUFFER_BYTES];
};

static struct text out;

static void flush(void)
{
    size_t done_bytes = 0;
    while (done_bytes < out.size_bytes) {
        ssize_t n = write(out.fd, out.data + done_bytes, out.size_bytes - done_bytes);
        if (n <= 0)
            _exit(99);
        done_bytes += (size_t)n;
    }
    out.size_bytes = 0;
}

static void put_text(const char *text)
{
    size_t size_bytes = strlen(text);
    if (out.size_bytes + size_bytes + LINE_BYTES > BUFFER_BYTES)
        flush();
    memcpy(out.data + out.size_bytes, text, size_bytes);
    out.size_bytes += size_bytes;
}

static char *number_text(char *end, uint64_t number)
{
    *--end = '\0';
    do {
        *--end = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return end;
}

static void put_number(uint64_t number, const char *behind)
{
    char text[24];
    put_text(number_text(text + sizeof(text), number));
    put_text(behind);
}

static void put_story(const struct story *story)
{
    put_text(story->is_failure ? "failure\t" : "block\t");
    put_number(story->count, "\t");
    put_text(function_names[story->function]);
    put_text("\t");
    put_number(story->size_bytes, "\t");
    put_text(modules[story->module]);
    put_text("\t");
    put_number((uint64_t)story->line, "\t");
    put_number((uint64_t)story->tid, story->is_failure ? "\n" : "\t");
    if (story->is_failure)
        return;
    put_number(story->usable_size_bytes, "\t");
    put_number(story->alignment_bytes, "\t");
    put_number(story->previous_size_bytes, "\t");
    put_number((uint64_t)story->previous_line, "\t");
    put_text(function_names[story->free_function]);
    put_text("\t");
    put_text(story->free_function ? modules[story->free_module] : "");
    put_text("\t");
    put_number((uint64_t)story->free_line, "\t");
    put_number((uint64_t)story->free_tid, "\n");
}

void truth_number(const char *name, uint64_t number)
{
    char text[24];
    const char *digits = number_text(text + sizeof(text), number);
    const char *parts[] = {"number\t", name, "\t", digits, "\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t size_bytes = strlen(parts[i]);
        if (extra_bytes + size_bytes >= EXTRA_BYTES)
            _exit(98);
        memcpy(extra + extra_bytes, parts[i], size_bytes + 1);
        extra_bytes += size_bytes;
    }
}

static void put_all(void)
{
    put_text("process\t");
    put_number((uint64_t)syscall(SYS_getpid), "\n");
    for (size_t t = 0; t < TABLE_COUNT; t++)
        for (size_t i = 0; i < STORY_COUNT; i++)
            if (tables[t].stories[i].count != 0)
                put_story(&tables[t].stories[i]);
    if (extra_bytes != 0)
        put_text(extra);
    put_text("inherited_frees\t");
    put_number(inherited_frees, "\n");
    if (is_single_thread) {
        put_text("lifetime\t");
        put_number(ended_count, "\t");
        put_number(lifetime_allocations, "\t");
        put_number(lifetime_bytes, "\n");
    }
    put_text("end\n");
}

void truth_print(void)
{
    if (is_printed || path[0] == '\0')
        return;
    is_printed = 1;
    out.fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out.fd < 0)
        _exit(97);
    flock(out.fd, LOCK_EX);
    put_all();
    flush();
    close(out.fd);
}

void truth_silent(void)
{
    is_printed = 1;
}

__attribute__((constructor(101))) static void remember_path(void)
{
    const char *value = getenv("TRUTH");
    if (value != NULL)
        strncpy(path, value, sizeof(path) - 1);
}

/* This library is initialised before and finished after all that use it. */
__attribute__((destructor(101))) static void print_at_exit(void)
{
    truth_print();
}
