/* SPDX-License-Identifier: MIT */
#include "words_pools.h"

#include "words.h"

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

const char *tn_words_pools_heading(void)
{
    return "The program's own pools";
}

const char *tn_words_pools_meaning(void)
{
    return "As the program tells of them (tenure/mark.h). Their blocks are not among the allocations above.";
}

/* "; 64 B (96 at once), 32 B (4), and 3 sizes more". */
static const char *sizes_words(struct tn_words *words, const struct tn_summary_pool *pool)
{
    const char *list = "";
    for (size_t i = 0; i < pool->listed_sizes; i++) {
        const struct tn_summary_pool_size *size = &pool->sizes[i];
        list = tn_words_print(words, "%s%s%s B (%s%s)", list, i == 0 ? "; " : ", ",
                              tn_words_count(words, size->size_bytes),
                              tn_words_count(words, size->peak_live_count), i == 0 ? " at once" : "");
    }
    size_t more = pool->size_count - pool->listed_sizes;
    return more == 0 ? list
                     : tn_words_print(words, "%s, and %s size%s more", list, tn_words_count(words, more),
                                      plural(more));
}

/* What cannot be matched. */
static const char *doubts_words(struct tn_words *words, const struct tn_summary_pool *pool)
{
    const char *list = "";
    if (pool->unknown_frees != 0)
        list = tn_words_print(words, "; %s taken back that %s not known",
                              tn_words_count(words, pool->unknown_frees),
                              pool->unknown_frees == 1 ? "was" : "were");
    if (pool->unseen_frees != 0)
        list = tn_words_print(words, "%s; %s handed out while in use", list,
                              tn_words_count(words, pool->unseen_frees));
    return list;
}

const char *tn_words_pool_use(struct tn_words *words, const struct tn_summary_pool *pool, bool is_closed)
{
    return tn_words_print(words, "at once in %s block%s; %s handed out, %s in use %s%s%s",
                          tn_words_count(words, pool->peak_live_count), plural(pool->peak_live_count),
                          tn_words_count(words, pool->allocations), tn_words_count(words, pool->live_count),
                          is_closed ? "at the end" : "when the log was last written",
                          sizes_words(words, pool), doubts_words(words, pool));
}

const char *tn_words_pools_more(struct tn_words *words, size_t count)
{
    return tn_words_print(words, "%s pool%s more: `tenure sql LOG 'SELECT * FROM pool'`.",
                          tn_words_count(words, count), plural(count));
}
