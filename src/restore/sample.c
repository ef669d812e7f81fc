// What a plan will take, from a few seconds of it that are really made: noise that stays in the picture costs
// a multiple of what any table says, and no table knows the machine.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>
#include <terminalai/plan.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "media/encode/encoder.h"
#include "pictures/frames.h"
#include "plan/estimate.h"
#include "plan/plan.h"
#include "recipe/options.h"
#include "restore/callbacks.h"
#include "restore/run.h"
#include "restore/speed.h"

enum {
    // Recordings change more than a window shows: many short ones say more than few long ones.
    WINDOWS = 8,
    LEAST_WINDOWS = 2, // whatever they take
    GOOD_WINDOWS = 4,  // for several times the patience
    STRETCH = 3,
    WINDOW_FRAMES = 40, // of the output: as far as encoders look ahead
    LEAST_FRAMES = 24,
    // Where even these take too long, a window ends before its end: behind so many, of pictures that are
    // larger
    // than PIXELS behind fewer.
    CUT_FRAMES = 16,
    LEAST_CUT_FRAMES = 4,
    PIXELS = 1920 * 1080,
    // Encoders take in a whole window before they show what it costs: of pictures that are larger than so
    // many pixels windows are shorter from the start.
    LARGE_PIXELS = 3840 * 2160,
    // Who has no patience gets one window at least, of so few frames.
    HASTY_WINDOWS = 1,
    HASTY_FRAMES = 8,
    // Where a network works: seconds a frame, on the CPU.
    SLOW_FRAMES = 2,
    SLOW_WINDOWS = 1,
    SHARE = 16, // of short plans each window is at most so small a part
};
static const double HASTE = 1;      // seconds of patience
static const double REST = 1.03;    // joining, reading through, reports
static const int PACKET_BYTES = 12; // what a container needs for each

struct sample {
    const struct ta_plan *plan;
    struct ta_env env;
    // Of all windows: their first quarters, as each segment begins; what is in their middle; key frames.
    double start_bytes, other_bytes, key_bytes;
    int64_t starts;
    int64_t others, frames;
    double encoding, warming; // seconds
    double encoding_cpu, warming_cpu;
    struct ta_speed kept; // of a network, by an earlier run, where nothing is measured now
    int windows;
    bool intra;      // nothing but key frames
    double deadline; // by the clock: a window that is not done by then ends as soon as it says something
};

// ---- one window ----

static int take_packets(struct sample *s, struct ta_encoder *e, AVPacket *pkt, double *bytes, int64_t count,
                        int64_t *got)
{
    for (;;) {
        int err = ta_encoder_receive(e, pkt);
        if (err <= 0)
            return err;
        if (pkt->pts >= 0 && pkt->pts < count)
            bytes[pkt->pts] = pkt->size;
        if (*got && !(pkt->flags & AV_PKT_FLAG_KEY))
            s->intra = false;
        ++*got;
    }
}

static int64_t cut_frames(const struct ta_format *f)
{
    int64_t n = (int64_t)CUT_FRAMES * PIXELS / TA_MAX(1, (int64_t)f->width * f->height);
    return TA_MAX(LEAST_CUT_FRAMES, TA_MIN(n, CUT_FRAMES));
}

// *count: of frames, of the segment before and of what was encoded after.
static int encode(struct sample *s, const struct ta_segment *seg, double *bytes, int64_t *count)
{
    struct ta_frames *frames = NULL;
    struct ta_encoder *e = NULL;
    AVPacket *pkt = av_packet_alloc();
    int64_t got = 0, sent = 0, least = cut_frames(&s->plan->out_format);
    bool cut = false;
    double begun = ta_clock_seconds(), first = 0, cpu_begun = ta_cpu_seconds(), cpu_first = 0;
    int err = pkt ? ta_encoder_open(&e, seg->encoder, &s->plan->out_format, s->env.log) : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_frames_open(&frames, s->plan, seg, &s->env);
    for (bool end = false; err >= 0 && !end;) {
        AVFrame *frame = NULL;
        cut = sent >= least && sent < *count && ta_clock_seconds() > s->deadline;
        err = cut ? 0 : ta_frames_next(frames, &frame);
        end = !frame;
        sent += !end;
        if (!first) {
            first = ta_clock_seconds();
            cpu_first = ta_cpu_seconds();
        }
        if (err >= 0)
            err = ta_encoder_send(e, frame);
        if (err >= 0)
            err = take_packets(s, e, pkt, bytes, *count, &got);
    }
    err = ta_frames_close(&frames, cut && err >= 0 ? TA_ERR_CANCELED : err, NULL);
    if (cut && err == TA_ERR_CANCELED && !ta_canceled(s->env.cancel)) {
        *count = sent;
        err = 0;
    }
    ta_encoder_close(&e);
    av_packet_free(&pkt);
    s->encoding += ta_clock_seconds() - first;
    s->warming += first - begun;
    s->encoding_cpu += ta_cpu_seconds() - cpu_first;
    s->warming_cpu += cpu_first - cpu_begun;
    return err < 0 ? err : 0;
}

static int take_window(struct sample *s, int64_t first, int64_t end)
{
    struct ta_segment seg = ta_plan_range(s->plan, first, end);
    double *bytes = ta_xcalloc((size_t)seg.out_count + 1, sizeof *bytes);
    int64_t count = seg.out_count;
    int err = encode(s, &seg, bytes, &count);
    if (err >= 0) {
        // An encoder begins with more than it needs later, and what comes last was encoded with less ahead of
        // it than most are.
        int64_t quarter = count / 4;
        s->key_bytes += bytes[0];
        s->starts += quarter;
        for (int64_t i = 0; i < count - quarter; i++)
            *(i < quarter ? &s->start_bytes : &s->other_bytes) += bytes[i];
        s->others += count - 2 * quarter;
        s->frames += count;
        s->windows++;
    }
    free(bytes);
    return err;
}

// ---- the whole ----

static int64_t shown(const struct ta_plan *p, int64_t frame)
{
    while (frame > p->first_frame && ta_plan_fields_of(p, frame) == 0)
        frame--;
    return frame;
}

static bool has_engine(const struct ta_plan *p)
{
    for (int i = 0; i < p->stage_count; i++)
        if (p->stages[i].info->engine)
            return true;
    return false;
}

// Frames of the output that a window has.
static int64_t window_frames(const struct ta_plan *p, int fewest)
{
    int64_t out = TA_MIN(WINDOW_FRAMES, TA_MAX(fewest, p->out_frames / SHARE));
    int64_t pixels = (int64_t)p->out_format.width * p->out_format.height;
    return pixels > LARGE_PIXELS ? TA_MAX(LEAST_CUT_FRAMES, out * LARGE_PIXELS / pixels) : out;
}

// Those that lie apart first.
static int take_windows(struct sample *s, double patience)
{
    static const double places[WINDOWS] = {1 / 16.0, 9 / 16.0,  5 / 16.0, 13 / 16.0,
                                           3 / 16.0, 11 / 16.0, 7 / 16.0, 15 / 16.0};
    const struct ta_plan *p = s->plan;
    bool slow = has_engine(p), hasty = patience < HASTE;
    int least = slow ? SLOW_WINDOWS : hasty ? HASTY_WINDOWS : LEAST_WINDOWS;
    int fewest = hasty ? HASTY_FRAMES : LEAST_FRAMES;
    int64_t out = slow ? SLOW_FRAMES : window_frames(p, fewest);
    int64_t length = TA_MAX(1, out * p->frame_count / TA_MAX(p->out_frames, 1));
    double begun = ta_clock_seconds();
    s->intra = true;
    double limit = slow ? INFINITY : STRETCH * TA_MAX(patience, HASTE);
    s->deadline = begun + limit;
    if (length >= p->frame_count)
        return take_window(s, p->first_frame, p->first_frame + p->frame_count);
    for (int i = 0; i < WINDOWS; i++) {
        double most = i < GOOD_WINDOWS && !slow ? STRETCH * patience : patience;
        double taken = ta_clock_seconds() - begun;
        if (taken > 2 * limit || (i >= least && taken > most * i / (i + 1)))
            break;
        s->deadline = begun + limit * TA_MIN(1, (i + 1.0) / least);
        int64_t first = shown(p, p->first_frame + (int64_t)((double)(p->frame_count - length) * places[i]));
        int64_t end = TA_MIN(first + length, p->first_frame + p->frame_count);
        while (end < p->first_frame + p->frame_count &&
               ta_plan_out_before(p, end) - ta_plan_out_before(p, first) < TA_MIN(out, fewest / 2))
            end++;
        int err = take_window(s, first, end);
        if (err < 0)
            return err;
    }
    return 0;
}

// Key frames that the segments will have.
static double keys_of(const struct ta_plan *p)
{
    const AVDictionaryEntry *g = av_dict_get(p->encoder.options, "g", NULL, 0);
    double every = g ? TA_MAX(1, atof(g->value)) : 250, sum = 0;
    for (int k = 0; k < p->segment_count; k++)
        sum += ceil((double)ta_plan_segment(p, k).out_count / every);
    return sum;
}

static void sum_up(const struct sample *s, int jobs, struct ta_estimate *out)
{
    const struct ta_plan *p = s->plan;
    double n = (double)p->out_frames, each_other = s->other_bytes / (double)TA_MAX(s->others, 1);
    double begun = TA_MIN(n, (double)s->starts / s->windows * p->segment_count);
    double video = begun * s->start_bytes / (double)TA_MAX(s->starts, 1) + (n - begun) * each_other;
    // Key frames that are not at the start of a segment.
    if (!s->intra)
        video += (keys_of(p) - p->segment_count) * TA_MAX(0, s->key_bytes / s->windows - each_other);
    // What two frames take says nothing of the others' bytes: the table does.
    bool slow = has_engine(p);
    if (!out->exact && !slow) {
        out->segment_bytes = (int64_t)video;
        out->output_bytes = (int64_t)(video + n * PACKET_BYTES) + ta_estimate_other_streams(p);
        out->peak_bytes = strcmp(p->output, "-") ? out->segment_bytes + out->output_bytes : 0;
    }
    // A segment alone leaves cores free that several at once share: whichever is longer, its own time or the
    // work of all on all cores. The lead-in of the next goes on beside the encoder, on cores that it could
    // use itself.
    double lead_in = s->warming / s->windows, each = s->encoding / (double)TA_MAX(s->frames, 1),
           cpu_lead_in = s->warming_cpu / s->windows,
           cpu_each = s->encoding_cpu / (double)TA_MAX(s->frames, 1);
    // Networks hold frames back, so that all there is is behind the first.
    if (slow) {
        bool now = s->frames > 0;
        each = now ? (s->encoding + s->warming) / (double)s->frames : s->kept.seconds;
        cpu_each = now ? (s->encoding_cpu + s->warming_cpu) / (double)s->frames : s->kept.cpu_seconds;
        lead_in = cpu_lead_in = 0;
    }
    double alone = (n * each + lead_in * (0.5 * (p->segment_count - 1))) / jobs;
    out->cpu_seconds = (n * cpu_each + cpu_lead_in * p->segment_count) * REST;
    out->seconds = TA_MAX(alone * REST + lead_in, out->cpu_seconds / ta_cpu_count());
    out->at_once = jobs;
    out->tried = !slow;
}

int ta_plan_try(const struct ta_plan *plan, struct ta_options *options, double patience,
                const struct ta_callbacks *callbacks, struct ta_estimate *out, struct ta_log *log)
{
    struct ta_run_opts run;
    struct ta_meter meter;
    ta_plan_estimate(plan, out);
    int err = ta_options_run(options, &run, log);
    if (err < 0)
        return err;
    ta_meter_init(&meter, callbacks);
    ta_meter_start(&meter, TA_PHASE_MEASURE);
    // What goes wrong here goes wrong again in the run, which says so.
    struct sample s = {.plan = plan, .env = ta_meter_env(&meter, ta_meter_cancel(&meter), NULL)};
    char *cache = has_engine(plan) ? ta_options_cache(options) : NULL;
    if (cache && plan->out_frames > 0 && !plan->show && ta_speed_find(plan, cache, &s.kept))
        s.windows = 1;
    else if (plan->index && plan->out_frames > 0 && !plan->show)
        err = take_windows(&s, patience);
    if (cache && s.frames) {
        s.kept = (struct ta_speed){(s.encoding + s.warming) / (double)s.frames,
                                   (s.encoding_cpu + s.warming_cpu) / (double)s.frames};
        ta_speed_keep(plan, cache, &s.kept);
    }
    free(cache);
    if (s.frames)
        ta_verbose(log, "tried %lld frames in %d windows", (long long)s.frames, s.windows);
    if (err >= 0 && s.windows)
        sum_up(&s, ta_run_jobs(plan, &run, &s.env), out);
    ta_meter_release(&meter);
    ta_opt_release(ta_run_options, &run);
    return err == TA_ERR_CANCELED ? err : 0;
}
