/* SPDX-License-Identifier: MIT */
/* The tables of formats and metrics, and what all exports have in common; see export.h. A new format is a
 * file here and a line in the table. */
#include "export_format.h"

#include "tenure/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define DRAIN_BYTES ((size_t)1 << 18)

static const struct tn_export_format *const formats[] = {
    &tn_export_folded,    &tn_export_speedscope, &tn_export_dhat,  &tn_export_massif,
    &tn_export_heaptrack, &tn_export_perfetto,   &tn_export_pprof, &tn_export_csv,
};

static const char *const metric_names[TN_EXPORT_METRIC_COUNT] = {
    [TN_EXPORT_ALLOCATIONS] = "allocations",
    [TN_EXPORT_BYTES] = "bytes",
    [TN_EXPORT_PEAK] = "peak",
    [TN_EXPORT_LIVE_AT_END] = "live-at-end",
    [TN_EXPORT_SHORT_LIVED] = "short-lived",
};

const char *tn_export_metric_name(enum tn_export_metric metric)
{
    return metric_names[metric];
}

int tn_export_metric_find(const char *name, enum tn_export_metric *ret_metric, struct tn_error *error)
{
    for (int i = 0; i < TN_EXPORT_METRIC_COUNT; i++) {
        if (strcmp(metric_names[i], name) != 0)
            continue;
        *ret_metric = (enum tn_export_metric)i;
        return 0;
    }
    return tn_error_set(error, -EINVAL,
                        "'%s' is no metric: there are allocations, bytes, peak, live-at-end and short-lived",
                        name);
}

const struct tn_export_format *tn_export_format_at(size_t index)
{
    return index < sizeof(formats) / sizeof(formats[0]) ? formats[index] : NULL;
}

const char *tn_export_format_name(const struct tn_export_format *format)
{
    return format->name;
}

int tn_export_format_find(const char *name, const struct tn_export_format **ret_format,
                          struct tn_error *error)
{
    struct tn_buffer names = {0};
    int r = 0;
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(formats[i]->name, name) == 0) {
            *ret_format = formats[i];
            tn_buffer_finish(&names);
            return 0;
        }
        if (r == 0)
            r = tn_buffer_print(&names, "%s%s", i > 0 ? ", " : "", formats[i]->name);
    }
    r = tn_error_set(error, -EINVAL, "'%s' is no format: there are %s", name,
                     r == 0 ? (const char *)names.data : "others");
    tn_buffer_finish(&names);
    return r;
}

uint64_t tn_export_value(const struct tn_profile_figures *figures, enum tn_export_metric metric)
{
    switch (metric) {
    case TN_EXPORT_BYTES:
        return figures->total_bytes;
    case TN_EXPORT_PEAK:
        return figures->peak_bytes;
    case TN_EXPORT_LIVE_AT_END:
        return figures->live_bytes;
    case TN_EXPORT_SHORT_LIVED:
        return figures->short_lived;
    default:
        return figures->allocations;
    }
}

bool tn_export_is_bytes(enum tn_export_metric metric)
{
    return metric == TN_EXPORT_BYTES || metric == TN_EXPORT_PEAK || metric == TN_EXPORT_LIVE_AT_END;
}

int tn_export_print_place(struct tn_buffer *out, const struct tn_place *place)
{
    int r = tn_buffer_print(out, "0x%" PRIx64 ": %s", place->offset_bytes, place->function);
    if (r < 0)
        return r;
    if (place->line != 0)
        return tn_buffer_print(out, " (%s:%" PRIu32 ")", place->file, place->line);
    return tn_buffer_print(out, " (in %s)", place->module[0] != '\0' ? place->module : "???");
}

static int flush(struct tn_export_job *job)
{
    int r = job->out.size_bytes > 0
                ? job->options->write(job->options->user, job->out.data, job->out.size_bytes)
                : 0;
    job->out.size_bytes = 0;
    return r;
}

int tn_export_drain(struct tn_export_job *job)
{
    return job->out.size_bytes >= DRAIN_BYTES ? flush(job) : 0;
}

int tn_export(struct tn_log *log, const struct tn_export_options *options, struct tn_error *error)
{
    struct tn_profile profile = {0};
    uint64_t process_id = options->process_id != 0 ? options->process_id : tn_log_main_process(log);
    int r = tn_profile_load(log, process_id, &profile);
    if (r == -ENOENT)
        return tn_error_set(error, r,
                            "there is no process %" PRIu64 " in the log, %s; 'tenure info' lists them",
                            process_id, tn_log_path(log));
    if (r == 0) {
        struct tn_export_job job = {.log = log, .profile = &profile, .options = options};
        r = options->format->write(&job);
        if (r == 0)
            r = flush(&job);
        tn_buffer_finish(&job.out);
    }
    tn_profile_finish(&profile);
    if (r == 0)
        return 0;
    return tn_error_set(error, r, "cannot export the log, %s: %s", tn_log_path(log),
                        r == -EBADMSG ? "it is damaged" : strerror(-r));
}
