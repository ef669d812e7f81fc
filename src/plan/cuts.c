// Where the output is cut into segments.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "media/encode/encoder_settings.h"
#include "plan/decide.h"
#include "plan/tasks.h"

static const double SEGMENT_SECONDS = 30; // of the output, at most
static const double SEGMENT_WORK = 40;    // seconds of one core
static const double LEAD_INS = 10;        // the lead-in is at most a tenth
static const double SLOW_LEAD_INS = 2;    // where a segment would take minutes
static const double LOSS = 30; // seconds that a stop may cost: what was tried to take longer is cut
static const double AIM = 20;  // to this: the machine may get more to do than it had when it was tried
enum { LEAST_FRAMES = 48, SLOW_LEAST_FRAMES = 18, MOST_SHORTER = 64 };

// Source frames from `from` on until at least TA_MIN_SEGMENT_OUT output frames are reached.
static int64_t least_end(const struct ta_plan *p, int64_t from)
{
    int64_t end = p->first_frame + p->frame_count, out = 0;
    while (from < end && out < TA_MIN_SEGMENT_OUT)
        out += ta_plan_fields_of(p, from++);
    return from;
}

// Seconds of one core for an output frame, as ta_stage_info and ta_encoder_info tell it: of the chain, of
// all.
static double work_of_frame(const struct ta_plan *p, double *chain)
{
    double sum = 0, pixels = (double)p->out_format.width * p->out_format.height;
    for (int i = 0; i < p->stage_count; i++) {
        const struct ta_format *f = &p->stages[i].out;
        sum += ta_stage_plan_cost(&p->stages[i]) * (double)f->width * f->height;
    }
    *chain = sum / 1e9;
    return *chain + ta_encoder_cost(&p->encoder) * pixels / 1e9;
}

// Seconds of the output that a segment should have. A stop loses what is being made, which should be no more
// than half a minute on a machine of two cores. `shorter`: of others, by how much.
static double length_by_work(const struct ta_plan *p, const struct ta_index *index, int shorter)
{
    double chain, each = work_of_frame(p, &chain);
    double whole = (double)(index->frames[p->first_frame + p->frame_count - 1].pts -
                            index->frames[p->first_frame].pts) *
                   av_q2d(index->time_base);
    double rate = whole > 0 ? (double)p->out_frames / whole : 25;
    double frames = SEGMENT_WORK / TA_MAX(each, 1e-9);
    if (shorter > 1)
        frames = TA_MIN(frames, TA_MIN(SEGMENT_SECONDS, whole) * rate) / shorter;
    // Too short, and most of it would be the chain's lead-in, or the encoder would see too little ahead.
    double lead_in = (double)p->reach.before * p->fields * chain / TA_MAX(each, 1e-9);
    double least = shorter > 1 ? TA_MAX((double)SLOW_LEAST_FRAMES, SLOW_LEAD_INS * lead_in)
                               : TA_MAX((double)LEAST_FRAMES, LEAD_INS * lead_in);
    double seconds = TA_MAX(frames, least) / rate;
    if (seconds >= SEGMENT_SECONDS)
        return SEGMENT_SECONDS;
    // Of the same length, all of them.
    double pieces = ceil(whole / seconds - 0.25);
    return pieces > 1 ? whole / pieces : SEGMENT_SECONDS;
}

double ta_plan_work(const struct ta_plan *p)
{
    double chain;
    return work_of_frame(p, &chain) * (double)p->out_frames;
}

void ta_plan_choose_cuts(struct ta_plan *p, const struct ta_index *index, double seconds, int shorter,
                         char **why)
{
    double unit = av_q2d(index->time_base);
    int before = p->segment_count;
    bool by_work = seconds <= 0;
    if (by_work)
        seconds = length_by_work(p, index, shorter);
    if (why && by_work && seconds < SEGMENT_SECONDS)
        *why = ta_xprintf("%.1f seconds each: no more than half a minute of work on %s, which is what a stop "
                          "can lose",
                          seconds, shorter > 1 ? "this machine as it is now" : "two cores");
    int64_t length = TA_MAX(1, (int64_t)(seconds / unit + 0.5));
    int64_t end = p->first_frame + p->frame_count;
    size_t capacity = 16;
    free(p->cuts);
    p->segment_count = 0;
    p->cuts = ta_xcalloc(capacity, sizeof *p->cuts);
    p->cuts[0] = p->first_frame;
    int64_t from = p->first_frame;
    for (;;) {
        int64_t cut = least_end(p, from);
        // By the work in them all are alike; else each is as long as it was said, and the last one what
        // remains.
        int64_t begun = by_work ? index->frames[p->first_frame].pts +
                                      (int64_t)(p->segment_count * seconds / unit + 0.5)
                                : index->frames[from].pts;
        while (cut < end && index->frames[cut].pts - begun < length)
            cut++;
        while (cut < end && ta_plan_fields_of(p, cut) == 0) // a segment begins with a frame that it shows
            cut++;
        // What would remain must be a segment of its own.
        if (cut >= end || ta_plan_out_before(p, end) - ta_plan_out_before(p, cut) < TA_MIN_SEGMENT_OUT)
            break;
        if ((size_t)p->segment_count + 3 > capacity) {
            capacity *= 2;
            p->cuts = ta_xrealloc(p->cuts, capacity * sizeof *p->cuts);
        }
        p->cuts[++p->segment_count] = cut;
        from = cut;
    }
    p->cuts[++p->segment_count] = end;
    ta_tasks_follow_cuts(p, before);
}

// Seconds that a segment of so many frames takes here: by the work in it and the cores that it can use, and
// by the clock, which a machine that has other things to do makes longer.
static double seconds_of_segment(const struct ta_plan *p, const struct ta_estimate *e, int64_t frames,
                                 int cores)
{
    int jobs = TA_MAX(e->at_once, 1), own = TA_MAX(1, TA_MIN(cores / jobs, TA_MAX(p->encoder.threads, 1)));
    double part = (double)frames / (double)TA_MAX(p->out_frames, 1);
    return TA_MAX(e->cpu_seconds / own, e->seconds * jobs) * part;
}

static int64_t longest_segment(const struct ta_plan *p)
{
    int64_t most = 0;
    for (int k = 0; k < p->segment_count; k++)
        most = TA_MAX(most, ta_plan_segment(p, k).out_count);
    return most;
}

bool ta_plan_cut_for(struct ta_plan *p, const struct ta_estimate *e, int cores, char **why)
{
    int shorter = 1;
    double seconds = seconds_of_segment(p, e, longest_segment(p), cores);
    if (seconds <= LOSS)
        return false;
    while (seconds / shorter > AIM && shorter < MOST_SHORTER)
        shorter *= 2;
    ta_plan_choose_cuts(p, p->index, 0, shorter, why);
    seconds = seconds_of_segment(p, e, longest_segment(p), cores);
    if (why && *why && seconds > LOSS) {
        free(*why);
        *why = ta_xprintf(
            "the shortest that are worth it: on this machine as it is now a stop can lose about "
            "%.0f seconds of work",
            seconds);
    }
    return true;
}
