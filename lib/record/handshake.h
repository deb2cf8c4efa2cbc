/* SPDX-License-Identifier: MIT */
#ifndef TN_RECORD_HANDSHAKE_H
#define TN_RECORD_HANDSHAKE_H

/* The handshake (session.h), the recorder's side. */

#include "process.h"

#include "tenure/session.h"

/* Reason of a hello that a recorder sends to another: the descriptor that comes along is a connection on
 * which a program is about to introduce itself. Used when two recorders were started for one log. */
#define TN_HELLO_ADOPT 0x100u

/* Look at the hello that waits on a connection, and check who sent it. It stays there: a connection can be
 * handed over with it.
 *
 * ret_handshake  memory_fd is owned by the caller, -1 if none came; pidfd is not set
 * ret_status    enum tn_welcome_status: whether to take it
 * Returns       0; -EAGAIN: nothing there yet; -EPIPE: the other side has gone; other negative errno */
int tn_handshake_peek(int connection_fd, struct tn_handshake *ret_handshake, uint32_t *ret_status);

/* Take the hello from the connection, and answer. Never blocks, never signals; a program that has gone
 * meanwhile is no error. */
void tn_handshake_answer(int connection_fd, uint32_t status, int errno_value);

/* Hand a connection, its hello unread, to another recorder, and wait until that has answered it. Returns 0 or
 * a negative errno: the other recorder ended first. */
int tn_handshake_hand_over(int recorder_fd, int connection_fd);

#endif
