/* SPDX-License-Identifier: MIT */
/* A buffer that a helper makes for its caller, which releases it: a local buffer there, passed down. But another
 * function calls the helper, too, that did not run: it has no buffer to pass, which the finding says. Near misses: a
 * helper all of whose callers are below the owner; one that makes a buffer for itself, which is nobody else's
 * affair; and one that is called by the owner twice.
 *
 * expect {"kind": "stack-buffer", "sites": ["@shared"], "confidence": "conditional", "condition": {"kind":
 *         "other-caller", "sites": ["@seldom"]}, "evidence": {"frames_down": 1}}
 * expect {"kind": "stack-buffer", "sites": ["@deep"], "confidence": "conditional", "condition": {"kind":
 *         "other-caller", "sites": ["@middle"]}, "evidence": {"frames_down": 2}}
 * expect {"kind": "stack-buffer", "sites": ["@both"], "confidence": "consistent", "condition": null, "evidence":
 *         {"frames_down": 2}}
 * expect {"kind": "stack-buffer", "sites": ["@own"], "confidence": "consistent", "condition": null, "evidence":
 *         {"frames_down": 0}}
 * expect {"kind": "stack-buffer", "sites": ["@twice"], "confidence": "consistent", "condition": null, "evidence":
 *         {"frames_down": 1}}
 * allow {"kind": "arena"}
 * allow {"kind": "preallocate"}
 */
#include <stdlib.h>

#define CALLS 100

/* No copy for one caller, and none inside of it. clang makes none. */
#ifdef __clang__
#define APART __attribute__((noinline))
#else
#define APART __attribute__((noipa))
#endif

static volatile int sum;

APART static void use(char *text)
{
    text[0] = 'x';
    sum += text[0];
}

APART static char *make_shared(void)
{
    return malloc(48); /* @shared */
}

APART static char *make_deep(void)
{
    return malloc(56); /* @deep */
}

APART static char *pass_deep(void)
{
    char *text = make_deep();
    sum++;
    return text;
}

APART static char *make_both(void)
{
    return malloc(64); /* @both */
}

APART static char *one_way(void)
{
    char *text = make_both();
    sum++;
    return text;
}

APART static char *other_way(void)
{
    char *text = make_both();
    sum--;
    return text;
}

APART static void make_own(void)
{
    char *text = malloc(72); /* @own */
    use(text);
    free(text);
}

APART static char *make_twice(void)
{
    return malloc(40); /* @twice */
}

APART static void serve(int number)
{
    char *shared = make_shared();
    use(shared);
    char *deep = pass_deep();
    use(deep);
    char *both = number % 2 != 0 ? one_way() : other_way();
    use(both);
    make_own();
    char *first = make_twice();
    use(first);
    free(first);
    char *second = make_twice();
    use(second);
    free(second);
    free(both);
    free(deep);
    free(shared);
}

/* What did not happen in this run. */
APART static char *report(void)
{
    char *text = make_shared(); /* @seldom */
    use(text);
    make_own();
    text[1] = 0;
    return text;
}

APART static char *report_deep(void)
{
    char *text = pass_deep(); /* @middle */
    use(text);
    return text;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < CALLS; i++)
        serve(i);
    if (argc > 5) {
        free(report());
        free(report_deep());
    }
    (void)argv;
    return 0;
}
