/* SPDX-License-Identifier: MIT */
/* The command `unpack`: a copy of a log with plain rows, for tools that do not know tenure. Whatever ends it
 * early leaves no half of a copy. */
#include "command.h"
#include "message.h"
#include "output.h"
#include "progress.h"
#include "unfinished.h"

#include "tenure/log.h"
#include "tenure/log_write.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* The copy that is being written, for the signal handler; NULL: there is none yet that is ours. */
static const char *volatile unfinished_path;

static void remove_and_end(int signal_number)
{
    if (unfinished_path != NULL)
        unlink(unfinished_path);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* What a progress call is given. */
struct unpacking {
    struct tn_progress line;
    const char *path;
};

static void show(void *user, uint64_t done, uint64_t total)
{
    struct unpacking *unpacking = user;
    unfinished_path = unpacking->path;
    tn_progress_show(&unpacking->line, done, total);
}

/* Half a copy would be taken for a log: Ctrl-C leaves none. */
static void catch_ends(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = remove_and_end};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        sigaction(numbers[i], &action, NULL);
}

static int unpack(struct tn_log *log, const char *path)
{
    struct unpacking unpacking = {.line = {.what = "unpacking"}, .path = path};
    struct tn_error error;
    tn_say_unfinished(log);
    catch_ends();
    int r = tn_log_copy_plain(log, path, show, &unpacking, &error);
    unfinished_path = NULL;
    tn_progress_end(&unpacking.line);
    if (r == 0)
        return TN_STATUS_DONE;
    int status = tn_say_error(&error);
    return r == -EINVAL || r == -EBADMSG ? status : TN_STATUS_MACHINE;
}

static int run(const struct tn_arguments *arguments)
{
    const char *path = tn_option_text(arguments, "output");
    if (path == NULL || path[0] == '\0') {
        tn_say("'unpack' needs a name for the copy: tenure unpack %s -o NEW", arguments->operands[0]);
        return TN_STATUS_USAGE;
    }
    struct tn_log *log = NULL;
    struct tn_error error;
    if (tn_open_finished(arguments->operands[0], &log, &error) < 0)
        return tn_say_error(&error);
    int status = unpack(log, path);
    tn_log_close(log);
    return status;
}

static const struct tn_option options[] = {
    {'o', "output", "NEW", "the file to write; it must not exist", NULL},
};

const struct tn_command tn_command_unpack = {
    .name = "unpack",
    .summary = "Copy a log with plain rows, which any SQLite tool can read",
    .usage = "LOG -o NEW",
    .details =
        "A log with more than a million allocations keeps them packed: `tenure sql` and the SQLite "
        "extension\n"
        "read it, other tools find no table `allocation`. The copy has it as plain rows, 60 to 75 bytes an\n"
        "allocation. LOG stays as it is.\n\n"
        "Example: tenure unpack app.db -o plain.db\n",
    .options = {.options = options,
                .count = sizeof(options) / sizeof(options[0]),
                .operand_min = 1,
                .operand_max = 1,
                .operands = "a LOG"},
    .usage_status = TN_STATUS_USAGE,
    .run = run,
};
