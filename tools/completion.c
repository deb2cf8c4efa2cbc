/* SPDX-License-Identifier: MIT */
/* Completion for bash and fish, and what a value may be, for all shells; see completion.h. Both scripts offer
 * the words of the tables and leave paths to the shell. */
#include "completion.h"
#include "tenure/heap.h"
#include "tenure/kinds.h"

#include <ctype.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------- values */

static int add_word(struct tn_buffer *words, const char *word, size_t length)
{
    return tn_buffer_print(words, "%s%.*s", words->size_bytes > 0 ? " " : "", (int)length, word);
}

/* The alternatives of "all|none|N" that are meant literally: those in small letters. */
static int add_alternatives(struct tn_buffer *words, const char *value)
{
    int r = 0;
    while (r == 0 && *value != '\0') {
        size_t length = strcspn(value, "|");
        if (islower((unsigned char)value[0]) || isdigit((unsigned char)value[0]))
            r = add_word(words, value, length);
        value += length + (value[length] == '|');
    }
    return r;
}

static int add_kinds(struct tn_buffer *words)
{
    int r = add_word(words, "all", 3);
    for (size_t i = 0; tn_kinds[i] != NULL && r == 0; i++)
        r = add_word(words, tn_kinds[i]->name, strlen(tn_kinds[i]->name));
    return r;
}

static int add_policies(struct tn_buffer *words)
{
    int r = 0;
    const struct tn_policy *policy;
    for (size_t i = 0; r == 0 && (policy = tn_policy_at(i)) != NULL; i++)
        r = add_word(words, tn_policy_name(policy), strlen(tn_policy_name(policy)));
    return r;
}

int tn_completion_value(const struct tn_option *option, struct tn_buffer *words)
{
    static const char *const paths[] = {"FILE", "LOG", "NEW", "DIR"};
    const char *value = option->value;
    if (value == NULL)
        return TN_COMPLETES_NONE;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (strcmp(value, paths[i]) == 0)
            return TN_COMPLETES_FILE;
    int r = 0;
    enum tn_completes kind = TN_COMPLETES_FREE;
    if (strcmp(value, "KIND,...") == 0) {
        kind = TN_COMPLETES_LIST;
        r = add_kinds(words);
    } else if (strcmp(value, "P,...") == 0) {
        kind = TN_COMPLETES_LIST;
        r = add_policies(words);
    } else if (strchr(value, '|') != NULL) {
        kind = TN_COMPLETES_WORDS;
        r = add_alternatives(words, value);
    }
    return r < 0 ? r : (int)kind;
}

bool tn_completion_runs_program(const struct tn_command *command)
{
    return command->options.ends_at_operand;
}

/* ---------------------------------------------------------------------------------------- bash */

/* The branch of `case` that offers what may follow an option. */
static int print_bash_value(struct tn_buffer *out, const struct tn_option *option)
{
    struct tn_buffer words = {0};
    int kind = tn_completion_value(option, &words);
    int r = kind < 0 ? kind : 0;
    if (r == 0 && kind != TN_COMPLETES_NONE)
        r = tn_buffer_print(out, "        --%s", option->name);
    if (r == 0 && kind != TN_COMPLETES_NONE && option->letter != '\0')
        r = tn_buffer_print(out, " | -%c", option->letter);
    if (r == 0 && (kind == TN_COMPLETES_WORDS || kind == TN_COMPLETES_LIST))
        r = tn_buffer_print(out, ") _tenure_offer_%s '%s' ;;\n", kind == TN_COMPLETES_LIST ? "list" : "words",
                            (const char *)words.data);
    else if (r == 0 && kind != TN_COMPLETES_NONE)
        r = tn_buffer_print(out, ") ;;\n");
    tn_buffer_finish(&words);
    return r;
}

/* The branch of a command: its options, and their values. */
static int print_bash_command(struct tn_buffer *out, const struct tn_command *command)
{
    const struct tn_option_table *table = &command->options;
    int r = tn_buffer_print(out, "    %s)\n        with_value='", command->name);
    for (size_t i = 0; i < table->count && r == 0; i++) {
        const struct tn_option *option = &table->options[i];
        if (option->value != NULL)
            r = tn_buffer_print(out, " --%s ", option->name);
        if (r == 0 && option->value != NULL && option->letter != '\0')
            r = tn_buffer_print(out, " -%c ", option->letter);
    }
    if (r == 0)
        r = tn_buffer_print(out, "'\n%s        case $before in\n",
                            tn_completion_runs_program(command) ? "        _tenure_leave_program && return\n"
                                                                : "");
    for (size_t i = 0; i < table->count && r == 0; i++)
        r = print_bash_value(out, &table->options[i]);
    if (r == 0)
        r = tn_buffer_print(out, "        *)");
    if (r == 0 && table->words != NULL)
        r = tn_buffer_print(out, " ((COMP_CWORD > 2)) && _tenure_offer_words '%s';", table->words);
    if (r == 0)
        r = tn_buffer_print(out, " [[ $word == -* ]] && _tenure_offer_words '");
    for (size_t i = 0; i < table->count && r == 0; i++)
        r = tn_buffer_print(out, "--%s ", table->options[i].name);
    return r == 0 ? tn_buffer_print(out, "--help'\n            ;;\n        esac\n        ;;\n") : r;
}

static const char bash_top[] =
    "# bash completion for tenure; made from the tables of the tool\n"
    "_tenure_offer_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\"); }\n"
    "\n"
    "# The last word of a list with commas.\n"
    "_tenure_offer_list()\n"
    "{\n"
    "    local done=''\n"
    "    [[ $word == *,* ]] && done=${word%,*},\n"
    "    mapfile -t COMPREPLY < <(compgen -P \"$done\" -W \"$1\" -- \"${word##*,}\")\n"
    "}\n"
    "\n"
    "# Leave the program's own words to the program's completion. Status 1: they have not begun.\n"
    "_tenure_leave_program()\n"
    "{\n"
    "    local i\n"
    "    for ((i = 2; i < COMP_CWORD; i++)); do\n"
    "        case ${COMP_WORDS[i]} in\n"
    "        --) ((i++)); break ;;\n"
    "        -*)\n"
    "            if [[ ${COMP_WORDS[i + 1]-} == = ]]; then\n"
    "                ((i += 2))\n"
    "            elif [[ $with_value == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
    "                ((i++))\n"
    "            fi\n"
    "            ;;\n"
    "        *) break ;;\n"
    "        esac\n"
    "    done\n"
    "    if ((i < COMP_CWORD)); then\n"
    "        declare -F _command_offset >/dev/null && _command_offset \"$i\"\n"
    "        return 0\n"
    "    fi\n"
    "    ((i == COMP_CWORD)) && [[ $word != -* ]] || return 1\n"
    "    mapfile -t COMPREPLY < <(compgen -c -- \"$word\")\n"
    "}\n"
    "\n"
    "_tenure()\n"
    "{\n"
    "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} with_value=''\n"
    "    COMPREPLY=()\n"
    "    # bash splits --option=value at the sign.\n"
    "    if [[ $word == = ]]; then word=''; fi\n"
    "    if [[ $before == = ]]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
    "    if ((COMP_CWORD == 1)); then\n"
    "        _tenure_offer_words '";

int tn_completion_print_bash(struct tn_buffer *out)
{
    int r = tn_buffer_print(out, "%s", bash_top);
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        r = tn_buffer_print(out, "%s ", tn_commands[i]->name);
    if (r == 0)
        r = tn_buffer_print(out,
                            "help --help --version'\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        r = print_bash_command(out, tn_commands[i]);
    return r == 0 ? tn_buffer_print(out, "    esac\n}\ncomplete -o default -F _tenure tenure\n") : r;
}

/* ---------------------------------------------------------------------------------------- fish */

/* Append the first line of a text between single quotes. */
static int print_fish_text(struct tn_buffer *out, const char *text)
{
    int r = tn_buffer_print(out, "'");
    for (; *text != '\0' && *text != '\n' && r == 0; text++)
        r = tn_buffer_print(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    return r == 0 ? tn_buffer_print(out, "'") : r;
}

static int print_fish_option(struct tn_buffer *out, const char *command, const struct tn_option *option)
{
    struct tn_buffer words = {0};
    int kind = tn_completion_value(option, &words);
    int r = kind < 0 ? kind : 0;
    if (r == 0)
        r = tn_buffer_print(out, "complete -c tenure -n '__fish_seen_subcommand_from %s' -l %s", command,
                            option->name);
    if (r == 0 && option->letter != '\0')
        r = tn_buffer_print(out, " -s %c", option->letter);
    if (r == 0 && kind == TN_COMPLETES_WORDS)
        r = tn_buffer_print(out, " -x -a '%s'", (const char *)words.data);
    else if (r == 0 && kind == TN_COMPLETES_LIST)
        r = tn_buffer_print(out, " -x -a '(__fish_append , %s)'", (const char *)words.data);
    else if (r == 0 && kind != TN_COMPLETES_NONE)
        r = tn_buffer_print(out, kind == TN_COMPLETES_FILE ? " -r -F" : " -x");
    if (r == 0)
        r = tn_buffer_print(out, " -d ");
    if (r == 0)
        r = print_fish_text(out, option->help);
    tn_buffer_finish(&words);
    return r == 0 ? tn_buffer_print(out, "\n") : r;
}

static int print_fish_command(struct tn_buffer *out, const struct tn_command *command)
{
    const char *name = command->name;
    int r = tn_buffer_print(out, "\ncomplete -c tenure -n __fish_use_subcommand -f -a %s -d ", name);
    if (r == 0)
        r = print_fish_text(out, command->summary);
    if (r == 0)
        r = tn_buffer_print(out, "\n");
    if (r == 0 && tn_completion_runs_program(command))
        r = tn_buffer_print(out,
                            "complete -c tenure -n '__fish_seen_subcommand_from %s' -x "
                            "-a '(__fish_complete_subcommand --fcs-skip=2)'\n",
                            name);
    if (r == 0 && command->options.words != NULL)
        r = tn_buffer_print(out, "complete -c tenure -n '__fish_seen_subcommand_from %s' -a '%s'\n", name,
                            command->options.words);
    for (size_t i = 0; i < command->options.count && r == 0; i++)
        r = print_fish_option(out, name, &command->options.options[i]);
    return r;
}

int tn_completion_print_fish(struct tn_buffer *out)
{
    int r = tn_buffer_print(out,
                            "# fish completion for tenure; made from the tables of the tool\n"
                            "complete -c tenure -n __fish_use_subcommand -f -l version -d 'print the "
                            "version'\n"
                            "complete -c tenure -s h -l help -d 'show the help'\n");
    for (size_t i = 0; tn_commands[i] != NULL && r == 0; i++)
        r = print_fish_command(out, tn_commands[i]);
    return r;
}
