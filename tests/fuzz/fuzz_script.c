/* SPDX-License-Identifier: MIT */
/* Scripts for `tenure simulate`: parsed, and if they are sound, read to the end. */
#include "fuzz.h"

#include "tenure/replay.h"

#define EVENTS_MAX 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct tn_replay_script *script = NULL;
    struct tn_replay_trace *trace = NULL;
    struct tn_error error = {0};
    if (tn_replay_script_parse("script", (const char *)data, size_bytes, &script, &error) < 0) {
        fuzz_check(error.text[0] != '\0', "a script is refused without a word");
        return 0;
    }
    struct tn_replay_source source = tn_replay_script_source(script);
    if (tn_replay_trace_read(&source, EVENTS_MAX, &trace, &error) == 0)
        tn_replay_trace_close(trace);
    tn_replay_script_close(script);
    return 0;
}
