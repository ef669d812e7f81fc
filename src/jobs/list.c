#include "jobs/list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

enum { CLOCK_SLACK_MS = 1000 };

struct ta_job_list {
    pthread_rwlock_t lock;
    struct ta_job **jobs; // by id
    size_t count, capacity;
    int64_t counts[TA_JOB_STATE_COUNT];
};

int ta_job_list_create(struct ta_job_list **out)
{
    pthread_rwlockattr_t attr;
    struct ta_job_list *x = ta_xcalloc(1, sizeof(*x));
    pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
    // Readers never cease: without this a writer would wait for a moment without any.
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
    int failed = pthread_rwlock_init(&x->lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    if (failed)
        ta_freep(&x);
    *out = x;
    return failed ? TA_ERR_NOMEM : 0;
}

void ta_job_list_destroy(struct ta_job_list **x)
{
    if (!*x)
        return;
    for (size_t i = 0; i < (*x)->count; i++)
        ta_job_unref(&(*x)->jobs[i]);
    free((*x)->jobs);
    pthread_rwlock_destroy(&(*x)->lock);
    ta_freep(x);
}

// Where the id is, or where it would be.
static size_t place_of(const struct ta_job_list *x, int64_t id)
{
    size_t low = 0, high = x->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (x->jobs[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct ta_job **find(struct ta_job_list *x, int64_t id)
{
    size_t at = place_of(x, id);
    return at < x->count && x->jobs[at]->id == id ? &x->jobs[at] : NULL;
}

struct ta_job *ta_job_list_get(struct ta_job_list *x, int64_t id)
{
    pthread_rwlock_rdlock(&x->lock);
    struct ta_job **slot = find(x, id);
    struct ta_job *job = slot ? ta_job_ref(*slot) : NULL;
    pthread_rwlock_unlock(&x->lock);
    return job;
}

static bool passes(const struct ta_job_filter *f, const struct ta_job *j)
{
    return (!f->states || f->states >> j->state & 1) && (!f->batch || !strcmp(f->batch, j->batch)) &&
           (!f->text || strcasestr(j->input, f->text));
}

int ta_job_list_page(struct ta_job_list *x, const struct ta_job_filter *f, struct ta_job **out, bool *more)
{
    int count = 0;
    *more = false;
    pthread_rwlock_rdlock(&x->lock);
    if (f->backwards) {
        size_t i = f->after > 0 ? place_of(x, f->after) : x->count;
        for (; i-- && !*more;)
            if (passes(f, x->jobs[i])) {
                *more = count == f->limit;
                if (!*more)
                    out[count++] = ta_job_ref(x->jobs[i]);
            }
    } else {
        for (size_t i = place_of(x, f->after + 1); i < x->count && !*more; i++)
            if (passes(f, x->jobs[i])) {
                *more = count == f->limit;
                if (!*more)
                    out[count++] = ta_job_ref(x->jobs[i]);
            }
    }
    pthread_rwlock_unlock(&x->lock);
    return count;
}

void ta_job_list_counts(struct ta_job_list *x, int64_t counts[TA_JOB_STATE_COUNT])
{
    pthread_rwlock_rdlock(&x->lock);
    memcpy(counts, x->counts, sizeof(x->counts));
    pthread_rwlock_unlock(&x->lock);
}

static bool goes_before(const struct ta_job *a, const struct ta_job *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->position < b->position; // of equals the first that was met, which has the lower id
}

struct ta_job *ta_job_list_next(struct ta_job_list *x, int64_t now_ms, int64_t *due_ms)
{
    struct ta_job *best = NULL;
    *due_ms = 0;
    pthread_rwlock_rdlock(&x->lock);
    for (size_t i = 0; x->counts[TA_JOB_QUEUED] && i < x->count; i++) {
        struct ta_job *j = x->jobs[i];
        if (j->state != TA_JOB_QUEUED)
            continue;
        // One that was told to wait later than it is now: the clock was set back since. It has waited.
        if (j->not_before_ms > now_ms && j->changed_ms <= now_ms + CLOCK_SLACK_MS) {
            if (!*due_ms || j->not_before_ms < *due_ms)
                *due_ms = j->not_before_ms;
        } else if (!best || goes_before(j, best)) {
            best = j;
        }
    }
    if (best)
        ta_job_ref(best);
    pthread_rwlock_unlock(&x->lock);
    return best;
}

double ta_job_list_last_position(struct ta_job_list *x)
{
    double last = 0;
    bool any = false;
    pthread_rwlock_rdlock(&x->lock);
    for (size_t i = 0; i < x->count; i++) {
        const struct ta_job *j = x->jobs[i];
        if (ta_job_state_is_final(j->state) || (any && j->position <= last))
            continue;
        last = j->position;
        any = true;
    }
    pthread_rwlock_unlock(&x->lock);
    return last;
}

int ta_job_list_reserve(struct ta_job_list *x, size_t more)
{
    // Only the writer changes count and capacity, so it may read them without the lock.
    if (x->count + more <= x->capacity)
        return 0;
    size_t capacity = TA_MAX(x->count + more, x->capacity * 2);
    struct ta_job **jobs = malloc(capacity * sizeof(*jobs)), **old;
    if (!jobs)
        return TA_ERR_NOMEM;
    pthread_rwlock_wrlock(&x->lock);
    old = x->jobs;
    if (x->count)
        memcpy(jobs, old, x->count * sizeof(*jobs)); // here, since reports of progress replace values
    x->jobs = jobs;
    x->capacity = capacity;
    pthread_rwlock_unlock(&x->lock);
    free(old);
    return 0;
}

int ta_job_list_swap(struct ta_job_list *x, struct ta_job *const *values, int count, const int64_t *gone,
                     int gone_count)
{
    if (ta_job_list_reserve(x, (size_t)count) < 0) {
        for (int i = 0; i < count; i++)
            ta_job_unref(&(struct ta_job *){values[i]});
        return TA_ERR_NOMEM;
    }
    struct ta_job **old = ta_xcalloc((size_t)(count + gone_count) + 1, sizeof(*old));
    int freed = 0;
    pthread_rwlock_wrlock(&x->lock);
    for (int i = 0; i < count; i++) {
        struct ta_job **slot = find(x, values[i]->id);
        x->counts[values[i]->state]++;
        if (slot) {
            x->counts[(*slot)->state]--;
            old[freed++] = *slot;
            *slot = values[i];
        } else {
            x->jobs[x->count++] = values[i];
        }
    }
    for (int i = 0; i < gone_count; i++) {
        struct ta_job **slot = find(x, gone[i]);
        if (!slot)
            continue;
        x->counts[(*slot)->state]--;
        old[freed++] = *slot;
        memmove(slot, slot + 1, (size_t)(x->jobs + x->count - slot - 1) * sizeof(*slot));
        x->count--;
    }
    pthread_rwlock_unlock(&x->lock);
    while (freed)
        ta_job_unref(&old[--freed]);
    free(old);
    return 0;
}

bool ta_job_list_report(struct ta_job_list *x, const struct ta_job *old, struct ta_job *value)
{
    struct ta_job *unused = value;
    pthread_rwlock_wrlock(&x->lock);
    struct ta_job **slot = find(x, value->id);
    bool same = slot && *slot == old;
    if (same) {
        unused = *slot;
        *slot = value;
    }
    pthread_rwlock_unlock(&x->lock);
    ta_job_unref(&unused);
    return same;
}
