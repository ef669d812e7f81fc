// What the head of an output file says: streams, metadata, chapters, attachments.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/timecode.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "media/mux/mux_av.h"
#include "media/mux/mux_internal.h"

#define MOVIE_SCALE_MAX 10000000 // of mp4 and mov: finer than any clock of a source needs

// Facts of the source's file, not of its content: wrong or meaningless in another file.
static const char *const stale_tags[] = {
    "major_brand",      "minor_version",   "compatible_brands", "encoder", "encoding_tool", "duration", "bps",
    "number_of_frames", "number_of_bytes", "source_id",         NULL,
};
// What libavformat's mp4 and mov muxers have a place for, in the file's head and in a track's.
static const char *const mp4_tags[] = {
    "title",         "artist",     "album_artist", "composer",         "album",       "date",
    "comment",       "genre",      "copyright",    "grouping",         "lyrics",      "description",
    "synopsis",      "show",       "episode_id",   "network",          "keywords",    "episode_sort",
    "season_number", "media_type", "hd_video",     "gapless_playback", "compilation", "track",
    "disc",          "tmpo",       "location",     "creation_time",    "timecode",    NULL,
};
static const char *const mov_tags[] = {
    "artist", "title", "author",   "album",    "date", "comment",       "genre",    "copyright",
    "make",   "model", "location", "keywords", "xmp",  "creation_time", "timecode", NULL,
};
static const char *const track_tags[] = {
    "language", "title", "handler_name", "creation_time", "timecode", "reel_name", "vendor_id", NULL,
};

static bool listed(const char *const *list, const char *key)
{
    for (; *list; list++) {
        if (!strcasecmp(*list, key))
            return true;
    }
    return false;
}

static bool is_stale(const char *key)
{
    // Matroska's statistics come with a language ("BPS-eng").
    char base[64];
    snprintf(base, sizeof(base), "%.*s", (int)TA_MIN(strcspn(key, "-"), sizeof(base) - 1), key);
    return listed(stale_tags, base) || !strncasecmp(key, "_STATISTICS_", 12);
}

static bool is_iso(const struct ta_container_info *c)
{
    return !strcmp(c->name, "mp4") || !strcmp(c->name, "mov");
}

// QuickTime numbers its languages; these are the names by which libavformat's mov muxer knows them.
static const char mov_languages[] =
    "eng fra ger ita dut sve spa dan por nor heb jpn ara fin gre ice mlt tur chi urd hin tha kor lit "
    "pol hun est lav smi per rus iri alb ron ces slk slv yid mac bul ukr bel uzb kaz aze arm geo mol "
    "kir tgk tuk mon pus kur kas snd tib nep san mar ben asm guj ori mal kan tam tel sin bur khm lao "
    "vie ind tgl may amh tir orm som swa kin run nya mlg epo wel baq cat lat que grn aym tat uig dzo "
    "jav und";
// Other names of the same: ISO 639-2 has two for some languages.
static const char mov_language_aliases[][2][4] = {
    {"fre", "fra"}, {"deu", "ger"}, {"nld", "dut"}, {"swe", "sve"}, {"ell", "gre"}, {"isl", "ice"},
    {"zho", "chi"}, {"fas", "per"}, {"gle", "iri"}, {"sqi", "alb"}, {"rum", "ron"}, {"cze", "ces"},
    {"slo", "slk"}, {"mkd", "mac"}, {"hye", "arm"}, {"kat", "geo"}, {"bod", "tib"}, {"mya", "bur"},
    {"msa", "may"}, {"cym", "wel"}, {"eus", "baq"},
};

static int translate_language(AVStream *st, AVDictionary **lost)
{
    const AVDictionaryEntry *e = av_dict_get(st->metadata, "language", NULL, 0);

    if (!e)
        return 0;
    for (size_t i = 0; i < TA_COUNT(mov_language_aliases); i++) {
        if (!strcmp(e->value, mov_language_aliases[i][0]))
            return av_dict_set(&st->metadata, "language", mov_language_aliases[i][1], 0);
    }
    if (strlen(e->value) == 3 && strstr(mov_languages, e->value))
        return 0;
    char name[32];
    snprintf(name, sizeof(name), "language %.16s", e->value);
    return av_dict_set(lost, name, "", 0);
}

// Copies what is still true of the new file. Keys that are not in `known` (NULL: all are) go to `lost`
// instead.
static int copy_tags(AVDictionary **to, const AVDictionary *from, bool copied, const char *const *known,
                     AVDictionary **lost)
{
    const AVDictionaryEntry *e = NULL;

    while ((e = av_dict_get(from, "", e, AV_DICT_IGNORE_SUFFIX))) {
        bool coder = !strcasecmp(e->key, "encoder") || !strcasecmp(e->key, "vendor_id");
        if (coder ? !copied : is_stale(e->key))
            continue;
        int ret;
        if (!known || coder || listed(known, e->key))
            ret = av_dict_set(to, e->key, e->value, 0);
        else
            ret = av_dict_set(lost, e->key, "", 0);
        if (ret < 0)
            return ret;
    }
    return 0;
}

// The timecode of the first picture: that of the source's first, as much later as the range begins, counted
// in the output's frames. Left as it is where the source's rate does not fit its own timecode.
static void adjust_timecode(AVDictionary **tags, const struct ta_lane *video, const struct ta_mux_params *p)
{
    const AVDictionaryEntry *e = av_dict_get(*tags, "timecode", NULL, 0);
    AVRational from = video->like->avg_frame_rate, to = video->frame_rate;
    AVTimecode was, is;
    char text[AV_TIMECODE_STR_SIZE];

    if (!e || from.num <= 0 || to.num <= 0 || av_timecode_init_from_string(&was, from, e->value, NULL) < 0)
        return;
    int64_t frames = was.start;
    if (video->like->start_time != AV_NOPTS_VALUE) {
        int64_t later = p->offset -
                        ta_rescale(video->like->start_time, video->like->time_base, AV_TIME_BASE_Q);
        frames += ta_rescale(TA_MAX(later, 0), AV_TIME_BASE_Q, av_inv_q(from));
    }
    frames = ta_rescale(frames, av_inv_q(from), av_inv_q(to));
    unsigned flags = was.flags;
    if (av_q2d(to) < 29 || fabs(av_q2d(to) - rint(av_q2d(to))) < 0.001)
        flags &= ~(
            unsigned)AV_TIMECODE_FLAG_DROPFRAME; // numbers are dropped to make up for rates of n/1001 only
    if (frames <= INT32_MAX && av_timecode_init(&is, to, (int)flags, (int)frames, NULL) >= 0)
        av_dict_set(tags, "timecode", av_timecode_make_string(&is, text, 0), 0);
}

static bool want_side_data(enum AVPacketSideDataType type, const void *priv)
{
    const struct ta_lane *lane = priv;

    switch (type) {
    case AV_PKT_DATA_DISPLAYMATRIX:
    case AV_PKT_DATA_STEREO3D:
    case AV_PKT_DATA_SPHERICAL:
    case AV_PKT_DATA_AUDIO_SERVICE_TYPE:
    case AV_PKT_DATA_REPLAYGAIN:
        return true;
    case AV_PKT_DATA_MASTERING_DISPLAY_METADATA:
    case AV_PKT_DATA_CONTENT_LIGHT_LEVEL:
        // Of restored pictures they are true as long as those are HDR still, and not made so here.
        return lane->copied || (!lane->light.peak && (lane->parameters->color_trc == AVCOL_TRC_SMPTE2084 ||
                                                      lane->parameters->color_trc == AVCOL_TRC_ARIB_STD_B67));
    default:
        return lane->copied;
    }
}

// SMPTE ST 2086 and CTA-861.3: the display that HDR10 was made for (BT.2020 with D65, black as dark as can be
// said), and how bright the pictures are.
static int add_light(AVStream *st, const struct ta_light *light)
{
    static const AVRational bt2020[3][2] = {
        {{35400, 50000}, {14600, 50000}}, {{8500, 50000}, {39850, 50000}}, {{6550, 50000}, {2300, 50000}}};
    AVMasteringDisplayMetadata *m = light->peak ? av_mastering_display_metadata_alloc() : NULL;
    AVContentLightMetadata *c = light->peak ? av_content_light_metadata_alloc(NULL) : NULL;
    int ret = light->peak && (!m || !c) ? AVERROR(ENOMEM) : 0;
    if (m && c) {
        memcpy(m->display_primaries, bt2020, sizeof(bt2020));
        m->white_point[0] = (AVRational){15635, 50000};
        m->white_point[1] = (AVRational){16450, 50000};
        m->min_luminance = (AVRational){1, 10000};
        m->max_luminance = (AVRational){light->peak, 1};
        m->has_primaries = m->has_luminance = 1;
        c->MaxCLL = (unsigned)light->max_cll;
        c->MaxFALL = (unsigned)light->max_fall;
        ret = ta_av_add_side_data(st, AV_PKT_DATA_MASTERING_DISPLAY_METADATA, m, sizeof(*m));
        if (ret >= 0)
            ret = ta_av_add_side_data(st, AV_PKT_DATA_CONTENT_LIGHT_LEVEL, c, sizeof(*c));
    }
    av_free(m);
    av_free(c);
    return ret;
}

// The code of a codec: the source's own where this container knows it too.
static uint32_t choose_tag(const AVOutputFormat *of, const AVCodecParameters *par)
{
    if (par->codec_id == AV_CODEC_ID_HEVC && (!strcmp(of->name, "mp4") || !strcmp(of->name, "mov")))
        return MKTAG('h', 'v', 'c', '1'); // the muxer's own default is hev1, which Apple's players refuse
    if (par->codec_tag && of->codec_tag && av_codec_get_id(of->codec_tag, par->codec_tag) == par->codec_id)
        return par->codec_tag;
    return 0;
}

static int describe_lane(AVFormatContext *oc, const struct ta_mux_params *p, struct ta_output *o,
                         AVDictionary **lost, struct ta_log *log)
{
    const struct ta_lane *lane = o->lane;
    const AVStream *like = lane->like;
    AVStream *st = avformat_new_stream(oc, NULL);

    if (!st || avcodec_parameters_copy(st->codecpar, lane->parameters) < 0)
        return TA_ERR_NOMEM;
    o->st = st;
    st->codecpar->codec_tag = choose_tag(oc->oformat, lane->parameters);
    st->time_base = lane->time_base;
    if (st->codecpar->codec_id == AV_CODEC_ID_MOV_TEXT) {
        // The muxer compares the end of a subtitle with other tracks' times without bringing them to the same
        // scale, and writes an empty sample when it finds it past. With a scale above theirs it does so only
        // where nothing follows at once.
        st->time_base = (AVRational){1, 100000};
    }
    if (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
        st->avg_frame_rate = st->r_frame_rate = lane->frame_rate;
        st->sample_aspect_ratio = st->codecpar->sample_aspect_ratio = lane->sar;
    }
    if (add_light(st, &lane->light) < 0)
        return TA_ERR_NOMEM;
    if (!like)
        return 0;
    st->disposition = (like->disposition | lane->disposition) &
                      ~(AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS);
    if (copy_tags(&st->metadata, like->metadata, lane->copied, is_iso(p->container) ? track_tags : NULL,
                  lost) < 0 ||
        ta_av_copy_side_data(st, like, want_side_data, lane) < 0)
        return TA_ERR_NOMEM;
    if (st->codecpar->codec_type == AVMEDIA_TYPE_VIDEO)
        adjust_timecode(&st->metadata, lane, p);
    if (!strcmp(p->container->name, "mov") && translate_language(st, lost) < 0)
        return TA_ERR_NOMEM;
    if (ta_av_has_side_data(st, AV_PKT_DATA_DISPLAYMATRIX) && !is_iso(p->container) &&
        !ta_av_matroska_writes_rotation())
        ta_problem_at(log, TA_PROBLEM_ROTATION_LOST,
                      &(struct ta_problem_about){.args = json_pack("{s:s}", "container", p->container->name)},
                      "the rotation of the pictures can't be written into %s with this version of libav",
                      p->container->name);
    return 0;
}

static bool is_cover(const AVStream *st)
{
    return (st->disposition & AV_DISPOSITION_ATTACHED_PIC) && st->attached_pic.size > 0;
}

static bool is_copied(const AVStream *st, const struct ta_mux_params *p)
{
    return !(p->left_out && p->left_out[st->index]) &&
           ta_stream_choose(st->codecpar, st->disposition, p->container).action == TA_STREAM_COPY;
}

static int describe_attachment(AVFormatContext *oc, const AVStream *like)
{
    AVStream *st = avformat_new_stream(oc, NULL);

    if (!st || avcodec_parameters_copy(st->codecpar, like->codecpar) < 0 ||
        av_dict_copy(&st->metadata, like->metadata, 0) < 0)
        return TA_ERR_NOMEM;
    st->codecpar->codec_tag = 0;
    if (is_cover(like)) { // in Matroska an attachment like any other
        const AVPacket *pic = &like->attached_pic;
        st->codecpar->codec_type = AVMEDIA_TYPE_ATTACHMENT;
        av_freep(&st->codecpar->extradata);
        st->codecpar->extradata_size = 0;
        st->codecpar->extradata = av_mallocz((size_t)pic->size + AV_INPUT_BUFFER_PADDING_SIZE);
        if (!st->codecpar->extradata)
            return TA_ERR_NOMEM;
        memcpy(st->codecpar->extradata, pic->data, (size_t)pic->size);
        st->codecpar->extradata_size = pic->size;
    }
    if (!av_dict_get(st->metadata, "filename", NULL, 0)) {
        const char *extension = st->codecpar->codec_id == AV_CODEC_ID_MJPEG
                                    ? "jpg"
                                    : avcodec_get_name(st->codecpar->codec_id);
        char name[64];
        if (is_cover(like))
            snprintf(name, sizeof(name), "cover.%s", extension);
        else
            snprintf(name, sizeof(name), "attachment-%d", like->index);
        av_dict_set(&st->metadata, "filename", name, 0);
    }
    const AVCodecDescriptor *d = avcodec_descriptor_get(st->codecpar->codec_id);
    if (!av_dict_get(st->metadata, "mimetype", NULL, 0) && !(d && d->mime_types))
        av_dict_set(&st->metadata, "mimetype", "application/octet-stream", 0);
    return 0;
}

static int describe_cover(AVFormatContext *oc, const AVStream *like)
{
    AVStream *st = avformat_new_stream(oc, NULL);

    if (!st || avcodec_parameters_copy(st->codecpar, like->codecpar) < 0)
        return TA_ERR_NOMEM;
    st->codecpar->codec_tag = 0;
    st->disposition = AV_DISPOSITION_ATTACHED_PIC;
    st->time_base = like->time_base;
    return 0;
}

// Moved and clipped to the range.
static int add_chapter(AVFormatContext *oc, const struct ta_mux_params *p, const AVChapter *from)
{
    int64_t start = from->start, end = from->end;
    if (p->start != AV_NOPTS_VALUE)
        start = TA_MAX(start, ta_rescale(p->start, AV_TIME_BASE_Q, from->time_base));
    if (p->end != AV_NOPTS_VALUE)
        end = TA_MIN(end, ta_rescale(p->end, AV_TIME_BASE_Q, from->time_base));
    int64_t shift = ta_rescale(p->offset, AV_TIME_BASE_Q, from->time_base);
    start = TA_MAX(start - shift, 0);
    end -= shift;
    if (end <= start)
        return 0;
    AVChapter *c = av_mallocz(sizeof(*c));
    if (!c)
        return TA_ERR_NOMEM;
    c->id = from->id;
    c->time_base = from->time_base;
    c->start = start;
    c->end = end;
    if (av_dict_copy(&c->metadata, from->metadata, 0) < 0 ||
        av_dynarray_add_nofree(&oc->chapters, (int *)&oc->nb_chapters, c) < 0) {
        av_dict_free(&c->metadata);
        av_free(c);
        return TA_ERR_NOMEM;
    }
    return 0;
}

// mp4 and mov keep chapters as a track of titles: without any there is no track, but a reference to one.
static int name_chapters(AVFormatContext *oc)
{
    char title[32];
    int err = 0;
    for (unsigned i = 0; i < oc->nb_chapters && err >= 0; i++) {
        const AVDictionaryEntry *has = av_dict_get(oc->chapters[i]->metadata, "title", NULL, 0);
        if (has && has->value[0])
            continue;
        snprintf(title, sizeof title, "Chapter %u", i + 1);
        err = av_dict_set(&oc->chapters[i]->metadata, "title", title, 0);
    }
    return err < 0 ? TA_ERR_NOMEM : 0;
}

static int describe_chapters(AVFormatContext *oc, const struct ta_mux_params *p, bool named)
{
    int err = 0;
    if (p->no_chapters)
        return 0;
    for (unsigned i = 0; !p->chapters && i < p->like->nb_chapters && err >= 0; i++)
        err = add_chapter(oc, p, p->like->chapters[i]);
    for (int i = 0; p->chapters && i < p->chapter_count && err >= 0; i++) {
        const struct ta_mux_chapter *from = &p->chapters[i];
        AVChapter c = {.id = i + 1, .time_base = AV_TIME_BASE_Q, .start = from->start, .end = from->end};
        err = av_dict_set(&c.metadata, "title", from->title, 0) < 0 ? TA_ERR_NOMEM : add_chapter(oc, p, &c);
        av_dict_free(&c.metadata);
    }
    return err >= 0 && named ? name_chapters(oc) : err;
}

static void report_lost(const AVDictionary *lost, const struct ta_mux_params *p, struct ta_log *log)
{
    const AVDictionaryEntry *e = NULL;
    struct ta_buf text = {0};

    while ((e = av_dict_get(lost, "", e, AV_DICT_IGNORE_SUFFIX)))
        ta_buf_printf(&text, "%s%s", text.size ? ", " : "", e->key);
    if (text.size)
        ta_info(log, "%s has no place for these tags of the source: %s", p->container->name,
                ta_buf_text(&text));
    ta_buf_release(&text);
}

static int describe_like(AVFormatContext *oc, const struct ta_mux_params *p, AVDictionary **lost)
{
    const char *container = p->container->name;
    const char *const *known = !strcmp(container, "mp4")   ? mp4_tags
                               : !strcmp(container, "mov") ? mov_tags
                                                           : NULL;
    int err = 0;

    if (copy_tags(&oc->metadata, p->like->metadata, false, known, lost) < 0)
        return TA_ERR_NOMEM;
    for (int i = 0; i < p->lane_count; i++) {
        if (p->lanes[i]->parameters->codec_type == AVMEDIA_TYPE_VIDEO && p->lanes[i]->like) {
            adjust_timecode(&oc->metadata, p->lanes[i], p);
            break;
        }
    }
    if (copy_tags(&oc->metadata, p->tags, false, known, lost) < 0)
        return TA_ERR_NOMEM;
    for (unsigned i = 0; i < p->like->nb_streams && err >= 0; i++) {
        const AVStream *st = p->like->streams[i];
        bool attachment = st->codecpar->codec_type == AVMEDIA_TYPE_ATTACHMENT;
        if ((!attachment && !is_cover(st)) || !is_copied(st, p))
            continue;
        if (!strcmp(container, "mkv"))
            err = describe_attachment(oc, st);
        else
            err = describe_cover(oc, st);
    }
    return err < 0 ? err : describe_chapters(oc, p, known);
}

int ta_mux_describe(AVFormatContext *oc, const struct ta_mux_params *p, struct ta_output *outputs,
                    struct ta_log *log)
{
    AVDictionary *lost = NULL;
    int err = 0;

    for (int i = 0; i < p->lane_count && err >= 0; i++)
        err = describe_lane(oc, p, &outputs[i], &lost, log);
    if (err >= 0 && p->like)
        err = describe_like(oc, p, &lost);
    report_lost(lost, p, log);
    av_dict_free(&lost);
    if (err == TA_ERR_NOMEM)
        ta_error(log, "%s", ta_error_text(err));
    return err;
}

// Is the start of every track a whole number of `scale`ths of a second?
static bool holds_starts(const struct ta_mux_params *p, const struct ta_output *outputs, int64_t scale)
{
    bool exact = true;
    for (int i = 0; i < p->lane_count; i++) {
        const struct ta_output *o = &outputs[i];
        AVRational tb = o->lane->time_base, unit = {1, (int)scale};
        if (o->state == TA_OUTPUT_READY && o->packet->pts > 0)
            exact &= av_compare_ts(ta_rescale(o->packet->pts, tb, unit), unit, o->packet->pts, tb) == 0;
    }
    return exact;
}

// The least scale in which a start of `pts` is a whole number.
static int64_t scale_of_start(int64_t pts, AVRational tb)
{
    return tb.den / av_gcd(pts % tb.den * tb.num % tb.den, tb.den);
}

// Late starts go into edit lists in the movie's time scale, a millisecond by default. Where that is not
// exact, a scale is taken in which all tracks' times are, or else all tracks' starts. Where there is none of
// a sane size either, starts are rounded to the finest scale, far below what TA_MUX_TIME_ERROR allows.
static int movie_timescale(const struct ta_mux_params *p, const struct ta_output *outputs)
{
    int64_t all_times = 1000, all_starts = 1000;
    if (holds_starts(p, outputs, 1000))
        return 1000;
    for (int i = 0; i < p->lane_count; i++) {
        const struct ta_output *o = &outputs[i];
        AVRational tb = o->lane->time_base;
        if (o->state != TA_OUTPUT_READY || o->packet->pts <= 0)
            continue;
        int64_t times = all_times / av_gcd(all_times, tb.den) * tb.den,
                least = scale_of_start(o->packet->pts, tb),
                starts = all_starts / av_gcd(all_starts, least) * least;
        if (times <= MOVIE_SCALE_MAX)
            all_times = times;
        if (starts <= MOVIE_SCALE_MAX)
            all_starts = starts;
    }
    if (holds_starts(p, outputs, all_times))
        return (int)all_times;
    return holds_starts(p, outputs, all_starts) ? (int)all_starts : MOVIE_SCALE_MAX;
}

void ta_mux_options(AVDictionary **options, const struct ta_mux_params *p, const struct ta_output *outputs)
{
    if (!is_iso(p->container))
        return;
    if (p->faststart)
        av_dict_set(options, "movflags", "+faststart", 0);
    av_dict_set_int(options, "movie_timescale", movie_timescale(p, outputs), 0);
    // FLAC in mp4 is well defined by now; libav still calls it experimental.
    av_dict_set(options, "strict", "experimental", 0);
}

int ta_mux_write_covers(AVFormatContext *oc, const struct ta_mux_params *p)
{
    if (!p->like || strcmp(p->container->name, "mp4") != 0)
        return 0;
    unsigned to = (unsigned)p->lane_count;
    int ret = 0;
    for (unsigned i = 0; i < p->like->nb_streams && ret >= 0; i++) {
        const AVStream *st = p->like->streams[i];
        if (!is_cover(st) || !is_copied(st, p))
            continue;
        AVPacket *packet = av_packet_clone(&st->attached_pic);
        if (!packet)
            return AVERROR(ENOMEM);
        packet->stream_index = (int)to++;
        packet->pts = packet->dts = 0;
        ret = av_write_frame(oc, packet);
        av_packet_free(&packet);
    }
    return ret;
}
