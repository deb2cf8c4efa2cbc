/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SESSION_H
#define TENURE_SESSION_H

/* How a process finds its recorder, and the two messages of the handshake.
 *
 * The session directory is the first of these that can be used: $XDG_RUNTIME_DIR/tenure, /tmp/tenure-UID,
 * /run/user/UID/tenure, $HOME/.tenure-session. Its mode is 0700; owner and mode are checked, and, but for
 * /tmp, that the folder around it is the user's, too. What a recorder cannot use, because it is somebody
 * else's, does not exist or has too long a name, it passes over; a process looks through all of them. It
 * holds
 *   recorder.PID.socket      the listening socket of each live recorder (SOCK_SEQPACKET)
 *   process.PID.STARTTIME    for each process that is being recorded, a symbolic link to that socket; the
 *                            start time in clock ticks (field 22 of /proc/PID/stat)
 *   log.DEVICE.INODE         for each log that is being written, a symbolic link to that socket
 * All numbers are decimal.
 *
 * A process looks for a recorder, in this order, at
 *   1. TENURE_SESSION: the path of a socket (set by `tenure record`);
 *   2. process.PID.STARTTIME of itself (it has just executed a new image), then of its parent, of that one's parent
 *      and so on: what lies between may be a program that the shim is not in;
 *   3. with TENURE_LOG: log.DEVICE.INODE of that file, when it exists;
 * and if there is none it starts a recorder, with one end of a socket pair as descriptor 3:
 *   TENURE_RECORDER --attach 3        (options from the environment: TENURE_LOG, TENURE_ROWS)
 * `tenure record` starts  TENURE_RECORDER --listen --log FILE --rows N --status-fd N ...  instead.
 *
 * Then the process sends one tn_hello, with the descriptor of its shared memory (SCM_RIGHTS), waits for one
 * tn_welcome, at most TN_WELCOME_TIMEOUT_MS, and closes the socket: the program keeps no descriptor of the
 * session. The recorder accepts a hello only from its own user or root (SO_PEERCRED). It answers once the
 * process is registered (its symbolic link exists), so that whatever the process forks or executes next finds
 * the session. A process does not wait for a recorder that is stopped (T in its /proc/PID/stat, the peer's
 * PID from SO_PEERCRED), nor longer than TN_WELCOME_TIMEOUT_MS for one that does not answer: it closes the
 * socket and runs on unrecorded. The recorder finds that hello, of a peer that has hung up, when it goes on:
 * it then admits nothing, and counts a process that is not recorded. A fork child that sees in its parent's
 * header that the recorder is gone or stands still does not even try, and counts itself there (ring.h,
 * children_lost).
 *
 * Recording that has become impossible is said once. A recorder that was killed leaves its socket and its
 * links: who finds them first removes the socket and says it; a link that leads nowhere means that it was
 * said. The links of processes that live stay, so that their children start no recording of their own. A
 * program whose parent has the shim but no rings says nothing, either: the parent has.
 *
 * Where no recorder can be started at all, the process that has said so leaves a link told.N, N being its PID
 * modulo TN_SESSION_TOLD_COUNT, that leads to PID.START: what it executes later and what descends from it
 * tries to be recorded, but says nothing.
 *
 * A process that cannot be recorded for want of descriptors or memory still says so to the recorder, if there
 * is one (TN_HELLO_LOST), and is counted by its PID and start time, whatever images it executes. A fork child
 * that reaches no recorder counts itself in its parent's header.
 *
 * Over the same socket come requests (request.h): a struct tn_request_message, answered by a struct
 * tn_request_reply. Only the recorder's own user and root are heard, as with a hello.
 *
 * The recorder sees the end of a process by its pidfd, and an exec by the hello of the new image
 * with the same PID, or because the mapping has disappeared from /proc/PID/maps. */

#include "tenure/request.h"

#include <stdbool.h>
#include <stdint.h>

#define TN_SESSION_MAGIC      UINT32_C(0x54454e55)
#define TN_REQUEST_MAGIC      UINT32_C(0x54454e53)
#define TN_WELCOME_TIMEOUT_MS 5000
#define TN_WIRE_STAMP_BYTES   32
#define TN_WELCOME_TEXT_BYTES 256
#define TN_MEMFD_NAME         "tenure" /* /proc/PID/maps shows /memfd:tenure (deleted) */

enum tn_hello_reason {
    TN_HELLO_START = 1, /* a new image: the first process, or after exec or posix_spawn */
    TN_HELLO_FORK = 2,  /* a fork child, before it returns to the program */
    TN_HELLO_LOST = 3,  /* it runs on unrecorded, for want of descriptors, say: no memory comes with this, and
                           nobody  waits for an answer */
};

enum tn_welcome_status {
    TN_WELCOME_OK = 0,
    TN_WELCOME_MISMATCH = 1, /* shim and recorder were not built together */
    TN_WELCOME_REFUSED = 2,  /* another user, or shared memory that fails its check */
    TN_WELCOME_CLOSED = 3,   /* the log is closed or cannot be written; errno_value says why */
    TN_WELCOME_IGNORED = 4,  /* children are not recorded; the shim does nothing and says nothing */
    TN_WELCOME_UNABLE = 5,   /* the recorder cannot work here; text says why */
};

/* Which looks for links are made. */
enum tn_links_wanted {
    TN_LINKS_NO = 0,
    TN_LINKS_DEATH = 1, /* into dying blocks */
    TN_LINKS_YES = 2,   /* these, and for the addresses of blocks */
};

/* From the process to the recorder. */
struct tn_hello {
    uint32_t magic;                       /* TN_SESSION_MAGIC */
    uint32_t reason;                      /* enum tn_hello_reason */
    char wire_stamp[TN_WIRE_STAMP_BYTES]; /* TN_WIRE_STAMP of the shim: hash of the wire headers */
    uint32_t pid;                         /* as the process sees itself */
    uint32_t parent_pid;   /* getppid(); with FORK the process that called fork, even if it has ended */
    uint64_t shared_bytes; /* size of the shared memory whose descriptor comes with this */
    uint64_t start_ticks;  /* of this image or fork child, on the clock of the header */
    uint32_t stack_depth;  /* the options in force: TENURE_DEPTH */
    uint32_t ring_bytes;   /* TENURE_RING_SIZE */
    uint32_t free_stacks;  /* 0 or 1: TENURE_FREE_STACKS */
    uint32_t children;     /* 0 or 1: TENURE_CHILDREN */
    uint32_t links;        /* enum tn_links_wanted: TENURE_LINKS */
    uint32_t loss;         /* with LOST: why, enum tn_child_loss */
    /* With LOST, 0 or 1: it counts itself in its parent's header if it gets no answer. */
    uint32_t is_fork_child;
};

/* The recorder's answer. */
struct tn_welcome {
    uint32_t magic;                   /* TN_SESSION_MAGIC */
    uint32_t status;                  /* enum tn_welcome_status */
    uint32_t recorder_pid;            /* as the recorder sees itself */
    int32_t errno_value;              /* with TN_WELCOME_CLOSED: why, else 0 */
    char socket_path[108];            /* of the recorder: fork children connect to it */
    char text[TN_WELCOME_TEXT_BYTES]; /* with TN_WELCOME_UNABLE: why, one line; else "" */
};

/* From `tenure ctl` to the recorder. */
struct tn_request_message {
    uint32_t magic;                       /* TN_REQUEST_MAGIC */
    uint32_t verb;                        /* enum tn_request_verb (request.h) */
    char wire_stamp[TN_WIRE_STAMP_BYTES]; /* as in tn_hello */
};

/* The recorder's answer. */
struct tn_request_reply {
    uint32_t magic;       /* TN_REQUEST_MAGIC */
    uint32_t status;      /* enum tn_welcome_status: OK, MISMATCH or REFUSED; then the rest means nothing */
    int32_t errno_value;  /* why the request could not be met; 0: it was */
    uint32_t status_size; /* sizeof(struct tn_recording_status): what follows */
    struct tn_recording_status recording;
};

/* What the places of the session directory depend on. Borrowed strings. */
struct tn_session_user {
    const char *runtime_dir; /* XDG_RUNTIME_DIR; NULL: not set */
    const char *home;        /* HOME; NULL: not set */
    uint32_t user_id;        /* the effective one */
};

#define TN_SESSION_PLACE_COUNT 4
#define TN_SESSION_TOLD_COUNT  256 /* links told.N in such a place */
#define TN_SESSION_PLACE_BYTES 80  /* with NUL: a socket's path, which may have 107, has to fit */

/* The path of a place where the session directory may lie, by its number, 0 to TN_SESSION_PLACE_COUNT - 1;
 * lower ones are tried first.
 *
 * ret_path  room for TN_SESSION_PLACE_BYTES
 * Returns   whether there is one: its variable is set, absolute and not too long; if not, ret_path is
 * undefined
 * Threads   any; no libc */
bool tn_session_place(uint32_t number, const struct tn_session_user *user, char *ret_path);

#endif
