/* SPDX-License-Identifier: MIT */

/* Writes the result of a check as SARIF 2.1.0, which code hosts show beside the lines: a rule for each limit,
 * a result for each place that a violated limit counts, and a suppressed result for each exception. Called by
 * `tenure check --format sarif`. */

#include "metrics.h"

#include "tenure/json.h"

#include <string.h>

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define ROOT   "SRCROOT" /* the base id that files below the source root are relative to */

/* ---------------------------------------------------------------------------------------- URIs */

/* Append a path as one is written in a URI (RFC 3986): what is not allowed there is escaped. */
static int put_uri_path(struct tn_buffer *uri, const char *path)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$'()*+,=@";
    int r = 0;
    for (; *path != '\0' && r == 0; path++)
        r = strchr(allowed, *path) != NULL ? tn_buffer_print(uri, "%c", *path)
                                           : tn_buffer_print(uri, "%%%02X", (unsigned char)*path);
    return r;
}

/* Whether a file lies below the root: its name from there on; NULL: it does not. */
static const char *below(const char *file, const char *root)
{
    size_t length = strlen(root);
    bool is_below = length != 0 && strncmp(file, root, length) == 0 && file[length] == '/';
    return is_below ? file + length + 1 : NULL;
}

static void write_uri(struct tn_json *json, const char *prefix, const char *path, const char *suffix)
{
    struct tn_buffer uri = {0};
    int r = tn_buffer_print(&uri, "%s", prefix);
    if (r == 0)
        r = put_uri_path(&uri, path);
    if (r == 0)
        r = tn_buffer_print(&uri, "%s", suffix);
    if (r == 0)
        tn_json_text(json, "uri", (const char *)uri.data);
    else
        json->error = r;
    tn_buffer_finish(&uri);
}

/* Relative names that the debug information has are taken to begin at the root. */
static void write_file(struct tn_json *json, const char *file, const char *source_root)
{
    const char *relative = file[0] != '/' ? file : below(file, source_root);
    tn_json_open_object(json, "artifactLocation");
    if (relative != NULL) {
        write_uri(json, "", relative, "");
        tn_json_text(json, "uriBaseId", ROOT);
    } else {
        write_uri(json, "file://", file, "");
    }
    tn_json_close_object(json);
}

/* ---------------------------------------------------------------------------------------- results */

/* Where a part is. */
struct part_place {
    const char *function, *file, *module;
    uint32_t line; /* 0: not known */
};

static struct part_place place_of(const struct tn_check_part *part)
{
    if (part->finding != NULL && part->finding->site_count != 0) {
        const struct tn_finding_site *site = &part->finding->sites[0];
        return (struct part_place){site->function, site->file, site->module, site->line};
    }
    if (part->site != NULL)
        return (struct part_place){part->site->function, part->site->file, part->site->module,
                                   part->site->line};
    return (struct part_place){"", "", "", 0};
}

static void write_locations(struct tn_json *json, const struct part_place *place, const char *source_root)
{
    if (place->line == 0 && place->function[0] == '\0')
        return;
    tn_json_open_array(json, "locations");
    tn_json_open_object(json, NULL);
    if (place->line != 0) {
        tn_json_open_object(json, "physicalLocation");
        write_file(json, place->file, source_root);
        tn_json_open_object(json, "region");
        tn_json_uint(json, "startLine", place->line);
        tn_json_close_object(json);
        tn_json_close_object(json);
    }
    if (place->function[0] != '\0') {
        tn_json_open_array(json, "logicalLocations");
        tn_json_open_object(json, NULL);
        tn_json_text(json, "fullyQualifiedName", place->function);
        tn_json_text(json, "kind", "function");
        tn_json_close_object(json);
        tn_json_close_array(json);
    }
    tn_json_close_object(json);
    tn_json_close_array(json);
}

/* Limit, sentence and part, as one text. */
static void write_message(struct tn_json *json, const struct tn_check_verdict *verdict,
                          const struct tn_check_part *part)
{
    struct tn_buffer words = {0};
    int r = tn_check_print_verdict(verdict, &words);
    if (r == 0 && part != NULL)
        r = tn_buffer_print(&words, "; ");
    if (r == 0 && part != NULL)
        r = tn_check_print_part(part, verdict->limit->metric, &words);
    tn_json_open_object(json, "message");
    if (r == 0)
        tn_json_text(json, "text", (const char *)words.data);
    else
        json->error = r;
    tn_json_close_object(json);
    tn_buffer_finish(&words);
}

static void write_suppression(struct tn_json *json, const struct tn_check_exception *exception)
{
    tn_json_open_array(json, "suppressions");
    tn_json_open_object(json, NULL);
    tn_json_text(json, "kind", "external");
    tn_json_text(json, "justification", exception->reason);
    tn_json_close_object(json);
    tn_json_close_array(json);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Which of the parts at the same function this one is, from 1. */
static size_t ordinal(const struct tn_check_verdict *verdict, const struct tn_check_part *part)
{
    struct part_place place = place_of(part);
    size_t number = 1;
    for (const struct tn_check_part *other = verdict->parts; other < part; other++) {
        struct part_place at = place_of(other);
        number += strcmp(at.function, place.function) == 0 && strcmp(at.file, place.file) == 0;
    }
    return number;
}

/* Equal in the next build, although lines moved: limit, kind, file, function, and which one in there. */
static void write_fingerprint(struct tn_json *json, const struct tn_check_verdict *verdict,
                              const struct tn_check_part *part)
{
    struct part_place place = place_of(part);
    struct tn_buffer words = {0};
    int r = tn_buffer_print(&words, "%s/%s/%s/%s/%zu", verdict->limit->name,
                            part->finding != NULL ? part->finding->kind : "", base_name(place.file),
                            place.function, ordinal(verdict, part));
    tn_json_open_object(json, "partialFingerprints");
    if (r == 0)
        tn_json_text(json, "limitAndPlace/v1", (const char *)words.data);
    else
        json->error = r;
    tn_json_close_object(json);
    tn_buffer_finish(&words);
}

/* part: NULL where a limit is violated by nothing that has a place. */
static void write_result(struct tn_json *json, const struct tn_check_verdict *verdict, size_t rule,
                         const struct tn_check_part *part, const char *source_root)
{
    tn_json_open_object(json, NULL);
    tn_json_text(json, "ruleId", verdict->limit->name);
    tn_json_uint(json, "ruleIndex", rule);
    tn_json_text(json, "level", "error");
    write_message(json, verdict, part);
    if (part != NULL) {
        struct part_place place = place_of(part);
        write_locations(json, &place, source_root);
        write_fingerprint(json, verdict, part);
        if (part->exception != NULL)
            write_suppression(json, part->exception);
    }
    tn_json_close_object(json);
}

static void write_results(struct tn_json *json, const struct tn_check_result *result, const char *source_root)
{
    tn_json_open_array(json, "results");
    for (size_t i = 0; i < result->verdict_count; i++) {
        const struct tn_check_verdict *verdict = &result->verdicts[i];
        if (verdict->is_violated && (verdict->part_count == 0 || verdict->parts[0].exception != NULL))
            write_result(json, verdict, i, NULL, source_root);
        for (size_t k = 0; k < verdict->part_count; k++) {
            const struct tn_check_part *part = &verdict->parts[k];
            if (verdict->is_violated || part->exception != NULL)
                write_result(json, verdict, i, part, source_root);
        }
    }
    tn_json_close_array(json);
}

/* ---------------------------------------------------------------------------------------- the run */

static void write_rules(struct tn_json *json, const struct tn_check_result *result)
{
    tn_json_open_array(json, "rules");
    for (size_t i = 0; i < result->verdict_count; i++) {
        const struct tn_check_limit *limit = result->verdicts[i].limit;
        tn_json_open_object(json, NULL);
        tn_json_text(json, "id", limit->name);
        tn_json_open_object(json, "shortDescription");
        tn_json_text(json, "text", tn_metric_entries[limit->metric].summary);
        tn_json_close_object(json);
        tn_json_close_object(json);
    }
    tn_json_close_array(json);
}

static void write_tool(struct tn_json *json, const struct tn_check_result *result)
{
    tn_json_open_object(json, "tool");
    tn_json_open_object(json, "driver");
    tn_json_text(json, "name", "tenure");
    write_rules(json, result);
    tn_json_close_object(json);
    tn_json_close_object(json);
}

static void write_root(struct tn_json *json, const char *source_root)
{
    if (source_root[0] == '\0')
        return;
    tn_json_open_object(json, "originalUriBaseIds");
    tn_json_open_object(json, ROOT);
    write_uri(json, "file://", source_root, "/");
    tn_json_close_object(json);
    tn_json_close_object(json);
}

int tn_check_write_sarif(const struct tn_check_result *result, const char *source_root, struct tn_buffer *out)
{
    struct tn_json json = {.out = out};
    tn_json_open_object(&json, NULL);
    tn_json_text(&json, "$schema", SCHEMA);
    tn_json_text(&json, "version", "2.1.0");
    tn_json_open_array(&json, "runs");
    tn_json_open_object(&json, NULL);
    write_tool(&json, result);
    write_root(&json, source_root);
    tn_json_text(&json, "columnKind", "utf16CodeUnits");
    write_results(&json, result, source_root);
    tn_json_close_object(&json);
    tn_json_close_array(&json);
    tn_json_close_object(&json);
    return json.error == 0 ? tn_buffer_append(out, "\n", 1) : json.error;
}
