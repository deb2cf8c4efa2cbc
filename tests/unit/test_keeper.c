/* SPDX-License-Identifier: MIT */
/* The recorder's liveness words, seen from outside: a child process plays the recorder and dies in every way,
 * and this process, its parent, does not reap it before it has looked at the words. A recorder that waits for
 * its end has until TIME_MAX_MS, far above the milliseconds that the kernel needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keeper.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TIME_MAX_MS 5000
#define WORD_AT     offsetof(struct tn_shared_header, keeper_word)

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* [private page][shared page] for each of count words, in one piece. */
static char *map_words(int fd, uint32_t count)
{
    size_t page = page_bytes();
    char *base = mmap(NULL, 2 * page * count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(base, MAP_FAILED);
    for (uint32_t i = 0; i < count; i++) {
        char *at = base + (2 * (size_t)i + 1) * page;
        assert_ptr_equal(
            mmap(at, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)(i * page)), at);
    }
    return base;
}

static struct tn_shared_header *header_at(char *base, uint32_t i)
{
    return (struct tn_shared_header *)(base + (2 * (size_t)i + 1) * page_bytes());
}

static struct tn_kept *kept_at(char *base, uint32_t i)
{
    return (struct tn_kept *)(base + 2 * (size_t)i * page_bytes());
}

struct scene {
    int fd;
    uint32_t count;
    char *base;   /* the program's mapping */
    int ready[2]; /* the recorder writes a byte when it holds all words */
    pid_t recorder;
};

static uint32_t word_of(const struct scene *scene, uint32_t i)
{
    return atomic_load_explicit(&header_at(scene->base, i)->keeper_word, memory_order_acquire);
}

/* What the recorder does once it holds all words; it then waits for its end. */
typedef void (*recorder_deed)(struct tn_keepers *keepers, char *base, uint32_t count);

static void hold_all(int fd, uint32_t count, recorder_deed deed)
{
    char *base = map_words(fd, count);
    static struct tn_keepers keepers; /* the threads go on when this function has ended */
    keepers.distance_bytes = (ptrdiff_t)(page_bytes() + WORD_AT);
    for (uint32_t i = 0; i < count; i++) {
        struct tn_shared_header *header = header_at(base, i);
        if (tn_keepers_hold(&keepers, kept_at(base, i), header) != 0)
            _exit(3);
    }
    if (deed != NULL)
        deed(&keepers, base, count);
}

static void begin(struct scene *scene, uint32_t count, recorder_deed deed)
{
    *scene = (struct scene){.count = count};
    scene->fd = (int)syscall(SYS_memfd_create, "words", 0);
    assert_int_equal(ftruncate(scene->fd, (off_t)(count * page_bytes())), 0);
    scene->base = map_words(scene->fd, count);
    assert_int_equal(pipe(scene->ready), 0);
    scene->recorder = fork();
    if (scene->recorder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        hold_all(scene->fd, count, deed);
        if (write(scene->ready[1], "", 1) != 1)
            _exit(4);
        for (;;)
            pause();
    }
    char byte;
    close(scene->ready[1]);
    assert_int_equal(read(scene->ready[0], &byte, 1), 1);
}

static void finish(struct scene *scene)
{
    waitpid(scene->recorder, NULL, 0);
    munmap(scene->base, 2 * page_bytes() * scene->count);
    close(scene->ready[0]);
    close(scene->fd);
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Wait on a word as the program does: with the waiters bit set, in the kernel. */
static void wait_for_death(struct scene *scene, uint32_t i)
{
    _Atomic uint32_t *word = &header_at(scene->base, i)->keeper_word;
    double start_ms = now_ms();
    for (;;) {
        uint32_t value = atomic_load(word);
        if ((value & FUTEX_OWNER_DIED) != 0 || value == 0)
            return;
        if ((value & FUTEX_WAITERS) == 0 &&
            !atomic_compare_exchange_strong(word, &value, value | FUTEX_WAITERS))
            continue;
        const struct timespec limit = {.tv_sec = TIME_MAX_MS / 1000};
        syscall(SYS_futex, word, FUTEX_WAIT, value | FUTEX_WAITERS, &limit, NULL, 0);
        assert_true(now_ms() - start_ms < TIME_MAX_MS);
    }
}

static bool is_zombie(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static void the_kernel_tells_that_the_recorder_was_killed(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 1, NULL);
    assert_int_equal(word_of(&scene, 0) & FUTEX_OWNER_DIED, 0);
    assert_int_not_equal(word_of(&scene, 0) & FUTEX_TID_MASK, 0);
    double start_ms = now_ms();
    kill(scene.recorder, SIGKILL);
    wait_for_death(&scene, 0);
    double took_ms = now_ms() - start_ms;
    assert_int_not_equal(word_of(&scene, 0) & FUTEX_OWNER_DIED, 0);
    print_message("killed: the word tells after %.2f ms\n", took_ms);
    while (!is_zombie(scene.recorder))
        sched_yield();
    assert_int_equal(kill(scene.recorder, 0), 0); /* what made the shim wait before: a zombie answers */
    finish(&scene);
}

/* More words than the kernel follows in one thread's list. */
static void thousands_of_words_tell(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 2 * TN_KEEPER_WORDS_MAX + 500, NULL);
    kill(scene.recorder, SIGKILL);
    for (uint32_t i = 0; i < scene.count; i++) {
        wait_for_death(&scene, i);
        assert_int_not_equal(word_of(&scene, i) & FUTEX_OWNER_DIED, 0);
    }
    finish(&scene);
}

/* Words 0, 5, 9 of 10: both ends of the list and the middle. */
static void release_some(struct tn_keepers *keepers, char *base, uint32_t count)
{
    (void)keepers;
    tn_keepers_release(kept_at(base, 0));
    tn_keepers_release(kept_at(base, count / 2));
    tn_keepers_release(kept_at(base, count - 1));
    tn_keepers_release(kept_at(base, count - 1));
}

static void a_released_word_is_nobodys_and_the_others_still_tell(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 10, release_some);
    for (uint32_t i = 0; i < scene.count; i++)
        assert_int_equal(word_of(&scene, i) == 0, i == 0 || i == 5 || i == 9);
    kill(scene.recorder, SIGKILL);
    for (uint32_t i = 0; i < scene.count; i++) {
        wait_for_death(&scene, i);
        bool was_released = i == 0 || i == 5 || i == 9;
        assert_int_equal(word_of(&scene, i) != 0, !was_released);
    }
    finish(&scene);
}

/* A program that writes nonsense into its word harms nobody else. */
static void a_scribbled_word_hides_no_other(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 5, NULL);
    atomic_store(&header_at(scene.base, 2)->keeper_word, 0x1234567);
    fallocate(scene.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(3 * page_bytes()),
              (off_t)page_bytes());
    kill(scene.recorder, SIGKILL);
    for (uint32_t i = 0; i < scene.count; i++)
        if (i != 2 && i != 3)
            wait_for_death(&scene, i);
    assert_int_equal(word_of(&scene, 2), 0x1234567);
    assert_int_equal(word_of(&scene, 3), 0);
    finish(&scene);
}

static void release_all(struct tn_keepers *keepers, char *base, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        tn_keepers_release(kept_at(base, i));
    tn_keepers_finish(keepers);
}

static void room_of_released_words_is_used_again(void **state)
{
    (void)state;
    size_t page = page_bytes();
    uint32_t count = TN_KEEPER_WORDS_MAX;
    int fd = (int)syscall(SYS_memfd_create, "words", 0);
    assert_int_equal(ftruncate(fd, (off_t)(count * page)), 0);
    char *base = map_words(fd, count);
    struct tn_keepers keepers = {.distance_bytes = (ptrdiff_t)(page + WORD_AT)};
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(tn_keepers_hold(&keepers, kept_at(base, i), header_at(base, i)), 0);
        assert_int_equal(keepers.count, 1);
        if (round < 2)
            for (uint32_t i = 0; i < count; i++)
                tn_keepers_release(kept_at(base, i));
    }
    release_all(&keepers, base, count);
    munmap(base, 2 * page * count);
    close(fd);
}

/* The heartbeat moves without the main thread, which only has to have begun. */
static void keepers_beat(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, 2, NULL);
    double start_ms = now_ms();
    while (atomic_load(&header_at(scene.base, 0)->heartbeat) < 2 ||
           atomic_load(&header_at(scene.base, 1)->heartbeat) < 2) {
        assert_true(now_ms() - start_ms < 4 * TIME_MAX_MS);
        usleep(1000);
    }
    kill(scene.recorder, SIGKILL);
    finish(&scene);
}

#ifdef __SANITIZE_THREAD__
#define HAS_THREADS_OF_ITS_OWN true /* ThreadSanitizer starts some in every process */
#else
#define HAS_THREADS_OF_ITS_OWN false
#endif

static uint32_t count_threads(void)
{
    uint32_t count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (struct dirent *task; (task = readdir(tasks)) != NULL;)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

/* Exits, so that the test sees that it has not come here, if there is another thread. */
static void spare_and_go_on(struct tn_keepers *keepers, char *base, uint32_t count)
{
    if (count_threads() != 2 || !keepers->list[0])
        _exit(5);
    tn_keepers_spare(keepers);
    if (count_threads() != 1 || header_at(base, count - 1)->keeper_word != (uint32_t)getpid())
        _exit(6);
    while (atomic_load(&header_at(base, 0)->heartbeat) < 4) {
        tn_keepers_note_progress(keepers);
        usleep(1000);
    }
}

/* Where the programs may have few processes, the recorder has one thread: that holds the words, and beats as
 * it goes on. */
static void a_sparing_recorder_has_one_thread(void **state)
{
    (void)state;
    if (HAS_THREADS_OF_ITS_OWN)
        skip();
    struct scene scene;
    begin(&scene, 3, spare_and_go_on);
    assert_true(atomic_load(&header_at(scene.base, 2)->heartbeat) >= 3);
    kill(scene.recorder, SIGKILL);
    for (uint32_t i = 0; i < scene.count; i++)
        wait_for_death(&scene, i);
    finish(&scene);
}

/* Only the main thread's list knows of the words, and it is libc's again in the end. */
static void the_main_threads_list_is_given_back(void **state)
{
    (void)state;
    if (HAS_THREADS_OF_ITS_OWN)
        skip();
    size_t page = page_bytes(), size_bytes;
    struct robust_list_head *before, *meanwhile, *after;
    int fd = (int)syscall(SYS_memfd_create, "words", 0);
    assert_int_equal(ftruncate(fd, (off_t)page), 0);
    char *base = map_words(fd, 1);
    struct tn_keepers keepers = {.distance_bytes = (ptrdiff_t)(page + WORD_AT)};
    tn_keepers_spare(&keepers);
    syscall(SYS_get_robust_list, 0, &before, &size_bytes);
    assert_int_equal(tn_keepers_hold(&keepers, kept_at(base, 0), header_at(base, 0)), 0);
    assert_int_equal(count_threads(), 1);
    syscall(SYS_get_robust_list, 0, &meanwhile, &size_bytes);
    release_all(&keepers, base, 1);
    syscall(SYS_get_robust_list, 0, &after, &size_bytes);
    assert_ptr_not_equal(meanwhile, before);
    assert_ptr_equal(after, before);
    munmap(base, 2 * page);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_tells_that_the_recorder_was_killed),
        cmocka_unit_test(thousands_of_words_tell),
        cmocka_unit_test(a_released_word_is_nobodys_and_the_others_still_tell),
        cmocka_unit_test(a_scribbled_word_hides_no_other),
        cmocka_unit_test(room_of_released_words_is_used_again),
        cmocka_unit_test(keepers_beat),
        cmocka_unit_test(a_sparing_recorder_has_one_thread),
        cmocka_unit_test(the_main_threads_list_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
