#include "restore/sound_scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "dsp/sound.h"
#include "media/mux/pcm_reader.h"
#include "restore/sound.h"

enum { BLOCK = 4096, ANCHOR_SECONDS = 10, SPARE_SECONDS = 10, EXCERPTS = 6, EXCERPT_SECONDS = 20 };
// A clock that runs off is sure from this on: it adds up to more than what timestamps are rounded by, and is
// straight.
static const double DRIFT_LEAST = 0.02, DRIFT_SPAN = 60, DRIFT_STRAIGHT = 0.003, DRIFT_MOST = 0.005;

struct listening {
    struct ta_sound_facts *facts;
    struct ta_pcm_reader *reader;
    struct ta_sound_measure *measure; // NULL for sound that it does not take
    float *planes[TA_SOUND_CHANNELS];
    int64_t offset; // whole seconds, AV_TIME_BASE units
    AVRational time_base;
    int64_t next_anchor, next_point;
    size_t anchor_room;
    // The drift: how far timestamps run off from samples that were counted, once a second.
    double *at, *off;
    size_t points, at_room, off_room;
    int64_t sums;  // samples
    int64_t until; // sums to stop at
};

static int note_frame(struct listening *l)
{
    struct ta_sound_facts *f = l->facts;
    int64_t pts, place;
    int err = 0;
    if (!ta_pcm_reader_mark(l->reader, &pts, &place))
        return 0;
    if (place >= l->next_anchor) {
        err = ta_try_grow((void **)&f->anchors, &l->anchor_room, (size_t)f->anchor_count + 1,
                          sizeof *f->anchors);
        if (err < 0)
            return err;
        f->anchors[f->anchor_count++] = (struct ta_sound_anchor){pts, place};
        l->next_anchor = place + (int64_t)ANCHOR_SECONDS * f->format.rate;
    }
    if (place < l->next_point)
        return 0;
    l->next_point = place + f->format.rate;
    err = ta_try_grow((void **)&l->at, &l->at_room, l->points + 1, sizeof *l->at);
    if (err >= 0)
        err = ta_try_grow((void **)&l->off, &l->off_room, l->points + 1, sizeof *l->off);
    if (err < 0)
        return err;
    double time = (double)pts * av_q2d(l->time_base) - (double)l->offset / AV_TIME_BASE;
    l->at[l->points] = time;
    l->off[l->points++] = time - (double)(place - ta_pcm_reader_moved(l->reader)) / f->format.rate;
    return 0;
}

// What is no number is silence to all who come after.
static int64_t drop_bad(const struct ta_sound_dsp *dsp, float *x, int n)
{
    int64_t bad = (int64_t)dsp->bad(x, (size_t)n);
    for (int i = 0; bad && i < n; i++)
        if (!isfinite(x[i]))
            x[i] = 0;
    return bad;
}

static void hear(struct listening *l, int n)
{
    const struct ta_sound_dsp *dsp = ta_sound_dsp();
    struct ta_sound_facts *f = l->facts;
    for (int c = 0; c < f->format.channels; c++) {
        f->bad_samples += drop_bad(dsp, l->planes[c], n);
        f->peak = fmax(f->peak, dsp->most(l->planes[c], (size_t)n));
    }
    if (f->format.channels == 2) {
        f->left += dsp->dot(l->planes[0], l->planes[0], (size_t)n);
        f->right += dsp->dot(l->planes[1], l->planes[1], (size_t)n);
        f->product += dsp->dot(l->planes[0], l->planes[1], (size_t)n);
    }
    if (l->measure)
        ta_sound_measure_add(l->measure, (const float *const *)l->planes, (size_t)n);
    l->sums += n;
}

static int read_all(struct listening *l, const struct ta_cancel *cancel, struct ta_progress_fn progress,
                    double seconds)
{
    struct ta_sound_facts *f = l->facts;
    bool begun = false;
    int err = 0;
    for (;;) {
        int ready = ta_pcm_reader_ready(l->reader);
        if (ready && !begun) {
            f->start = ta_pcm_reader_place(l->reader);
            begun = true;
        }
        for (int n; ready > 0 && l->sums < l->until; ready -= n) {
            n = (int)TA_MIN(TA_MIN(ready, BLOCK), l->until - l->sums);
            ta_pcm_reader_take(l->reader, (uint8_t *const *)l->planes, n);
            hear(l, n);
        }
        f->end = begun ? ta_pcm_reader_place(l->reader) : 0;
        if (err < 0 || ta_pcm_reader_ended(l->reader) || l->sums >= l->until)
            return err;
        if (ta_canceled(cancel))
            return TA_ERR_CANCELED;
        err = ta_pcm_reader_fill(l->reader, INT64_MAX);
        if (err >= 0)
            err = note_frame(l);
        if (err < 0)
            return err;
        if (begun && seconds > 0)
            progress.report(progress.priv,
                            TA_MIN(1.0, (double)(f->end - f->start) / f->format.rate / seconds));
    }
}

// A straight line through what was noted.
static void find_drift(struct listening *l)
{
    double n = (double)l->points, sx = 0, sy = 0, sxx = 0, sxy = 0, worst = 0;
    for (size_t i = 0; i < l->points; i++) {
        sx += l->at[i];
        sy += l->off[i];
    }
    for (size_t i = 0; i < l->points; i++) {
        double x = l->at[i] - sx / n, y = l->off[i] - sy / n;
        sxx += x * x;
        sxy += x * y;
    }
    if (l->points < 30 || sxx <= 0)
        return;
    double slope = sxy / sxx, span = l->at[l->points - 1] - l->at[0];
    for (size_t i = 0; i < l->points; i++)
        worst = fmax(worst, fabs(l->off[i] - sy / n - slope * (l->at[i] - sx / n)));
    bool sure = span >= DRIFT_SPAN && fabs(slope) * span >= DRIFT_LEAST &&
                worst <= DRIFT_STRAIGHT + fabs(slope) * span * 0.02;
    l->facts->drift = -slope; // timestamps ahead of the samples: too few of them came
    l->facts->drift_sure = sure && fabs(slope) <= DRIFT_MOST ? 1 : 0;
}

static void finish(struct listening *l)
{
    struct ta_sound_facts *f = l->facts;
    int64_t shift = ta_rescale(l->offset, AV_TIME_BASE_Q, av_inv_q(f->true_rate));
    if (l->sums) {
        f->left /= (double)l->sums;
        f->right /= (double)l->sums;
        f->product /= (double)l->sums;
    }
    if (l->measure)
        ta_sound_measure_result(l->measure, &f->heard);
    f->start += shift;
    f->end += shift;
    for (int i = 0; i < f->anchor_count; i++)
        f->anchors[i].place += shift;
}

static int open_reader(struct listening *l, struct ta_streams *streams, int stream,
                       struct ta_audio_transcode_stats *stats)
{
    const AVStream *st = ta_streams_get(streams, stream);
    struct ta_sound_facts *f = l->facts;
    int err = ta_pcm_reader_open(&l->reader, streams, stream, l->offset, stats, NULL);
    if (err < 0)
        return err;
    struct ta_pcm_spec spec = {AV_SAMPLE_FMT_FLTP, f->format.rate, st->codecpar->ch_layout};
    l->time_base = st->time_base;
    ta_pcm_reader_set_true_rate(l->reader, f->true_rate);
    return ta_pcm_reader_set_spec(l->reader, &spec);
}

static void begin(struct listening *l, const struct ta_stream_facts *source)
{
    struct ta_sound_facts *f = l->facts;
    const AVChannelLayout *layout = &source->par->ch_layout;
    f->format = (struct ta_sound_format){.rate = source->par->sample_rate,
                                         .channels = layout->nb_channels,
                                         .mask = layout->order == AV_CHANNEL_ORDER_NATIVE ? layout->u.mask
                                                                                          : 0};
    if (!f->format.mask && f->format.channels <= 2)
        f->format.mask = f->format.channels == 1 ? AV_CH_LAYOUT_MONO : AV_CH_LAYOUT_STEREO;
    l->measure = ta_sound_measure_create(f->format.rate, f->format.channels);
    for (int c = 0; c < f->format.channels; c++)
        l->planes[c] = ta_xcalloc(BLOCK, sizeof **l->planes);
}

static void end(struct listening *l)
{
    ta_sound_measure_destroy(&l->measure);
    for (int c = 0; c < TA_SOUND_CHANNELS; c++)
        free(l->planes[c]);
    free(l->at);
    free(l->off);
}

// Where a track begins and how long it is, AV_TIME_BASE units; 0: not known.
static void extent(const struct ta_index *index, int stream, const struct ta_stream_facts *source,
                   int64_t *start, int64_t *length)
{
    AVRational tb = source->time_base;
    *start = *length = 0;
    if (!index && source->start != AV_NOPTS_VALUE)
        *start = av_rescale_q(source->start, tb, AV_TIME_BASE_Q);
    if (index && stream < index->stream_count && index->streams[stream].first_pts != AV_NOPTS_VALUE)
        *start = av_rescale_q(index->streams[stream].first_pts, tb, AV_TIME_BASE_Q);
    if (source->duration > 0)
        *length = av_rescale_q(source->duration, tb, AV_TIME_BASE_Q);
    if (index && stream < index->stream_count && index->streams[stream].end_pts != AV_NOPTS_VALUE)
        *length = av_rescale_q(index->streams[stream].end_pts, tb, AV_TIME_BASE_Q) - *start;
}

// Nothing of a track that starts there lies before this.
static int64_t offset_before(int64_t start)
{
    int64_t whole = start < 0 ? -((-start + AV_TIME_BASE - 1) / AV_TIME_BASE) : 0;
    return (whole - SPARE_SECONDS) * AV_TIME_BASE;
}

static int listen_once(struct ta_sound_facts *f, const char *input, const struct ta_index *index,
                       const struct ta_stream_facts *source, int64_t start, struct ta_meter *meter,
                       struct ta_log *log)
{
    struct listening l = {.facts = f, .next_anchor = INT64_MIN, .next_point = INT64_MIN, .until = INT64_MAX};
    struct ta_plan as_plan = {.index = (struct ta_index *)index};
    struct ta_audio_transcode_stats stats = {0};
    struct ta_streams *streams = NULL;
    begin(&l, source);
    int64_t from, length;
    extent(index, f->stream, source, &from, &length);
    double seconds = (double)length / AV_TIME_BASE;
    l.offset = offset_before(start);
    int err = ta_streams_open(&streams, input, index, AV_NOPTS_VALUE, AV_NOPTS_VALUE, ta_meter_cancel(meter),
                              log);
    if (err >= 0)
        err = ta_sound_prepare(&as_plan, streams);
    if (err >= 0)
        err = ta_streams_get(streams, f->stream) ? open_reader(&l, streams, f->stream, &stats)
                                                 : TA_ERR_NOT_FOUND;
    if (err >= 0)
        err = read_all(&l, ta_meter_cancel(meter), ta_meter_start(meter, TA_PHASE_MEASURE), seconds);
    if (err >= 0) {
        f->gaps = stats.gaps;
        f->overlaps = stats.overlaps;
        f->decode_errors = stats.decode_errors;
        find_drift(&l);
        finish(&l);
    }
    ta_pcm_reader_close(&l.reader);
    ta_streams_close(&streams);
    end(&l);
    return err;
}

static int listen(struct ta_sound_facts *f, const char *input, const struct ta_index *index,
                  const struct ta_stream_facts *source, bool correct_drift, struct ta_meter *meter,
                  struct ta_log *log)
{
    int64_t start, length;
    extent(index, f->stream, source, &start, &length);
    f->true_rate = (AVRational){source->par->sample_rate, 1};
    int err = listen_once(f, input, index, source, start, meter, log);
    if (err < 0 || !correct_drift || f->drift_sure < 1)
        return err;
    // Again, by the clock as it runs: then there are no gaps and overlaps of its making.
    struct ta_sound_facts again = {.stream = f->stream};
    av_reduce(&again.true_rate.num, &again.true_rate.den, llround(f->format.rate * (1 + f->drift) * 1000),
              1000, INT32_MAX);
    err = listen_once(&again, input, index, source, start, meter, log);
    again.drift = f->drift;
    again.drift_sure = f->drift_sure;
    ta_sound_facts_release(f);
    *f = again;
    return err;
}

static void no_progress(void *priv, double done)
{
    (void)priv;
    (void)done;
}

// Excerpts at even distances. One that can't be read is none.
static int glance(struct ta_sound_facts *f, const char *input, const struct ta_index *index,
                  const struct ta_stream_facts *source, const struct ta_cancel *cancel)
{
    struct listening l = {.facts = f, .next_anchor = INT64_MAX, .next_point = INT64_MAX};
    struct ta_plan as_plan = {.index = (struct ta_index *)index};
    struct ta_audio_transcode_stats stats = {0};
    int64_t start, length, piece = (int64_t)EXCERPT_SECONDS * AV_TIME_BASE;
    int err = 0;
    extent(index, f->stream, source, &start, &length);
    int count = length > EXCERPTS * piece ? EXCERPTS : 1;
    f->true_rate = (AVRational){source->par->sample_rate, 1};
    begin(&l, source);
    l.offset = offset_before(start);
    for (int i = 0; i < count && err != TA_ERR_CANCELED && err != TA_ERR_NOMEM; i++) {
        struct ta_streams *streams = NULL;
        int64_t from = i ? start + (length - piece) / (count - 1) * i : AV_NOPTS_VALUE;
        err = ta_streams_open(&streams, input, index, from, AV_NOPTS_VALUE, cancel, NULL);
        if (err >= 0)
            err = ta_sound_prepare(&as_plan, streams);
        if (err >= 0)
            err = ta_streams_get(streams, f->stream) ? open_reader(&l, streams, f->stream, &stats)
                                                     : TA_ERR_NOT_FOUND;
        l.until = l.sums + (int64_t)EXCERPT_SECONDS * (count > 1 ? 1 : EXCERPTS) * f->format.rate;
        if (err >= 0)
            err = read_all(&l, cancel, (struct ta_progress_fn){no_progress, NULL}, 0);
        ta_pcm_reader_close(&l.reader);
        ta_streams_close(&streams);
    }
    bool any = l.sums > 0;
    finish(&l);
    end(&l);
    return err == TA_ERR_CANCELED || err == TA_ERR_NOMEM ? err : any;
}

static bool can_be_heard(const struct ta_stream_facts *st)
{
    return st->kind == TA_STREAM_AUDIO && !st->unreadable && st->par->sample_rate > 0 &&
           st->par->ch_layout.nb_channels > 0 && st->par->ch_layout.nb_channels <= TA_SOUND_CHANNELS;
}

int ta_sound_glance(const char *input, const struct ta_index *index, const struct ta_source_facts *source,
                    const struct ta_cancel *cancel, struct ta_sound_facts **out, int *count)
{
    int err = 0;
    *out = ta_xcalloc((size_t)source->stream_count + 1, sizeof **out);
    *count = 0;
    for (int i = 0; i < source->stream_count && err >= 0; i++) {
        struct ta_sound_facts *f = &(*out)[*count];
        if (!can_be_heard(&source->streams[i]))
            continue;
        f->stream = i;
        err = glance(f, input, index, &source->streams[i], cancel);
        *count += err > 0;
        if (err == 0)
            *f = (struct ta_sound_facts){0};
    }
    if (err < 0)
        ta_sound_scan_free(out, count);
    return TA_MIN(err, 0);
}

int ta_sound_scan(const char *input, const struct ta_index *index, const struct ta_source_facts *source,
                  bool correct_drift, struct ta_meter *meter, struct ta_sound_facts **out, int *count,
                  struct ta_log *log)
{
    int err = 0;
    *out = ta_xcalloc((size_t)source->stream_count + 1, sizeof **out);
    *count = 0;
    for (int i = 0; i < source->stream_count && err >= 0; i++) {
        const struct ta_stream_facts *st = &source->streams[i];
        if (!can_be_heard(st))
            continue;
        struct ta_sound_facts *f = &(*out)[*count];
        f->stream = i;
        err = listen(f, input, index, st, correct_drift, meter, log);
        ++*count;
        // What can't be decoded has nothing to restore; it was told, and the plan says what becomes of it.
        if (err < 0 && err != TA_ERR_CANCELED && err != TA_ERR_NOMEM && err != TA_ERR_IO) {
            ta_sound_facts_release(f);
            *f = (struct ta_sound_facts){0};
            --*count;
            err = 0;
        }
    }
    if (err < 0)
        ta_sound_scan_free(out, count);
    return err;
}

void ta_sound_scan_free(struct ta_sound_facts **facts, int *count)
{
    for (int i = 0; *facts && i < *count; i++)
        ta_sound_facts_release(&(*facts)[i]);
    ta_freep(facts);
    *count = 0;
}
