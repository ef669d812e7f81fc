#include "media/dv/demux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>

#include "media/dv/mend.h"
#include "media/dv/sound.h"

#define LIKE_DISTANCE 1000 // frames to go for one that is whole
#define STEP_MS 4          // sound may be out of step with the pictures by this much
#define HELD 4             // frames whose sound is kept
#define SAMPLE_BYTES 4

// Frames in a row whose sound has one rate.
struct run {
    size_t first, count;
    int64_t samples;  // of the source
    int64_t start;    // in samples of the result
    int64_t from, to; // so many samples of the source become so many
    bool plain;       // the source's samples are the result's
    struct ta_dv_resampler *resampler;
};

struct held {
    size_t frame; // SIZE_MAX: none
    int16_t pcm[TA_DV_CHANNELS][2 * TA_DV_MAX_SAMPLES];
};

struct ta_dv_demux {
    const struct ta_dv_table *table;
    AVIOContext *pb;
    AVFormatContext *fmt;
    AVRational time_base;
    int rate, pairs;
    int64_t *times;   // of frames, and the end
    int64_t *samples; // of the source before each frame, from the start of its run
    struct run *runs;
    int run_count;
    uint8_t *data, *like; // a frame each
    uint8_t *there;       // a byte for each block of `data`
    size_t data_frame;    // whose bytes `data` holds, before anything is put in for what is missing
    struct held *held;    // HELD
    size_t next;
    int next_stream;
};

// ---- time ----

static int set_times(struct ta_dv_demux *d)
{
    const struct ta_dv_table *t = d->table;
    bool mixed = false;
    for (size_t i = 0; i < t->frame_count; i++)
        mixed |= t->frames[i].profile != t->profile;
    // In 60000 all systems' frames have whole numbers.
    d->time_base = mixed ? (AVRational){1, 60000} : ta_dv_profile(t->profile)->time_base;
    d->times = malloc((t->frame_count + 1) * sizeof(*d->times));
    if (!d->times)
        return AVERROR(ENOMEM);
    d->times[0] = 0;
    int number = -1;
    int64_t duration = 0;
    for (size_t i = 0; i < t->frame_count; i++) {
        if (number != t->frames[i].profile) {
            number = t->frames[i].profile;
            duration = av_rescale_q(1, ta_dv_profile(number)->time_base, d->time_base);
        }
        d->times[i + 1] = d->times[i] + duration;
    }
    return 0;
}

// Where the sound of a frame belongs.
static int64_t place_of(const struct ta_dv_demux *d, size_t frame)
{
    return av_rescale_q(d->times[frame], d->time_base, (AVRational){1, d->rate});
}

static bool has_sound(const struct ta_dv_frame *f)
{
    return f->rate && f->samples && f->piece_count;
}

// The result's sample that a sample of the source becomes, from the start of the run.
static int64_t after(const struct run *r, int64_t samples)
{
    return av_rescale(samples, r->to, r->from);
}

static void add_run(struct ta_dv_demux *d, size_t first, size_t end)
{
    const struct ta_dv_table *t = d->table;
    struct run *r = &d->runs[d->run_count++];
    *r = (struct run){.first = first,
                      .count = end - first,
                      .start = place_of(d, first),
                      .from = ta_dv_rate_hz(t->frames[first].rate),
                      .to = d->rate};
    int64_t off = 0;
    for (size_t i = first; i < end; i++) {
        d->samples[i] = r->samples;
        r->samples += t->frames[i].samples;
        off = TA_MAX(off, llabs(r->start + after(r, r->samples) - place_of(d, i + 1)));
    }
    if (off > (int64_t)d->rate * STEP_MS / 1000) { // its clock is another one
        r->from = r->samples;
        r->to = TA_MAX(place_of(d, end) - r->start, 1);
    }
    r->plain = r->from == r->to;
    if (!r->plain)
        r->resampler = ta_dv_resampler_create((double)r->to / (double)r->from);
}

static int set_runs(struct ta_dv_demux *d)
{
    const struct ta_dv_table *t = d->table;
    int runs = 0;
    for (size_t i = 0; i < t->frame_count; i++)
        runs += has_sound(&t->frames[i]) &&
                (!i || !has_sound(&t->frames[i - 1]) || t->frames[i - 1].rate != t->frames[i].rate);
    d->runs = calloc((size_t)runs + 1, sizeof(*d->runs));
    d->samples = calloc(t->frame_count, sizeof(*d->samples));
    d->held = malloc(HELD * sizeof(*d->held));
    if (!d->runs || !d->samples || !d->held)
        return AVERROR(ENOMEM);
    for (int i = 0; i < HELD; i++)
        d->held[i].frame = SIZE_MAX;
    for (size_t i = 0, end; i < t->frame_count; i = end) {
        end = i + 1;
        if (!has_sound(&t->frames[i]))
            continue;
        while (end < t->frame_count && has_sound(&t->frames[end]) && t->frames[end].rate == t->frames[i].rate)
            end++;
        add_run(d, i, end);
    }
    return 0;
}

static const struct run *find_run(const struct ta_dv_demux *d, size_t frame)
{
    int low = 0, high = d->run_count;
    while (low < high) {
        int middle = (low + high) / 2;
        const struct run *r = &d->runs[middle];
        if (frame < r->first)
            high = middle;
        else if (frame >= r->first + r->count)
            low = middle + 1;
        else
            return r;
    }
    return NULL;
}

// ---- bytes ----

static int read_pieces(struct ta_dv_demux *d, const struct ta_dv_frame *f, uint8_t *data, uint8_t *there)
{
    for (int i = 0; i < f->piece_count; i++) {
        const struct ta_dv_piece *p = &d->table->pieces[f->first_piece + (uint32_t)i];
        int bytes = (int)p->count * TA_DV_BLOCK;
        int64_t at = avio_seek(d->pb, p->offset, SEEK_SET);
        int got = at < 0 ? (int)at : avio_read(d->pb, data + (size_t)p->first * TA_DV_BLOCK, bytes);
        if (got < bytes)
            return got < 0 && got != AVERROR_EOF ? got
                                                 : AVERROR_INVALIDDATA; // it was longer when it was scanned
        if (there)
            memset(there + p->first, 1, p->count);
    }
    return 0;
}

static int load(struct ta_dv_demux *d, size_t frame)
{
    if (d->data_frame == frame)
        return 0;
    d->data_frame = SIZE_MAX;
    const struct ta_dv_frame *f = &d->table->frames[frame];
    memset(d->there, 0, TA_DV_MAX_FRAME / TA_DV_BLOCK);
    int err = read_pieces(d, f, d->data, d->there);
    if (err >= 0)
        d->data_frame = frame;
    return err;
}

// The nearest whole frame of the same kind, rather one before; SIZE_MAX.
static size_t find_like(const struct ta_dv_demux *d, size_t frame)
{
    const struct ta_dv_table *t = d->table;
    for (int after = 0; after < 2; after++) {
        for (size_t k = 1; k <= LIKE_DISTANCE; k++) {
            if (after ? frame + k >= t->frame_count : k > frame)
                break;
            size_t i = after ? frame + k : frame - k;
            if (!t->frames[i].missing && t->frames[i].profile == t->frames[frame].profile)
                return i;
        }
    }
    return SIZE_MAX;
}

// Fills what is missing in `data`.
static int mend(struct ta_dv_demux *d, size_t frame)
{
    const struct ta_dv_frame *f = &d->table->frames[frame];
    size_t like = find_like(d, frame);
    if (like != SIZE_MAX) {
        int err = read_pieces(d, &d->table->frames[like], d->like, NULL);
        if (err < 0)
            return err;
    }
    d->data_frame = SIZE_MAX; // it is the file's no longer
    ta_dv_mend(d->data, d->there, like != SIZE_MAX ? d->like : NULL, ta_dv_profile(f->profile), f->wide);
    return 0;
}

// Also of a frame that is missing, so that each has its own: as far behind those before it as it would be.
static int64_t position_of(const struct ta_dv_demux *d, size_t frame)
{
    const struct ta_dv_table *t = d->table;
    int64_t behind = 0;
    for (;; frame--) {
        const struct ta_dv_frame *f = &t->frames[frame];
        if (f->piece_count)
            return t->pieces[f->first_piece].offset + behind;
        behind += ta_dv_profile(f->profile)->frame_size;
        if (!frame)
            return behind;
    }
}

static int read_picture(struct ta_dv_demux *d, size_t frame, AVPacket *packet)
{
    const struct ta_dv_frame *f = &d->table->frames[frame];
    const AVDVProfile *p = ta_dv_profile(f->profile);
    int err = load(d, frame);
    if (err >= 0 && f->missing)
        err = mend(d, frame);
    if (err >= 0)
        err = av_new_packet(packet, p->frame_size);
    if (err < 0)
        return err;
    memcpy(packet->data, d->data, (size_t)p->frame_size);
    packet->flags |= AV_PKT_FLAG_KEY | (f->missing ? AV_PKT_FLAG_CORRUPT : 0);
    packet->pts = packet->dts = d->times[frame];
    packet->duration = d->times[frame + 1] - d->times[frame];
    packet->pos = position_of(d, frame);
    return 0;
}

// ---- sound ----

// The sound of a frame as the file has it. NULL when it can't be read.
static const struct held *hold(struct ta_dv_demux *d, size_t frame, int *err)
{
    struct held *h = &d->held[frame % HELD];
    if (h->frame == frame)
        return h;
    const struct ta_dv_frame *f = &d->table->frames[frame];
    const AVDVProfile *p = ta_dv_profile(f->profile);
    const struct ta_dv_sound sound = {
        .rate = ta_dv_rate_hz(f->rate), .samples = f->samples, .pairs = f->pairs, .bits = f->bits};
    h->frame = SIZE_MAX;
    if ((*err = load(d, frame)) < 0)
        return NULL;
    for (int i = 0; i < d->pairs; i++) {
        if (i < f->pairs)
            ta_dv_sound_extract(d->data, d->there, p, &sound, i, h->pcm[i]);
        else
            memset(h->pcm[i], 0, sizeof(h->pcm[i]));
    }
    h->frame = frame;
    return h;
}

static int resample(struct ta_dv_demux *d, const struct run *r, size_t frame, int pair, int64_t from,
                    int count, int16_t *out)
{
    int16_t around[3 * 2 * TA_DV_MAX_SAMPLES];
    size_t first = frame > r->first ? frame - 1 : frame, last = TA_MIN(frame + 1, r->first + r->count - 1);
    int64_t have = 0;
    for (size_t i = first; i <= last; i++) {
        int err = 0;
        const struct held *h = hold(d, i, &err);
        if (!h)
            return err;
        memcpy(around + 2 * have, h->pcm[pair], (size_t)d->table->frames[i].samples * SAMPLE_BYTES);
        have += d->table->frames[i].samples;
    }
    double step = (double)r->from / (double)r->to;
    for (int i = 0; i < count; i++)
        ta_dv_resampler_get(r->resampler, around, have, (double)(from + i) * step - (double)d->samples[first],
                            out + 2 * i);
    return 0;
}

static int read_sound(struct ta_dv_demux *d, size_t frame, int pair, AVPacket *packet)
{
    const struct run *r = find_run(d, frame);
    int64_t from = place_of(d, frame), end = place_of(d, frame + 1);
    if (r) {
        int64_t here = d->samples[frame], next = here + d->table->frames[frame].samples;
        from = r->start + after(r, here);
        end = r->start + after(r, next);
    }
    int count = (int)(end - from), err = av_new_packet(packet, count * SAMPLE_BYTES);
    if (err < 0)
        return err;
    if (!r) {
        memset(packet->data, 0, (size_t)packet->size);
    } else if (r->plain) {
        const struct held *h = hold(d, frame, &err);
        if (h)
            memcpy(packet->data, h->pcm[pair], (size_t)packet->size);
    } else {
        err = resample(d, r, frame, pair, from - r->start, count, (int16_t *)packet->data);
    }
    packet->flags |= AV_PKT_FLAG_KEY;
    packet->pts = packet->dts = from;
    packet->duration = count;
    packet->pos = -1;
    return err;
}

// ---- the stream ----

static void set_tags(struct ta_dv_demux *d)
{
    const struct ta_dv_table *t = d->table;
    char text[TA_DV_TEXT];
    if (t->timecode != TA_DV_NONE)
        av_dict_set(&d->fmt->metadata, "timecode", ta_dv_timecode_text(t->timecode, text), 0);
    // By the recorder's clock, which knows no zones.
    if (t->date != TA_DV_NONE)
        av_dict_set(&d->fmt->metadata, "creation_time",
                    ta_dv_date_text(t->date, t->time, "T", ".000000Z", text), 0);
}

static int describe(struct ta_dv_demux *d)
{
    const struct ta_dv_table *t = d->table;
    const AVDVProfile *p = ta_dv_profile(t->profile);
    AVFormatContext *fmt = d->fmt = avformat_alloc_context();
    AVStream *st = fmt ? avformat_new_stream(fmt, NULL) : NULL;
    if (!st)
        return AVERROR(ENOMEM);
    fmt->iformat = av_find_input_format(t->in_avi ? "avi" : "dv"); // for its names only
    fmt->pb = d->pb;
    st->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    st->codecpar->codec_id = AV_CODEC_ID_DVVIDEO;
    st->codecpar->width = p->width;
    st->codecpar->height = p->height;
    st->codecpar->format = p->pix_fmt;
    st->codecpar->field_order = p->height < 720 ? AV_FIELD_BB : AV_FIELD_UNKNOWN;
    // Of most frames. The stream has none of its own: each frame says it.
    st->codecpar->sample_aspect_ratio = p->sar[t->wide];
    st->codecpar->bit_rate = av_rescale_q((int64_t)p->frame_size * 8, (AVRational){1, 1}, p->time_base);
    st->time_base = d->time_base;
    st->avg_frame_rate = st->r_frame_rate = av_inv_q(p->time_base);
    st->start_time = 0;
    st->duration = d->times[t->frame_count];
    st->nb_frames = (int64_t)t->frame_count;
    for (int i = 0; i < d->pairs; i++) {
        AVStream *sound = avformat_new_stream(fmt, NULL);
        if (!sound)
            return AVERROR(ENOMEM);
        AVCodecParameters *par = sound->codecpar;
        par->codec_type = AVMEDIA_TYPE_AUDIO;
        par->codec_id = AV_CODEC_ID_PCM_S16LE;
        par->format = AV_SAMPLE_FMT_S16;
        par->sample_rate = d->rate;
        par->bits_per_coded_sample = 16;
        par->block_align = SAMPLE_BYTES;
        par->bit_rate = (int64_t)d->rate * 32;
        av_channel_layout_default(&par->ch_layout, 2);
        sound->time_base = (AVRational){1, d->rate};
        sound->start_time = 0;
        sound->duration = place_of(d, t->frame_count);
    }
    fmt->start_time = 0;
    fmt->duration = av_rescale_q(st->duration, d->time_base, AV_TIME_BASE_Q);
    fmt->bit_rate = st->codecpar->bit_rate;
    set_tags(d);
    return 0;
}

int ta_dv_demux_create(struct ta_dv_demux **out, const struct ta_dv_table *table, AVIOContext *pb)
{
    *out = NULL;
    struct ta_dv_demux *d = ta_xcalloc(1, sizeof(*d));
    d->table = table;
    d->pb = pb;
    d->rate = ta_dv_rate_hz(table->rate);
    d->pairs = table->rate ? table->pairs : 0;
    d->data_frame = SIZE_MAX;
    d->data = malloc(TA_DV_MAX_FRAME);
    d->like = malloc(TA_DV_MAX_FRAME);
    d->there = calloc(1, TA_DV_MAX_FRAME / TA_DV_BLOCK);
    int err = d->data && d->like && d->there ? set_times(d) : AVERROR(ENOMEM);
    if (err >= 0 && d->rate)
        err = set_runs(d);
    if (err >= 0)
        err = describe(d);
    if (err < 0)
        ta_dv_demux_destroy(&d);
    *out = d;
    return err;
}

void ta_dv_demux_destroy(struct ta_dv_demux **demux)
{
    struct ta_dv_demux *d = *demux;
    if (!d)
        return;
    for (int i = 0; i < d->run_count; i++)
        ta_dv_resampler_destroy(&d->runs[i].resampler);
    avformat_free_context(d->fmt);
    free(d->times);
    free(d->samples);
    free(d->runs);
    free(d->data);
    free(d->like);
    free(d->there);
    free(d->held);
    ta_freep(demux);
}

AVFormatContext *ta_dv_demux_format(struct ta_dv_demux *d)
{
    return d->fmt;
}

int ta_dv_demux_read(struct ta_dv_demux *d, AVPacket *packet)
{
    for (;;) {
        if (d->next_stream > d->pairs) {
            d->next_stream = 0;
            d->next++;
        }
        if (d->next >= d->table->frame_count)
            return AVERROR_EOF;
        int stream = d->next_stream++;
        if (d->fmt->streams[stream]->discard >= AVDISCARD_ALL)
            continue;
        av_packet_unref(packet);
        int err = stream ? read_sound(d, d->next, stream - 1, packet) : read_picture(d, d->next, packet);
        if (err < 0) {
            av_packet_unref(packet);
            return err;
        }
        packet->stream_index = stream;
        packet->time_base = d->fmt->streams[stream]->time_base;
        return 0;
    }
}

int ta_dv_demux_seek(struct ta_dv_demux *d, int stream, int64_t time)
{
    AVRational base = stream >= 0 && stream <= d->pairs ? d->fmt->streams[stream]->time_base : AV_TIME_BASE_Q;
    size_t low = 0, high = d->table->frame_count - 1; // the last frame that does not start after it
    while (low < high) {
        size_t middle = low + (high - low + 1) / 2;
        if (av_compare_ts(d->times[middle], d->time_base, time, base) <= 0)
            low = middle;
        else
            high = middle - 1;
    }
    d->next = low;
    d->next_stream = 0;
    return 0;
}
