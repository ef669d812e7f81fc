#include "media/mux/mux.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/mathematics.h>
#include <libavutil/mem.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "media/avio_new.h"
#include "media/mux/mux_av.h"
#include "media/mux/mux_internal.h"

#define TRIAL_BYTES 4096
#define PROGRESS_PACKETS 64 // between two calls of progress()

struct mux {
    const struct ta_mux_params *p;
    struct ta_log *log;
    AVFormatContext *oc;
    struct ta_output *outputs;
    struct ta_mux_result result;
    bool created; // the file is ours to remove
};

static int interrupted(void *priv)
{
    return ta_canceled(priv);
}

// A failure of writing: what the file system said wins over what the muxer made of it.
static int fail_write(const struct mux *m, const char *what, int ret)
{
    if (m->oc->pb && m->oc->pb->error < 0)
        ret = m->oc->pb->error;
    if (ret == AVERROR_EXIT || ta_canceled(m->p->cancel))
        return TA_ERR_CANCELED;
    ta_error(m->log, "%s: %s: %s", m->p->path, what, ta_av_text(ret));
    return ta_error_from_av(ret);
}

static int swallow(void *priv, TA_AVIO_DATA *data, int size)
{
    (void)priv;
    (void)data;
    return size;
}

static int64_t swallow_seek(void *priv, int64_t offset, int whence)
{
    (void)priv;
    return whence == AVSEEK_SIZE ? AVERROR(ENOSYS) : offset;
}

// Where a trial writes to: nowhere.
static int open_nothing(AVIOContext **pb)
{
    uint8_t *buffer = av_malloc(TRIAL_BYTES);
    *pb = buffer ? avio_alloc_context(buffer, TRIAL_BYTES, 1, NULL, NULL, swallow, swallow_seek) : NULL;
    if (!*pb)
        av_free(buffer);
    return *pb ? 0 : AVERROR(ENOMEM);
}

static void close_nothing(AVIOContext **pb)
{
    if (*pb)
        av_freep(&(*pb)->buffer);
    avio_context_free(pb);
}

static int open_output(struct mux *m)
{
    const struct ta_mux_params *p = m->p;
    const AVOutputFormat *of = av_guess_format(p->container->muxer, NULL, NULL);
    char *url = ta_xprintf("file:%s", p->path); // else a colon in the name would be taken for a protocol

    if (!of) {
        ta_error(m->log, "libav was built without the %s muxer", p->container->muxer);
        free(url);
        return TA_ERR_UNSUPPORTED;
    }
    ta_av_listen();
    int ret = avformat_alloc_output_context2(&m->oc, of, NULL, url);
    if (ret >= 0) {
        m->oc->flags |= AVFMT_FLAG_BITEXACT;
        m->oc->avoid_negative_ts = 0; // times are what the lanes say
        m->oc->interrupt_callback = (AVIOInterruptCB){interrupted, (void *)p->cancel};
        if (p->trial)
            ret = open_nothing(&m->oc->pb);
    }
    free(url);
    if (ret < 0) {
        ta_error(m->log, "%s: can't be created: %s", p->path, ta_av_text(ret));
        return ta_error_from_av(ret);
    }
    int err = p->trial ? 0 : ta_avio_create(m->oc, p->path, p->cancel, m->log);
    m->created = err >= 0 && !p->trial;
    return err;
}

// Asks a lane for its next packet. `horizon`: AV_TIME_BASE units.
static int fetch(struct mux *m, struct ta_output *o, int64_t horizon)
{
    o->lane->horizon = horizon;
    int ret = o->lane->next(o->lane, o->packet);
    if (ret < 0)
        return ret;
    if (ret == 0) {
        o->state = TA_OUTPUT_END;
    } else if (ret == 1) {
        o->state = TA_OUTPUT_READY;
        if (o->packet->dts == AV_NOPTS_VALUE || o->packet->pts == AV_NOPTS_VALUE) {
            ta_error(m->log, "%s: output stream %d: internal: a packet without time", m->p->path,
                     (int)(o - m->outputs));
            return TA_ERR_INTERNAL;
        }
    }
    return 0;
}

// The output whose packet comes first; NULL when none has any.
static struct ta_output *first_ready(struct mux *m)
{
    struct ta_output *best = NULL;

    for (int i = 0; i < m->p->lane_count; i++) {
        struct ta_output *o = &m->outputs[i];
        if (o->state == TA_OUTPUT_READY &&
            (!best ||
             av_compare_ts(o->packet->dts, o->lane->time_base, best->packet->dts, best->lane->time_base) < 0))
            best = o;
    }
    return best;
}

// The packet to write next: *out is NULL at the end. Lanes without a packet are asked for what starts before
// the first of the others.
static int choose(struct mux *m, struct ta_output **out)
{
    for (;;) {
        struct ta_output *best = first_ready(m);
        int64_t horizon = INT64_MAX;
        if (best)
            horizon = ta_rescale(best->packet->dts, best->lane->time_base, AV_TIME_BASE_Q);
        bool changed = false;
        for (int i = 0; i < m->p->lane_count; i++) {
            struct ta_output *o = &m->outputs[i];
            if (o->state != TA_OUTPUT_EMPTY)
                continue;
            int err = fetch(m, o, horizon);
            if (err < 0)
                return err;
            changed |= o->state != TA_OUTPUT_EMPTY;
            if (o->state == TA_OUTPUT_READY) { // narrows what the next lanes are asked for
                int64_t t = ta_rescale(o->packet->dts, o->lane->time_base, AV_TIME_BASE_Q);
                horizon = TA_MIN(horizon, t);
            }
        }
        if (!changed) {
            *out = best;
            return 0;
        }
    }
}

static bool strictly_increasing(const struct mux *m, const struct ta_output *o)
{
    enum AVMediaType type = o->st->codecpar->codec_type;
    return !(m->oc->oformat->flags & AVFMT_TS_NONSTRICT) && type != AVMEDIA_TYPE_SUBTITLE &&
           type != AVMEDIA_TYPE_DATA;
}

// Times in the container's units. 0: leave the packet out.
static int fit_times(struct mux *m, struct ta_output *o)
{
    AVPacket *k = o->packet;
    AVRational from = o->lane->time_base, to = o->st->time_base;
    enum AVMediaType type = o->st->codecpar->codec_type;
    bool video = type == AVMEDIA_TYPE_VIDEO;

    if (video && !k->duration && o->lane->frame_rate.num)
        k->duration = ta_rescale(1, av_inv_q(o->lane->frame_rate), from);
    int64_t end = ta_rescale(k->pts + k->duration, from, to) + o->delay;
    k->pts = ta_rescale(k->pts, from, to) + o->delay;
    k->dts = ta_rescale(k->dts, from, to) + o->delay;
    // Durations of single packets would add up to another time than the packets' own.
    k->duration = end - k->pts;
    k->time_base = to;
    if (k->pts < 0 && type == AVMEDIA_TYPE_SUBTITLE) {
        if (end <= 0) {
            m->result.early++;
            return 0;
        }
        k->pts = 0;
        k->duration = end;
    } else if (k->pts < o->earliest) {
        if (video && !o->lane->copied) {
            ta_error(m->log, "%s: a picture before time 0 can't be written into %s", m->p->path,
                     m->p->container->name);
            return TA_ERR_INVALID;
        }
        m->result.early++;
        return 0;
    }
    if (type == AVMEDIA_TYPE_SUBTITLE)
        k->dts = k->pts;
    if (o->last_dts != AV_NOPTS_VALUE) {
        int64_t least = o->last_dts + strictly_increasing(m, o);
        if (k->dts < least) {
            if (video && !o->lane->copied) {
                ta_error(m->log, "%s: output stream %d: decoding times do not increase", m->p->path,
                         o->st->index);
                return TA_ERR_INTERNAL;
            }
            k->dts = least;
            m->result.dts_fixed++;
        }
    }
    if (k->pts < k->dts) {
        if (video && !o->lane->copied) {
            ta_error(m->log, "%s: output stream %d: a picture is shown before it is decoded", m->p->path,
                     o->st->index);
            return TA_ERR_INTERNAL;
        }
        k->pts = k->dts;
    }
    o->last_dts = k->dts;
    return 1;
}

// Damage in a stream that is copied may go so far that the muxer, which looks into packets, refuses one. The
// film is worth more than that packet.
static bool is_refusal(const struct mux *m, const struct ta_output *o, int ret)
{
    bool about_content = ret == AVERROR_INVALIDDATA || ret == AVERROR(EINVAL) || ret == AVERROR_PATCHWELCOME;
    if (!o->lane->copied || !about_content || m->oc->pb->error < 0 || m->p->trial)
        return false;
    ta_debug(m->log, "output stream %d: a packet is refused: %s", o->st->index, ta_av_text(ret));
    return true;
}

static int write_packet(struct mux *m, struct ta_output *o)
{
    int err = fit_times(m, o);

    if (err == 1) {
        o->packet->stream_index = o->st->index;
        o->packet->pos = -1;
        int ret = av_write_frame(m->oc, o->packet);
        bool refused = ret < 0 && is_refusal(m, o, ret);
        err = ret < 0 && !refused ? fail_write(m, "can't be written", ret) : 0;
        m->result.refused += refused;
        m->result.packets += !refused;
    }
    av_packet_unref(o->packet);
    o->state = TA_OUTPUT_EMPTY;
    return err;
}

static int write_packets(struct mux *m)
{
    for (int64_t n = 0;; n++) {
        struct ta_output *o;
        if (ta_canceled(m->p->cancel))
            return TA_ERR_CANCELED;
        int err = choose(m, &o);
        if (err < 0)
            return err;
        if (m->p->progress && (n % PROGRESS_PACKETS == 0 || !o))
            m->p->progress(m->p->priv, m->result.packets, avio_tell(m->oc->pb));
        if (!o)
            return 0;
        err = write_packet(m, o);
        if (err < 0)
            return err;
    }
}

// First packets: lanes may refine their parameters when they see one, and the header depends on where they
// start.
static int prime(struct mux *m)
{
    struct ta_output *first;
    int err = choose(m, &first);

    if (err >= 0 && !first && !m->p->trial) {
        ta_error(m->log, "%s: there is nothing to write", m->p->path);
        return TA_ERR_INVALID;
    }
    return err;
}

static int write_header(struct mux *m)
{
    AVDictionary *options = NULL;
    int err = ta_mux_describe(m->oc, m->p, m->outputs, m->log);

    if (err < 0)
        return err;
    ta_mux_options(&options, m->p, m->outputs);
    int ret = avformat_write_header(m->oc, &options);
    av_dict_free(&options);
    if (ret >= 0)
        ret = ta_mux_write_covers(m->oc, m->p);
    if (ret < 0)
        return fail_write(m, "the head of the file can't be written", ret);
    for (int i = 0; i < m->p->lane_count; i++) {
        struct ta_output *o = &m->outputs[i];
        o->earliest = m->p->container->times_below_zero ? INT64_MIN : 0;
        if (!strcmp(m->p->container->name, "mkv") || !strcmp(m->p->container->name, "webm")) {
            bool added;
            int64_t delay = ta_av_matroska_delay(o->st->codecpar, &added);
            o->delay = added ? 0 : delay;
            o->earliest = added ? -delay : 0;
        }
    }
    return 0;
}

static int finish(struct mux *m)
{
    int ret = av_write_trailer(m->oc);

    avio_flush(m->oc->pb);
    if (ret >= 0)
        ret = m->oc->pb->error;
    if (ret < 0)
        return fail_write(m, "can't be finished", ret);
    if (m->p->trial)
        return 0;
    ret = ta_avio_close(m->oc, &m->result.bytes);
    return ret < 0 ? fail_write(m, "can't be closed", ret) : 0;
}

static void release(struct mux *m)
{
    if (m->oc) {
        if (m->p->trial)
            close_nothing(&m->oc->pb);
        else
            ta_avio_close(m->oc, NULL);
        avformat_free_context(m->oc);
    }
    for (int i = 0; m->outputs && i < m->p->lane_count; i++)
        av_packet_free(&m->outputs[i].packet);
    free(m->outputs);
    ta_log_destroy(&m->log);
}

static int write_file(struct mux *m)
{
    const struct ta_mux_params *p = m->p;

    m->outputs = ta_xcalloc((size_t)p->lane_count, sizeof(*m->outputs));
    for (int i = 0; i < p->lane_count; i++) {
        struct ta_output *o = &m->outputs[i];
        o->lane = p->lanes[i];
        o->last_dts = AV_NOPTS_VALUE;
        o->packet = av_packet_alloc();
        if (!o->packet)
            return TA_ERR_NOMEM;
    }
    int err = prime(m);
    if (err >= 0)
        err = open_output(m);
    if (err >= 0)
        err = write_header(m);
    if (err >= 0)
        err = write_packets(m);
    if (err >= 0)
        err = finish(m);
    return err;
}

int ta_mux_write(const struct ta_mux_params *p, struct ta_mux_result *result)
{
    struct mux m = {.p = p, .log = ta_log_child(p->log, "mux")};
    int err;

    if (p->lane_count < 1) {
        ta_error(m.log, "%s: there is nothing to write", p->path);
        err = TA_ERR_INVALID;
    } else if (!strcmp(p->container->name, "y4m")) {
        err = ta_y4m_write(p, &m.result, m.log);
    } else if (!strcmp(p->path, "-")) {
        ta_error(m.log, "only y4m can be written to standard output");
        err = TA_ERR_USAGE;
    } else {
        err = write_file(&m);
    }
    bool created = m.created;
    if (err >= 0 && m.result.early)
        ta_info(m.log, "%lld %s of sound or subtitles before the first picture left out: %s can't hold %s",
                (long long)m.result.early, ta_plural(m.result.early, "packet", "packets"), p->container->name,
                ta_plural(m.result.early, "it", "them"));
    if (err >= 0 && m.result.dts_fixed)
        ta_verbose(m.log, "%lld decoding %s moved: %s needs them to increase", (long long)m.result.dts_fixed,
                   ta_plural(m.result.dts_fixed, "time", "times"), p->container->name);
    release(&m);
    if (err < 0 && created)
        unlink(p->path);
    if (result)
        *result = m.result;
    return err;
}
