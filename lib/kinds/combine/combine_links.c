/* SPDX-License-Identifier: MIT */
/* The kind `combine`: what the recording saw of who holds whose address. Members that hold each other's are
 * parts of one thing for sure; of those that do not, the releases may say that they are strangers. Called
 * once a finding. */
#include "combine_links.h"

#include "tenure/releases.h"
#include "tenure/source_frames.h"

/* Looks at each member after which a link would have been seen, if there was one. */
#define LOOKS_ENOUGH 20u

/* The best link between a member and another one, whichever of them holds. */
static bool find_link(const struct tn_combine *combine, const struct tn_combine_group *group, size_t member,
                      struct tn_combine_link *ret_link)
{
    bool is_found = false;
    double best = 0;
    for (size_t i = 0; i < group->member_count; i++) {
        struct tn_link_share held, holds;
        bool is_held = i != member &&
                       tn_site_links_between(&combine->links, group->sites[i], group->sites[member], &held);
        bool is_holder =
            i != member && !is_held &&
            tn_site_links_between(&combine->links, group->sites[member], group->sites[i], &holds);
        if (!is_held && !is_holder)
            continue;
        struct tn_link_share share = is_held ? held : holds;
        double part = (double)share.looks / (double)share.looks_made;
        if (part <= best)
            continue;
        best = part;
        is_found = true;
        uint32_t holder = group->sites[is_holder ? member : i];
        *ret_link = (struct tn_combine_link){
            .is_linked = true,
            .other = i,
            .is_holder = is_holder,
            .share = share,
            .member = tn_site_links_member(&combine->links, holder, share.offset_bytes),
        };
    }
    return is_found;
}

/* The function whose call released most of a site's blocks; 0: not known. */
static int releasing_function(const struct tn_combine *combine, const struct tn_pass *pass, uint32_t site,
                              uint32_t *ret_function)
{
    const struct tn_release_count *counts;
    struct tn_release_sites sites = {&site, 1, 1};
    struct tn_release_place place;
    size_t count;
    *ret_function = 0;
    int r = tn_releases_find(pass, site, &counts, &count);
    while (r == 0 && count != 0 && (counts->is_resize || counts->stack_id == 0)) {
        counts++;
        count--;
    }
    if (r < 0 || count == 0)
        return r;
    r = tn_release_place_find(pass, &sites, counts->stack_id, (struct tn_release_range){0}, &place);
    if (r == 0 && place.at.node != 0)
        *ret_function = tn_source_cursor_frame(&combine->frames, pass, place.at)->function;
    return r;
}

static bool is_freed_elsewhere(const struct tn_pass *pass, uint32_t site)
{
    return pass->sites[site].freed_by_other_thread * 2 > pass->sites[site].freed;
}

/* Whether some members are released by the thread that made them, and others by another one. */
static bool differ_in_threads(const struct tn_pass *pass, const struct tn_combine_group *group)
{
    for (size_t i = 1; i < group->member_count; i++)
        if (is_freed_elsewhere(pass, group->sites[0]) != is_freed_elsewhere(pass, group->sites[i]))
            return true;
    return false;
}

static int differ_in_functions(const struct tn_combine *combine, const struct tn_pass *pass,
                               const struct tn_combine_group *group, bool *ret_differ)
{
    uint32_t first, other;
    *ret_differ = false;
    int r = releasing_function(combine, pass, group->sites[0], &first);
    for (size_t i = 1; r == 0 && i < group->member_count && !*ret_differ; i++) {
        r = releasing_function(combine, pass, group->sites[i], &other);
        *ret_differ = first != 0 && other != 0 && first != other;
    }
    return r;
}

static bool were_looked_at(const struct tn_combine *combine, const struct tn_combine_group *group)
{
    for (size_t i = 1; i < group->member_count; i++)
        if (tn_site_links_looks_between(&combine->links, group->sites[0], group->sites[i]) < LOOKS_ENOUGH)
            return false;
    return true;
}

static bool are_linked(const struct tn_combine *combine, uint32_t one, uint32_t other)
{
    struct tn_link_share share;
    return tn_site_links_between(&combine->links, one, other, &share) ||
           tn_site_links_between(&combine->links, other, one, &share);
}

/* Number the parts that links fall into by the lowest member of each. */
static void find_parts(const struct tn_combine *combine, const struct tn_combine_group *group,
                       size_t ret_parts[TN_COMBINE_MEMBERS])
{
    for (size_t i = 0; i < group->member_count; i++) {
        ret_parts[i] = i;
        for (size_t k = 0; k < i; k++) {
            if (ret_parts[k] == ret_parts[i] || !are_linked(combine, group->sites[i], group->sites[k]))
                continue;
            size_t low = ret_parts[k] < ret_parts[i] ? ret_parts[k] : ret_parts[i];
            size_t high = ret_parts[k] < ret_parts[i] ? ret_parts[i] : ret_parts[k];
            for (size_t at = 0; at <= i; at++)
                ret_parts[at] = ret_parts[at] == high ? low : ret_parts[at];
        }
    }
}

static size_t size_of_part(const size_t parts[TN_COMBINE_MEMBERS], size_t count, size_t part)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += parts[i] == part;
    return size;
}

/* Whether a member holds others of the group, and none holds it: it works on them, as a stack of brackets
 * does on the text that they stand in. The first member is the one that holds the rest. */
static bool is_mere_holder(const struct tn_combine *combine, const struct tn_combine_group *group,
                           size_t member)
{
    struct tn_link_share share;
    bool is_holder = false;
    for (size_t i = 0; i < group->member_count; i++) {
        if (i == member)
            continue;
        if (tn_site_links_between(&combine->links, group->sites[i], group->sites[member], &share))
            return false;
        is_holder |= tn_site_links_between(&combine->links, group->sites[member], group->sites[i], &share);
    }
    return is_holder && member != 0 &&
           tn_site_links_looks_between(&combine->links, group->sites[0], group->sites[member]) >=
               LOOKS_ENOUGH;
}

int tn_combine_find_strangers(const struct tn_combine *combine, const struct tn_pass *pass,
                              const struct tn_combine_group *group, bool ret_is_stranger[TN_COMBINE_MEMBERS])
{
    size_t parts[TN_COMBINE_MEMBERS];
    uint32_t first = 0, other = 0;
    int r = 0;
    find_parts(combine, group, parts);
    bool is_first_linked = size_of_part(parts, group->member_count, 0) > 1;
    for (size_t i = 0; i < group->member_count && r == 0; i++) {
        ret_is_stranger[i] = false;
        bool is_told = is_first_linked || tn_site_links_looks_between(&combine->links, group->sites[0],
                                                                      group->sites[i]) >= LOOKS_ENOUGH;
        bool is_apart = parts[i] != 0 && is_told && size_of_part(parts, group->member_count, parts[i]) > 1;
        if (!is_apart && (group->relation != TN_COMBINE_EMBED || !is_mere_holder(combine, group, i)))
            continue;
        r = first == 0 ? releasing_function(combine, pass, group->sites[0], &first) : 0;
        if (r == 0)
            r = releasing_function(combine, pass, group->sites[i], &other);
        ret_is_stranger[i] = r == 0 && first != 0 && other != 0 && first != other;
    }
    return r;
}

int tn_combine_find_links(const struct tn_combine *combine, const struct tn_pass *pass,
                          const struct tn_combine_group *group, struct tn_combine_linkage *ret_linkage)
{
    size_t missing = 0;
    *ret_linkage = (struct tn_combine_linkage){0};
    if (group->relation == TN_COMBINE_SIMILAR) /* they are no parts of one thing */
        return 0;
    for (size_t i = 0; i < group->member_count; i++) {
        bool is_linked = find_link(combine, group, i, &ret_linkage->members[i]);
        ret_linkage->linked_count += is_linked;
        missing += !is_linked;
    }
    ret_linkage->is_firm = missing == 0;
    if (ret_linkage->linked_count != 0)
        return 0;
    ret_linkage->is_apart = differ_in_threads(pass, group);
    if (ret_linkage->is_apart || !were_looked_at(combine, group))
        return 0;
    return differ_in_functions(combine, pass, group, &ret_linkage->is_apart);
}
