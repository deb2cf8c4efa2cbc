/* SPDX-License-Identifier: MIT */
/* Counts releases by site and stack while events pass, and at the end indexes which places of the program
 * release the blocks of which sites. A place is one call: two calls on one line are two, but a call in a
 * function that is inlined here and there is one, since it stands in the source once. */
#include "release_count.h"

#include "call_argument.h"
#include "code_files.h"

#include "tenure/map.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define RESIZE_BIT (UINT64_C(1) << 31) /* in keys: no log has as many stacks */

/* Sorts of places: a call by its return address; a line by the functions inlined into it, and by those that
 * are not; and a function that ends in a jump to free, so that only the call of it is on the stack. */
#define PLACE_CALL   (UINT64_C(1) << 62)
#define PLACE_INLINE (UINT64_C(2) << 62)
#define PLACE_LINE   (UINT64_C(3) << 62)
#define PLACE_TAIL   UINT64_C(0)

/* A site that a place releases, in the list of that place. */
struct listed_site {
    uint32_t site;
    uint32_t next; /* 1 + index of the next one; 0: none */
};

struct tn_releases {
    struct tn_release_count *counts; /* owned; sorted by site once indexed */
    size_t count, capacity;
    struct tn_map index;  /* site, stack and resize -> 1 + index in counts */
    uint32_t *last;       /* owned; by site: 1 + index of what was counted last; 0: nothing */
    uint32_t *first;      /* owned; by site, once indexed: index of its first count; one more for the end */
    size_t site_count;    /* in last */
    bool is_indexed;      /* counts do not change any more */
    struct tn_map places; /* place -> 1 + index of its first site in listed */
    struct tn_map pairs;  /* index of a place's head and a site -> 1: it is listed */
    struct listed_site *listed; /* owned */
    size_t listed_count, listed_capacity;
    uint32_t *origins; /* owned; by site: one whose blocks realloc turned into blocks of it; 0: none */
    uint32_t *asked;   /* owned; by site: the question that was last about it */
    uint32_t *stamps;  /* owned; by site: the question that last met it */
    uint32_t stamp;
};

int tn_releases_open(size_t site_count, struct tn_releases **ret_releases)
{
    struct tn_releases *releases = calloc(1, sizeof(*releases));
    *ret_releases = releases;
    if (releases == NULL)
        return -ENOMEM;
    releases->site_count = site_count;
    releases->last = calloc(site_count + 1, sizeof(releases->last[0]));
    releases->first = calloc(site_count + 2, sizeof(releases->first[0]));
    releases->stamps = calloc(site_count + 1, sizeof(releases->stamps[0]));
    releases->asked = calloc(site_count + 1, sizeof(releases->asked[0]));
    releases->origins = calloc(site_count + 1, sizeof(releases->origins[0]));
    bool has_all = releases->asked != NULL && releases->origins != NULL && releases->last != NULL &&
                   releases->first != NULL && releases->stamps != NULL;
    return has_all ? 0 : -ENOMEM;
}

void tn_releases_close(struct tn_releases *releases)
{
    if (releases == NULL)
        return;
    tn_map_finish(&releases->index);
    tn_map_finish(&releases->places);
    tn_map_finish(&releases->pairs);
    free(releases->counts);
    free(releases->last);
    free(releases->first);
    free(releases->listed);
    free(releases->stamps);
    free(releases->asked);
    free(releases->origins);
    free(releases);
}

/* ---------------------------------------------------------------------------------------- counting */

static int add_count(struct tn_releases *releases, uint32_t site, uint32_t stack_id, bool is_resize)
{
    if (releases->count == releases->capacity) {
        size_t capacity = releases->capacity * 2 + 256;
        void *counts = realloc(releases->counts, capacity * sizeof(releases->counts[0]));
        if (counts == NULL)
            return -ENOMEM;
        releases->counts = counts;
        releases->capacity = capacity;
    }
    releases->counts[releases->count++] =
        (struct tn_release_count){.site = site, .stack_id = stack_id, .is_resize = is_resize};
    return 0;
}

static int find_count(struct tn_releases *releases, uint32_t site, uint32_t stack_id, bool is_resize)
{
    uint64_t key = (uint64_t)site << 32 | stack_id | (is_resize ? RESIZE_BIT : 0);
    const uint64_t *known = tn_map_find(&releases->index, key + 1);
    if (known != NULL) {
        releases->last[site] = (uint32_t)*known;
        return 0;
    }
    int r = add_count(releases, site, stack_id, is_resize);
    if (r < 0)
        return r;
    releases->last[site] = (uint32_t)releases->count;
    return tn_map_put(&releases->index, key + 1, releases->count);
}

int tn_releases_count(struct tn_releases *releases, const struct tn_pass *pass, uint32_t site,
                      uint64_t stack_id, bool is_resize)
{
    uint32_t stack = stack_id < pass->node_count ? (uint32_t)stack_id : 0, last = releases->last[site];
    bool is_last = last != 0 && releases->counts[last - 1].stack_id == stack &&
                   releases->counts[last - 1].is_resize == is_resize;
    int r = is_last ? 0 : find_count(releases, site, stack, is_resize);
    if (r < 0)
        return r;
    struct tn_release_count *count = &releases->counts[releases->last[site] - 1];
    if (pass->is_other) {
        count->elsewhere++;
    } else {
        count->count++;
        count->teardown += pass->is_teardown;
    }
    return 0;
}

void tn_releases_resized(struct tn_releases *releases, uint32_t site, uint32_t origin)
{
    if (site != origin)
        releases->origins[site] = releases->origins[origin] != 0 ? releases->origins[origin] : origin;
}

/* ---------------------------------------------------------------------------------------- index */

static int list_site(struct tn_releases *releases, uint64_t place, uint32_t site)
{
    const uint64_t *head = tn_map_find(&releases->places, place);
    uint64_t pair = head != NULL ? *head << 32 | site : 0;
    if (head != NULL && tn_map_find(&releases->pairs, pair) != NULL)
        return 0;
    if (releases->listed_count == releases->listed_capacity) {
        size_t capacity = releases->listed_capacity * 2 + 256;
        void *listed = realloc(releases->listed, capacity * sizeof(releases->listed[0]));
        if (listed == NULL)
            return -ENOMEM;
        releases->listed = listed;
        releases->listed_capacity = capacity;
    }
    uint32_t own = (uint32_t)++releases->listed_count;
    releases->listed[own - 1] = (struct listed_site){site, 0};
    if (head == NULL) {
        int r = tn_map_put(&releases->places, place, own);
        return r < 0 ? r : tn_map_put(&releases->pairs, (uint64_t)own << 32 | site, 1);
    }
    releases->listed[own - 1].next = releases->listed[*head - 1].next;
    releases->listed[*head - 1].next = own;
    return tn_map_put(&releases->pairs, pair, 1);
}

static uint64_t line_key(uint64_t sort, const struct tn_source_frame *source)
{
    return sort | (uint64_t)(source->function & 0x1fffffffu) << 32 | source->line;
}

/* The keys of a source frame on the way to a release. */
struct place_keys {
    uint64_t own;  /* that it is found by */
    uint64_t line; /* of its line, where own is not that; 0: none */
    uint64_t
        other; /* of those that are the same call, but inlined where it is not, or the other way; 0: none */
};

static struct place_keys keys_of(const struct tn_source_frames *frames, uint32_t frame_id, uint32_t position)
{
    const struct tn_source_frame *source = tn_source_frames_get(frames, frame_id, position);
    bool has_line = source->line != 0 && source->function != 0;
    if (!has_line)
        return (struct place_keys){.own = PLACE_CALL | frame_id};
    if (frames->frames[frame_id].inlined_count != 0)
        return (struct place_keys){.own = line_key(PLACE_INLINE, source),
                                   .other = line_key(PLACE_LINE, source)};
    return (struct place_keys){PLACE_CALL | frame_id, line_key(PLACE_LINE, source),
                               line_key(PLACE_INLINE, source)};
}

/* The function whose frame is gone at the innermost frame of a stack, if there is one, as a key; and whether
 * it releases what it was given. */
static int find_tail(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t frame_id,
                     uint64_t *ret_key, bool *ret_is_given)
{
    struct tn_code *code = NULL;
    struct tn_code_argument argument;
    uint64_t target = 0;
    uint32_t module_id = frames->functions[frames->frames[frame_id].source.function].module_id;
    *ret_key = 0;
    *ret_is_given = false;
    int r = tn_code_files_find(pass->code_files, pass, module_id, &code);
    if (r < 0 || code == NULL)
        return r;
    r = tn_code_tail_call(code, frames->frames[frame_id].offset_bytes, 0, &target, &argument);
    if (r < 0 || target == 0)
        return r;
    *ret_key = PLACE_TAIL | tn_mix(target << 16 ^ module_id) >> 2 | 1;
    *ret_is_given = argument.source == TN_CODE_PARAMETER && argument.number == 0;
    return 0;
}

/* A damaged log may have stacks whose frames are missing. */
bool tn_release_stack_is_known(const struct tn_pass *pass, const struct tn_source_frames *frames,
                               uint32_t stack_id)
{
    for (uint32_t node = stack_id; node != 0; node = pass->nodes[node].caller_id)
        if (pass->nodes[node].frame_id >= frames->frame_count)
            return false;
    return true;
}

static int index_stack(const struct tn_pass *pass, const struct tn_source_frames *frames, uint32_t stack_id,
                       uint32_t site)
{
    uint64_t tail;
    bool is_given;
    struct tn_source_cursor at = {stack_id, 0};
    int r = find_tail(pass, frames, pass->nodes[stack_id].frame_id, &tail, &is_given);
    if (r == 0 && tail != 0)
        r = list_site(pass->releases, tail, site);
    for (unsigned steps = 0; at.node != 0 && steps < TN_SOURCE_STEPS_MAX && r == 0; steps++) {
        struct place_keys keys = keys_of(frames, pass->nodes[at.node].frame_id, at.position);
        r = list_site(pass->releases, keys.own, site);
        if (r == 0 && keys.line != 0)
            r = list_site(pass->releases, keys.line, site);
        at = tn_source_cursor_outwards(frames, pass, at);
    }
    return r;
}

static int compare_counts(const void *a, const void *b)
{
    const struct tn_release_count *left = a, *right = b;
    if (left->site != right->site)
        return left->site < right->site ? -1 : 1;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return (left->stack_id > right->stack_id) - (left->stack_id < right->stack_id);
}

/* A site that releases nothing where others do says nothing against them: blocks of the runtime count, too,
 * because a line releases them all the same. */
static int make_index(const struct tn_pass *pass)
{
    struct tn_releases *releases = pass->releases;
    const struct tn_source_frames *frames;
    int r = releases->is_indexed ? 0 : tn_pass_frames(pass, &frames);
    if (r < 0 || releases->is_indexed)
        return r;
    if (releases->count != 0)
        qsort(releases->counts, releases->count, sizeof(releases->counts[0]), compare_counts);
    for (size_t i = 0; i < releases->count && r == 0; i++) {
        releases->first[releases->counts[i].site + 1]++;
        if (!releases->counts[i].is_resize && releases->counts[i].stack_id != 0 &&
            tn_release_stack_is_known(pass, frames, releases->counts[i].stack_id))
            r = index_stack(pass, frames, releases->counts[i].stack_id, releases->counts[i].site);
    }
    for (size_t i = 0; i < releases->site_count; i++)
        releases->first[i + 1] += releases->first[i];
    releases->is_indexed = true;
    return r;
}

int tn_releases_find(const struct tn_pass *pass, uint32_t site, const struct tn_release_count **ret_counts,
                     size_t *ret_count)
{
    int r = make_index(pass);
    const struct tn_releases *releases = pass->releases;
    *ret_count = r == 0 ? releases->first[site + 1] - releases->first[site] : 0;
    *ret_counts = r == 0 && *ret_count != 0 ? &releases->counts[releases->first[site]] : NULL;
    return r;
}

/* ---------------------------------------------------------------------------------------- questions */

/* Stamp the sites of a place that were not met before, and add them to a count. */
static size_t meet(struct tn_releases *releases, uint64_t place, size_t count)
{
    const uint64_t *head = tn_map_find(&releases->places, place);
    for (uint32_t at = head != NULL ? (uint32_t)*head : 0; at != 0; at = releases->listed[at - 1].next) {
        uint32_t site = releases->listed[at - 1].site;
        bool is_own = releases->asked[site] == releases->stamp ||
                      releases->asked[releases->origins[site]] == releases->stamp;
        if (is_own || releases->stamps[site] == releases->stamp)
            continue;
        releases->stamps[site] = releases->stamp;
        count++;
    }
    return count;
}

static void ask_about(struct tn_releases *releases, const struct tn_release_sites *sites)
{
    releases->stamp++;
    for (size_t i = 0; i < sites->count; i++)
        releases->asked[sites->items[i]] = releases->stamp;
}

size_t tn_release_others(const struct tn_pass *pass, const struct tn_source_frames *frames,
                         const struct tn_release_sites *sites, uint32_t frame_id, uint32_t position)
{
    struct place_keys keys = keys_of(frames, frame_id, position);
    ask_about(pass->releases, sites);
    size_t count = meet(pass->releases, keys.own, 0);
    return keys.other != 0 ? meet(pass->releases, keys.other, count) : count;
}

/* What functions that only release are called, as far as neither a frame nor the code of their own tells. */
static const char *const release_words[] = {"free",  "delete",  "destroy", "release", "drop", "dispose",
                                            "unref", "cleanup", "clear",   "fini",    "~"};

static bool is_named_release(const struct tn_source_frames *frames, uint32_t function)
{
    const char *name = function != 0 ? frames->functions[function].name : "";
    for (size_t i = 0; i < sizeof(release_words) / sizeof(release_words[0]); i++)
        if (strcasestr(name, release_words[i]) != NULL)
            return true;
    return false;
}

/* A walk from a release outwards. */
struct walk {
    const struct tn_source_frames *frames;
    struct tn_source_cursor at;
    uint32_t inner; /* row of the physical frame that was called; 0: the allocator */
    unsigned index; /* of the argument that holds the block's address; UINT_MAX: not known */
};

/* Whether the function at the cursor released what it was given, so that the place to change may be its
 * caller's; and step there. */
static int step_outwards(const struct tn_pass *pass, struct walk *walk, bool *ret_goes_on)
{
    uint32_t frame_id = pass->nodes[walk->at.node].frame_id;
    uint32_t function = tn_source_cursor_frame(walk->frames, pass, walk->at)->function;
    bool is_inlined = walk->at.position + 1 < tn_source_frames_count(walk->frames, frame_id);
    bool is_program = function == 0 || walk->frames->functions[function].is_program;
    struct tn_code_argument argument = {.source = TN_CODE_NOT_KNOWN};
    int r = is_inlined || walk->index == UINT_MAX
                ? 0
                : tn_call_argument_find(pass, walk->frames, frame_id, walk->inner, walk->index, &argument);
    bool is_given = argument.source == TN_CODE_PARAMETER && argument.number == 0;
    *ret_goes_on = is_given || !is_program ||
                   (argument.source == TN_CODE_NOT_KNOWN && is_named_release(walk->frames, function));
    if (!is_inlined) {
        walk->index = is_given ? argument.parameter : UINT_MAX;
        walk->inner = frame_id;
    }
    walk->at = tn_source_cursor_outwards(walk->frames, pass, walk->at);
    return r;
}

static void keep_least(struct tn_release_place *least, struct tn_source_cursor at, size_t count)
{
    if (least->at.node == 0 || count < least->other_count)
        *least = (struct tn_release_place){at, count};
}

/* A function whose frame is gone is told by the call of it. Unless it releases what it was given, that call
 * is the place. */
static int begin_with_tail(const struct tn_pass *pass, const struct tn_release_sites *sites,
                           const struct walk *walk, struct tn_release_place *ret_place, bool *ret_goes_on)
{
    uint64_t tail;
    bool is_given;
    int r = find_tail(pass, walk->frames, pass->nodes[walk->at.node].frame_id, &tail, &is_given);
    if (r < 0 || tail == 0)
        return r;
    ask_about(pass->releases, sites);
    keep_least(ret_place, walk->at, meet(pass->releases, tail, 0));
    *ret_goes_on = is_given;
    return 0;
}

int tn_release_place_find(const struct tn_pass *pass, const struct tn_release_sites *sites, uint32_t stack_id,
                          struct tn_release_range range, struct tn_release_place *ret_place)
{
    struct walk walk = {.at = {stack_id, 0}};
    bool goes_on = true;
    int r = make_index(pass);
    if (r == 0)
        r = tn_pass_frames(pass, &walk.frames);
    *ret_place = (struct tn_release_place){.at = {0, 0}};
    if (r == 0)
        r = begin_with_tail(pass, sites, &walk, ret_place, &goes_on);
    for (unsigned steps = 0; r == 0 && goes_on && walk.at.node != 0 && steps < TN_SOURCE_STEPS_MAX; steps++) {
        uint32_t function = tn_source_cursor_frame(walk.frames, pass, walk.at)->function;
        if (function == 0 || walk.frames->functions[function].is_program)
            keep_least(ret_place, walk.at,
                       tn_release_others(pass, walk.frames, sites, pass->nodes[walk.at.node].frame_id,
                                         walk.at.position));
        if (range.owner != 0 && function == range.owner)
            break;
        r = step_outwards(pass, &walk, &goes_on);
    }
    return r;
}
