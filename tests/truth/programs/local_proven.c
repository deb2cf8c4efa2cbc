/* SPDX-License-Identifier: MIT */
/* Built with -finstrument-functions: a local buffer is proven on this run, and a cache is not one.
 *
 * expect {"kind": "stack-buffer", "sites": ["@digest"], "confidence": "proven", "evidence":
 *         {"buffer_bytes": "=DIGEST_BYTES", "owner": {"function": "sign"}, "frames_down": 1, "instances":
 *         "=CALLS", "exceptions": 0}}
 * never {"kind": "stack-buffer", "sites": ["@last"]}
 * allow {"kind": "preallocate", "sites": ["@last"]}
 */
#include <stdlib.h>
#include <string.h>

#define CALLS        180
#define DIGEST_BYTES 20
#define LAST_BYTES   36

static char *last;

static char *digest_of(int value)
{
    char *digest = malloc(DIGEST_BYTES); /* @digest */
    memset(digest, value & 0x7f, DIGEST_BYTES);
    return digest;
}

static void remember(const char *digest)
{
    free(last);
    last = malloc(LAST_BYTES); /* @last */
    memcpy(last, digest, DIGEST_BYTES);
}

static int sign(int value)
{
    char *digest = digest_of(value);
    int sum = digest[0];
    if (value % 3 == 0)
        remember(digest);
    free(digest);
    return sum;
}

int main(void)
{
    int sum = 0;
    for (int i = 0; i < CALLS; i++)
        sum += sign(i);
    return sum == 0;
}
