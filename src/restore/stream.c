// Segments are computed one after the other, each with its own lead-in, because their pictures are a function
// of the plan: a chain that ran on over a seam would give others. The next one is warmed up while the one
// before comes to its end, so that the reader does not notice a seam.
#include "restore/stream.h"

#include <stdlib.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "media/mux/y4m_stream.h"
#include "pictures/compose.h"
#include "pictures/frames.h"

enum { WARM_UP_FRAMES = 48 }; // of the output that are left, its lead-in apart, when the next segment begins

struct part {
    struct ta_segment segment;
    struct ta_frames *frames; // NULL: none
};

struct stream {
    const struct ta_plan *plan;
    bool strict;
    struct ta_meter *meter;
    struct ta_env env;
    struct ta_log *log;
    struct ta_y4m_stream *y4m;
    struct ta_composer *composer; // of previews
    struct part now, next;
    struct ta_stream_result *out;
};

static int open_part(struct stream *s, struct part *p, int index)
{
    p->segment = ta_plan_segment(s->plan, index);
    return ta_frames_open(&p->frames, s->plan, &p->segment, &s->env);
}

static int give(struct stream *s, AVFrame *frame)
{
    int64_t before = ta_y4m_stream_bytes(s->y4m);
    int err = s->composer ? ta_composer_frame(s->composer, &frame) : 0;
    if (err >= 0)
        err = ta_y4m_stream_write(s->y4m, frame);
    av_frame_free(&frame);
    if (err < 0)
        return err;
    s->out->frames++;
    ta_meter_add(s->meter, 1, ta_y4m_stream_bytes(s->y4m) - before);
    return 0;
}

// Is it time for the next segment? Its lead-in takes about as long as that many frames of this one.
static bool is_near_end(const struct stream *s, int64_t given)
{
    const struct ta_segment *seg = &s->now.segment;
    int64_t left = seg->out_count - given;
    return seg->index + 1 < s->plan->segment_count && !s->next.frames &&
           left <= WARM_UP_FRAMES + s->plan->fields * seg->reach.before;
}

static int give_all(struct stream *s)
{
    int64_t given = 0;
    for (;;) {
        AVFrame *frame = NULL;
        int err = ta_frames_next(s->now.frames, &frame);
        if (err < 0 || !frame)
            return err;
        err = give(s, frame);
        given++;
        if (err >= 0 && is_near_end(s, given))
            err = open_part(s, &s->next, s->now.segment.index + 1);
        if (err < 0)
            return err;
    }
}

static int run_part(struct stream *s, int index)
{
    struct ta_frames_stats stats = {0};
    s->now = s->next;
    s->next = (struct part){0};
    int err = s->now.frames ? 0 : open_part(s, &s->now, index);
    if (err >= 0 && s->plan->show)
        err = ta_composer_create(&s->composer, s->plan, &s->now.segment, ta_meter_cancel(s->meter), s->log);
    if (err >= 0)
        err = give_all(s);
    err = ta_frames_close(&s->now.frames, err, &stats);
    ta_composer_destroy(&s->composer);
    s->out->concealed += stats.concealed;
    s->out->damaged += stats.damaged;
    if (err >= 0 && s->strict && stats.concealed + stats.damaged > 0) {
        ta_error(
            s->log,
            "%lld frames can't be decoded and %lld decode with errors, from source frame %lld on (--strict)",
            (long long)stats.concealed, (long long)stats.damaged, (long long)s->now.segment.source_first);
        err = TA_ERR_DAMAGED;
    }
    if (err >= 0)
        ta_meter_add_task(s->meter, true);
    return err;
}

int ta_stream_run(const struct ta_plan *plan, bool strict, struct ta_meter *meter,
                  struct ta_stream_result *out, struct ta_log *log)
{
    struct stream s = {
        .plan = plan, .strict = strict, .meter = meter, .log = ta_log_child(log, "stream"), .out = out};
    *out = (struct ta_stream_result){0};
    ta_log_set_about(s.log, plan->input);
    ta_log_only_first_error(s.log);
    s.env = ta_meter_env(meter, ta_meter_cancel(meter), s.log);
    // Decoding begins before somebody reads.
    int err = open_part(&s, &s.next, 0);
    if (err >= 0)
        err = ta_y4m_stream_open(&s.y4m, STDOUT_FILENO, &plan->out_format, "standard output",
                                 ta_meter_cancel(meter), s.log);
    for (int i = 0; i < plan->segment_count && err >= 0; i++)
        err = run_part(&s, i);
    err = ta_frames_close(&s.next.frames, err, NULL);
    out->bytes = s.y4m ? ta_y4m_stream_bytes(s.y4m) : 0;
    ta_y4m_stream_close(&s.y4m);
    if (err == TA_ERR_CLOSED)
        ta_info(s.log, "%s after %lld of %lld frames", ta_error_text(err), (long long)out->frames,
                (long long)plan->out_frames);
    ta_log_destroy(&s.log);
    return err;
}
