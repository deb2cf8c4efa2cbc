/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_HANDSHAKE_H
#define TN_RECORD_HANDSHAKE_H

/* The recorder's side of the handshake that session.h describes: hello, welcome. One thread. */

#include "process.h"

#include "tenure/session.h"

/* Reason of a hello from one recorder to another, when two were started for one log: the descriptor that
 * comes along is a connection on which a program's own hello waits. */
#define TN_HELLO_ADOPT 0x100u

/* Read the hello that waits on a connection, without taking it out, and check who sent it.
 *
 * ret_handshake  memory_fd is owned by the caller, -1 if none came; pidfd is not set
 * ret_status     enum tn_welcome_status: whether to admit the process
 * Returns        0; -EAGAIN: no hello yet; -EPIPE: the other side has gone; other negative errno */
int tn_handshake_peek(int connection_fd, struct tn_handshake *ret_handshake, uint32_t *ret_status);

/* Whether the sender of a hello has hung up: it did not wait for us, and runs on unrecorded. */
bool tn_handshake_is_abandoned(int connection_fd);

/* Take the hello out of the connection and send the welcome. Never blocks, never raises SIGPIPE; a program
 * that has gone meanwhile is not an error.
 *
 * welcome  all but magic and recorder_pid, which are added */
void tn_handshake_answer(int connection_fd, struct tn_welcome welcome);

/* Hand a connection, its hello unread, to another recorder, and wait for that one's answer.
 *
 * Returns  0; -ETIMEDOUT: no answer in TN_WELCOME_TIMEOUT_MS; -EPIPE: the other recorder ended first; other
 *          negative errno: it could not be sent */
int tn_handshake_hand_over(int recorder_fd, int connection_fd);

#endif
