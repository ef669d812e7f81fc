#include "jobs/list.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "base/thread.h"

enum { CLOCK_SLACK_MS = 1000, SHARDS = 8, CACHE_LINE = 64 };

// A part of the read-write lock, in a cache line of its own: a reader takes the part of its thread, a writer
// all of them. So readers on different cores do not even share the lock's count of readers, which costs them
// more than what they do under it.
struct shard {
    _Alignas(CACHE_LINE) pthread_rwlock_t lock;
};

// A queued job's place in the order in which they are given to workers.
struct place {
    int priority;
    double position;
    int64_t id;
};

struct ta_job_list {
    struct shard shards[SHARDS];
    bool one_mutex;
    pthread_mutex_t mutex; // recursive; instead of the shards, when one_mutex
    void (*passed)(void *priv, bool writer, double waited, double held);
    void *priv;
    struct ta_job **jobs; // by id
    size_t count, capacity;
    // The queued ones, in order, from `head`: the first goes and new ones come behind the last without any
    // other being moved. Room for 2 * capacity.
    struct place *line;
    size_t head, line_count;
    int64_t counts[TA_JOB_STATE_COUNT];
};

// ---- the lock ----

// One thread's turn with the lock; the times are 0 where nobody measures.
struct turn {
    bool writer;
    int shard; // a reader's
    double asked, got;
};

static int own_shard(void)
{
    enum { PAGE_BITS = 12 };
    // Threads are far apart in memory, by one page more than a round number.
    return (int)((uintptr_t)pthread_self() >> PAGE_BITS) & (SHARDS - 1);
}

static struct turn enter(struct ta_job_list *x, bool writer)
{
    struct turn t = {writer, own_shard(), x->passed ? ta_clock_seconds() : 0, 0};
    if (x->one_mutex)
        pthread_mutex_lock(&x->mutex);
    else if (!writer)
        pthread_rwlock_rdlock(&x->shards[t.shard].lock);
    else
        for (int i = 0; i < SHARDS; i++)
            pthread_rwlock_wrlock(&x->shards[i].lock);
    if (x->passed)
        t.got = ta_clock_seconds();
    return t;
}

static void leave(struct ta_job_list *x, const struct turn *t)
{
    double end = x->passed ? ta_clock_seconds() : 0;
    if (x->one_mutex)
        pthread_mutex_unlock(&x->mutex);
    else if (!t->writer)
        pthread_rwlock_unlock(&x->shards[t->shard].lock);
    else
        for (int i = SHARDS; i--;)
            pthread_rwlock_unlock(&x->shards[i].lock);
    if (x->passed)
        x->passed(x->priv, t->writer, t->got - t->asked, end - t->got);
}

void ta_job_list_hold(struct ta_job_list *x)
{
    if (x->one_mutex)
        pthread_mutex_lock(&x->mutex);
}

void ta_job_list_let_go(struct ta_job_list *x)
{
    if (x->one_mutex)
        pthread_mutex_unlock(&x->mutex);
}

void ta_job_list_watch(struct ta_job_list *x,
                       void (*passed)(void *priv, bool writer, double waited, double held), void *priv)
{
    x->passed = passed;
    x->priv = priv;
}

int ta_job_list_create(struct ta_job_list **out, bool one_mutex)
{
    pthread_rwlockattr_t attr;
    pthread_mutexattr_t recursive;
    int failed = 0;
    struct ta_job_list *x = aligned_alloc(CACHE_LINE, sizeof(*x));
    *out = x;
    if (!x)
        return TA_ERR_NOMEM;
    *x = (struct ta_job_list){.one_mutex = one_mutex};
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    failed |= pthread_mutex_init(&x->mutex, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
    // Readers never cease: without this a writer would wait for a moment without any.
    pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
    for (int i = 0; i < SHARDS; i++)
        failed |= pthread_rwlock_init(&x->shards[i].lock, &attr);
    pthread_rwlockattr_destroy(&attr);
    if (failed)
        ta_freep(out);
    return failed ? TA_ERR_NOMEM : 0;
}

void ta_job_list_destroy(struct ta_job_list **x)
{
    if (!*x)
        return;
    for (size_t i = 0; i < (*x)->count; i++)
        ta_job_unref(&(*x)->jobs[i]);
    free((*x)->jobs);
    free((*x)->line);
    for (int i = 0; i < SHARDS; i++)
        pthread_rwlock_destroy(&(*x)->shards[i].lock);
    pthread_mutex_destroy(&(*x)->mutex);
    ta_freep(x);
}

// ---- reading ----

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
    struct turn turn = enter(x, false);
    struct ta_job **slot = find(x, id);
    struct ta_job *job = slot ? ta_job_ref(*slot) : NULL;
    leave(x, &turn);
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
    struct turn turn = enter(x, false);
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
    leave(x, &turn);
    return count;
}

void ta_job_list_counts(struct ta_job_list *x, int64_t counts[TA_JOB_STATE_COUNT])
{
    struct turn turn = enter(x, false);
    memcpy(counts, x->counts, sizeof(x->counts));
    leave(x, &turn);
}

// ---- the order ----

static bool goes_before(const struct place *a, const struct place *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->position != b->position ? a->position < b->position : a->id < b->id;
}

static struct place place_of_job(const struct ta_job *job)
{
    return (struct place){job->priority, job->position, job->id};
}

// Where the first stands that does not go before `p`.
static size_t find_place(const struct ta_job_list *x, const struct place *p)
{
    size_t low = 0, high = x->line_count;
    const struct place *line = x->line + x->head;
    // Most come behind all others.
    if (high && goes_before(&line[high - 1], p))
        return high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (goes_before(&line[middle], p))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void leave_line(struct ta_job_list *x, const struct ta_job *job)
{
    struct place p = place_of_job(job), *line = x->line + x->head;
    size_t at = find_place(x, &p);
    x->line_count--;
    if (!at)
        x->head++;
    else
        memmove(line + at, line + at + 1, (x->line_count - at) * sizeof(*line));
}

static void join_line(struct ta_job_list *x, const struct ta_job *job)
{
    struct place p = place_of_job(job);
    size_t at = find_place(x, &p);
    if (x->head + x->line_count == 2 * x->capacity) { // half of it at least is free, so this is seldom
        memmove(x->line, x->line + x->head, x->line_count * sizeof(*x->line));
        x->head = 0;
    }
    struct place *line = x->line + x->head;
    memmove(line + at + 1, line + at, (x->line_count - at) * sizeof(*line));
    line[at] = p;
    x->line_count++;
}

struct ta_job *ta_job_list_next(struct ta_job_list *x, int64_t now_ms, int64_t *due_ms)
{
    struct ta_job *best = NULL;
    *due_ms = 0;
    struct turn turn = enter(x, false);
    for (size_t i = 0; !best && i < x->line_count; i++) {
        struct ta_job *j = *find(x, x->line[x->head + i].id);
        // One that was told to wait later than it is now: the clock was set back since. It has waited.
        if (j->not_before_ms <= now_ms || j->changed_ms > now_ms + CLOCK_SLACK_MS)
            best = ta_job_ref(j);
        else if (!*due_ms || j->not_before_ms < *due_ms)
            *due_ms = j->not_before_ms;
    }
    leave(x, &turn);
    return best;
}

// ---- writers ----

int ta_job_list_reserve(struct ta_job_list *x, size_t more)
{
    // Only the writer changes count and capacity, so it may read them without the lock.
    if (x->count + more <= x->capacity)
        return 0;
    size_t capacity = TA_MAX(x->count + more, x->capacity * 2);
    struct ta_job **jobs = malloc(capacity * sizeof(*jobs)), **old;
    struct place *line = malloc(2 * capacity * sizeof(*line)), *old_line;
    if (!jobs || !line) {
        free(jobs);
        free(line);
        return TA_ERR_NOMEM;
    }
    struct turn turn = enter(x, true);
    old = x->jobs;
    old_line = x->line;
    if (x->count)
        memcpy(jobs, old, x->count * sizeof(*jobs)); // here, since reports of progress replace values
    if (x->line_count)
        memcpy(line, old_line + x->head, x->line_count * sizeof(*line));
    x->jobs = jobs;
    x->line = line;
    x->head = 0;
    x->capacity = capacity;
    leave(x, &turn);
    free(old);
    free(old_line);
    return 0;
}

// Takes out the empty places.
static void close_gaps(struct ta_job_list *x)
{
    size_t kept = 0;
    for (size_t i = 0; i < x->count; i++)
        if (x->jobs[i])
            x->jobs[kept++] = x->jobs[i];
    x->count = kept;
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
    size_t *removed = ta_xcalloc((size_t)gone_count + 1, sizeof(*removed));
    int freed = 0;
    struct turn turn = enter(x, true);
    for (int i = 0; i < count; i++) {
        struct ta_job **slot = find(x, values[i]->id);
        x->counts[values[i]->state]++;
        if (slot) {
            x->counts[(*slot)->state]--;
            if ((*slot)->state == TA_JOB_QUEUED)
                leave_line(x, *slot);
            old[freed++] = *slot;
            *slot = values[i];
        } else {
            x->jobs[x->count++] = values[i];
        }
        if (values[i]->state == TA_JOB_QUEUED)
            join_line(x, values[i]);
    }
    // All that goes is looked up first: afterwards there are places without a job.
    for (int i = 0; i < gone_count; i++) {
        struct ta_job **slot = find(x, gone[i]);
        removed[i] = slot ? (size_t)(slot - x->jobs) : SIZE_MAX;
    }
    for (int i = 0; i < gone_count; i++) {
        struct ta_job **slot = removed[i] == SIZE_MAX ? NULL : &x->jobs[removed[i]];
        if (!slot || !*slot)
            continue;
        x->counts[(*slot)->state]--;
        if ((*slot)->state == TA_JOB_QUEUED)
            leave_line(x, *slot);
        old[freed++] = *slot;
        *slot = NULL;
    }
    if (gone_count)
        close_gaps(x);
    leave(x, &turn);
    while (freed)
        ta_job_unref(&old[--freed]);
    free(old);
    free(removed);
    return 0;
}

bool ta_job_list_report(struct ta_job_list *x, const struct ta_job *old, struct ta_job *value)
{
    struct ta_job *unused = value;
    struct turn turn = enter(x, true);
    struct ta_job **slot = find(x, value->id);
    bool same = slot && *slot == old;
    if (same) {
        unused = *slot;
        *slot = value;
    }
    leave(x, &turn);
    ta_job_unref(&unused);
    return same;
}
