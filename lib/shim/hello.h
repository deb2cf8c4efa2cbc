/* SPDX-License-Identifier: MIT */
#ifndef TENURE_SHIM_HELLO_H
#define TENURE_SHIM_HELLO_H

/* The program's side of the handshake (session.h). All functions: between tn_own_begin and tn_own_end. */

#include "offer.h"

#include "tenure/session.h"

#include <stdbool.h>

/* Connect to a recorder's socket. Returns the descriptor, or negative errno; -EAGAIN: it stands still, and so
 * many have connected that no more can. */
int tn_hello_connect(const char *path);

/* Send the hello and wait for the welcome, as long as the recorder may still answer.
 *
 * fd           connected to it
 * ret_welcome  written on success only
 * Returns      0; -ETIMEDOUT: it stands still, and will find the hello when it goes on; other negative errno
 * Cost         until it answers; 10 ms when it is stopped; at most TN_WELCOME_TIMEOUT_MS */
int tn_hello_exchange(int fd, const struct tn_offer *offer, enum tn_hello_reason reason,
                      struct tn_welcome *ret_welcome);

/* Tell the recorder that this process runs on unrecorded, and wait until it has looked who this is.
 *
 * fd       connected to it
 * reason   START or FORK
 * loss     why
 * Returns  whether it has taken notice
 * Cost     as tn_hello_exchange */
bool tn_hello_tell_loss(int fd, enum tn_hello_reason reason, enum tn_child_loss loss);

#endif
