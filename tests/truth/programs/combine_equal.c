/* SPDX-License-Identifier: MIT */
/* A request and its two parts are asked for together and released together, several requests at a time, one
 * after the other; a fourth block of each request goes its own way.
 *
 * expect {"kind": "combine", "sites": ["@request", "@payload", "@header"], "evidence": {"relation":
 *         "equal", "groups": "=GROUPS", "exceptions": 0, "members": [{"site": "@request", "size_bytes":
 *         "=REQUEST_BYTES", "per_group": 1}, {"site": "@payload", "size_bytes": "=PAYLOAD_BYTES",
 *         "per_group": 1}, {"site": "@header", "size_bytes": "=HEADER_BYTES", "per_group": 1}],
 *         "combined_bytes": "=REQUEST_BYTES + PAYLOAD_BYTES + HEADER_BYTES"}}
 * never {"kind": "combine", "sites": ["@record"]}
 * expect {"kind": "pool", "sites": ["@record"], "evidence": {"block_bytes": "=RECORD_BYTES", "block_count":
 *         "=RECORDS", "waste_bytes": 0}}
 */
#include <stdlib.h>

#define GROUPS        160
#define AT_ONCE       16
#define REQUEST_BYTES 48
#define PAYLOAD_BYTES 256
#define HEADER_BYTES  32
#define RECORD_BYTES  24
#define RECORDS       64

struct request {
    char *payload;
    char *header;
};

static struct request *requests[AT_ONCE];
static char *records[RECORDS];

static void finish(struct request *request)
{
    free(request->payload);
    free(request->header);
    free(request);
}

static void accept_one(int i)
{
    struct request *request = malloc(REQUEST_BYTES); /* @request */
    request->payload = malloc(PAYLOAD_BYTES);        /* @payload */
    request->header = malloc(HEADER_BYTES);          /* @header */
    free(records[i % RECORDS]);
    records[i % RECORDS] = malloc(RECORD_BYTES); /* @record */
    requests[i % AT_ONCE] = request;
}

static void drain(void)
{
    for (int i = 0; i < AT_ONCE; i++)
        finish(requests[i]);
}

int main(void)
{
    atexit(drain);
    for (int i = 0; i < GROUPS; i++) {
        if (requests[i % AT_ONCE])
            finish(requests[i % AT_ONCE]);
        accept_one(i);
    }
    return 0;
}
