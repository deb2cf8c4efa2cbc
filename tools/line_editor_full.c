/* SPDX-License-Identifier: MIT */
/* Lines with editing, history and completion by libedit, or by readline, whose interface libedit has, too;
 * see line_editor.h. The callback interface leaves the waiting to us, so that a signal ends a line in the
 * same way with both. Called by sql_shell.c. */
#include "line_editor.h"

#include "input_wait.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#ifdef TN_HAS_LIBEDIT
#include <editline/readline.h>
#else
#include <readline/history.h>
#include <readline/readline.h>
#endif

#define HISTORY_LINES 1000

/* What belongs to the terminal, of which a process has one; the libraries keep their state in globals, too.
 */
static struct {
    char **words; /* borrowed; to complete with */
    size_t count;
    size_t next;   /* of words, for the generator */
    char *line;    /* what the callback was given; owned */
    bool is_done;  /* the callback was called */
    char *history; /* path; owned; NULL: none */
} editor;

/* ---------------------------------------------------------------------------------------- completion */

void tn_line_editor_complete(char **words, size_t count)
{
    editor.words = words;
    editor.count = count;
}

/* The next word that begins with text; state 0: begin anew. */
static char *next_word(const char *text, int state)
{
    if (state == 0)
        editor.next = 0;
    while (editor.next < editor.count) {
        const char *word = editor.words[editor.next++];
        if (strncasecmp(word, text, strlen(text)) == 0)
            return strdup(word);
    }
    return NULL;
}

/* Names of files are never meant. */
static char **complete(const char *text, int start, int end)
{
    (void)start, (void)end;
    rl_attempted_completion_over = 1;
    return rl_completion_matches(text, next_word);
}

/* ---------------------------------------------------------------------------------------- history */

/* $XDG_STATE_HOME/tenure/sql_history, by default in ~/.local/state; the folders are made. Returns NULL where
 * there is no home. */
static char *make_history_path(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool has_state = state != NULL && state[0] == '/';
    if (!has_state && (home == NULL || home[0] != '/'))
        return NULL;
    char *path = NULL;
    int length = has_state ? asprintf(&path, "%s/tenure/sql_history", state)
                           : asprintf(&path, "%s/.local/state/tenure/sql_history", home);
    if (length < 0)
        return NULL;
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    return path;
}

void tn_line_editor_begin(void)
{
    rl_readline_name = "tenure";
    rl_catch_signals = 0;
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t\n.,()=<>+-*/|;'\"";
    using_history();
    stifle_history(HISTORY_LINES);
    editor.history = make_history_path();
    if (editor.history != NULL)
        read_history(editor.history);
}

void tn_line_editor_remember(const char *text)
{
    add_history(text);
}

void tn_line_editor_end(void)
{
    mode_t mask = umask(077);
    if (editor.history != NULL)
        write_history(editor.history);
    umask(mask);
    free(editor.history);
    editor.history = NULL;
}

/* ---------------------------------------------------------------------------------------- lines */

static void take_line(char *line)
{
    editor.line = line;
    editor.is_done = true;
    rl_callback_handler_remove();
}

/* Until the callback has the line: 0, or a negative errno. */
static int read_characters(const sigset_t *before, bool (*was_interrupted)(void))
{
    while (!editor.is_done) {
        int r = tn_input_wait(before, was_interrupted);
        if (r < 0)
            return r;
        rl_callback_read_char();
    }
    return 0;
}

int tn_line_editor_read(const char *prompt, bool (*was_interrupted)(void), char **ret_line)
{
    sigset_t before;
    editor.line = NULL;
    editor.is_done = false;
    tn_input_hold(&before);
    rl_callback_handler_install(prompt, take_line);
    int r = read_characters(&before, was_interrupted);
    tn_input_release(&before);
    if (r < 0) {
        rl_callback_handler_remove();
        putchar('\n');
        return r;
    }
    if (editor.line == NULL)
        return 0;
    *ret_line = editor.line;
    return 1;
}
