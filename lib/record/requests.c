/* SPDX-License-Identifier: MIT */
/* Serves requests from outside: checks who asks, pauses, resumes, commits, and tells how
 * the recording is. Called by processes.c. */
#include "requests.h"

#include "pause.h"
#include "wire_stamp.h"

#include "tenure/session.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A thread that was stopped inside an event holds all later ones up: what came before it is committed. */
#define FLUSH_NS_MAX UINT64_C(500000000)

_Static_assert(sizeof(struct tn_request_message) < sizeof(struct tn_hello), "told apart by their first word");

int tn_requests_is_one(int connection_fd)
{
    uint32_t magic = 0;
    ssize_t length = recv(connection_fd, &magic, sizeof(magic), MSG_PEEK | MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return -EAGAIN;
    return length == sizeof(magic) && magic == TN_REQUEST_MAGIC;
}

static uint32_t judge(int connection_fd, const struct tn_request_message *request, ssize_t length)
{
    struct ucred credentials = {0};
    socklen_t size = sizeof(credentials);
    if (getsockopt(connection_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0 ||
        (credentials.uid != geteuid() && credentials.uid != 0))
        return TN_WELCOME_REFUSED;
    if (length != sizeof(*request) || request->verb >= TN_REQUEST_VERB_COUNT ||
        memcmp(request->wire_stamp, TN_WIRE_STAMP, sizeof(TN_WIRE_STAMP)) != 0)
        return TN_WELCOME_MISMATCH;
    return TN_WELCOME_OK;
}

/* Apply and commit everything that was stamped before now. */
static int flush(struct tn_recording *recording)
{
    if (!recording->has_clock)
        return 0;
    uint64_t start_ns = tn_recording_monotonic_ns();
    uint64_t asked_ticks = tn_clock_ticks(recording->shared.clock.kind) + recording->order.window_ticks;
    int r = 0;
    do {
        uint64_t events;
        r = tn_recording_round(recording, false, &events);
    } while (r == 0 && recording->watermark_ticks <= asked_ticks &&
             tn_recording_monotonic_ns() - start_ns < FLUSH_NS_MAX);
    return r < 0 ? r : tn_recording_write_all(recording);
}

static int obey(struct tn_recording *recording, enum tn_request_verb verb)
{
    switch (verb) {
    case TN_REQUEST_START:
        return tn_pause_set(recording, false);
    case TN_REQUEST_STOP:
        return tn_pause_set(recording, true);
    case TN_REQUEST_FLUSH:
        return flush(recording);
    default:
        return 0;
    }
}

static void describe(struct tn_recording *recording, struct tn_recording_status *status)
{
    for (uint32_t i = 0; i < recording->process_count; i++)
        tn_process_settle(recording->processes[i]);
    const struct tn_process_shared *shared = &recording->shared;
    const struct tn_clock_map *clock = &shared->clock;
    *status = (struct tn_recording_status){
        .recorder_pid = (uint32_t)getpid(),
        .is_paused = shared->pause.is_paused,
        .processes = recording->process_count,
        .duration_ns = recording->has_clock ? tn_clock_ns(clock, tn_clock_ticks(clock->kind)) : 0,
        .since_ns = shared->pause.since_ns,
        .paused_ns = tn_pause_total_ns(recording),
        .pauses = shared->pause.count,
        .allocations = shared->totals.births,
        .frees = shared->totals.deaths,
        .allocated_bytes = shared->totals.birth_bytes,
        .events_lost = tn_recording_lost_count(recording),
        .unrecorded_allocations = shared->totals.unrecorded_births,
        .unrecorded_frees = shared->totals.unrecorded_frees,
        .log_bytes = tn_recording_log_bytes(recording),
    };
    memcpy(status->log_path, recording->log_path, sizeof(status->log_path));
}

_Static_assert(sizeof(((struct tn_recording *)0)->log_path) <= TN_REQUEST_PATH_BYTES,
               "the path of the log fits");

int tn_requests_serve(struct tn_recording *recording, int connection_fd)
{
    struct tn_request_message request = {0};
    struct tn_request_reply reply = {.magic = TN_REQUEST_MAGIC, .status_size = sizeof(reply.recording)};
    ssize_t length = recv(connection_fd, &request, sizeof(request), MSG_DONTWAIT | MSG_TRUNC);
    reply.status = judge(connection_fd, &request, length);
    int r = reply.status == TN_WELCOME_OK ? obey(recording, (enum tn_request_verb)request.verb) : 0;
    reply.errno_value = -r;
    if (reply.status == TN_WELCOME_OK)
        describe(recording, &reply.recording);
    (void)send(connection_fd, &reply, sizeof(reply), MSG_NOSIGNAL | MSG_DONTWAIT);
    close(connection_fd);
    return r;
}
