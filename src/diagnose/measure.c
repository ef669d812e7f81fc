// The pass: the frames are cut into parts that are decoded side by side. Where the cuts lie is a matter of
// the file alone.
#include "diagnose/measure.h"

#include <math.h>
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
    int64_t at;           // of the first among those that are measured
    bool alone;           // neighbours outside are not looked at
    int err;
};

struct pass {
    const struct ta_measure_info *const *table;
    void **states; // [row]
    struct ta_measure_input input;
    const struct ta_cancel *cancel;
    const struct ta_progress_fn *progress;
    struct part *parts;
    int part_count;
    pthread_mutex_t lock; // guards what follows
    int64_t measured;
    bool failed;
};

int ta_measure_count(const struct ta_measure_info *const *table)
{
    int count = 0;
    while (table[count])
        count++;
    return count;
}

bool ta_measure_is_short(const struct ta_index *index)
{
    return index->frame_count <= 2 * TA_MEASURE_WINDOWS * TA_MEASURE_WINDOW_FRAMES;
}

static bool stopped(struct pass *s)
{
    pthread_mutex_lock(&s->lock);
    bool stop = s->failed;
    pthread_mutex_unlock(&s->lock);
    return stop || ta_canceled(s->cancel);
}

static void report(struct pass *s)
{
    pthread_mutex_lock(&s->lock);
    int64_t n = ++s->measured;
    pthread_mutex_unlock(&s->lock);
    if (s->progress && s->progress->report && n % REPORT_EVERY == 0)
        s->progress->report(s->progress->priv, (double)n / (double)s->input.count);
}

static int measure_part(struct pass *s, const struct part *p)
{
    int64_t total = (int64_t)s->input.index->frame_count;
    int64_t first = p->alone ? p->first : TA_MAX(p->first - 1, 0);
    int64_t end = p->alone ? p->first + p->count : TA_MIN(p->first + p->count + 1, total);
    struct ta_reader *reader = NULL;
    AVFrame *frames[3] = {NULL}; // before, current, after
    int err = ta_reader_open(&reader, s->input.path, s->input.index, (size_t)first, (size_t)(end - first),
                             s->cancel, s->input.log);
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
        if (!frames[1] || n - 1 < p->first)
            continue;
        struct ta_measure_frame f = {.frame = frames[1],
                                     .before = frames[0],
                                     .after = frames[2],
                                     .number = n - 1,
                                     .at = p->at + n - 1 - p->first};
        for (int i = 0; s->table[i]; i++)
            s->table[i]->frame(s->states[i], &f);
        report(s);
    }
    for (int i = 0; i < 3; i++)
        av_frame_free(&frames[i]);
    ta_reader_close(&reader);
    return err < 0 ? err : 0;
}

static void run_part(void *arg, int i)
{
    struct pass *s = arg;
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
static void cut_all(struct pass *s)
{
    const struct ta_index *index = s->input.index;
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

static void cut_windows(struct pass *s)
{
    int64_t spare = (int64_t)s->input.index->frame_count - TA_MEASURE_WINDOW_FRAMES;
    s->parts = ta_xcalloc(TA_MEASURE_WINDOWS, sizeof *s->parts);
    s->part_count = TA_MEASURE_WINDOWS;
    for (int i = 0; i < TA_MEASURE_WINDOWS; i++)
        s->parts[i] = (struct part){.first = spare * i / (TA_MEASURE_WINDOWS - 1),
                                    .count = TA_MEASURE_WINDOW_FRAMES,
                                    .at = i * TA_MEASURE_WINDOW_FRAMES,
                                    .alone = true};
}

// The failure that stopped the others.
static int first_error(const struct pass *s)
{
    int err = 0;
    for (int i = 0; i < s->part_count; i++)
        if (s->parts[i].err < 0 && (err == 0 || err == TA_ERR_CANCELED))
            err = s->parts[i].err;
    return err;
}

static int decode(struct pass *s)
{
    struct ta_pool *pool = NULL;
    if (s->input.depth == TA_DEPTH_FULL)
        cut_all(s);
    else
        cut_windows(s);
    ta_verbose(s->input.log, "%s: measuring %lld of %zu frames", s->input.path, (long long)s->input.count,
               s->input.index->frame_count);
    int err = ta_pool_create(&pool, TA_MIN(TA_MIN(ta_cpu_count(), MAX_THREADS), s->part_count));
    if (err >= 0) {
        ta_pool_run(pool, s->part_count, run_part, s);
        err = first_error(s);
    }
    ta_pool_destroy(&pool);
    free(s->parts);
    return err;
}

static struct ta_measured *collect(const struct pass *s, int rows)
{
    struct ta_measured *list = ta_xcalloc((size_t)rows + 1, sizeof *list);
    for (int i = 0; i < rows; i++) {
        struct ta_measured *m = &list[i];
        *m = (struct ta_measured){.name = ta_xstrdup(s->table[i]->name),
                                  .unit = ta_xstrdup(s->table[i]->unit ? s->table[i]->unit : ""),
                                  .depth = s->input.depth};
        s->table[i]->json(s->states[i], m);
        m->wants_full &= m->depth == TA_DEPTH_SAMPLE;
    }
    return list;
}

int ta_measure_run(struct ta_measured **out, const struct ta_measure_info *const *table, const char *path,
                   const struct ta_index *index, enum ta_depth depth, const struct ta_cancel *cancel,
                   const struct ta_progress_fn *progress, struct ta_log *log)
{
    *out = NULL;
    ta_require(log, index->frame_count > 0, TA_ERR_INVALID);
    int rows = ta_measure_count(table), err = 0;
    bool full = depth == TA_DEPTH_FULL || ta_measure_is_short(index);
    struct pass s = {
        .table = table,
        .states = ta_xcalloc((size_t)rows + 1, sizeof *s.states),
        .input = {.path = path,
                  .index = index,
                  .depth = full ? TA_DEPTH_FULL : TA_DEPTH_SAMPLE,
                  .count = full ? (int64_t)index->frame_count : TA_MEASURE_WINDOWS * TA_MEASURE_WINDOW_FRAMES,
                  .log = log},
        .cancel = cancel,
        .progress = progress,
        .lock = PTHREAD_MUTEX_INITIALIZER,
    };
    for (int i = 0; i < rows && err >= 0; i++)
        err = table[i]->begin(&s.states[i], &s.input);
    if (err >= 0)
        err = decode(&s);
    for (int i = 0; i < rows && err >= 0; i++)
        err = table[i]->end(s.states[i], &s.input);
    if (err >= 0) {
        *out = collect(&s, rows);
        if (progress && progress->report)
            progress->report(progress->priv, 1);
    }
    for (int i = 0; i < rows; i++)
        table[i]->release(s.states[i]);
    free(s.states);
    return err < 0 ? err : 0;
}

json_t *ta_series_json(const float *values, int64_t count)
{
    json_t *list = json_array();
    int64_t points = TA_MIN(count, TA_SERIES_MAX);
    for (int64_t i = 0; i < points; i++) {
        int64_t from = count * i / points, to = count * (i + 1) / points;
        double sum = 0;
        for (int64_t n = from; n < to; n++)
            sum += values[n];
        // Four digits are more than any plot shows. Divided by a whole power of ten, they stay short as text.
        double mean = sum / (double)(to - from), power = 3 - floor(log10(fmax(fabs(mean), 1e-6)));
        double unit = pow(10, fabs(power));
        json_array_append_new(list,
                              json_real(power >= 0 ? round(mean * unit) / unit : round(mean / unit) * unit));
    }
    return list;
}
