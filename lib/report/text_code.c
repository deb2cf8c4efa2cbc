/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <string.h>

/* Code of a finding comes in sections, parted by empty lines; one for a system begins with a comment that
 * names it. */
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

static void print_section(struct tn_text *text, const char *section, const char *end)
{
    while (section < end) {
        size_t length = strcspn(section, "\n");
        tn_text_print(text, "%s%.*s\n", length != 0 ? "        " : "", (int)length, section);
        section += length + (section[length] == '\n');
    }
}

void tn_text_code(struct tn_text *text, const char *code, const char *wanted)
{
    if (code == NULL || strcmp(wanted, "none") == 0)
        return;
    const char *system = has_system(code, wanted) ? wanted : "c";
    bool has_others = false;
    tn_text_print(text, "      code\n");
    for (const char *next; *code != '\0'; code = next) {
        next = next_section(code);
        const char *own = system_of(code);
        bool is_wanted = own == NULL || strcmp(wanted, "all") == 0 || strcmp(own, system) == 0;
        if (is_wanted)
            print_section(text, code, *next != '\0' && strcmp(wanted, "all") != 0 ? next - 1 : next);
        has_others = has_others || !is_wanted;
    }
    if (has_others)
        tn_text_print(
            text, "        (--code freertos, zephyr, threadx or all: for other systems; none: no code)\n");
}
