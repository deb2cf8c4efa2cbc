/* SPDX-License-Identifier: MIT */
/* Three threads make and end orders at the same time, each a few at once: an order belongs to the item that its
 * own thread made with it, whatever the others do meanwhile.
 *
 * expect {"kind": "combine", "sites": ["@order", "@item"], "evidence": {"relation": "equal", "groups":
 *         "=THREADS * ORDERS", "exceptions": 0, "members": [{"site": "@order", "size_bytes":
 *         "=ORDER_BYTES", "per_group": 1}, {"site": "@item", "size_bytes": "=ITEM_BYTES", "per_group": 1}],
 *         "combined_bytes": "=ORDER_BYTES + ITEM_BYTES"}}
 * allow {"kind": "permanent", "sites": ["@thread"]}
 */
#include <pthread.h>
#include <stdlib.h>

#define THREADS     3
#define ORDERS      400
#define AT_ONCE     5
#define ORDER_BYTES 56
#define ITEM_BYTES  104

struct order {
    char *item;
};

static void end(struct order *order)
{
    free(order->item);
    free(order);
}

static struct order *begin(void)
{
    struct order *order = malloc(ORDER_BYTES); /* @order */
    order->item = malloc(ITEM_BYTES);          /* @item */
    return order;
}

static void *work(void *unused)
{
    struct order *orders[AT_ONCE] = {NULL};
    for (int i = 0; i < ORDERS; i++) {
        struct order **slot = &orders[i % AT_ONCE];
        if (*slot)
            end(*slot);
        *slot = begin();
    }
    for (int i = 0; i < AT_ONCE; i++)
        end(orders[i]);
    return unused;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) /* @thread */
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
