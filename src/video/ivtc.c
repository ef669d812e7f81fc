// Inverse telecine. Each frame comes marked with what the plan's timeline makes of it; nothing is measured or
// guessed here, so that any cut of the film gives the same frames. What is video stays interlaced, for the
// deinterlacer that the plan puts behind.
#include <stdlib.h>
#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "media/av.h"
#include "media/film.h"
#include "video/stages.h"

struct ivtc {
    AVFrame *waiting; // for a field of the next frame
};

static const struct ta_choice rate_choices[] = {
    {"variable", "film frames last as long as on film, video keeps its own rate"},
    {"constant", "the film's rate throughout: video gives a picture a frame, of which the film's rate leaves "
                 "some out; frames are repeated where the film has a gap"},
    {0},
};

static const struct ta_choice video_choices[] = {
    {"bwdif", "as --deinterlace bwdif does, quick"},
    {"motion", "as --deinterlace motion does, the best picture"},
    {0},
};

static const struct ta_opt options[] = {
    TA_FIELDS_OPTION(struct ta_ivtc_opts),
    TA_EFFORT_OPTION(struct ta_ivtc_opts),
    {.name = "video",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_ivtc_opts, video, int),
     .def = "bwdif",
     .choices = video_choices,
     .help = "what inverse telecine leaves to another: how video between film is deinterlaced"},
    {.name = "rate",
     .kind = &ta_opt_choice,
     TA_FIELD(struct ta_ivtc_opts, rate, int),
     .def = "variable",
     .choices = rate_choices,
     .help = "frame rate of inverse telecine"},
    {.name = "frame-rate",
     .kind = &ta_opt_text,
     TA_FIELD(struct ta_ivtc_opts, frame_rate, char *),
     .def = "",
     .flags = TA_OPT_HIDDEN,
     .help = "of what comes out, set by the plan"},
    {0},
};

// "24000/1001" and nothing else: libav's own parser would compute whatever formula stands there.
static bool read_rate(const char *text, AVRational *out)
{
    const char *slash = strchr(text, '/');
    char *left = ta_xstrndup(text, slash ? (size_t)(slash - text) : 0);
    int64_t num = 0, den = 0;
    bool ok = slash && ta_int_parse(left, &num) >= 0 && ta_int_parse(slash + 1, &den) >= 0 && num > 0 &&
              num <= INT32_MAX && den > 0 && den <= INT32_MAX;
    free(left);
    if (ok)
        av_reduce(&out->num, &out->den, num, den, 1 << 30);
    return ok;
}

static int configure(const void *opts, const struct ta_format *in, struct ta_format *out, struct ta_buf *why)
{
    const struct ta_ivtc_opts *o = opts;
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(in->pix_fmt);
    if (!d || ta_pix_fmt_planar(in->pix_fmt) != in->pix_fmt) {
        ta_buf_printf(why, "does not take %s", d ? d->name : "this pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    AVRational rate;
    if (o->frame_rate && !read_rate(o->frame_rate, &rate)) {
        ta_buf_printf(why, "\"%.80s\" is no frame rate", o->frame_rate);
        return TA_ERR_INVALID;
    }
    if (o->frame_rate)
        out->frame_rate = rate;
    out->mixed_scan = true;
    return 0;
}

static int give(struct ta_stage *s, AVFrame *f)
{
    ta_frame_set_interlaced(f, false, false);
    return ta_stage_emit(s, f);
}

// Every second line of all planes, from line `first` on.
static void copy_field(AVFrame *to, const AVFrame *from, int first)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)to->format);
    for (int p = 0; p < 4 && to->data[p]; p++) {
        bool chroma = p == 1 || p == 2;
        int height = chroma ? AV_CEIL_RSHIFT(to->height, d->log2_chroma_h) : to->height;
        int bytes = av_image_get_linesize((enum AVPixelFormat)to->format, to->width, p);
        for (int y = first; y < height; y += 2)
            memcpy(to->data[p] + (ptrdiff_t)y * to->linesize[p],
                   from->data[p] + (ptrdiff_t)y * from->linesize[p], (size_t)bytes);
    }
}

// The frame that waited gets its field from the one that follows.
static int complete(struct ta_stage *s, const AVFrame *next)
{
    struct ivtc *p = s->priv;
    AVFrame *f = p->waiting;
    p->waiting = NULL;
    int err = ta_stage_make_writable(s, &f);
    if (err < 0)
        return err;
    copy_field(f, next, ta_film_marked(f) == TA_FILM_TOP ? 0 : 1);
    return give(s, f);
}

static int process(struct ta_stage *s, AVFrame *in)
{
    struct ivtc *p = s->priv;
    int err = p->waiting && in ? complete(s, in) : 0;
    // At the end of a segment's lead-out nobody wants it any more; elsewhere the segment misses it.
    if (!in)
        av_frame_free(&p->waiting);
    if (!in || err < 0) {
        av_frame_free(&in);
        return err;
    }
    switch (ta_film_marked(in)) {
    case TA_FILM_KEEP:
        return give(s, in);
    case TA_FILM_VIDEO_TFF:
    case TA_FILM_VIDEO_BFF:
    case TA_FILM_UNSEEN_TFF:
    case TA_FILM_UNSEEN_BFF:
        return ta_stage_emit(s, in);
    case TA_FILM_TOP:
    case TA_FILM_BOTTOM:
        p->waiting = in;
        return 0;
    case TA_FILM_DROP:
        av_frame_free(&in);
        return 0;
    default:
        ta_error(s->log, "frame %lld comes without a word on what to do with it", (long long)in->pts);
        av_frame_free(&in);
        return TA_ERR_INTERNAL;
    }
}

static void release(struct ta_stage *s)
{
    struct ivtc *p = s->priv;
    av_frame_free(&p->waiting);
}

const struct ta_stage_info ta_stage_ivtc = {
    .name = "deinterlace.ivtc",
    .summary =
        "inverse telecine: gives back the frames of film as the scan found them, deinterlaces the rest",
    .options = options,
    .options_size = sizeof(struct ta_ivtc_opts),
    .priv_size = sizeof(struct ivtc),
    .configure = configure,
    .process = process,
    .release = release,
};
