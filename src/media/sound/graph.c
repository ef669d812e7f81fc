#include "media/sound/graph.h"

#include <stdlib.h>
#include <string.h>

#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/opt.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/av.h"

struct ta_sound_graph {
    AVFilterGraph *graph;
    AVFilterContext *source, *sink; // owned by `graph`
    struct ta_log *log;
    AVChannelLayout from;
    int rate;
    int64_t pts;
    AVFrame *frame; // what comes out
};

static int describe(const AVChannelLayout *l, char *text, size_t size)
{
    int n = av_channel_layout_describe(l, text, size);
    return n < 0 ? n : (size_t)n > size ? AVERROR(EINVAL) : 0;
}

static int build(struct ta_sound_graph *g, const char *text, const AVChannelLayout *to)
{
    AVFilterInOut *inputs = NULL, *outputs = NULL;
    char from_text[128], to_text[128];
    int ret = describe(&g->from, from_text, sizeof from_text);
    if (ret >= 0)
        ret = describe(to, to_text, sizeof to_text);
    if (ret < 0)
        return ret;
    g->graph = avfilter_graph_alloc();
    if (!g->graph)
        return AVERROR(ENOMEM);
    g->graph->nb_threads = 1;
    g->graph->thread_type = 0;
    avfilter_graph_set_auto_convert(g->graph, AVFILTER_AUTO_CONVERT_NONE);
    char *source = ta_xprintf("sample_rate=%d:sample_fmt=fltp:channel_layout=%s:time_base=1/%d", g->rate,
                              from_text, g->rate);
    // A format filter converts nothing by itself: it says what must come out.
    char *chain = ta_xprintf("%s,aformat=sample_fmts=fltp:sample_rates=%d:channel_layouts=%s", text, g->rate,
                             to_text);
    ret = avfilter_graph_create_filter(&g->source, avfilter_get_by_name("abuffer"), "in", source, NULL,
                                       g->graph);
    if (ret >= 0)
        ret = avfilter_graph_create_filter(&g->sink, avfilter_get_by_name("abuffersink"), "out", NULL, NULL,
                                           g->graph);
    outputs = avfilter_inout_alloc();
    inputs = avfilter_inout_alloc();
    if (ret >= 0 && (!inputs || !outputs))
        ret = AVERROR(ENOMEM);
    if (ret >= 0) {
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = g->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = g->sink};
        ret = avfilter_graph_parse_ptr(g->graph, chain, &inputs, &outputs, NULL);
    }
    if (ret >= 0)
        ret = avfilter_graph_config(g->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    free(source);
    free(chain);
    return ret;
}

int ta_sound_graph_create(struct ta_sound_graph **out, const char *text, int rate,
                          const AVChannelLayout *from, const AVChannelLayout *to, struct ta_log *log)
{
    struct ta_sound_graph *g = ta_xcalloc(1, sizeof *g);
    g->log = log;
    g->rate = rate;
    g->frame = av_frame_alloc();
    ta_av_listen();
    int ret = g->frame ? av_channel_layout_copy(&g->from, from) : AVERROR(ENOMEM);
    if (ret >= 0) {
        ta_av_setup_begin(true);
        ret = build(g, text, to);
        ta_av_setup_end(true);
    }
    if (ret < 0) {
        ta_error(log, "libavfilter does not make \"%s\" of this sound: %s", text, ta_av_text(ret));
        ta_sound_graph_destroy(&g);
    }
    *out = g;
    return ret >= 0                 ? 0
           : ret == AVERROR(ENOMEM) ? TA_ERR_NOMEM
           : ret == AVERROR(ENOSYS) ? TA_ERR_UNSUPPORTED
                                    : TA_ERR_INVALID;
}

static int fail(struct ta_sound_graph *g, int ret)
{
    ta_error(g->log, "libavfilter stops: %s", ta_av_text(ret));
    return ta_error_from_av(ret);
}

int ta_sound_graph_run(struct ta_sound_graph *g, float *const *planes, size_t samples,
                       int (*emit)(void *priv, float *const *planes, size_t samples), void *priv)
{
    AVFrame *f = av_frame_alloc();
    if (!f)
        return TA_ERR_NOMEM;
    f->format = AV_SAMPLE_FMT_FLTP;
    f->sample_rate = g->rate;
    f->nb_samples = (int)samples;
    f->pts = g->pts;
    int ret = av_channel_layout_copy(&f->ch_layout, &g->from);
    if (ret >= 0)
        ret = av_frame_get_buffer(f, 0);
    for (int i = 0; ret >= 0 && i < g->from.nb_channels; i++)
        memcpy(f->extended_data[i], planes[i], samples * sizeof **planes);
    g->pts += (int64_t)samples;
    if (ret >= 0)
        ret = av_buffersrc_add_frame(g->source, f);
    av_frame_free(&f);
    if (ret < 0)
        return fail(g, ret);
    for (;;) {
        ret = av_buffersink_get_frame(g->sink, g->frame);
        if (ret == AVERROR(EAGAIN) || ret == AVERROR_EOF)
            return 0;
        if (ret >= 0)
            ret = av_frame_make_writable(g->frame);
        if (ret < 0)
            return fail(g, ret);
        int err = emit(priv, (float *const *)g->frame->extended_data, (size_t)g->frame->nb_samples);
        av_frame_unref(g->frame);
        if (err < 0)
            return err;
    }
}

void ta_sound_graph_destroy(struct ta_sound_graph **graph)
{
    struct ta_sound_graph *g = *graph;
    *graph = NULL;
    if (!g)
        return;
    avfilter_graph_free(&g->graph);
    av_frame_free(&g->frame);
    av_channel_layout_uninit(&g->from);
    free(g);
}
