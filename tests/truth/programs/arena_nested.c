/* SPDX-License-Identifier: MIT */
/* A request makes blocks of its own and, again and again, has values converted, which make and release others. An arena
 * of the request serves both; one of the conversion alone would serve half for less, and is priced beside it.
 *
 * expect {"kind": "arena", "sites": ["@field", "@digit", "@sign"], "evidence": {"arena_bytes":
 *         "=FIELDS * FIELD_BYTES + VALUES * 18 * DIGIT_BYTES + VALUES * 18 * SIGN_BYTES", "owner": {"function":
 *         "request"}, "calls": "=CALLS", "nested": [{"function": "convert", "site_count": 2, "calls":
 *         "=VALUES * CALLS", "arena_bytes": "=18 * DIGIT_BYTES + 18 * SIGN_BYTES", "reuse_bytes":
 *         "=18 * DIGIT_BYTES + 18 * SIGN_BYTES", "arena_count": 1}]}, "confidence": "consistent"}
 * allow {"kind": "pool", "sites": ["@big"]}
 * allow {"kind": "permanent", "sites": ["@big"]}
 */
#include <stdlib.h>

#define CALLS       50
#define FIELDS      40
#define VALUES      2
#define FIELD_BYTES 32
#define DIGIT_BYTES 16
#define SIGN_BYTES  24
#define BIG_BYTES   40000

__attribute__((noinline)) static int convert(int value)
{
    char *digits[18], *signs[18];
    int sum = 0;
    for (int i = 0; i < 18; i++)
        digits[i] = malloc(DIGIT_BYTES); /* @digit */
    for (int i = 0; i < 18; i++)
        signs[i] = malloc(SIGN_BYTES); /* @sign */
    for (int i = 0; i < 18; i++) {
        digits[i][0] = signs[i][0] = (char)value;
        sum += digits[i][0] + signs[i][0];
        free(signs[i]);
        free(digits[i]);
    }
    return sum;
}

__attribute__((noinline)) static int request(int value)
{
    char *fields[FIELDS];
    int sum = 0;
    for (int i = 0; i < FIELDS; i++)
        fields[i] = malloc(FIELD_BYTES); /* @field */
    for (int i = 0; i < VALUES; i++)
        sum += convert(value);
    for (int i = 0; i < FIELDS; i++) {
        fields[i][0] = (char)value;
        sum += fields[i][0];
        free(fields[i]);
    }
    return sum;
}

int main(void)
{
    char *big = malloc(BIG_BYTES); /* @big */
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += request(i);
    big[0] = (char)sum;
    return big[0] == 1;
}
