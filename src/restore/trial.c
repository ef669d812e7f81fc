#include "restore/trial.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/problem.h"
#include "media/encode/encoder.h"
#include "media/mux/mux.h"
#include "restore/join.h"

enum {
    PACKETS = 3, // of a stream: muxers look into the first
    ALL = -1,    // streams at once, or the number of one of them, or
    NONE = -2,
};
// What starts later is not looked at: a subtitle an hour away would mean reading all before it.
#define HORIZON (2 * (int64_t)AV_TIME_BASE)

struct short_lane {
    struct ta_lane lane;
    struct ta_lane *inner; // NULL: the pictures, which are not made yet
    int left;
};

static int next_packet(struct ta_lane *lane, AVPacket *packet)
{
    struct short_lane *s = (struct short_lane *)lane;
    if (!s->inner || s->left-- <= 0)
        return 0;
    s->inner->horizon = HORIZON;
    int got = s->inner->next(s->inner, packet);
    return got == TA_LANE_LATER ? 0 : got;
}

static void destroy_lane(struct ta_lane *lane)
{
    struct short_lane *s = (struct short_lane *)lane;
    if (s->inner)
        ta_lane_destroy(&s->inner);
    else
        avcodec_parameters_free(&lane->parameters);
    free(s);
}

// Takes `inner`.
static struct ta_lane *shorten(struct ta_lane *inner)
{
    struct short_lane *s = ta_xcalloc(1, sizeof *s);
    s->lane = *inner;
    s->lane.next = next_packet;
    s->lane.destroy = destroy_lane;
    s->inner = inner;
    s->left = PACKETS;
    return &s->lane;
}

// A lane of the right kind and without a packet.
static int picture_lane(struct ta_lane **out, const struct ta_plan *p, const AVStream *like,
                        struct ta_log *log)
{
    struct ta_encoder *encoder = NULL;
    int err = ta_encoder_open(&encoder, &p->encoder, &p->out_format, log);
    if (err < 0)
        return err;
    struct short_lane *s = ta_xcalloc(1, sizeof *s);
    s->lane = (struct ta_lane){.next = next_packet,
                               .destroy = destroy_lane,
                               .time_base = p->out_time_base,
                               .frame_rate = p->out_format.frame_rate,
                               .sar = p->out_format.sar,
                               .like = p->show ? NULL : like,
                               .parameters = avcodec_parameters_alloc()};
    if (!s->lane.parameters ||
        avcodec_parameters_from_context(s->lane.parameters, ta_encoder_context(encoder)) < 0)
        err = TA_ERR_NOMEM;
    else
        ta_join_describe_video(p, s->lane.parameters);
    ta_encoder_close(&encoder);
    *out = &s->lane;
    return err;
}

static bool has_lane(const struct ta_stream_plan *s)
{
    return s->kind != TA_STREAM_COVER && s->kind != TA_STREAM_ATTACHMENT &&
           (s->action == TA_STREAM_COPY || s->action == TA_STREAM_TRANSCODE);
}

static int other_lane(struct ta_lane **out, const struct ta_plan *p, const struct ta_stream_plan *s,
                      struct ta_streams *streams, struct ta_log *log)
{
    int64_t offset = av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q);
    bool global_header = p->container->global_header;
    struct ta_lane *lane = NULL;
    int err = s->action == TA_STREAM_COPY ? ta_lane_copy(&lane, streams, s->stream, offset)
              : s->kind == TA_STREAM_AUDIO
                  ? ta_lane_audio(&lane, streams, s->stream, offset, s->codec, s->bit_rate, global_header,
                                  NULL, log)
                  : ta_lane_subtitle(&lane, streams, s->stream, offset, s->codec, global_header, log);
    if (err >= 0)
        *out = shorten(lane);
    return err;
}

// The pictures with all other streams of the plan, with number `which` of them, or alone. *why is the first
// error.
static int attempt(const struct ta_plan *p, const struct ta_index *index, int which,
                   const struct ta_cancel *cancel, struct ta_buf *why)
{
    struct ta_log *log;
    ta_buf_clear(why);
    int err = ta_log_keep_first(&log, why);
    if (err < 0)
        return err;
    struct ta_lane **lanes = ta_xcalloc((size_t)p->stream_count + 1, sizeof *lanes);
    struct ta_streams *streams = NULL;
    bool *left_out = NULL;
    int count = 0;
    err = ta_streams_open(&streams, p->input, index, p->range_start, p->range_end, cancel, log);
    if (err >= 0)
        err = ta_streams_complete(streams, index);
    if (err >= 0)
        err = picture_lane(&lanes[count++], p, ta_streams_get(streams, index->video), log);
    if (err < 0 && err != TA_ERR_CANCELED && err != TA_ERR_NOMEM)
        err = TA_ERR_IO; // no refusal: the file is gone, or the encoder
    if (err >= 0)
        left_out = ta_xcalloc(ta_streams_format(streams)->nb_streams + 1u, sizeof *left_out);
    for (int i = 0; err >= 0 && i < p->stream_count; i++) {
        const struct ta_stream_plan *s = &p->streams[i];
        if (!ta_streams_get(streams, s->stream))
            continue; // told when it is needed
        left_out[s->stream] = s->action == TA_STREAM_DROP || (which != ALL && which != i);
        if (!left_out[s->stream] && has_lane(s) && (err = other_lane(&lanes[count], p, s, streams, log)) >= 0)
            count++;
    }
    if (err >= 0) {
        struct ta_mux_params params = {.path = p->output,
                                       .trial = true,
                                       .container = p->container,
                                       .lanes = lanes,
                                       .lane_count = count,
                                       .like = ta_streams_format(streams),
                                       .left_out = left_out,
                                       .chapters = p->chapters,
                                       .chapter_count = p->chapter_count,
                                       .no_chapters = p->no_chapters,
                                       .tags = p->tags,
                                       .offset = av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q),
                                       .start = p->range_start,
                                       .end = p->range_end,
                                       .cancel = cancel,
                                       .log = log};
        err = ta_mux_write(&params, NULL);
    }
    for (int i = 0; i < count; i++)
        ta_lane_destroy(&lanes[i]);
    ta_streams_close(&streams);
    free(lanes);
    free(left_out);
    ta_log_destroy(&log);
    if (err < 0 && !why->size)
        ta_buf_puts(why, ta_error_text(err));
    return err < 0 ? err : 0;
}

// Is it the container that says no? Anything else will be met, and told, by the run itself.
static bool is_refusal(int err)
{
    // Nothing is written, so "no permission" is the bare -1 of some muxers.
    return err == TA_ERR_INVALID || err == TA_ERR_FORMAT || err == TA_ERR_UNSUPPORTED ||
           err == TA_ERR_DAMAGED || err == TA_ERR_ACCESS;
}

static void set_text(char **text, const char *to)
{
    free(*text);
    *text = ta_xstrdup(to);
}

static void drop_stream(struct ta_plan *p, int i)
{
    struct ta_stream_plan *s = &p->streams[i];
    char *reason = ta_xprintf("%s refuses it", p->container->name);
    s->action = TA_STREAM_DROP;
    set_text(&s->codec, "");
    set_text(&s->reason, reason);
    char *message = ta_xprintf("stream %d (%s, %s) is left out: %s", s->stream, ta_stream_kind_name(s->kind),
                               s->source_codec, reason);
    enum ta_problem_id id = s->kind == TA_STREAM_COVER ? TA_PROBLEM_COVER_LEFT_OUT
                                                       : TA_PROBLEM_STREAM_LEFT_OUT;
    struct ta_problem_about about = {.args = json_pack("{s:i}", "stream", s->stream)};
    struct ta_problem *problem = ta_problem_create(id, &about, message);
    json_array_append_new(p->warnings, ta_problem_to_json(problem));
    ta_problem_destroy(&problem);
    free(message);
    free(reason);
}

// Sound that can't be copied can perhaps be encoded anew.
static bool transcode_stream(struct ta_plan *p, int i)
{
    struct ta_stream_plan *s = &p->streams[i];
    const char *small = ta_container_small_sound(p->container);
    const char *codec = small ? small : !strcmp(p->container->name, "mkv") ? "flac" : "aac";
    if (s->kind != TA_STREAM_AUDIO || s->action != TA_STREAM_COPY)
        return false;
    s->action = TA_STREAM_TRANSCODE;
    set_text(&s->codec, codec);
    set_text(&s->reason, "the container refuses its packets as they are");
    return true;
}

// Tries one stream with the pictures, and finds another way for one that is refused.
static int settle_stream(struct ta_plan *p, const struct ta_index *index, int i,
                         const struct ta_cancel *cancel, struct ta_buf *why)
{
    if (p->streams[i].action == TA_STREAM_DROP || p->streams[i].action == TA_STREAM_RESTORE)
        return 0;
    int err = attempt(p, index, i, cancel, why);
    if (is_refusal(err) && transcode_stream(p, i))
        err = attempt(p, index, i, cancel, why);
    if (!is_refusal(err))
        return err;
    drop_stream(p, i);
    return 0;
}

int ta_plan_trial(struct ta_plan *p, const struct ta_index *index, const struct ta_env *env)
{
    const struct ta_cancel *cancel = env ? env->cancel : NULL;
    struct ta_buf why = {0};
    if (!strcmp(p->container->name, "y4m"))
        return 0;
    int err = attempt(p, index, ALL, cancel, &why);
    bool refused = is_refusal(err);
    if (refused && is_refusal(err = attempt(p, index, NONE, cancel, &why))) {
        ta_error(env->log, "%s can't hold these pictures: %s", p->container->name, ta_buf_text(&why));
        ta_buf_release(&why);
        return TA_ERR_UNSUPPORTED;
    }
    for (int i = 0; refused && err >= 0 && i < p->stream_count; i++)
        err = settle_stream(p, index, i, cancel, &why);
    ta_buf_release(&why);
    return err == TA_ERR_CANCELED || err == TA_ERR_NOMEM ? err : 0;
}
