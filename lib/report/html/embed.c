/* SPDX-License-Identifier: MIT */

/* Runs while tenure is built: puts style, D3 and scripts into page.html, and writes the result as C arrays,
 * cut where the data belong (../html_parts.h). Its policy lets a browser run these two scripts and nothing
 * else: it names the SHA-256 (FIPS 180-4) of each.
 *
 * usage: embed PAGE STYLE LICENCE D3 SCRIPT... >OUTPUT.c */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct embed_text {
    char *data; /* ended by 0 */
    size_t size_bytes;
};

static void fail(const char *what, const char *on)
{
    fprintf(stderr, "embed: %s: %s\n", what, on);
    exit(1);
}

static void append(struct embed_text *text, const char *data, size_t size_bytes)
{
    char *grown = realloc(text->data, text->size_bytes + size_bytes + 1);
    if (grown == NULL)
        fail("out of memory", "appending");
    memcpy(grown + text->size_bytes, data, size_bytes);
    text->data = grown;
    text->size_bytes += size_bytes;
    grown[text->size_bytes] = '\0';
}

static void append_file(struct embed_text *text, const char *path)
{
    FILE *file = fopen(path, "rb");
    char buffer[65536];
    size_t n;
    if (file == NULL)
        fail("cannot read", path);
    while ((n = fread(buffer, 1, sizeof(buffer), file)) != 0)
        append(text, buffer, n);
    if (ferror(file))
        fail("cannot read", path);
    fclose(file);
}

/* ---------------------------------------------------------------------------------------- SHA-256 */

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t value, int by)
{
    return value >> by | value << (32 - by);
}

static void hash_block(uint32_t *state, const unsigned char *block)
{
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, state, sizeof(s));
    for (int i = 0; i < 64; i++) {
        uint32_t a = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
                     ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constants[i] + w[i];
        uint32_t b = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
                     ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof(s[0]));
        s[4] += a;
        s[0] = a + b;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

static void hash(const struct embed_text *text, unsigned char *ret_digest)
{
    uint32_t state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const unsigned char *data = (const unsigned char *)text->data;
    size_t whole = text->size_bytes / 64 * 64, rest = text->size_bytes - whole;
    unsigned char last[128] = {0};
    size_t last_bytes = rest < 56 ? 64 : 128;
    for (size_t at = 0; at < whole; at += 64)
        hash_block(state, data + at);
    memcpy(last, data + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++)
        last[last_bytes - 1 - (size_t)i] = (unsigned char)((uint64_t)text->size_bytes * 8 >> 8 * i);
    for (size_t at = 0; at < last_bytes; at += 64)
        hash_block(state, last + at);
    for (int i = 0; i < 32; i++)
        ret_digest[i] = (unsigned char)(state[i / 4] >> (24 - i % 4 * 8));
}

/* " 'sha256-BASE64'", as a policy has it. */
static void append_hash(struct embed_text *policy, const struct embed_text *script)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char digest[33] = {0};
    char base64[45];
    hash(script, digest);
    for (int i = 0; i < 11; i++) {
        uint32_t bits = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int k = 0; k < 4; k++)
            base64[4 * i + k] = digits[bits >> (18 - 6 * k) & 63];
    }
    base64[43] = '=';
    append(policy, " 'sha256-", 9);
    append(policy, base64, 44);
    append(policy, "'", 1);
}

/* ---------------------------------------------------------------------------------------- the page */

/* Within a script, these would end it, or hide its end. */
static void check_script(const struct embed_text *script, const char *name)
{
    if (strstr(script->data, "</script") != NULL || strstr(script->data, "<!--") != NULL)
        fail("would end its own element", name);
}

static void print_array(const char *name, const char *data, size_t size_bytes)
{
    printf("const unsigned char tn_html_%s[] = {", name);
    for (size_t i = 0; i < size_bytes; i++)
        printf("%s%u,", i % 32 == 0 ? "\n" : "", (unsigned char)data[i]);
    printf("};\nconst size_t tn_html_%s_bytes = %zu;\n", name, size_bytes);
}

/* What stands for a name in braces; NULL: no such name. */
static const struct embed_text *part_of(const char *const *names, const struct embed_text *parts,
                                        size_t count, const char *name, size_t length)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return &parts[i];
    return NULL;
}

static struct embed_text fill(const struct embed_text *page, const char *const *names,
                              const struct embed_text *parts, size_t count)
{
    struct embed_text filled = {0};
    const char *at = page->data, *open;
    while ((open = strstr(at, "{{")) != NULL) {
        const char *close = strstr(open, "}}");
        if (close == NULL)
            fail("a name without an end", open);
        const struct embed_text *part = part_of(names, parts, count, open + 2, (size_t)(close - open - 2));
        append(&filled, at, (size_t)(open - at));
        if (part != NULL)
            append(&filled, part->data, part->size_bytes);
        else
            append(&filled, open, (size_t)(close + 2 - open));
        at = close + 2;
    }
    append(&filled, at, strlen(at));
    return filled;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"style", "licence", "d3", "script", "policy"};
    struct embed_text page = {0}, parts[5] = {0};
    if (argc < 6)
        fail("usage", "embed PAGE STYLE LICENCE D3 SCRIPT...");
    append_file(&page, argv[1]);
    for (int i = 0; i < 3; i++)
        append_file(&parts[i], argv[2 + i]);
    for (int i = 5; i < argc; i++)
        append_file(&parts[3], argv[i]);
    check_script(&parts[2], argv[4]);
    check_script(&parts[3], argv[5]);
    append(&parts[4], "script-src", 10);
    append_hash(&parts[4], &parts[2]);
    append_hash(&parts[4], &parts[3]);
    struct embed_text filled = fill(&page, names, parts, 5);
    char *data = strstr(filled.data, "{{data}}");
    if (data == NULL)
        fail("no place for the data", argv[1]);
    printf("/* Made by html/embed.c. */\n#include \"html_parts.h\"\n\n");
    print_array("before", filled.data, (size_t)(data - filled.data));
    print_array("after", data + 8, strlen(data + 8));
    free(filled.data);
    free(page.data);
    for (int i = 0; i < 5; i++)
        free(parts[i].data);
    return fflush(stdout) == 0 ? 0 : 1;
}
