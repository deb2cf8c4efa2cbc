/* SPDX-License-Identifier: MIT */

/* What can be done about a library that the reader does not build: the setting by which it takes memory
 * otherwise, where its documentation has one. */

#include "words.h"

#include <inttypes.h>
#include <string.h>

/* File name up to ".so" -> what to look for, from each library's own documentation. */
static const struct {
    const char *stem;
    const char *setting;
} settings[] = {
    {"libc", "setvbuf for the buffers of stdio, M_ARENA_MAX and other options of mallopt"},
    {"libcrypto", "CRYPTO_set_mem_functions"},
    {"libcurl", "curl_global_init_mem, CURLOPT_BUFFERSIZE"},
    {"libevent", "event_set_mem_functions"},
    {"libexpat", "XML_ParserCreate_MM"},
    {"libgcrypt", "gcry_set_allocation_handler"},
    {"libgnutls", "gnutls_global_set_mem_functions"},
    {"libjansson", "json_set_alloc_funcs"},
    {"liblua", "the allocator given to lua_newstate"},
    {"libmbedcrypto", "MBEDTLS_MEMORY_BUFFER_ALLOC_C, mbedtls_platform_set_calloc_free"},
    {"libmbedtls", "MBEDTLS_MEMORY_BUFFER_ALLOC_C, mbedtls_platform_set_calloc_free"},
    {"libpcre2-8", "the memory functions of pcre2_general_context_create"},
    {"libpython", "PYTHONMALLOC, PyMem_SetAllocator"},
    {"libsqlite3",
     "SQLITE_CONFIG_HEAP, SQLITE_CONFIG_PAGECACHE and SQLITE_CONFIG_LOOKASIDE of sqlite3_config"},
    {"libssl", "SSL_MODE_RELEASE_BUFFERS, CRYPTO_set_mem_functions"},
    {"libstdc++", "glibcxx.eh_pool.obj_count in GLIBCXX_TUNABLES (GCC 13), the allocators of containers"},
    {"libuv", "uv_replace_allocator"},
    {"libxml2", "xmlMemSetup"},
    {"libz", "zalloc and zfree of z_stream"},
    {"libzstd", "ZSTD_customMem, the static contexts of zstd.h"},
};

/* "libcrypto" of "libcrypto.so.3"; "libpython" of "libpython3.11.so.1.0". */
static bool has_stem(const char *library, const char *stem)
{
    size_t length = strlen(stem);
    if (strncmp(library, stem, length) != 0)
        return false;
    const char *rest = library + length;
    rest += strspn(rest, "-0123456789.");
    return strncmp(library + length, ".so", 3) == 0 || strncmp(rest, "so", 2) == 0;
}

const char *tn_words_library_setting(const char *library)
{
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        if (has_stem(library, settings[i].stem))
            return settings[i].setting;
    return NULL;
}

#define ZONE_SETTING                                                                                         \
    "the variable TZ, set to :/etc/localtime for instance: without it the name of the zone's file is "       \
    "copied at each call"

/* What the C library allocates at each call of a function, and what keeps it from doing so. Without TZ, the
 * functions that turn a time into the local one copy the name of the zone's file anew each time (glibc,
 * time/tzset.c). */
static const struct {
    const char *via;
    const char *setting;
    const char *name; /* what the program calls; NULL: via */
} call_settings[] = {
    {"ctime", ZONE_SETTING, NULL},
    {"localtime", ZONE_SETTING, NULL},
    {"mktime", ZONE_SETTING, NULL},
    {"strftime", ZONE_SETTING, NULL},
    {"tz_convert", ZONE_SETTING, "localtime"}, /* which ends in a jump to it */
    {"tzset", ZONE_SETTING, NULL},
    {"stdio buffer", "setvbuf with a buffer of the program's own", NULL},
};

const char *tn_words_call_setting(const char *via)
{
    for (size_t i = 0; i < sizeof(call_settings) / sizeof(call_settings[0]); i++)
        if (strcmp(via, call_settings[i].via) == 0)
            return call_settings[i].setting;
    return NULL;
}

static const char *called_name(const char *via)
{
    for (size_t i = 0; i < sizeof(call_settings) / sizeof(call_settings[0]); i++)
        if (strcmp(via, call_settings[i].via) == 0 && call_settings[i].name != NULL)
            return call_settings[i].name;
    return via;
}

const char *tn_words_library_calls(struct tn_words *words, const char *via, const char *lines, uint64_t part,
                                   uint64_t allocations)
{
    return tn_words_print(
        words, "The C library: %s allocation%s of its own (%s) for %s, called at %s; look for %s.",
        tn_words_count(words, part), part == 1 ? "" : "s", tn_words_share(words, part, allocations),
        called_name(via), lines, tn_words_call_setting(via));
}

const char *tn_words_runtime_block(struct tn_words *words, const char *library)
{
    const char *setting = tn_words_library_setting(library);
    const char *text =
        tn_words_print(words, "most of this peak is one block that %s keeps for itself", library);
    return setting != NULL ? tn_words_print(words, "%s; look for %s", text, setting) : text;
}

const char *tn_words_library(struct tn_words *words, const char *library, uint64_t finding_count,
                             const char *numbers, uint64_t allocations)
{
    const char *setting = tn_words_library_setting(library);
    const char *text = tn_words_print(
        words, "%s: %" PRIu64 " finding%s (%s) about %s allocation%s in code that came with the system",
        library, finding_count, finding_count == 1 ? "" : "s", numbers, tn_words_count(words, allocations),
        allocations == 1 ? "" : "s");
    if (setting == NULL)
        return tn_words_print(words, "%s; look in its documentation for a way to give it memory.", text);
    return tn_words_print(words, "%s; look for %s.", text, setting);
}
