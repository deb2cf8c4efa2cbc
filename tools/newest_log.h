/* SPDX-License-Identifier: MIT */
#ifndef TENURE_TOOL_NEWEST_LOG_H
#define TENURE_TOOL_NEWEST_LOG_H

/* The log that a command reads when none was named. */

/* The newest file of the working directory that is named as `record` names logs.
 *
 * command  that needs it, for the message
 * Returns  its path, which the caller frees; NULL: there is none, or no memory, and a message says what to do
 */
char *tn_newest_log(const char *command);

#endif
