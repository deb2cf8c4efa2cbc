/* SPDX-License-Identifier: MIT */
/* The option parser of all commands; see options.h. Called by main.c, and by each command for its values. */
#include "options.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_BYTES_MAX 31
#define HELP_COLUMN    26

/* Levenshtein distance of two words; SIZE_MAX if one is longer than WORD_BYTES_MAX. */
static size_t distance(const char *a, const char *b)
{
    size_t a_length = strlen(a), b_length = strlen(b);
    if (a_length > WORD_BYTES_MAX || b_length > WORD_BYTES_MAX)
        return SIZE_MAX;
    size_t row[WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_length];
}

const char *tn_nearest_word(const char *word, const char *const *words, size_t count, size_t stride_bytes)
{
    const char *nearest = NULL;
    size_t nearest_distance = 3;
    for (size_t i = 0; i < count; i++) {
        const char *candidate = *(const char *const *)((const char *)words + i * stride_bytes);
        size_t d = distance(word, candidate);
        if (d < nearest_distance && d < strlen(candidate)) {
            nearest_distance = d;
            nearest = candidate;
        }
    }
    return nearest;
}

static int complain(struct tn_error *error, const char *command, const char *what, const char *name,
                    const char *why)
{
    return tn_error_set(error, -EINVAL, "%s '%s' of '%s': %s; see 'tenure %s --help'", what, name, command,
                        why, command);
}

static int complain_unknown(struct tn_error *error, const char *command, const struct tn_option_table *table,
                            const char *argument)
{
    char why[64] = "there is no such option";
    const char *nearest = NULL;
    char word[WORD_BYTES_MAX + 1];
    if (strncmp(argument, "--", 2) == 0) {
        snprintf(word, sizeof(word), "%.*s", (int)strcspn(argument + 2, "="), argument + 2);
        if (table->count > 0)
            nearest = tn_nearest_word(word, &table->options[0].name, table->count, sizeof(struct tn_option));
    }
    if (nearest != NULL)
        snprintf(why, sizeof(why), "did you mean '--%s'", nearest);
    return complain(error, command, "unknown option", argument, why);
}

/* The option that an argument names, or NULL; *ret_value gets the value that is attached to it, or NULL. */
static const struct tn_option *find_option(const struct tn_option_table *table, const char *argument,
                                           const char **ret_value)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct tn_option *option = &table->options[i];
        if (argument[1] != '-') {
            if (option->letter != argument[1] || (option->value == NULL && argument[2] != '\0'))
                continue;
            *ret_value = argument[2] != '\0' ? argument + 2 : NULL;
            return option;
        }
        size_t length = strlen(option->name);
        if (strncmp(argument + 2, option->name, length) != 0)
            continue;
        if (argument[2 + length] != '\0' && argument[2 + length] != '=')
            continue;
        *ret_value = argument[2 + length] == '=' ? argument + 3 + length : NULL;
        return option;
    }
    return NULL;
}

static bool is_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* Take the option at argv[*position]; *position becomes the index of its last word. */
static int take_option(struct tn_arguments *arguments, int argc, char **argv, int *position,
                       struct tn_error *error)
{
    const char *argument = argv[*position], *value = NULL;
    const struct tn_option *option = find_option(arguments->table, argument, &value);
    if (option == NULL)
        return complain_unknown(error, arguments->command, arguments->table, argument);
    if (option->value == NULL && value != NULL)
        return complain(error, arguments->command, "option", argument, "it takes no value");
    if (option->value == NULL)
        value = "";
    if (value == NULL && ++*position < argc)
        value = argv[*position];
    if (value == NULL) {
        char why[64];
        snprintf(why, sizeof(why), "its value %s is missing", option->value);
        return complain(error, arguments->command, "option", argument, why);
    }
    arguments->values[option - arguments->table->options] = value;
    if (arguments->given_count == TN_GIVEN_MAX)
        return complain(error, arguments->command, "option", argument, "too many options");
    arguments->given[arguments->given_count].option = option;
    arguments->given[arguments->given_count++].value = value;
    return 0;
}

/* Take options that were not given from their environment variables. An empty variable counts as not set,
 * and 0 turns a flag off. */
static void take_environment(struct tn_arguments *arguments)
{
    const struct tn_option_table *table = arguments->table;
    for (size_t i = 0; i < table->count; i++) {
        if (arguments->values[i] != NULL || table->options[i].environment == NULL)
            continue;
        const char *value = getenv(table->options[i].environment);
        if (value == NULL || value[0] == '\0')
            continue;
        if (table->options[i].value == NULL && strcmp(value, "0") == 0)
            continue;
        arguments->values[i] = value;
    }
}

static int check_operands(const struct tn_arguments *arguments, struct tn_error *error)
{
    const struct tn_option_table *table = arguments->table;
    if (arguments->operand_count < table->operand_min)
        return tn_error_set(error, -EINVAL, "'%s' needs %s: %s given; see 'tenure %s --help'",
                            arguments->command, table->operands,
                            arguments->operand_count == 0 ? "none was" : "too few were", arguments->command);
    if (arguments->operand_count > table->operand_max)
        return complain(error, arguments->command, "operand", arguments->operands[table->operand_max],
                        "one more than it takes");
    return 0;
}

int tn_options_parse(const char *command, const struct tn_option_table *table, int argc, char **argv,
                     struct tn_arguments *ret_arguments, struct tn_error *error)
{
    assert(table->count <= TN_OPTIONS_MAX);
    struct tn_arguments arguments = {.command = command, .table = table, .operands = argv};
    int i = 0;
    for (; i < argc; i++) {
        char *argument = argv[i];
        if (strcmp(argument, "--") == 0) {
            i++;
            break;
        }
        if (argument[0] != '-' || argument[1] == '\0') {
            if (table->ends_at_operand)
                break;
            argv[arguments.operand_count++] = argument;
            continue;
        }
        if (is_help(argument)) {
            arguments.wants_help = true;
            *ret_arguments = arguments;
            return 0;
        }
        int r = take_option(&arguments, argc, argv, &i, error);
        if (r < 0)
            return r;
    }
    for (; i < argc; i++)
        argv[arguments.operand_count++] = argv[i];
    argv[arguments.operand_count] = NULL;
    take_environment(&arguments);
    int r = check_operands(&arguments, error);
    if (r < 0)
        return r;
    *ret_arguments = arguments;
    return 0;
}

const char *tn_option_text(const struct tn_arguments *arguments, const char *name)
{
    for (size_t i = 0; i < arguments->table->count; i++)
        if (strcmp(arguments->table->options[i].name, name) == 0)
            return arguments->values[i];
    assert(!"the option is in the table");
    return NULL;
}

const char *tn_option_next(const struct tn_arguments *arguments, const char *name, size_t *position)
{
    while (*position < arguments->given_count) {
        size_t i = (*position)++;
        if (strcmp(arguments->given[i].option->name, name) == 0)
            return arguments->given[i].value;
    }
    return NULL;
}

bool tn_option_is_given(const struct tn_arguments *arguments, const char *name)
{
    return tn_option_text(arguments, name) != NULL;
}

static int complain_value(const struct tn_arguments *arguments, const char *name, const char *wanted,
                          struct tn_error *error)
{
    return tn_error_set(error, -EINVAL, "option '--%s' of '%s': '%s' is not %s; see 'tenure %s --help'", name,
                        arguments->command, tn_option_text(arguments, name), wanted, arguments->command);
}

static int parse_count(const char *text, uint64_t *ret_count)
{
    if (!isdigit((unsigned char)text[0]))
        return -EINVAL;
    char *end;
    errno = 0;
    unsigned long long count = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -EINVAL;
    *ret_count = count;
    return 0;
}

static int take_number(const struct tn_arguments *arguments, const char *name,
                       int (*parse)(const char *, uint64_t *), const uint64_t bounds[2], uint64_t fallback,
                       uint64_t *ret_value, struct tn_error *error)
{
    const char *text = tn_option_text(arguments, name);
    uint64_t value = fallback;
    if (text != NULL && (parse(text, &value) < 0 || value < bounds[0] || value > bounds[1])) {
        char wanted[96];
        snprintf(wanted, sizeof(wanted), "%s from %" PRIu64 " to %" PRIu64,
                 parse == tn_parse_bytes ? "a size (bytes, or with K, M, G)" : "a whole number", bounds[0],
                 bounds[1]);
        return complain_value(arguments, name, wanted, error);
    }
    *ret_value = value;
    return 0;
}

int tn_option_count(const struct tn_arguments *arguments, const char *name, uint64_t minimum,
                    uint64_t maximum, uint64_t fallback, uint64_t *ret_value, struct tn_error *error)
{
    return take_number(arguments, name, parse_count, (const uint64_t[]){minimum, maximum}, fallback,
                       ret_value, error);
}

int tn_option_bytes(const struct tn_arguments *arguments, const char *name, uint64_t minimum,
                    uint64_t maximum, uint64_t fallback, uint64_t *ret_bytes, struct tn_error *error)
{
    return take_number(arguments, name, tn_parse_bytes, (const uint64_t[]){minimum, maximum}, fallback,
                       ret_bytes, error);
}

int tn_option_yes_no(const struct tn_arguments *arguments, const char *name, bool fallback, bool *ret_value,
                     struct tn_error *error)
{
    const char *text = tn_option_text(arguments, name);
    bool is_yes = text == NULL ? fallback : strcmp(text, "yes") == 0 || strcmp(text, "1") == 0;
    if (text != NULL && !is_yes && strcmp(text, "no") != 0 && strcmp(text, "0") != 0)
        return complain_value(arguments, name, "yes or no", error);
    *ret_value = is_yes;
    return 0;
}

int tn_option_duration(const struct tn_arguments *arguments, const char *name, uint64_t fallback_ns,
                       uint64_t *ret_ns, struct tn_error *error)
{
    const char *text = tn_option_text(arguments, name);
    uint64_t ns = fallback_ns;
    if (text != NULL && tn_parse_duration(text, &ns) < 0)
        return tn_error_set(error, -EINVAL,
                            "option '--%s' of '%s': '%s' is no duration up to 100 years; write a number and "
                            "s, m, h, d, w or y, as in 1y",
                            name, arguments->command, text);
    *ret_ns = ns;
    return 0;
}

/* The left part of an option's line, as "  -o, --output LOG": whole, however many values it lists. */
static int print_synopsis(const struct tn_option *option, struct tn_buffer *out)
{
    char letter[8] = "    ";
    if (option->letter != '\0')
        snprintf(letter, sizeof(letter), "-%c, ", option->letter);
    return tn_buffer_print(out, "  %s--%s%s%s", letter, option->name, option->value != NULL ? " " : "",
                           option->value != NULL ? option->value : "");
}

int tn_options_print(const struct tn_option_table *table, struct tn_buffer *out)
{
    int r = 0;
    for (size_t i = 0; i < table->count && r == 0; i++) {
        size_t before = out->size_bytes;
        r = print_synopsis(&table->options[i], out);
        size_t width = out->size_bytes - before;
        if (r == 0 && width >= HELP_COLUMN)
            r = tn_buffer_print(out, "\n%*s", HELP_COLUMN, "");
        else if (r == 0)
            r = tn_buffer_print(out, "%*s", (int)(HELP_COLUMN - width), "");
        const char *help = table->options[i].help;
        while (r == 0 && *help != '\0') {
            int length = (int)strcspn(help, "\n");
            r = tn_buffer_print(out, "%.*s\n", length, help);
            help += length + (help[length] == '\n');
            if (r == 0 && *help != '\0')
                r = tn_buffer_print(out, "%*s", HELP_COLUMN, "");
        }
    }
    return r == 0 ? tn_buffer_print(out, "  -h, --help%*sshow this text\n", HELP_COLUMN - 12, "") : r;
}
