// What happens to the streams that are not the picture.
#include "plan/decide.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/words.h"
#include "plan/sound.h"

static const char UNREADABLE[] = "it is no picture that can be read";
static const char NOT_IN_RANGE[] = "nothing of it lies in the range";

#define LATE_SECONDS 1
#define EARLY_SECONDS 1

// Start of a kept stream by its container, AV_NOPTS_VALUE when unknown. Priming before it is not a start.
int64_t ta_plan_stream_start(const struct ta_decision *d, int stream)
{
    const struct ta_stream_facts *st = &d->facts->source->streams[stream];
    int64_t seen = stream < d->facts->index->stream_count ? d->facts->index->streams[stream].first_pts
                                                          : AV_NOPTS_VALUE;
    // libav takes the file's own start for that of a stream of which it has not met a packet yet.
    bool late = seen != AV_NOPTS_VALUE && st->start != AV_NOPTS_VALUE &&
                (double)(seen - st->start) * av_q2d(st->time_base) > 0.5;
    return st->start == AV_NOPTS_VALUE || late ? seen : st->start;
}

int64_t ta_plan_sound_bit_rate(const char *codec, int channels)
{
    if (!strcmp(codec, "aac"))
        return channels <= 2 ? 192000 : 64000 * (int64_t)channels;
    if (strstr(codec, "opus"))
        return channels <= 1 ? 96000 : 64000 * (int64_t)channels;
    return 0;
}

// FLAC holds whole numbers of up to 24 bit in up to 8 channels.
static bool flac_holds(const AVCodecParameters *par)
{
    int bits = av_get_exact_bits_per_sample(par->codec_id);
    bool whole = par->codec_id != AV_CODEC_ID_PCM_F32LE && par->codec_id != AV_CODEC_ID_PCM_F32BE &&
                 par->codec_id != AV_CODEC_ID_PCM_F64LE && par->codec_id != AV_CODEC_ID_PCM_F64BE;
    return par->codec_id >= AV_CODEC_ID_FIRST_AUDIO && par->codec_id < AV_CODEC_ID_ADPCM_IMA_QT && whole &&
           bits > 0 && bits <= 24 && par->ch_layout.nb_channels <= 8 && par->sample_rate <= 655350;
}

// Is anything of it between the times that are used?
static bool is_in_range(const struct ta_decision *d, int i)
{
    const struct ta_index_stream *s = &d->facts->index->streams[i];
    AVRational tb = d->facts->source->streams[i].time_base;
    int64_t start = d->plan->range_start, end = d->plan->range_end;
    return s->first_pts == AV_NOPTS_VALUE || s->end_pts == AV_NOPTS_VALUE ||
           ((start == AV_NOPTS_VALUE || av_compare_ts(s->end_pts, tb, start, AV_TIME_BASE_Q) > 0) &&
            (end == AV_NOPTS_VALUE || av_compare_ts(s->first_pts, tb, end, AV_TIME_BASE_Q) < 0));
}

static struct ta_stream_choice leave_out(const char *reason)
{
    return (struct ta_stream_choice){.action = TA_STREAM_DROP, .reason = reason};
}

// What becomes of a stream that is not restored, by what it is and by what the index has seen of it.
static struct ta_stream_choice choose_other(const struct ta_decision *d, int i)
{
    const struct ta_stream_facts *st = &d->facts->source->streams[i];
    const struct ta_index *index = d->facts->index;
    if (st->unreadable)
        return leave_out(UNREADABLE);
    if (i < index->stream_count && st->kind == TA_STREAM_AUDIO) {
        const struct ta_index_stream *s = &index->streams[i];
        if (s->encrypted * 2 > s->packets)
            return leave_out("it is encrypted");
        if (!index->clock_count && !is_in_range(d, i))
            return leave_out(NOT_IN_RANGE);
    }
    return ta_stream_choose(st->par, st->disposition, d->plan->container);
}

static const struct ta_index_stream *indexed(const struct ta_decision *d, int i)
{
    static const struct ta_index_stream none;
    return i < d->facts->index->stream_count ? &d->facts->index->streams[i] : &none;
}

// Of another programme than the pictures.
static bool is_stranger(const struct ta_decision *d, int i)
{
    int own = indexed(d, d->facts->index->video)->programme, its = indexed(d, i)->programme;
    return own && its && its != own;
}

// Players of a copy see each packet's own header in these codecs.
static bool tells_itself(enum AVCodecID id)
{
    return id == AV_CODEC_ID_MP1 || id == AV_CODEC_ID_MP2 || id == AV_CODEC_ID_MP3 || id == AV_CODEC_ID_AC3 ||
           id == AV_CODEC_ID_EAC3 || id == AV_CODEC_ID_DTS;
}

// Sound whose channels or rate change on the way.
static void choose_changing_sound(struct ta_decision *d, int i, struct ta_stream_choice *c)
{
    const struct ta_stream_facts *st = &d->facts->source->streams[i];
    const struct ta_index_stream *s = indexed(d, i);
    if (!s->layout_changes && !s->rate_changes)
        return;
    if (c->action == TA_STREAM_COPY && (s->rate_changes || !tells_itself(st->par->codec_id)))
        *c = ta_sound_transcode_choose(st->par, d->plan->container);
    if (s->layout_changes)
        ta_decision_tell(d, "sound", "stream %d changes between %d and %d channels, %lld %s: %s", i,
                         s->least_channels, s->channels, (long long)s->layout_changes,
                         ta_plural(s->layout_changes, "time", "times"),
                         c->action == TA_STREAM_COPY        ? "kept as it is"
                         : c->action == TA_STREAM_TRANSCODE ? "room for all of them throughout"
                                                            : "left out");
    if (s->rate_changes)
        ta_decision_tell(d, "sound", "stream %d changes its sample rate, %lld %s: all of it gets %d Hz", i,
                         (long long)s->rate_changes, ta_plural(s->rate_changes, "time", "times"),
                         st->par->sample_rate);
}

// Seconds between the first packets of the picture and of a stream.
static double late_by(const struct ta_decision *d, int i)
{
    const struct ta_index *index = d->facts->index;
    int64_t start = ta_plan_stream_start(d, i);
    if (start == AV_NOPTS_VALUE)
        return 0;
    return (double)start * av_q2d(d->facts->source->streams[i].time_base) -
           (double)index->frames[0].pts * av_q2d(index->time_base);
}

// Seconds between the end of a stream and that of the pictures.
static double early_by(const struct ta_decision *d, int i)
{
    const struct ta_index *index = d->facts->index;
    int64_t end = i < index->stream_count ? index->streams[i].end_pts : AV_NOPTS_VALUE;
    if (end == AV_NOPTS_VALUE || index->clock_count) // other clocks may have run since
        return 0;
    return (double)index->end_pts * av_q2d(index->time_base) -
           (double)end * av_q2d(d->facts->source->streams[i].time_base);
}

int ta_plan_check_mp3(const struct ta_decision *d, const char *codec, int channels)
{
    if (strcmp(codec, "libmp3lame") != 0 || channels <= 2)
        return 0;
    ta_error(d->log, "%s: MP3 has two channels at most, the sound has %d: --audio-layout stereo mixes them",
             d->facts->input, channels);
    return TA_ERR_USAGE;
}

// Of restored sound: as asked for, else by codec and channels. What loses nothing has none.
int ta_plan_choose_bit_rate(const struct ta_decision *d, struct ta_stream_plan *s, int channels)
{
    struct ta_sound_recipe recipe;
    int err = ta_options_sound(d->facts->options, &recipe, d->log);
    bool lossless = !strcmp(s->codec, "flac") || !strncmp(s->codec, "pcm_", 4);
    bool dolby = !strcmp(s->codec, "ac3") || !strcmp(s->codec, "eac3");
    if (err < 0)
        return err;
    s->bit_rate = lossless         ? 0
                  : recipe.bitrate ? recipe.bitrate * 1000
                  : dolby          ? (channels > 2 ? 640000 : 192000)
                                   : ta_plan_sound_bit_rate(s->codec, channels);
    return 0;
}

static int choose_stream(struct ta_decision *d, int i)
{
    struct ta_plan *p = d->plan;
    const struct ta_stream_facts *st = &d->facts->source->streams[i];
    struct ta_stream_plan *s = &p->streams[p->stream_count++];
    struct ta_stream_choice c = {.action = TA_STREAM_RESTORE};
    int err = 0;
    bool sound = st->kind == TA_STREAM_AUDIO, main_video = i == d->facts->index->video;
    bool goes_on = st->goes_on == d->facts->index->video;
    if (goes_on) {
        c = (struct ta_stream_choice){.action = TA_STREAM_DROP,
                                      .reason = "its pictures are those that go on the main ones"};
        ta_decision_tell(d, "pictures",
                         "they go on as %s where %s ends (stream %d): each is decoded as what it is",
                         avcodec_get_name(st->par->codec_id),
                         avcodec_get_name(d->facts->source->streams[st->goes_on].par->codec_id), i);
    } else if (!main_video && st->kind == TA_STREAM_VIDEO)
        c = (struct ta_stream_choice){.action = TA_STREAM_DROP,
                                      .reason = is_stranger(d, i) ? "it is another programme's"
                                                                  : "only the main video stream is restored"};
    else if (!main_video)
        c = choose_other(d, i);
    if (d->recipe->audio_codec == TA_AUDIO_CODEC_FLAC && sound && c.action != TA_STREAM_DROP &&
        flac_holds(st->par))
        c = (struct ta_stream_choice){
            .action = TA_STREAM_TRANSCODE, .codec = "flac", .reason = "smaller, and nothing is lost"};
    if (sound && c.action != TA_STREAM_DROP) {
        choose_changing_sound(d, i, &c);
        if (late_by(d, i) > LATE_SECONDS)
            ta_decision_tell(d, "sound", "stream %d begins %.2f s after the pictures, and stays there", i,
                             late_by(d, i));
        if (early_by(d, i) > EARLY_SECONDS)
            ta_decision_tell(d, "sound", "stream %d ends %.2f s before the pictures", i, early_by(d, i));
    }
    if (sound && !c.refuse) {
        err = ta_plan_choose_sound(d, i, &c);
        if (err < 0)
            return err;
    }
    if (c.refuse) {
        ta_error(d->log, "stream %d has %d channels of sound, and %s: %s", i, st->par->ch_layout.nb_channels,
                 c.reason, c.refuse);
        return TA_ERR_UNSUPPORTED;
    }
    s->stream = i;
    s->kind = st->kind;
    s->source_codec = ta_xstrdup(avcodec_get_name(st->par->codec_id));
    s->action = c.action;
    s->codec = ta_xstrdup(c.codec ? c.codec : "");
    s->reason = ta_xstrdup(c.reason ? c.reason : "");
    s->start = AV_NOPTS_VALUE;
    int64_t start = ta_plan_stream_start(d, i);
    if (sound && start != AV_NOPTS_VALUE && p->range_start == AV_NOPTS_VALUE)
        s->start = av_rescale_q(start, st->time_base, AV_TIME_BASE_Q) -
                   av_rescale_q(p->offset, p->out_time_base, AV_TIME_BASE_Q);
    const struct ta_sound_plan *restored = sound ? ta_sound_of_stream(p, i) : NULL;
    if (restored)
        err = ta_plan_choose_bit_rate(d, s, restored->out.channels);
    else if (c.action == TA_STREAM_TRANSCODE && sound)
        s->bit_rate = ta_plan_sound_bit_rate(s->codec, st->par->ch_layout.nb_channels);
    if (err < 0)
        return err;
    // Sound, subtitles and further videos that get lost matter; y4m is pictures alone, and whoever asks for
    // it knows.
    // What is another programme's is told with that.
    bool other_pictures = st->kind == TA_STREAM_VIDEO && is_stranger(d, i);
    bool matters = !main_video && !other_pictures && !goes_on &&
                   (sound || st->kind == TA_STREAM_SUBTITLE || st->kind == TA_STREAM_VIDEO);
    matters &= !c.reason || strcmp(c.reason, NOT_IN_RANGE) != 0;
    if (c.action == TA_STREAM_DROP && st->unreadable && strcmp(p->container->name, "y4m"))
        ta_decision_warn(d, TA_PROBLEM_COVER_LEFT_OUT,
                         &(struct ta_problem_about){.args = json_pack("{s:i}", "stream", i)},
                         "the cover (stream %d) is left out: %s", i, s->reason);
    if (c.action == TA_STREAM_DROP && matters && strcmp(p->container->name, "y4m"))
        ta_decision_warn(d, TA_PROBLEM_STREAM_LEFT_OUT,
                         &(struct ta_problem_about){.args = json_pack("{s:i, s:s, s:s}", "stream", i, "kind",
                                                                      ta_stream_kind_name(s->kind), "codec",
                                                                      s->source_codec)},
                         "stream %d (%s, %s) is left out: %s", i, ta_stream_kind_name(s->kind),
                         s->source_codec, s->reason);
    return 0;
}

static void tell_programmes(struct ta_decision *d, int own)
{
    const struct ta_source_facts *source = d->facts->source;
    struct ta_buf others = {0};
    for (int i = 0; i < source->programme_count; i++) {
        const struct ta_programme_facts *p = &source->programmes[i];
        const AVDictionaryEntry *name = av_dict_get(p->metadata, "service_name", NULL, 0);
        if (p->id == own)
            continue;
        ta_buf_printf(&others, "%s%d", others.size ? ", " : "", p->id);
        if (name && *name->value)
            ta_buf_printf(&others, " (%s)", name->value);
    }
    if (own && others.size)
        ta_decision_tell(d, "programme",
                         "%d%s; there %s also %s (--programme takes one, and nothing of others)", own,
                         d->recipe->programme ? " as asked" : ", that of the largest picture",
                         strchr(ta_buf_text(&others), ',') ? "are" : "is", ta_buf_text(&others));
    ta_buf_release(&others);
}

int ta_plan_choose_streams(struct ta_decision *d)
{
    const struct ta_source_facts *source = d->facts->source;
    if (d->recipe->audio_codec == TA_AUDIO_CODEC_FLAC && strcmp(d->plan->container->name, "mkv") != 0) {
        ta_error(d->log, "--audio-codec flac needs Matroska: name the output .mkv, not .%s",
                 d->plan->container->name);
        return TA_ERR_USAGE;
    }
    d->plan->streams = ta_xcalloc((size_t)source->stream_count + 1, sizeof *d->plan->streams);
    // What belongs to the picture comes first: players take the first track of sound.
    int own = indexed(d, d->facts->index->video)->programme, err = 0;
    for (int others = 0; others < 2; others++)
        for (int i = 0; i < source->stream_count && err >= 0; i++) {
            bool stranger = is_stranger(d, i);
            if (stranger == (others > 0) && !(stranger && d->recipe->programme))
                err = choose_stream(d, i);
        }
    tell_programmes(d, own);
    return err;
}
