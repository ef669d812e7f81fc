// A plan from a file is data, not commands: what follows from its own members must be there as this program
// decides it, and names of files, codecs and containers are those of its tables. Each member's own range is
// json_read.c's, what only the source can tell ta_plan_fits_source()'s.
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/encode/encoder_row.h"
#include "plan/decide.h"
#include "plan/json_read.h"
#include "plan/sound.h"
#include "video/stages.h"

enum { MAX_LABEL = 256, MAX_CHANNELS = 64, MAX_NAME = 64, MAX_SOUND_BIT_RATE = 1536000 };

// ---- output ----

bool ta_plan_output_fits(const struct ta_container_info *container, const char *output)
{
    const char *extension = strcmp(output, "-") ? ta_path_extension(output) : "y4m";
    return *extension && ta_container_find(extension) == container;
}

static void trust_output(const struct ta_plan *p, struct ta_reading *in)
{
    if (!ta_plan_output_fits(p->container, p->output))
        ta_read_refuse(in, "the output's name does not tell its container");
    if (!p->sound_only && !ta_encoder_may_be_in(p->encoder.info, p->container->name))
        ta_read_refuse(in, "the encoder can't be in the container");
    if (p->framemd5 && !strcmp(p->output, "-"))
        ta_read_refuse(in, "standard output has no place beside it for checksums of frames");
}

// ---- pictures ----

static bool same_pictures(const struct ta_format *a, const struct ta_format *b)
{
    return a->pix_fmt == b->pix_fmt && a->width == b->width && a->height == b->height &&
           !av_cmp_q(a->sar, b->sar) && a->scan == b->scan && a->primaries == b->primaries &&
           a->transfer == b->transfer && a->matrix == b->matrix && a->range == b->range &&
           a->chroma_location == b->chroma_location && a->rotation == b->rotation;
}

// y4m alone gets the average rate where the source has none.
static bool same_rate(const struct ta_plan *p, const struct ta_format *a, const struct ta_format *b)
{
    bool chosen = !strcmp(p->container->name, "y4m") && a->frame_rate.num < 1;
    return chosen || !av_cmp_q(a->frame_rate, b->frame_rate);
}

static void trust_pictures(const struct ta_plan *p, struct ta_reading *in)
{
    const struct ta_format *last = p->stage_count ? &p->stages[p->stage_count - 1].out : &p->source_format;
    const struct ta_format *chain = p->show ? &p->show->chain : &p->out_format;
    if (ta_pix_fmt_planar(p->source_format.pix_fmt) == AV_PIX_FMT_NONE)
        ta_read_refuse(in, "pictures of the source's format can't be worked on");
    if (!same_pictures(last, chain) || !same_rate(p, last, chain) || chain->mixed_scan)
        ta_read_refuse(in, "the output's format does not follow from the stages");
    if (p->out_format.pix_fmt != p->encoder.pix_fmt || p->out_format.mixed_scan ||
        !same_rate(p, chain, &p->out_format))
        ta_read_refuse(in, "the output's format is not the encoder's");
    if (av_cmp_q(p->out_format.time_base, p->out_time_base))
        ta_read_refuse(in, "the output's format has another unit of time than the output");
    for (int i = 0; i < p->redo_count; i++)
        if (p->redos[i].encoder.pix_fmt != p->encoder.pix_fmt ||
            strcmp(p->redos[i].encoder.codec, p->encoder.codec) != 0)
            ta_read_refuse(in, "a redone range has another encoder than the rest");
    for (int i = 0; p->show && i < 2; i++)
        if (strlen(p->show->names[i]) > MAX_LABEL || strlen(p->show->details[i]) > MAX_LABEL)
            ta_read_refuse(in, "a label of the preview is too long");
}

// What becomes of interlaced frames follows from the stages that deinterlace.
static void trust_fields(const struct ta_plan *p, const struct ta_stage_plan *stages, int count,
                         struct ta_reading *in)
{
    bool deinterlaces = false, film = false;
    int fields = 1;
    for (int i = 0; i < count; i++) {
        const struct ta_stage_info *info = stages[i].info;
        if (strncmp(info->name, "deinterlace.", strlen("deinterlace.")) != 0)
            continue;
        deinterlaces = true;
        film |= info == &ta_stage_ivtc;
        fields = info->fields ? info->fields(stages[i].opts) : 1;
    }
    if (deinterlaces != p->deinterlaced || fields != p->fields)
        ta_read_refuse(in, "what becomes of interlaced frames does not follow from the stages");
    if (film != (p->film != NULL))
        ta_read_refuse(in, "film and the stage that gives it back go together");
}

// ---- streams ----

static bool is_codec_name(const char *name)
{
    size_t n = strlen(name);
    return n && n < MAX_NAME && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

static bool is_bit_rate(const struct ta_plan *p, const struct ta_stream_plan *s)
{
    if (ta_sound_of_stream(p, s->stream)) // restored sound may have any
        return s->bit_rate >= 0 && s->bit_rate <= MAX_SOUND_BIT_RATE;
    for (int channels = 1; channels <= MAX_CHANNELS && s->kind == TA_STREAM_AUDIO; channels++)
        if (s->bit_rate == ta_plan_sound_bit_rate(s->codec, channels))
            return true;
    return !s->bit_rate;
}

static const char *distrust_stream(const struct ta_plan *p, const struct ta_stream_plan *s)
{
    bool becomes = s->action == TA_STREAM_TRANSCODE;
    if (!is_codec_name(s->source_codec))
        return "the codec of a stream is no name";
    bool may = ta_sound_of_stream(p, s->stream) ? ta_sound_may_be_stored(s->codec, p->container)
                                                : ta_stream_may_become(s->kind, s->codec, p->container);
    if (becomes ? !may : *s->codec != 0)
        return "this program would not make sound or subtitles of such a codec for the container";
    bool pictures = p->sound_only && s->kind == TA_STREAM_VIDEO;
    if (s->action == TA_STREAM_COPY && !pictures && !ta_stream_may_be_copied(s->kind, p->container))
        return "this program would not copy such a stream into the container";
    if (s->action == TA_STREAM_RESTORE && s->kind != TA_STREAM_VIDEO)
        return "only pictures are restored";
    if (becomes ? !is_bit_rate(p, s) : s->bit_rate != 0)
        return "this program would not choose such a bit rate";
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void trust_streams(const struct ta_plan *p, struct ta_reading *in)
{
    int restored = 0, *numbers = ta_xcalloc((size_t)p->stream_count + 1, sizeof *numbers);
    for (int i = 0; i < p->stream_count; i++) {
        const char *why = distrust_stream(p, &p->streams[i]);
        if (why)
            ta_read_refuse(in, why);
        restored += p->streams[i].action == TA_STREAM_RESTORE;
        numbers[i] = p->streams[i].stream;
    }
    if (restored != !p->sound_only)
        ta_read_refuse(in, "a plan restores one stream of pictures");
    qsort(numbers, (size_t)p->stream_count, sizeof *numbers, by_number);
    for (int i = 1; i < p->stream_count; i++)
        if (numbers[i] == numbers[i - 1])
            ta_read_refuse(in, "a stream of the source is there twice");
    free(numbers);
}

void ta_plan_trust(const struct ta_plan *p, struct ta_reading *in)
{
    trust_output(p, in);
    if (!p->sound_only) {
        trust_pictures(p, in);
        trust_fields(p, p->stages, p->stage_count, in);
    }
    for (int i = 0; i < p->redo_count; i++)
        trust_fields(p, p->redos[i].stages, p->redos[i].stage_count, in);
    trust_streams(p, in);
    ta_plan_trust_sound(p, in);
    if (p->range_start != AV_NOPTS_VALUE && p->range_end != AV_NOPTS_VALUE && p->range_end <= p->range_start)
        ta_read_refuse(in, "the range ends before it begins");
}

// ---- the source ----

static bool same_source(const struct ta_format *planned, const struct ta_format *is)
{
    struct ta_format f = *planned;
    // What was measured, and what was asked for, may differ from what the file says.
    f.scan = is->scan;
    f.sar = is->sar;
    return same_pictures(&f, is) && !av_cmp_q(f.frame_rate, is->frame_rate) &&
           !av_cmp_q(f.time_base, is->time_base);
}

static bool times_fit(const struct ta_plan *p, const struct ta_index *index)
{
    AVRational tb = index->time_base;
    const struct ta_index_frame *frames = index->frames;
    int64_t least = index->end_pts, most = index->end_pts, room = TA_PLAN_TIME_MAX / p->time_scale;
    for (size_t i = 0; i < index->frame_count; i++) {
        least = TA_MIN(least, frames[i].pts);
        most = TA_MAX(most, frames[i].pts);
    }
    return p->out_time_base.num == tb.num && p->out_time_base.den == (int64_t)tb.den * p->time_scale &&
           least >= -room && most <= room;
}

int ta_plan_fits_source(const struct ta_plan *p, const struct ta_index *index, const char *where,
                        struct ta_log *log)
{
    const char *why = NULL;
    if (p->sound_only)
        return 0;
    if ((size_t)(p->first_frame + p->frame_count) > index->frame_count)
        why = "the plan has more frames than the source";
    else if (!same_source(&p->source_format, &index->format))
        why = "the source's pictures are of another format than the plan says";
    else if (!times_fit(p, index))
        why = "the plan's times do not follow from the source's";
    for (int i = 0; i < p->stream_count && !why; i++)
        if (p->streams[i].action == TA_STREAM_RESTORE && p->streams[i].stream != index->video)
            why = "the plan restores another stream than the source was read for";
    if (why)
        ta_error(log, "%s: %s", where, why);
    return why ? TA_ERR_FORMAT : 0;
}
