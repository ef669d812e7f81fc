// The task kind "sound-finish": what needs the whole track. Its pieces are read twice where loudness or peaks
// count, once to measure and once to encode. What loses something on the way makes peaks of its own: it is
// decoded as it is encoded, and encoded again, held lower, where a player would go over.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "audio/limiter.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/sound/encode.h"
#include "media/sound/packets.h"
#include "media/sound/piece.h"
#include "media/sound/playback.h"
#include "plan/sound.h"
#include "restore/sound_format.h"
#include "restore/sound_result.h"
#include "restore/task_kind.h"
#include "restore/work.h"

enum { BLOCK = TA_SOUND_BLOCK, MAX_ROUNDS = 4, BY_LIMITER = 2, MAX_TRIES = 6 };
static const double NEAR_ENOUGH = 0.1; // LU
static const double LOWER = 0.1;       // dB more than a peak goes over by, for the next try
static const double FAR_BELOW = 12;    // dB below the ceiling: no encoder adds that much
static const double SPEED = 60;        // times real time: a guess

struct finishing {
    const struct ta_task_run *run;
    struct ta_task task;
    const struct ta_sound_plan *sound;
    const struct ta_stream_plan *stream;
    struct ta_log *log;
    float *planes[TA_SOUND_CHANNELS];
    double share, before; // of the work: that of this pass, and what lies before it
    int64_t read;
    struct ta_loudness *loudness;
    struct ta_true_peak *peak;
    struct ta_limiter *limiter;
    double ceiling; // dBTP for the limiter: the plan's, or lower where the encoder goes over
    struct ta_sound_playback *playback; // NULL before the first packet, and where nothing is lost
    struct ta_true_peak *played;
    bool listens;
    int64_t drop; // samples that the limiter gives before the first
    struct ta_sound_encoder *encoder;
    struct ta_packets_writer *writer;
    struct ta_sound_result result;
};

// ---- the pieces, one after the other ----

static int read_piece(struct finishing *f, int number, int (*use)(struct finishing *f, int n))
{
    struct ta_pcm_piece_reader *r = NULL;
    char *path = ta_work_task_path(f->run->work, number);
    int fd = ta_folder_open(&f->run->work->folder, ta_path_name(path), f->log);
    int err = fd < 0 ? fd
                     : ta_pcm_piece_open(&r, fd, path, f->sound->out.rate, f->sound->out.channels, f->log);
    if (fd == TA_ERR_NOT_FOUND)
        ta_error(f->log, "%s: is gone", path);
    int64_t expected = ta_plan_task(f->run->work->plan, number).samples, got = 0;
    while (err >= 0) {
        int n = ta_pcm_piece_read(r, f->planes, BLOCK);
        if (n <= 0) {
            err = n;
            break;
        }
        got += n;
        f->read += n;
        err = ta_canceled(f->run->env->cancel) ? TA_ERR_CANCELED : use(f, n);
        ta_task_tell(f->run, TA_MIN(1.0, f->before + f->share * (double)f->read / (double)f->task.samples));
    }
    if (err >= 0 && got != expected) {
        ta_error(f->log, "%s: has %lld samples where %lld were planned", path, (long long)got,
                 (long long)expected);
        err = TA_ERR_DAMAGED;
    }
    ta_pcm_piece_close(&r);
    free(path);
    return err;
}

static int read_all(struct finishing *f, int (*use)(struct finishing *f, int n))
{
    int err = 0;
    f->read = 0;
    for (int i = 0; i < f->task.need_count && err >= 0; i++)
        err = read_piece(f, f->task.needs[i], use);
    return err;
}

// ---- measuring ----

static int measure_block(struct finishing *f, int n)
{
    ta_true_peak_add(f->peak, f->planes, (size_t)n);
    return f->loudness ? ta_loudness_add(f->loudness, f->planes, (size_t)n) : 0;
}

// Gain and limiter, on a block in place.
static void level_block(struct finishing *f, int n)
{
    const float gain = (float)pow(10, f->result.level.gain / 20);
    for (int c = 0; gain != 1 && c < f->sound->out.channels; c++)
        for (int i = 0; i < n; i++)
            f->planes[c][i] *= gain;
    if (f->limiter)
        ta_limiter_run(f->limiter, f->planes, (size_t)n);
}

static void start_limiter(struct finishing *f)
{
    const struct ta_sound_plan *s = f->sound;
    ta_limiter_destroy(&f->limiter);
    if (f->result.level.limited)
        f->limiter = ta_limiter_create(s->out.rate, s->out.channels, f->ceiling);
    f->drop = f->limiter ? (int64_t)ta_limiter_latency(s->out.rate) : 0;
}

static int measure_levelled(struct finishing *f, int n)
{
    level_block(f, n);
    return ta_loudness_add(f->loudness, f->planes, (size_t)n);
}

// What the limiter takes off is missing from the loudness: more gain makes up for it, as far as peaks allow.
static int settle_gain(struct finishing *f)
{
    const struct ta_sound_plan *s = f->sound;
    struct ta_level *level = &f->result.level;
    const double most = TA_MIN(TA_LEVEL_MOST, f->ceiling + TA_LEVEL_LIMIT - f->result.peak);
    double slope = 1.5, before = 0, last = 0; // dB of gain to a LU, behind the limiter; the round before
    int err = 0;
    for (int round = 0; round < MAX_ROUNDS && err >= 0; round++) {
        f->before += f->share;
        f->share = 0.1;
        start_limiter(f);
        ta_loudness_destroy(&f->loudness);
        err = ta_loudness_create(&f->loudness, &s->out, f->log);
        if (err >= 0)
            err = read_all(f, measure_levelled);
        if (err < 0)
            return err;
        double loudness = ta_loudness_get(f->loudness);
        level->missing = s->loudness - loudness;
        if (round && fabs(loudness - last) > 0.01)
            slope = TA_MIN(TA_MAX((level->gain - before) / (loudness - last), 1), 6);
        before = level->gain;
        last = loudness;
        double gain = TA_MIN(level->gain + slope * level->missing, most);
        if (fabs(level->missing) <= NEAR_ENOUGH || fabs(gain - level->gain) < NEAR_ENOUGH ||
            round + 1 == MAX_ROUNDS)
            break;
        level->gain = gain;
    }
    return err;
}

// Gain and limiter for what was measured, below the ceiling as it is now.
static int choose_level(struct finishing *f)
{
    const struct ta_sound_plan *s = f->sound;
    int err = 0;
    f->result.level = ta_level_for(f->result.loudness, f->result.peak, s->loudness, f->ceiling);
    if (f->result.level.limited && s->loudness < 0 && !f->result.level.silent)
        err = settle_gain(f);
    return err;
}

static int measure(struct finishing *f)
{
    const struct ta_sound_plan *s = f->sound;
    int err = s->loudness < 0 ? ta_loudness_create(&f->loudness, &s->out, f->log) : 0;
    f->peak = ta_true_peak_create(s->out.channels);
    f->share = 0.4;
    if (err >= 0)
        err = read_all(f, measure_block);
    if (err < 0)
        return err;
    double peak = ta_true_peak_get(f->peak);
    f->result.measured = true;
    f->result.peak = peak > 1e-6 ? 20 * log10(peak) : -INFINITY;
    f->result.loudness = f->loudness ? ta_loudness_get(f->loudness) : -INFINITY;
    err = choose_level(f);
    f->before += f->share;
    return err;
}

// ---- encoding ----

static int hear(void *priv, float *const *planes, int channels, int samples)
{
    struct finishing *f = priv;
    if (!f->played)
        f->played = ta_true_peak_create(channels);
    ta_true_peak_add(f->played, planes, (size_t)samples);
    return 0;
}

static int take_packet(void *priv, const AVCodecParameters *par, AVRational time_base, const AVPacket *packet)
{
    struct finishing *f = priv;
    int err = ta_packets_write(f->writer, par, time_base, packet);
    if (err >= 0 && f->listens && !f->playback)
        err = ta_sound_playback_create(&f->playback, par, hear, f, f->log);
    return err >= 0 && f->playback ? ta_sound_playback_push(f->playback, packet) : err;
}

static int encode_block(struct finishing *f, int n)
{
    float *at[TA_SOUND_CHANNELS];
    level_block(f, n);
    int64_t skip = TA_MIN(n, f->drop);
    f->drop -= skip;
    for (int c = 0; c < f->sound->out.channels; c++)
        at[c] = f->planes[c] + skip;
    return n > skip ? ta_sound_encoder_push(f->encoder, at, (size_t)(n - skip)) : 0;
}

// What the limiter still holds.
static int flush_limiter(struct finishing *f)
{
    int err = 0;
    int64_t left = f->limiter ? (int64_t)ta_limiter_latency(f->sound->out.rate) : 0;
    for (int64_t n; left > 0 && err >= 0; left -= n) {
        n = TA_MIN(left, BLOCK);
        for (int c = 0; c < f->sound->out.channels; c++)
            memset(f->planes[c], 0, (size_t)n * sizeof **f->planes);
        err = encode_block(f, (int)n);
    }
    return err;
}

static int open_output(struct finishing *f)
{
    const struct ta_sound_plan *s = f->sound;
    struct ta_sound_encoder_params params = {.codec = f->stream->codec,
                                             .bit_rate = f->stream->bit_rate,
                                             .global_header = f->run->work->plan->container->global_header,
                                             .rate = s->out.rate,
                                             .true_rate = s->true_rate,
                                             .start = s->start,
                                             .packet = take_packet,
                                             .priv = f};
    // Matroska's delay of a codec is known to players for others, and is not written for these.
    params.spare_first = !f->run->work->plan->container->times_below_zero && strstr(f->stream->codec, "ac3");
    ta_sound_layout(&s->out, &params.layout);
    int err = ta_sound_encoder_open(&f->encoder, &params, f->log);
    av_channel_layout_uninit(&params.layout);
    int fd = err >= 0 ? ta_folder_create(&f->run->work->folder, f->run->name, f->log) : err;
    return fd < 0 ? fd : ta_packets_create(&f->writer, fd, f->run->name, f->log);
}

static int encode(struct finishing *f, struct ta_done *done)
{
    start_limiter(f);
    int err = open_output(f);
    f->share = TA_MAX(1 - f->before, 0);
    if (err >= 0)
        err = read_all(f, encode_block);
    f->result.samples = f->read;
    if (err >= 0)
        err = flush_limiter(f);
    if (err >= 0)
        err = ta_sound_encoder_end(f->encoder);
    if (err >= 0 && f->playback)
        err = ta_sound_playback_push(f->playback, NULL);
    if (err >= 0)
        err = ta_packets_finish(f->writer, &f->result.packets, &done->bytes, done->sha256);
    if (f->limiter)
        f->result.limited = ta_limiter_most(f->limiter);
    return err;
}

static void close_output(struct finishing *f)
{
    ta_sound_encoder_close(&f->encoder);
    ta_packets_destroy(&f->writer);
    ta_sound_playback_destroy(&f->playback);
    ta_true_peak_destroy(&f->played);
}

// Once more, held lower by `over`: at first by the limiter, which keeps the loudness; then, as what an
// encoder adds need not become less with the peaks, by the gain.
static int encode_lower(struct finishing *f, struct ta_done *done, double over, bool by_limiter)
{
    close_output(f);
    ta_folder_unlink(&f->run->work->folder, f->run->name);
    f->ceiling -= over;
    if (!by_limiter) {
        f->result.level.gain -= over;
        f->result.level.missing += f->sound->loudness < 0 ? over : 0;
    }
    int err = by_limiter ? choose_level(f) : 0;
    return err < 0 ? err : encode(f, done);
}

static int encode_below(struct finishing *f, struct ta_done *done)
{
    const struct ta_sound_plan *s = f->sound;
    const AVCodec *codec = avcodec_find_encoder_by_name(f->stream->codec);
    f->listens = s->ceiling < 0 && codec && ta_sound_playback_differs(codec->id) &&
                 f->result.peak + f->result.level.gain > s->ceiling - FAR_BELOW;
    double lower = LOWER;
    int err = encode(f, done);
    for (int tries = 1; err >= 0 && f->played; tries++) {
        double peak = ta_true_peak_get(f->played);
        f->result.played = peak > 1e-6 ? 20 * log10(peak) : -INFINITY;
        double over = f->result.played - (s->ceiling + TA_LEVEL_ENCODER);
        if (over <= 0 || tries == MAX_TRIES)
            break;
        ta_verbose(f->log, "a player's peaks would reach %.2f dBTP: encoded again, lower", f->result.played);
        err = encode_lower(f, done, over + lower, tries <= BY_LIMITER);
        lower *= tries < BY_LIMITER ? 1 : 2;
    }
    return err;
}

static int run(const struct ta_task_run *t, struct ta_done *done)
{
    const struct ta_plan *plan = t->work->plan;
    struct finishing f = {.run = t, .task = ta_plan_task(plan, t->number), .result.played = -INFINITY};
    int k;
    f.sound = ta_sound_of_task(plan, &f.task, &k);
    for (int i = 0; f.sound && i < plan->stream_count; i++)
        if (plan->streams[i].stream == f.sound->stream)
            f.stream = &plan->streams[i];
    if (!f.stream)
        return TA_ERR_INTERNAL; // the plan was checked
    f.log = ta_log_child(t->env->log, "%s", f.task.stem);
    ta_log_set_about(f.log, plan->input);
    for (int c = 0; c < f.sound->out.channels; c++)
        f.planes[c] = ta_xcalloc(BLOCK, sizeof **f.planes);
    f.ceiling = f.sound->ceiling;
    ta_turns_wait(t->turns, TA_TURN_ENCODER);
    int err = f.sound->loudness < 0 || f.sound->ceiling < 0 ? measure(&f) : 0;
    if (err >= 0)
        err = encode_below(&f, done);
    ta_turns_end(t->turns, TA_TURN_ENCODER);
    if (err >= 0)
        ta_sound_result_to_done(&f.result, done);
    close_output(&f);
    ta_loudness_destroy(&f.loudness);
    ta_true_peak_destroy(&f.peak);
    ta_limiter_destroy(&f.limiter);
    for (int c = 0; c < TA_SOUND_CHANNELS; c++)
        free(f.planes[c]);
    ta_log_destroy(&f.log);
    return err;
}

static double cost(const struct ta_plan *plan, const struct ta_task *task)
{
    int k;
    const struct ta_sound_plan *s = ta_sound_of_task(plan, task, &k);
    return s ? (double)task->samples / s->in.rate / SPEED / 0.02 : 0;
}

const struct ta_task_kind ta_task_sound_finish = {
    .name = "sound-finish", .prefix = "sound", .suffix = "packets", .run = run, .cost = cost};
