/* SPDX-License-Identifier: MIT */

/* Chooses among the sections of a finding's code. Sections are separated by empty lines; one for a system
 * begins with a comment that names it. Called by compose_findings.c, and by the tools to check --code. */

#include "compose.h"

#include <string.h>

static const struct {
    const char *name, *start;
} systems[] = {
    {"c", "/* Plain C11"}, {"freertos", "/* FreeRTOS"}, {"zephyr", "/* Zephyr"}, {"threadx", "/* ThreadX"}};

#define SYSTEM_COUNT (sizeof(systems) / sizeof(systems[0]))

bool tn_report_knows_code(const char *name)
{
    for (size_t i = 0; i < SYSTEM_COUNT; i++)
        if (strcmp(systems[i].name, name) == 0)
            return true;
    return strcmp(name, "all") == 0 || strcmp(name, "none") == 0;
}

/* The system that a section is for; NULL: for all. */
static const char *system_of(const char *section)
{
    for (size_t i = 0; i < SYSTEM_COUNT; i++)
        if (strncmp(section, systems[i].start, strlen(systems[i].start)) == 0)
            return systems[i].name;
    return NULL;
}

static const char *next_section(const char *code)
{
    const char *gap = strstr(code, "\n\n");
    return gap != NULL ? gap + 2 : code + strlen(code);
}

static bool has_system(const char *code, const char *name)
{
    for (; *code != '\0'; code = next_section(code)) {
        const char *system = system_of(code);
        if (system != NULL && strcmp(system, name) == 0)
            return true;
    }
    return false;
}

const char *tn_code_sections(struct tn_words *words, const char *code, const char *wanted,
                             bool *ret_has_others)
{
    *ret_has_others = false;
    if (strcmp(wanted, "all") == 0)
        return code;
    const char *system = has_system(code, wanted) ? wanted : "c";
    const char *chosen = "";
    for (const char *next; *code != '\0'; code = next) {
        next = next_section(code);
        const char *own = system_of(code);
        const char *end = *next != '\0' ? next - 1 : next; /* without the empty line */
        if (own == NULL || strcmp(own, system) == 0)
            chosen = tn_words_print(words, "%s%.*s", chosen, (int)(end - code), code);
        else
            *ret_has_others = true;
    }
    return chosen;
}
