// The frames are cut into parts that are decoded side by side. Where the cuts lie is a matter of the file
// alone.
#include "diagnose/scan_frames.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/reader.h"

enum {
    PART_INTRA = 96,   // frames at least, where each frame is decoded by itself ...
    PART_LONG = 1024,  // ... and where a part decodes up to a group of pictures in vain
    REPORT_EVERY = 64, // frames
    MAX_THREADS = 16,  // each holds a decoder
};

struct part {
    int64_t first, count; // frames of the file
    int64_t at;           // of the first in the result
    bool alone;           // neighbours outside are not looked at
    int64_t flagged[TA_SCAN_TYPES];
    double combing;
    int64_t stills;
    int err;
};

struct scan {
    struct ta_scan_frames *out;
    const char *path;
    const struct ta_index *index;
    const struct ta_cancel *cancel;
    const struct ta_progress_fn *progress;
    struct ta_log *log;
    struct part *parts;
    int part_count;
    pthread_mutex_t lock; // guards what follows
    int64_t measured;
    bool failed;
};

static bool stopped(struct scan *s)
{
    pthread_mutex_lock(&s->lock);
    bool stop = s->failed;
    pthread_mutex_unlock(&s->lock);
    return stop || ta_canceled(s->cancel);
}

static void report(struct scan *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t n = ++s->measured;
    pthread_mutex_unlock(&s->lock);
    if (s->progress && s->progress->report && n % REPORT_EVERY == 0)
        s->progress->report(s->progress->priv, (double)n / (double)s->out->count);
}

// The frame at `at` of the result, between its neighbours; either may be missing.
static void measure(struct scan *s, struct part *p, AVFrame *const frames[3], int64_t at)
{
    struct ta_field_metrics m;
    ta_field_metrics_measure(frames[0], frames[1], frames[2], &m);
    for (int order = 0; order < 2 && s->out->triples[order]; order++)
        memcpy(s->out->triples[order][at], m.triples[order], sizeof(m.triples[order]));
    struct ta_scan_fact *fact = &s->out->facts[at];
    ta_scan_fact_from_metrics(fact, &m);
    if (fact->strength <= 0) {
        p->combing += ta_field_combing(frames[1]);
        p->stills++;
    }
    p->flagged[!ta_frame_is_interlaced(frames[1]) ? TA_SCAN_PROGRESSIVE
               : ta_frame_is_top_first(frames[1]) ? TA_SCAN_TFF
                                                  : TA_SCAN_BFF]++;
    report(s);
}

static int measure_part(struct scan *s, struct part *p)
{
    int64_t total = (int64_t)s->index->frame_count;
    int64_t first = p->alone ? p->first : TA_MAX(p->first - 1, 0);
    int64_t end = p->alone ? p->first + p->count : TA_MIN(p->first + p->count + 1, total);
    struct ta_reader *reader = NULL;
    AVFrame *frames[3] = {NULL}; // before, current, after
    int err = ta_reader_open(&reader, s->path, s->index, (size_t)first, (size_t)(end - first), s->cancel,
                             s->log);
    // `n` is the number of frames[2].
    for (int64_t n = first; err >= 0 && n <= p->first + p->count; n++) {
        av_frame_free(&frames[0]);
        frames[0] = frames[1];
        frames[1] = frames[2];
        frames[2] = NULL;
        if (n < end && (err = ta_reader_next(reader, &frames[2])) < 0)
            break;
        if (stopped(s)) {
            err = TA_ERR_CANCELED;
            break;
        }
        if (frames[1] && n - 1 >= p->first)
            measure(s, p, frames, p->at + n - 1 - p->first);
    }
    for (int i = 0; i < 3; i++)
        av_frame_free(&frames[i]);
    ta_reader_close(&reader);
    return err < 0 ? err : 0;
}

static void run_part(void *arg, int i)
{
    struct scan *s = arg;
    struct part *p = &s->parts[i];
    p->err = stopped(s) ? TA_ERR_CANCELED : measure_part(s, p);
    if (p->err < 0) {
        pthread_mutex_lock(&s->lock);
        s->failed = true;
        pthread_mutex_unlock(&s->lock);
    }
}

static bool is_key(const struct ta_index *index, int64_t frame)
{
    return index->packets[index->frames[frame].packet].flags & TA_PACKET_KEY;
}

// Parts begin with a frame that decoding can start at.
static void cut_all(struct scan *s)
{
    const struct ta_index *index = s->index;
    int64_t total = (int64_t)index->frame_count, from = 0;
    s->parts = ta_xcalloc((size_t)(total / PART_INTRA) + 1, sizeof *s->parts);
    for (int64_t n = 1; n <= total; n++) {
        bool cut = n < total && is_key(index, n) &&
                   n - from >= (is_key(index, n - 1) ? PART_INTRA : PART_LONG);
        if (!cut && n < total)
            continue;
        s->parts[s->part_count++] = (struct part){.first = from, .count = n - from, .at = from};
        from = n;
    }
}

static void cut_windows(struct scan *s)
{
    int64_t spare = (int64_t)s->index->frame_count - TA_SCAN_WINDOW_FRAMES;
    s->parts = ta_xcalloc(TA_SCAN_WINDOWS, sizeof *s->parts);
    s->part_count = TA_SCAN_WINDOWS;
    for (int i = 0; i < TA_SCAN_WINDOWS; i++)
        s->parts[i] = (struct part){.first = spare * i / (TA_SCAN_WINDOWS - 1),
                                    .count = TA_SCAN_WINDOW_FRAMES,
                                    .at = i * TA_SCAN_WINDOW_FRAMES,
                                    .alone = true};
}

static int allocate(struct scan *s, bool all)
{
    struct ta_scan_frames *out = s->out;
    out->count = all ? (int64_t)s->index->frame_count : TA_SCAN_WINDOWS * TA_SCAN_WINDOW_FRAMES;
    out->facts = calloc((size_t)out->count, sizeof *out->facts);
    bool enough = out->facts;
    for (int order = 0; order < 2 && all; order++) {
        out->triples[order] = calloc((size_t)out->count, sizeof *out->triples[order]);
        enough &= out->triples[order] != NULL;
    }
    if (!enough)
        ta_error(s->log, "%s: no memory to measure %lld frames", s->path, (long long)out->count);
    return enough ? 0 : TA_ERR_NOMEM;
}

// The failure that stopped the others, and the sums.
static int add_up(struct scan *s)
{
    int err = 0;
    for (int i = 0; i < s->part_count; i++) {
        const struct part *p = &s->parts[i];
        if (p->err < 0 && (err == 0 || err == TA_ERR_CANCELED))
            err = p->err;
        for (int t = 0; t < TA_SCAN_TYPES; t++)
            s->out->flagged[t] += p->flagged[t];
        s->out->combing += p->combing;
        s->out->stills += p->stills;
    }
    return err;
}

int ta_scan_frames_measure(struct ta_scan_frames *out, const char *path, const struct ta_index *index,
                           bool all, const struct ta_cancel *cancel, const struct ta_progress_fn *progress,
                           struct ta_log *log)
{
    *out = (struct ta_scan_frames){0};
    struct scan s = {.out = out,
                     .path = path,
                     .index = index,
                     .cancel = cancel,
                     .progress = progress,
                     .log = log,
                     .lock = PTHREAD_MUTEX_INITIALIZER};
    struct ta_pool *pool = NULL;
    int err = allocate(&s, all);
    if (err >= 0) {
        if (all)
            cut_all(&s);
        else
            cut_windows(&s);
        err = ta_pool_create(&pool, TA_MIN(TA_MIN(ta_cpu_count(), MAX_THREADS), s.part_count));
    }
    if (err >= 0) {
        ta_pool_run(pool, s.part_count, run_part, &s);
        err = add_up(&s);
    }
    ta_pool_destroy(&pool);
    free(s.parts);
    if (err < 0)
        ta_scan_frames_release(out);
    return err;
}

void ta_scan_frames_release(struct ta_scan_frames *f)
{
    free(f->facts);
    free(f->triples[0]);
    free(f->triples[1]);
    *f = (struct ta_scan_frames){0};
}
