#include <stdlib.h>

#include <terminalai/error.h>

#include "base/ledger.h"
#include "base/mem.h"
#include "base/thread.h"

struct slot {
    void *item;
    size_t bytes;
};

struct ta_queue {
    size_t max_items, max_bytes; // max_bytes 0: no limit
    void (*drop)(void *item);
    pthread_mutex_t lock;   // guards all below
    pthread_cond_t filled;  // an item came, or the state changed
    pthread_cond_t emptied; // an item went, or the state changed
    struct slot *slots;     // ring of `capacity`; grows up to max_items
    size_t capacity, head, count, bytes;
    bool finished, canceled;
    int err;                            // of finish()
    struct ta_ledger_row *full, *empty; // what pushing and popping waited; NULL: nobody asks
};

void ta_queue_note(struct ta_queue *q, struct ta_ledger *ledger, const char *name)
{
    char *row = ta_xprintf("%s full", name);
    q->full = ta_ledger_row(ledger, "wait", row);
    free(row);
    row = ta_xprintf("%s empty", name);
    q->empty = ta_ledger_row(ledger, "wait", row);
    free(row);
}

// Under the lock, from here to where waiting has ended.
static double wait_began(const struct ta_ledger_row *row)
{
    return row ? ta_clock_seconds() : 0;
}

static void wait_ended(struct ta_ledger_row *row, double began)
{
    if (row)
        ta_ledger_add(row, ta_clock_seconds() - began, 0, 1, 0);
}

int ta_queue_create(struct ta_queue **out, size_t max_items, size_t max_bytes, void (*drop)(void *item))
{
    struct ta_queue *q = ta_xcalloc(1, sizeof(*q));
    q->max_items = TA_MAX(max_items, (size_t)1);
    q->max_bytes = max_bytes;
    q->drop = drop;
    q->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    q->filled = q->emptied = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    *out = q;
    return 0;
}

static void drop_item(const struct ta_queue *q, void *item)
{
    if (q->drop && item)
        q->drop(item);
}

static bool is_full(const struct ta_queue *q, size_t bytes)
{
    if (!q->count)
        return false; // an item larger than the limit passes alone
    if (q->count >= q->max_items)
        return true;
    return q->max_bytes && (q->bytes >= q->max_bytes || bytes > q->max_bytes - q->bytes);
}

// Makes room for one more slot. Call with the lock held.
static int grow(struct ta_queue *q)
{
    if (q->count < q->capacity)
        return 0;
    size_t capacity = TA_MIN(TA_MAX(q->capacity * 2, (size_t)16), q->max_items);
    struct slot *slots = calloc(capacity, sizeof(*slots));
    if (!slots)
        return TA_ERR_NOMEM;
    for (size_t i = 0; i < q->count; i++)
        slots[i] = q->slots[(q->head + i) % q->capacity];
    free(q->slots);
    q->slots = slots;
    q->capacity = capacity;
    q->head = 0;
    return 0;
}

int ta_queue_push(struct ta_queue *q, void *item, size_t bytes)
{
    pthread_mutex_lock(&q->lock);
    bool waits = is_full(q, bytes) && !q->finished && !q->canceled;
    double began = waits ? wait_began(q->full) : 0;
    while (is_full(q, bytes) && !q->finished && !q->canceled)
        pthread_cond_wait(&q->emptied, &q->lock);
    if (waits)
        wait_ended(q->full, began);
    int ret = q->finished || q->canceled ? TA_ERR_CANCELED : grow(q);
    if (!ret) {
        q->slots[(q->head + q->count++) % q->capacity] = (struct slot){item, bytes};
        q->bytes += bytes;
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    if (ret < 0)
        drop_item(q, item);
    return ret;
}

int ta_queue_pop(struct ta_queue *q, void **item)
{
    *item = NULL;
    int ret = 0;
    pthread_mutex_lock(&q->lock);
    bool waits = !q->count && !q->finished && !q->canceled;
    double began = waits ? wait_began(q->empty) : 0;
    while (!q->count && !q->finished && !q->canceled)
        pthread_cond_wait(&q->filled, &q->lock);
    if (waits)
        wait_ended(q->empty, began);
    if (q->canceled) {
        ret = TA_ERR_CANCELED;
    } else if (q->count) {
        struct slot slot = q->slots[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->count--;
        q->bytes -= slot.bytes;
        *item = slot.item;
        // All of them: the items that wait differ in size, so another than the first may fit.
        pthread_cond_broadcast(&q->emptied);
    } else {
        ret = q->err;
    }
    pthread_mutex_unlock(&q->lock);
    return ret;
}

void ta_queue_finish(struct ta_queue *q, int err)
{
    pthread_mutex_lock(&q->lock);
    if (!q->finished) {
        q->finished = true;
        q->err = err < 0 ? err : 0;
        pthread_cond_broadcast(&q->filled);
        pthread_cond_broadcast(&q->emptied);
    }
    pthread_mutex_unlock(&q->lock);
}

void ta_queue_cancel(struct ta_queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->canceled = true;
    struct slot *slots = q->slots;
    size_t capacity = q->capacity, head = q->head, count = q->count;
    q->slots = NULL;
    q->capacity = q->head = q->count = q->bytes = 0;
    pthread_cond_broadcast(&q->filled);
    pthread_cond_broadcast(&q->emptied);
    pthread_mutex_unlock(&q->lock);
    // Without the lock: freeing frames takes time and may call anything.
    for (size_t i = 0; i < count; i++)
        drop_item(q, slots[(head + i) % capacity].item);
    free(slots);
}

void ta_queue_destroy(struct ta_queue **q)
{
    if (!*q)
        return;
    ta_queue_cancel(*q);
    pthread_cond_destroy(&(*q)->emptied);
    pthread_cond_destroy(&(*q)->filled);
    pthread_mutex_destroy(&(*q)->lock);
    ta_freep(q);
}
