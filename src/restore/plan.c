// Every decision, from facts alone. The order follows the data: output, range, scan runs, time, chain,
// encoder, cuts, streams.
#include "restore/plan.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include <libavutil/pixdesc.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/graph.h"
#include "video/chain.h"
#include "video/stages.h"

enum {
    MIN_SEGMENT_OUT = 16, // output frames; a shorter tail joins its neighbour
    SD_MAX_HEIGHT = 576,  // standard definition, upscaled by default ...
    HD_MIN_WIDTH = 1280,  // ... unless this wide
    DEFAULT_LINES = 1080,
};

struct decision {
    const struct ta_plan_facts *facts;
    struct ta_recipe_opts recipe;
    const struct ta_encoder_info *encoder;
    struct ta_plan *plan;
    struct ta_log *log;
    struct ta_format cur; // after the stages placed so far
};

static void decide(struct decision *d, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void warn(struct decision *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void decide(struct decision *d, const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *why = ta_xvprintf(format, args);
    va_end(args);
    json_array_append_new(d->plan->decisions, json_pack("{s:s, s:s}", "what", what, "why", why));
    free(why);
}

static void warn(struct decision *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = ta_xvprintf(format, args);
    va_end(args);
    json_array_append_new(d->plan->warnings, json_string(text));
    free(text);
}

// ---- output, container, encoder ----

static bool word_in(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
        if (strncmp(p, word, n) == 0 && (p[n] == ' ' || !p[n]))
            return true;
    return false;
}

static const char *auto_encoder(const struct ta_container_info *c)
{
    if (!c)
        return "h264";
    return !strcmp(c->name, "webm") ? "av1" : !strcmp(c->name, "y4m") ? "raw" : "h264";
}

static char *default_output(const char *input, const char *extension)
{
    char *dir = ta_path_dir(input), *stem = ta_path_stem(input);
    char *name = ta_xprintf("%s.restored.%s", stem, extension);
    char *path = !strcmp(dir, ".") && strncmp(input, "./", 2) ? ta_xstrdup(name) : ta_path_join(dir, name);
    free(dir);
    free(stem);
    free(name);
    return path;
}

static int choose_output(struct decision *d)
{
    const char *output = d->facts->output;
    const struct ta_container_info *container = NULL;
    if (output) {
        container = ta_container_find(!strcmp(output, "-") ? "y4m" : ta_path_extension(output));
        if (!container) {
            ta_error(d->log, "%s: the name does not tell the container: use .mp4, .mkv, .mov, .webm or .y4m",
                     output);
            return TA_ERR_INVALID;
        }
    }
    const char *name = d->recipe.encoder;
    bool automatic = !strcmp(name, "auto");
    d->encoder = ta_encoder_find(automatic ? auto_encoder(container) : name);
    if (!d->encoder) {
        const char *names[32] = {"auto"};
        for (int i = 0; ta_encoders[i].name && i < 30; i++)
            names[i + 1] = ta_encoders[i].name;
        const char *near = ta_nearest(name, names);
        ta_error(d->log, "there is no encoder \"%s\"%s%s%s", name,
                 near ? ": did you mean \"" : " (see terminalai encoders)", near ? near : "",
                 near ? "\"?" : "");
        return TA_ERR_INVALID;
    }
    if (!container) {
        char *first = ta_xstrndup(d->encoder->containers, strcspn(d->encoder->containers, " "));
        container = ta_container_find(first);
        d->plan->output = default_output(d->facts->input, first);
        free(first);
    } else {
        d->plan->output = ta_xstrdup(output);
    }
    if (!word_in(d->encoder->containers, container->name)) {
        ta_error(d->log, "%s can't be put in %s: use one of %s", d->encoder->name, container->name,
                 d->encoder->containers);
        return TA_ERR_UNSUPPORTED;
    }
    d->plan->container = container;
    decide(d, "encoder", "%s in %s%s", d->encoder->name, container->name, automatic ? " (automatic)" : "");
    return 0;
}

// ---- range and time ----

// Start of a kept stream by its container, AV_NOPTS_VALUE when unknown. Priming before it is not a start.
static int64_t stream_start(const struct decision *d, int stream)
{
    const AVStream *st = d->facts->container->streams[stream];
    if (st->start_time != AV_NOPTS_VALUE)
        return st->start_time;
    return stream < d->facts->index->stream_count ? d->facts->index->streams[stream].first_pts
                                                  : AV_NOPTS_VALUE;
}

// Time 0 of the output is where the earliest of picture and sound starts.
static void choose_origin(struct decision *d)
{
    const struct ta_index *index = d->facts->index;
    struct ta_plan *p = d->plan;
    AVRational tb = index->time_base;
    int64_t start = index->frames[0].pts;
    AVRational start_tb = tb;
    for (unsigned i = 0; i < d->facts->container->nb_streams; i++) {
        const AVStream *st = d->facts->container->streams[i];
        int64_t t = st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO ? stream_start(d, (int)i) : AV_NOPTS_VALUE;
        if (t != AV_NOPTS_VALUE && av_compare_ts(t, st->time_base, start, start_tb) < 0) {
            start = t;
            start_tb = st->time_base;
        }
    }
    p->time_scale = p->fields == 2 && p->deinterlaced ? 2 : 1;
    p->out_time_base = (AVRational){tb.num, tb.den * p->time_scale};
    if (start_tb.num == tb.num && start_tb.den == tb.den) {
        p->offset = start * p->time_scale;
        return;
    }
    // Sound starts first: its start must be exact to 0.1 ms in the video's unit.
    while (av_q2d(p->out_time_base) > 1e-4 && p->out_time_base.den <= INT32_MAX / 2) {
        p->time_scale *= 2;
        p->out_time_base.den *= 2;
    }
    p->offset = av_rescale_q(start, start_tb, p->out_time_base);
}

// The number of the first frame that is not before `t`; frame_count when all are.
static int64_t frame_at(const struct decision *d, const struct ta_time *t)
{
    const struct ta_index *index = d->facts->index;
    int64_t n = (int64_t)index->frame_count;
    if (t->unit == TA_TIME_FRAMES)
        return t->value < (double)n ? (int64_t)t->value : n;
    AVRational tb = index->time_base;
    double origin = (double)d->plan->offset * av_q2d(d->plan->out_time_base);
    double target = origin + t->value;
    if (t->unit == TA_TIME_PERCENT) {
        double first = (double)index->frames[0].pts * av_q2d(tb), end = (double)index->end_pts * av_q2d(tb);
        target = first + (end - first) * t->value / 100;
    }
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t mid = (low + high) / 2;
        // Half a millisecond of grace: a time typed with three decimals means the frame that starts there.
        if ((double)index->frames[mid].pts * av_q2d(tb) < target - 0.0005)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int choose_range(struct decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    const struct ta_range *r = &d->recipe.range;
    int64_t n = (int64_t)index->frame_count;
    int64_t first = r->start.unit ? frame_at(d, &r->start) : 0;
    int64_t end = r->end.unit ? frame_at(d, &r->end) : n;
    if (first >= end) {
        double seconds = (double)(index->end_pts - index->frames[0].pts) * av_q2d(index->time_base);
        ta_error(d->log, "%s: no frame lies in the given range; the file has %lld frames, %.3f seconds",
                 d->facts->input, (long long)n, seconds);
        return TA_ERR_INVALID;
    }
    p->first_frame = first;
    p->frame_count = end - first;
    p->range_start = p->range_end = AV_NOPTS_VALUE;
    if (first > 0 || end < n) {
        p->range_start = av_rescale_q(index->frames[first].pts, index->time_base, AV_TIME_BASE_Q);
        if (end < n)
            p->range_end = av_rescale_q(index->frames[end].pts, index->time_base, AV_TIME_BASE_Q);
        p->offset = index->frames[first].pts * p->time_scale;
        decide(d, "range", "source frames %lld to %lld of %lld", (long long)first, (long long)(end - 1),
               (long long)n);
    }
    return 0;
}

// The scan result's runs cut to the range.
static void choose_runs(struct decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_scan_result *scan = d->facts->scan;
    int64_t end = p->first_frame + p->frame_count;
    p->runs = ta_xcalloc((size_t)scan->run_count, sizeof *p->runs);
    for (int i = 0; i < scan->run_count; i++) {
        struct ta_scan_run r = scan->runs[i];
        int64_t first = TA_MAX(r.first, p->first_frame), last = TA_MIN(r.first + r.count, end);
        if (first < last)
            p->runs[p->run_count++] = (struct ta_scan_run){first, last - first, r.type};
    }
    p->source_format = d->facts->index->format;
    int64_t by_type[3] = {0};
    for (int i = 0; i < p->run_count; i++)
        by_type[p->runs[i].type] += p->runs[i].count;
    // Interlaced frames decide what the chain is for; which order is the more frequent one.
    bool interlaced = by_type[TA_SCAN_TFF] + by_type[TA_SCAN_BFF] > 0;
    p->source_format.scan = !interlaced                                    ? TA_SCAN_PROGRESSIVE
                            : by_type[TA_SCAN_TFF] >= by_type[TA_SCAN_BFF] ? TA_SCAN_TFF
                                                                           : TA_SCAN_BFF;
    p->source_format.mixed_scan = p->run_count > 1;
}

// ---- chain ----

static int add_stage(struct decision *d, const struct ta_stage_info *info, void **opts)
{
    struct ta_plan *p = d->plan;
    p->stages = ta_xrealloc(p->stages, ((size_t)p->stage_count + 1) * sizeof *p->stages);
    struct ta_stage_plan *s = &p->stages[p->stage_count++];
    int err = ta_stage_plan_init(s, info, &d->cur, d->log);
    *opts = s->opts;
    return err;
}

static int finish_stage(struct decision *d)
{
    struct ta_stage_plan *s = &d->plan->stages[d->plan->stage_count - 1];
    int err = ta_stage_plan_configure(s, d->log);
    d->cur = s->out;
    return err;
}

static int add_planar(struct decision *d)
{
    enum AVPixelFormat planar = ta_pix_fmt_planar(d->cur.pix_fmt);
    if (planar == d->cur.pix_fmt)
        return 0;
    const char *name = av_get_pix_fmt_name(d->cur.pix_fmt);
    if (planar == AV_PIX_FMT_NONE) {
        ta_error(d->log, "%s: pictures in %s can't be worked on", d->facts->input,
                 name ? name : "an unknown pixel format");
        return TA_ERR_UNSUPPORTED;
    }
    void *opts;
    int err = add_stage(d, &ta_stage_planar, &opts);
    struct ta_planar_opts *o = opts;
    free(o->pix_fmt);
    o->pix_fmt = ta_xstrdup(av_get_pix_fmt_name(planar));
    return err < 0 ? err : finish_stage(d);
}

static int dither_to(const struct decision *d, enum AVPixelFormat to)
{
    const AVPixFmtDescriptor *t = av_pix_fmt_desc_get(to);
    if (!t || t->comp[0].depth >= ta_format_depth(&d->cur))
        return TA_ZDITHER_NONE;
    switch (d->recipe.dither) {
    case TA_DITHER_NONE:
        return TA_ZDITHER_NONE;
    case TA_DITHER_ORDERED:
        return TA_ZDITHER_ORDERED;
    case TA_DITHER_ERROR_DIFFUSION:
        return TA_ZDITHER_ERROR_DIFFUSION;
    default:
        return d->recipe.quality == TA_QUALITY_BEST ? TA_ZDITHER_ERROR_DIFFUSION : TA_ZDITHER_ORDERED;
    }
}

static int add_depth(struct decision *d, enum AVPixelFormat to)
{
    if (to == d->cur.pix_fmt)
        return 0;
    int dither = dither_to(d, to);
    void *opts;
    int err = add_stage(d, &ta_stage_depth, &opts);
    struct ta_depth_opts *o = opts;
    free(o->pix_fmt);
    o->pix_fmt = ta_xstrdup(av_get_pix_fmt_name(to));
    o->dither = dither;
    return err < 0 ? err : finish_stage(d);
}

// A recipe's slot: the stage it names, with its options.
static int add_slot(struct decision *d, const char *slot, const char *choice)
{
    char *name = ta_xprintf("%s.%s", slot, choice);
    const struct ta_stage_info *info = ta_stage_find(name);
    free(name);
    if (!info) {
        ta_error(d->log, "there is no stage %s for %s", choice, slot);
        return TA_ERR_NOT_FOUND;
    }
    void *opts;
    int err = add_stage(d, info, &opts);
    if (err >= 0 && info->options) {
        ta_opt_release(info->options, opts);
        memset(opts, 0, info->options_size);
        err = ta_options_stage(d->facts->options, slot, info->options, opts, d->log);
    }
    return err < 0 ? err : finish_stage(d);
}

static int even(double x)
{
    int n = 2 * (int)(x / 2 + 0.5);
    return n < 2 ? 2 : n;
}

// The other side for `lines` lines. Pixel aspects are often written a little off (from 704 or 720 columns):
// two columns beside 4:3 or 16:9 are these.
static int side_for(int lines, double aspect)
{
    static const double usual[] = {4.0 / 3, 16.0 / 9};
    int n = even(lines * aspect);
    for (size_t i = 0; i < TA_COUNT(usual); i++)
        if (abs(n - even(lines * usual[i])) <= 2)
            return even(lines * usual[i]);
    return n;
}

// Output size in coded orientation. Lines given by the user are lines as shown.
static int choose_size(struct decision *d, int *w, int *h, const char **why)
{
    const struct ta_format *f = &d->cur;
    const char *res = d->recipe.resolution;
    AVRational sar = f->sar.num > 0 ? f->sar : (AVRational){1, 1};
    double aspect = (double)f->width * sar.num / sar.den / f->height; // coded orientation
    bool turned = f->rotation % 180 != 0;
    bool keep = !strcmp(res, "source");
    int lines = 0;
    if (!strcmp(res, "auto")) {
        bool sd = f->height <= SD_MAX_HEIGHT && f->width < HD_MIN_WIDTH;
        bool stays_interlaced = f->scan != TA_SCAN_PROGRESSIVE;
        keep = !sd || stays_interlaced;
        lines = DEFAULT_LINES;
        *why = stays_interlaced ? "interlaced pictures keep their size"
               : sd             ? "standard definition is scaled to 1080 lines"
                                : "large enough already";
    } else if (keep) {
        *why = "as asked";
    } else if (sscanf(res, "%dx%d", w, h) == 2) {
        *why = "as asked";
        if (turned) {
            int t = *w;
            *w = *h;
            *h = t;
        }
        return 0;
    } else {
        lines = atoi(res);
        *why = "as asked";
    }
    if (keep) {
        bool odd_ok = d->encoder->lossless;
        *w = odd_ok ? f->width : (f->width + 1) & ~1;
        *h = odd_ok ? f->height : (f->height + 1) & ~1;
    } else if (turned) {
        *w = even(lines);
        *h = side_for(lines, 1 / aspect);
    } else {
        *h = even(lines);
        *w = side_for(lines, aspect);
    }
    if (*w > 65535 || *h > 65535) {
        ta_error(d->log, "%s: %d lines would make pictures of %dx%d, which nothing can play", d->facts->input,
                 lines, *w, *h);
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}

static int add_scale(struct decision *d, int w, int h, enum AVPixelFormat to)
{
    const char *kernel;
    int err = ta_options_get(d->facts->options, "scale-kernel", &kernel, NULL);
    if (err < 0)
        return err;
    int dither = dither_to(d, to);
    void *opts;
    err = add_stage(d, &ta_stage_zscale, &opts);
    struct ta_zscale_opts *o = opts;
    if (err >= 0)
        err = ta_opt_set(ta_opt_find(ta_stage_zscale.options, "kernel"), o, kernel, NULL, d->log);
    free(o->pix_fmt);
    o->pix_fmt = ta_xstrdup(av_get_pix_fmt_name(to));
    o->dither = dither;
    o->width = w;
    o->height = h;
    return err < 0 ? err : finish_stage(d);
}

// The format to work in: three planes of YUV for stages that need it, and enough bits.
static enum AVPixelFormat work_format(const struct decision *d, bool denoise)
{
    enum AVPixelFormat f = d->cur.pix_fmt;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(f);
    if (denoise) {
        if (ta_format_is_rgb(&d->cur))
            f = ta_pix_fmt_with_depth(AV_PIX_FMT_YUV444P, desc->comp[0].depth);
        else if (desc->nb_components < 3)
            f = ta_pix_fmt_with_depth(AV_PIX_FMT_YUV420P, desc->comp[0].depth);
        else if (ta_format_has_alpha(&d->cur)) {
            enum AVPixelFormat base = desc->log2_chroma_h   ? AV_PIX_FMT_YUV420P
                                      : desc->log2_chroma_w ? AV_PIX_FMT_YUV422P
                                                            : AV_PIX_FMT_YUV444P;
            f = ta_pix_fmt_with_depth(base, desc->comp[0].depth);
        }
    }
    int depth = desc->comp[0].depth;
    bool eight = d->recipe.quality == TA_QUALITY_FAST && depth == 8;
    int want = eight ? 8 : TA_MAX(depth, 10);
    enum AVPixelFormat deep = ta_pix_fmt_with_depth(f, want);
    if (deep != AV_PIX_FMT_NONE || want == 8)
        return deep != AV_PIX_FMT_NONE ? deep : f;
    // 4:1:1 and 4:1:0 exist with 8 bit only. The next finer subsampling keeps all they have and, for 4:1:1,
    // mixes no lines.
    const AVPixFmtDescriptor *base = av_pix_fmt_desc_get(f);
    deep = ta_pix_fmt_with_depth(base->log2_chroma_h ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUV422P, want);
    return deep != AV_PIX_FMT_NONE ? deep : f;
}

static int plan_encoder(struct decision *d, const struct ta_format *in)
{
    static const char *const qualities[] = {"fast", "good", "best"};
    struct ta_encoder_wish wish = {.crf = d->recipe.crf, .quality = qualities[d->recipe.quality]};
    if (d->recipe.preset_speed > 0)
        wish.speed = ta_speed_choices[d->recipe.preset_speed].name;
    return ta_encoder_plan(&d->plan->encoder, d->encoder, &wish, in, d->log);
}

static int choose_chain(struct decision *d)
{
    struct ta_plan *p = d->plan;
    const char *deinterlace, *denoise, *why = "";
    int err = ta_options_slot(d->facts->options, "deinterlace", &deinterlace);
    if (err >= 0)
        err = ta_options_slot(d->facts->options, "denoise", &denoise);
    if (err < 0)
        return err;
    d->cur = p->source_format;
    bool interlaced = p->source_format.scan != TA_SCAN_PROGRESSIVE;
    bool do_deinterlace = interlaced && strcmp(deinterlace, "off") != 0,
         do_denoise = strcmp(denoise, "off") != 0;
    if ((err = add_planar(d)) < 0)
        return err;

    // The size is known before the stages are placed; it decides whether anything is worked on at all.
    struct ta_format sizing = d->cur;
    if (do_deinterlace)
        d->cur.scan = TA_SCAN_PROGRESSIVE;
    int w = 0, h = 0;
    err = choose_size(d, &w, &h, &why);
    d->cur = sizing;
    if (err < 0)
        return err;
    bool scale = w != sizing.width || h != sizing.height;

    if (do_deinterlace || do_denoise || scale)
        err = add_depth(d, work_format(d, do_denoise));
    if (err >= 0 && do_deinterlace) {
        err = add_slot(d, "deinterlace", deinterlace);
        const struct ta_stage_plan *s = &p->stages[p->stage_count - 1];
        p->deinterlaced = true;
        p->fields = err >= 0 && s->info->fields ? s->info->fields(s->opts) : 1;
    }
    if (err >= 0 && do_denoise)
        err = add_slot(d, "denoise", denoise);
    if (err < 0)
        return err;

    decide(d, "deinterlace", "%s: %s", do_deinterlace ? deinterlace : "off",
           !interlaced      ? "the frames are progressive"
           : do_deinterlace ? "the frames are interlaced"
                            : "switched off; fields stay woven");
    decide(d, "denoise", "%s", denoise);
    decide(d, "size", "%dx%d to %dx%d: %s", sizing.width, sizing.height, w, h, why);
    if (scale && d->cur.scan != TA_SCAN_PROGRESSIVE)
        warn(d, "interlaced pictures are scaled field by field, because deinterlacing is off");

    struct ta_format encoded = d->cur;
    encoded.width = w;
    encoded.height = h;
    if ((err = plan_encoder(d, &encoded)) < 0)
        return err;
    if (scale)
        err = add_scale(d, w, h, p->encoder.pix_fmt);
    else
        err = add_depth(d, p->encoder.pix_fmt);
    p->out_format = d->cur;
    p->out_format.mixed_scan = false;
    if (err >= 0 && ta_format_has_alpha(&p->source_format) && !ta_format_has_alpha(&p->out_format))
        decide(d, "alpha", "transparency is left out: %s does not carry it here", d->encoder->name);
    return err;
}

// Filters exist and take what is planned; the encoder opens.
static int check_chain(struct decision *d)
{
    struct ta_plan *p = d->plan;
    for (int i = 0; i < p->stage_count; i++)
        for (const char *const *f = p->stages[i].info->filters; f && *f; f++)
            if (!ta_graph_has_filter(*f)) {
                ta_error(d->log, "%s needs libavfilter's %s, which is missing here", p->stages[i].info->name,
                         *f);
                return TA_ERR_UNSUPPORTED;
            }
    struct ta_chain *chain = NULL;
    int err = ta_chain_create(&chain, p->stages, p->stage_count, d->log);
    ta_chain_destroy(&chain);
    struct ta_encoder *encoder = NULL;
    if (err >= 0)
        err = ta_encoder_open(&encoder, &p->encoder, &p->out_format, d->log);
    ta_encoder_close(&encoder);
    return err;
}

// ---- segments ----

// Source frames from `from` on until at least MIN_SEGMENT_OUT output frames are reached.
static int64_t least_end(const struct ta_plan *p, int64_t from)
{
    int64_t end = p->first_frame + p->frame_count, out = 0;
    while (from < end && out < MIN_SEGMENT_OUT)
        out += ta_plan_fields_of(p, from++);
    return from;
}

static void choose_cuts(struct decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    double unit = av_q2d(index->time_base);
    int64_t length = TA_MAX(1, (int64_t)(d->recipe.segment_length / unit + 0.5));
    int64_t end = p->first_frame + p->frame_count;
    size_t capacity = 16;
    p->cuts = ta_xcalloc(capacity, sizeof *p->cuts);
    p->cuts[0] = p->first_frame;
    int64_t from = p->first_frame;
    for (;;) {
        int64_t cut = least_end(p, from);
        while (cut < end && index->frames[cut].pts - index->frames[from].pts < length)
            cut++;
        // What would remain must be a segment of its own.
        if (cut >= end || ta_plan_out_before(p, end) - ta_plan_out_before(p, cut) < MIN_SEGMENT_OUT)
            break;
        if ((size_t)p->segment_count + 3 > capacity) {
            capacity *= 2;
            p->cuts = ta_xrealloc(p->cuts, capacity * sizeof *p->cuts);
        }
        p->cuts[++p->segment_count] = cut;
        from = cut;
    }
    p->cuts[++p->segment_count] = end;
}

// ---- other streams ----

static const char *stream_kind(const AVStream *st)
{
    const char *name = av_get_media_type_string(st->codecpar->codec_type);
    return name ? name : "data";
}

static int64_t sound_bit_rate(const char *codec, int channels)
{
    if (!strcmp(codec, "aac"))
        return channels <= 2 ? 192000 : 64000 * (int64_t)channels;
    if (strstr(codec, "opus"))
        return channels <= 1 ? 96000 : 64000 * (int64_t)channels;
    return 0;
}

static void choose_stream(struct decision *d, int i)
{
    struct ta_plan *p = d->plan;
    const AVStream *st = d->facts->container->streams[i];
    struct ta_stream_plan *s = &p->streams[p->stream_count++];
    struct ta_stream_choice c = {TA_STREAM_RESTORE, "", ""};
    bool picture = st->disposition & AV_DISPOSITION_ATTACHED_PIC;
    bool main_video = i == d->facts->index->video;
    if (!main_video && st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !picture)
        c = (struct ta_stream_choice){TA_STREAM_DROP, "", "only the main video stream is restored"};
    else if (!main_video)
        c = ta_stream_choose(st, p->container);
    s->stream = i;
    s->kind = ta_xstrdup(picture ? "cover" : stream_kind(st));
    s->source_codec = ta_xstrdup(avcodec_get_name(st->codecpar->codec_id));
    s->action = c.action;
    s->codec = ta_xstrdup(c.codec ? c.codec : "");
    s->reason = ta_xstrdup(c.reason ? c.reason : "");
    s->start = AV_NOPTS_VALUE;
    int64_t start = stream_start(d, i);
    if (st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && start != AV_NOPTS_VALUE &&
        p->range_start == AV_NOPTS_VALUE)
        s->start = av_rescale_q(start, st->time_base, AV_TIME_BASE_Q) -
                   av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q);
    if (c.action == TA_STREAM_TRANSCODE && st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
        s->bit_rate = sound_bit_rate(s->codec, st->codecpar->ch_layout.nb_channels);
    // Sound, subtitles and further videos that get lost matter; y4m is pictures alone, and whoever asks for
    // it knows.
    bool matters = !main_video && (st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO ||
                                   st->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE ||
                                   (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !picture));
    if (c.action == TA_STREAM_DROP && matters && strcmp(p->container->name, "y4m"))
        warn(d, "stream %d (%s, %s) is left out: %s", i, s->kind, s->source_codec, s->reason);
}

static void choose_streams(struct decision *d)
{
    const AVFormatContext *fmt = d->facts->container;
    d->plan->streams = ta_xcalloc(fmt->nb_streams, sizeof *d->plan->streams);
    for (unsigned i = 0; i < fmt->nb_streams; i++)
        choose_stream(d, (int)i);
}

// ---- facts worth telling ----

static void tell(struct decision *d)
{
    struct ta_plan *p = d->plan;
    const struct ta_index *index = d->facts->index;
    json_t *scan = ta_scan_result_to_json(d->facts->scan);
    p->diagnosis = json_pack("{s:o, s:{s:I, s:b, s:I, s:I, s:I}}", "scan_type", scan, "index", "frames",
                             (json_int_t)index->frame_count, "decoded", index->decoded, "undecodable_start",
                             (json_int_t)index->undecodable_start, "time_jumps",
                             (json_int_t)index->time_jumps, "variable_durations",
                             (json_int_t)index->variable);
    if (d->facts->scan->telecine_suspected && p->deinterlaced)
        decide(d, "telecine",
               "film in video is suspected: inverse telecine would give back its frames, "
               "deinterlacing keeps the video's rate");
    if (index->undecodable_start)
        decide(d, "start", "%lld packets before the first picture that can be decoded are left out",
               (long long)index->undecodable_start);
    if (index->time_jumps)
        decide(d, "time", "%lld gaps in the source's times are kept", (long long)index->time_jumps);
}

static int decide_all(struct decision *d)
{
    struct ta_plan *p = d->plan;
    int err = ta_options_recipe(d->facts->options, &d->recipe, d->log);
    if (err >= 0)
        err = choose_output(d);
    if (err < 0)
        return err;
    // The range is in output time, whose unit depends on fields, which depends on runs in the range; a first
    // origin with the finest unit serves to find it.
    p->fields = 1;
    choose_origin(d);
    err = choose_range(d);
    if (err < 0)
        return err;
    bool ranged = p->range_start != AV_NOPTS_VALUE;
    choose_runs(d);
    err = choose_chain(d);
    if (err < 0)
        return err;
    choose_origin(d);
    if (ranged)
        p->offset = d->facts->index->frames[p->first_frame].pts * p->time_scale;
    p->out_format.time_base = p->out_time_base;
    p->reach = ta_chain_reach(p->stages, p->stage_count);
    p->out_frames = ta_plan_out_before(p, p->first_frame + p->frame_count);
    choose_cuts(d);
    choose_streams(d);
    tell(d);
    return check_chain(d);
}

int ta_plan_decide(struct ta_plan **out, const struct ta_plan_facts *facts, struct ta_log *log)
{
    *out = NULL;
    struct ta_plan *p = ta_xcalloc(1, sizeof *p);
    struct decision d = {.facts = facts, .plan = p, .log = log};
    p->input = ta_xstrdup(facts->input);
    p->source = facts->index->source;
    memcpy(p->index_checksum, facts->index->checksum, sizeof p->index_checksum);
    p->decisions = json_array();
    p->warnings = json_array();
    p->recipe = ta_options_recipe_json(facts->options);
    int err = decide_all(&d);
    ta_opt_release(ta_recipe_options, &d.recipe);
    if (err < 0)
        ta_plan_destroy(&p);
    *out = p;
    return err < 0 ? err : 0;
}

void ta_plan_destroy(struct ta_plan **plan)
{
    struct ta_plan *p = *plan;
    *plan = NULL;
    if (!p)
        return;
    for (int i = 0; i < p->stage_count; i++)
        ta_stage_plan_release(&p->stages[i]);
    for (int i = 0; i < p->stream_count; i++) {
        struct ta_stream_plan *s = &p->streams[i];
        free(s->kind);
        free(s->source_codec);
        free(s->codec);
        free(s->reason);
    }
    ta_encoder_settings_release(&p->encoder);
    ta_index_destroy(&p->index);
    json_decref(p->recipe);
    json_decref(p->diagnosis);
    json_decref(p->decisions);
    json_decref(p->warnings);
    free(p->streams);
    free(p->stages);
    free(p->cuts);
    free(p->runs);
    free(p->input);
    free(p->output);
    free(p->json);
    ta_log_destroy(&p->log);
    free(p);
}
