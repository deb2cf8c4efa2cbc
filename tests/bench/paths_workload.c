/* SPDX-License-Identifier: MIT */
/* Allocates by ever different call paths, and tells what it did: "ALLOCATIONS FREES NANOSECONDS", the time of
 * its loop alone.
 *
 * usage: paths_workload evaluate ALLOCATIONS   expressions, 15 to 30 frames deep: half a million stacks
 *        paths_workload calculate ALLOCATIONS  numbers of 16 to 64 bytes, 5 to 10 frames: some hundred stacks */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPRESSIONS  24000u /* different ones, which are evaluated again and again */
#define DEPTH_LOW    12
#define DEPTH_HIGH   27
#define DIGITS_MAX   14u
#define FRAME        __attribute__((noinline))
#define KEEP_FRAME() __asm__ volatile("" ::: "memory") /* no tail call: the frame stays */

static struct {
    uint64_t seed;
    long left;
    uint64_t births, frees;
} job;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint32_t next_random(uint32_t limit)
{
    job.seed = job.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((job.seed >> 32) * limit >> 32);
}

/* Through pointers that the compiler knows nothing of: else it would leave out what has no effect. */
static void *(*volatile allocate)(size_t) = malloc;
static void (*volatile release)(void *) = free;

static inline __attribute__((always_inline)) void *make(size_t size_bytes)
{
    void *block = allocate(size_bytes);
    if (block == NULL)
        exit(2);
    job.births++;
    job.left--;
    return block;
}

static inline __attribute__((always_inline)) void drop(void *block)
{
    release(block);
    job.frees++;
}

/* ---------------------------------------------------------------------------------------- expressions */

/* A value, which the caller releases. */
struct value {
    long number;
    char text[24];
};

static struct value *evaluate(int depth);

static inline __attribute__((always_inline)) struct value *make_value(long number)
{
    struct value *value = make(sizeof(*value));
    value->number = number;
    return value;
}

/* Each kind of expression is a function that evaluates its parts: one that is as deep as itself but for one
 * level, and small ones. */
#define EXPRESSION(name, operation)                                                                          \
    static FRAME struct value *evaluate_##name(int depth)                                                    \
    {                                                                                                        \
        struct value *small = make_value((long)next_random(100));                                            \
        struct value *deep = evaluate(depth - 1);                                                            \
        struct value *result = make_value(deep->number operation small->number);                             \
        drop(deep);                                                                                          \
        drop(small);                                                                                         \
        KEEP_FRAME();                                                                                        \
        return result;                                                                                       \
    }

EXPRESSION(sum, +)
EXPRESSION(difference, -)
EXPRESSION(both, &)
EXPRESSION(either, |)
EXPRESSION(one, ^)
EXPRESSION(order, <)

static FRAME struct value *evaluate(int depth)
{
    static struct value *(*const kinds[])(int) = {evaluate_sum,    evaluate_difference, evaluate_both,
                                                  evaluate_either, evaluate_one,        evaluate_order};
    struct value *result = depth > 0 ? kinds[next_random(6)](depth) : make_value(depth);
    KEEP_FRAME();
    return result;
}

static FRAME void run_evaluate(void)
{
    for (uint32_t i = 0; job.left > 0; i++) {
        job.seed = i % EXPRESSIONS;
        drop(evaluate((DEPTH_LOW + (int)next_random(DEPTH_HIGH - DEPTH_LOW)) / 2));
    }
}

/* ---------------------------------------------------------------------------------------- numbers */

/* A natural number, the lowest digit first. What does not fit is cut off. */
struct number {
    uint32_t count;
    uint32_t digits[];
};

static FRAME struct number *make_number(uint32_t count)
{
    count = count < 3 ? 3 : count > DIGITS_MAX ? DIGITS_MAX : count;
    struct number *number = make(sizeof(*number) + count * sizeof(number->digits[0]));
    memset(number->digits, 0, count * sizeof(number->digits[0]));
    number->count = count;
    return number;
}

static uint32_t digit(const struct number *number, uint32_t at)
{
    return at < number->count ? number->digits[at] : 0;
}

static FRAME struct number *copy(const struct number *from)
{
    struct number *number = make_number(from->count);
    memcpy(number->digits, from->digits, number->count * sizeof(number->digits[0]));
    KEEP_FRAME();
    return number;
}

static FRAME struct number *add(const struct number *one, const struct number *other)
{
    struct number *sum = make_number((one->count > other->count ? one->count : other->count) + 1);
    uint64_t carry = 0;
    for (uint32_t i = 0; i < sum->count; i++, carry >>= 32) {
        carry += (uint64_t)digit(one, i) + digit(other, i);
        sum->digits[i] = (uint32_t)carry;
    }
    KEEP_FRAME();
    return sum;
}

static FRAME struct number *scale(const struct number *one, uint32_t by, uint32_t shift)
{
    struct number *product = make_number(one->count + shift + 1);
    uint64_t carry = 0;
    for (uint32_t i = 0; i + shift < product->count; i++, carry >>= 32) {
        carry += (uint64_t)digit(one, i) * by;
        product->digits[i + shift] = (uint32_t)carry;
    }
    KEEP_FRAME();
    return product;
}

/* In the place of a number comes another one. */
static FRAME void replace(struct number **place, struct number *by)
{
    drop(*place);
    *place = by;
    KEEP_FRAME();
}

static FRAME struct number *multiply(const struct number *one, const struct number *other)
{
    struct number *product = make_number(3);
    for (uint32_t i = 0; i < 3; i++) {
        struct number *part = scale(one, digit(other, i), i);
        replace(&product, add(product, part));
        drop(part);
    }
    KEEP_FRAME();
    return product;
}

static FRAME struct number *square(const struct number *one)
{
    struct number *other = copy(one), *product = multiply(one, other);
    drop(other);
    KEEP_FRAME();
    return product;
}

static FRAME struct number *raise(const struct number *one, uint32_t power)
{
    struct number *result = copy(one);
    for (; power > 1; power /= 2) {
        replace(&result, square(result));
        if (power % 2 != 0)
            replace(&result, multiply(result, one));
    }
    KEEP_FRAME();
    return result;
}

static FRAME struct number *mean(const struct number *one, const struct number *other)
{
    struct number *sum = add(one, other), *half = scale(sum, UINT32_C(1) << 31, 0);
    drop(sum);
    KEEP_FRAME();
    return half;
}

/* Commands, each of which comes to the same functions by other ways. */
#define COMMAND(name, first, second)                                                                         \
    static FRAME void name(struct number **place, const struct number *other)                                \
    {                                                                                                        \
        struct number *part = first;                                                                         \
        replace(place, second);                                                                              \
        drop(part);                                                                                          \
        KEEP_FRAME();                                                                                        \
    }

COMMAND(add_powers, raise(other, 5), add(*place, part))
COMMAND(multiply_means, mean(*place, other), multiply(part, other))
COMMAND(square_sums, add(*place, other), square(part))
COMMAND(raise_products, multiply(*place, other), raise(part, 3))
COMMAND(mean_of_squares, square(other), mean(part, *place))
COMMAND(scale_powers, raise(*place, 2), scale(part, other->digits[0], 1))

static FRAME void run_command(struct number **place, const struct number *other, uint32_t depth)
{
    static void (*const commands[])(struct number **, const struct number *) = {
        add_powers, multiply_means, square_sums, raise_products, mean_of_squares, scale_powers};
    if (depth > 0)
        run_command(place, other, depth - 1);
    else
        commands[next_random(6)](place, other);
    KEEP_FRAME();
}

static FRAME void run_calculate(void)
{
    struct number *result = make_number(4), *other = make_number(5);
    for (uint32_t i = 0; i < other->count; i++)
        other->digits[i] = next_random(UINT32_MAX);
    while (job.left > 0)
        run_command(&result, other, next_random(4));
    drop(result);
    drop(other);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 2 ? argv[1] : "";
    job.left = argc > 2 ? atol(argv[2]) : 0;
    bool is_evaluate = strcmp(mode, "evaluate") == 0;
    if (job.left <= 0 || (!is_evaluate && strcmp(mode, "calculate") != 0)) {
        fprintf(stderr, "usage: paths_workload evaluate|calculate ALLOCATIONS\n");
        return 2;
    }
    uint64_t start_ns = now_ns();
    if (is_evaluate)
        run_evaluate();
    else
        run_calculate();
    uint64_t loop_ns = now_ns() - start_ns;
    printf("%llu %llu %llu\n", (unsigned long long)job.births, (unsigned long long)job.frees,
           (unsigned long long)loop_ns);
    return 0;
}
