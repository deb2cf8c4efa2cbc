/* SPDX-License-Identifier: MIT */
/* Each of its parts meets the failure of an allocation in another way; the first argument says which part
 * runs. What it prints in order is one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef SIZE_BYTES
#define SIZE_BYTES 100
#endif

__attribute__((noinline)) static int unchecked(void)
{
    char *text = malloc(SIZE_BYTES); /* @unchecked */
    text[0] = 'x';                   /* @used */
    free(text);
    return 0;
}

__attribute__((noinline)) static int leaks(void)
{
    char *first = malloc(SIZE_BYTES); /* @first */
    if (first == NULL)
        return 1;
    char *second = malloc(SIZE_BYTES * 2); /* @second */
    if (second == NULL)
        return 1;
    memset(first, 1, SIZE_BYTES);
    memset(second, 1, SIZE_BYTES);
    free(second);
    free(first);
    return 0;
}

__attribute__((noinline)) static int frees_twice(void)
{
    char *volatile first = malloc(SIZE_BYTES * 20); /* @kept */
    if (first == NULL)
        return 1;
    char *volatile second = malloc(SIZE_BYTES * 30); /* @freed_twice */
    if (second == NULL) {
        free(first);
        free(first);
        return 1;
    }
    memset(second, 1, SIZE_BYTES);
    free(second);
    free(first);
    return 0;
}

__attribute__((noinline)) static int aborts(void)
{
    char *text = malloc(SIZE_BYTES); /* @aborts */
    if (text == NULL) {
        fprintf(stderr, "out of memory\n");
        abort(); /* @aborted */
    }
    memset(text, 1, SIZE_BYTES);
    free(text);
    return 0;
}

__attribute__((noinline)) static int retries(void)
{
    char *text = NULL;
    while (text == NULL)
        text = malloc(SIZE_BYTES); /* @retries */
    memset(text, 1, SIZE_BYTES);
    free(text);
    return 0;
}

/* Does without. */
__attribute__((noinline)) static int handles(void)
{
    char little[SIZE_BYTES], *text = malloc(SIZE_BYTES); /* @handles */
    char *used = text != NULL ? text : little;
    memset(used, 1, SIZE_BYTES);
    free(text);
    return 0;
}

__attribute__((noinline)) static int reports(void)
{
    char *text = malloc(SIZE_BYTES); /* @reports */
    if (text == NULL) {
        fprintf(stderr, "cannot: out of memory\n");
        exit(3);
    }
    memset(text, 1, SIZE_BYTES);
    free(text);
    return 0;
}

__attribute__((noinline)) static int swallows(void)
{
    char *text = malloc(SIZE_BYTES); /* @swallows */
    if (text == NULL)
        return 0;
    strcpy(text, "the result");
    puts(text);
    free(text);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } parts[] = {
        {"unchecked", unchecked}, {"leaks", leaks},     {"frees_twice", frees_twice}, {"aborts", aborts},
        {"retries", retries},     {"handles", handles}, {"reports", reports},         {"swallows", swallows},
    };
    /* Its own buffer is none of the sites that fail. */
    static char buffer[BUFSIZ];
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    for (size_t i = 0; argc == 2 && i < sizeof(parts) / sizeof(parts[0]); i++)
        if (strcmp(parts[i].name, argv[1]) == 0) {
            int status = parts[i].run();
            puts("done");
            return status;
        }
    return 2;
}
