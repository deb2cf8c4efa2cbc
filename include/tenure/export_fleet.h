/* SPDX-License-Identifier: MIT */
#ifndef TENURE_EXPORT_FLEET_H
#define TENURE_EXPORT_FLEET_H

/* Recordings of many devices as tables of PostgreSQL: text for `psql`, which makes the tables where they are
 * missing, and replaces a recording that was loaded before. docs/queries.md has questions to them. One thread
 * at a time. */

#include "tenure/base.h"
#include "tenure/finding.h"

#include <stddef.h>

struct tn_log;

/* Where the text goes. */
struct tn_export_fleet {
    /* Takes what was made: size_bytes bytes. Returns 0, or a negative errno, which ends the export. */
    int (*write)(void *user, const void *data, size_t size_bytes);
    void *user; /* handed to write */
};

/* Write the beginning: a transaction, and the tables.
 *
 * Returns  0, or what write returned */
int tn_export_fleet_begin(const struct tn_export_fleet *fleet);

/* Write a recording: its row, summaries of its sites over all processes, and findings.
 *
 * log       open and finished; stays the caller's
 * device    where it was recorded; one device may have several recordings
 * findings  of a process of the log
 * Returns   0; -EBADMSG: a damaged log; -ENOMEM; -EIO; what write returned; error says what failed */
int tn_export_fleet_add(const struct tn_export_fleet *fleet, struct tn_log *log, const char *device,
                        const struct tn_findings *findings, struct tn_error *error);

/* Write the end, without which nothing is kept.
 *
 * Returns  0, or what write returned */
int tn_export_fleet_end(const struct tn_export_fleet *fleet);

#endif
