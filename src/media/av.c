#include "media/av.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <zimg.h>

#include <libavfilter/avfilter.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/cpu.h>
#include <libavutil/display.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>

#include <terminalai/error.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/thread.h"
#include "base/tree.h"

// libav's log callback and CPU flags are process-wide, so what guards them here is too.
static pthread_once_t listen_once = PTHREAD_ONCE_INIT;
static pthread_rwlock_t setup_lock = PTHREAD_RWLOCK_INITIALIZER;
static int hidden_cpu_flags; // what ta_av_setup_end(true) puts back; guarded by the write side of setup_lock

int ta_error_from_av(int averror)
{
    switch (averror) {
    case AVERROR_INVALIDDATA:
    case AVERROR_EOF:
        return TA_ERR_FORMAT;
    case AVERROR_EXIT:
        return TA_ERR_CANCELED;
    case AVERROR_BSF_NOT_FOUND:
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR_FILTER_NOT_FOUND:
    case AVERROR_MUXER_NOT_FOUND:
    case AVERROR_PROTOCOL_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS):
    // What libav was given was decided by us or stands in a file: nobody called us wrongly.
    case AVERROR_OPTION_NOT_FOUND:
    case AVERROR(EINVAL):
    case AVERROR(ERANGE):
        return TA_ERR_UNSUPPORTED;
    case AVERROR_STREAM_NOT_FOUND:
        return TA_ERR_NOT_FOUND;
    case AVERROR_BUG:
    case AVERROR_BUG2:
    case AVERROR(EAGAIN):
        return TA_ERR_INTERNAL;
    case AVERROR(ENOMEM):
        return TA_ERR_NOMEM;
    case TA_AVERROR_THREADS:
        return TA_ERR_LIMIT;
    default:
        break;
    }
    // The other codes of libav's own are four letters, far from any errno.
    int number = AVUNERROR(averror);
    return number > 0 && number < 4096 ? ta_error_from_errno(number) : TA_ERR_IO;
}

const char *ta_av_text(int averror)
{
    static _Thread_local char text[TA_ERRNO_TEXT];
    if (averror == TA_AVERROR_THREADS)
        return "the system allows no more threads (ulimit -u)";
    if (averror == AVERROR(EFBIG))
        return ta_errno_text(EFBIG, text);
    if (av_strerror(averror, text, sizeof(text)) < 0)
        snprintf(text, sizeof(text), "libav error %d", averror);
    return text;
}

static const char COMPONENT[] = "libav";

static _Thread_local int decoder_errors;

int ta_av_take_decoder_errors(void)
{
    int errors = decoder_errors;
    decoder_errors = 0;
    return errors;
}

static void count_decoder_error(void *object, int level, const char *format)
{
    // A decoder that begins without a key picture says so as an error; what programs add to JPEG is of no use
    // to pictures.
    static const char *const harmless[] = {"warning:", "unable to decode APP"};
    const AVClass *const *class = object;
    if (level > AV_LOG_ERROR || !class || !*class)
        return;
    const AVClass *c = *class;
    if ((c->get_category ? c->get_category(object) : c->category) != AV_CLASS_CATEGORY_DECODER)
        return;
    for (size_t i = 0; i < TA_COUNT(harmless); i++)
        if (!strncmp(format, harmless[i], strlen(harmless[i])))
            return;
    decoder_errors++;
}

static void log_callback(void *object, int level, const char *format, va_list args)
{
    // libav may print one line in pieces; a piece without its prefix is better than a buffer that mixes
    // threads.
    static _Thread_local int print_prefix = 1;
    if (level > AV_LOG_VERBOSE)
        return;
    count_decoder_error(object, level, format);
    enum ta_log_level ours = level <= AV_LOG_ERROR ? TA_LOG_VERBOSE : TA_LOG_DEBUG;
    char line[1024] = "";
    if (!ta_log_any_wants(COMPONENT, ours))
        return;
    av_log_format_line2(object, level, format, args, line, sizeof(line), &print_prefix);
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0])
        ta_log_tell_all(COMPONENT, ours, line);
}

static void listen(void)
{
    av_log_set_callback(log_callback);
}

void ta_av_listen(void)
{
    pthread_once(&listen_once, listen);
}

void ta_av_apply_cpu_mask(void)
{
#if defined(__x86_64__) || defined(__i386__)
    static const struct {
        unsigned flag;
        int hides;
    } rows[] = {
        {TA_CPU_SSE2, AV_CPU_FLAG_MMX | AV_CPU_FLAG_MMXEXT | AV_CPU_FLAG_3DNOW | AV_CPU_FLAG_3DNOWEXT |
                          AV_CPU_FLAG_SSE | AV_CPU_FLAG_SSE2 | AV_CPU_FLAG_SSE2SLOW},
        {TA_CPU_SSSE3, AV_CPU_FLAG_SSE3 | AV_CPU_FLAG_SSE3SLOW | AV_CPU_FLAG_SSSE3 | AV_CPU_FLAG_SSSE3SLOW |
                           AV_CPU_FLAG_ATOM},
        {TA_CPU_SSE41, AV_CPU_FLAG_SSE4 | AV_CPU_FLAG_SSE42 | AV_CPU_FLAG_AESNI},
        {TA_CPU_AVX2, AV_CPU_FLAG_AVX | AV_CPU_FLAG_AVXSLOW | AV_CPU_FLAG_XOP | AV_CPU_FLAG_FMA3 |
                          AV_CPU_FLAG_FMA4 | AV_CPU_FLAG_AVX2 | AV_CPU_FLAG_BMI1 | AV_CPU_FLAG_BMI2},
        {TA_CPU_AVX512, AV_CPU_FLAG_AVX512 | AV_CPU_FLAG_AVX512ICL},
    };
    unsigned have = ta_cpu_flags();
    int flags = av_get_cpu_flags();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (!(have & rows[i].flag))
            flags &= ~rows[i].hides;
    av_force_cpu_flags(flags);
#endif
}

void ta_av_setup_begin(bool portable)
{
    ta_av_listen();
    if (!portable) {
        pthread_rwlock_rdlock(&setup_lock);
        return;
    }
    pthread_rwlock_wrlock(&setup_lock);
    hidden_cpu_flags = av_get_cpu_flags();
    av_force_cpu_flags(0);
}

void ta_av_setup_end(bool portable)
{
    if (portable)
        av_force_cpu_flags(hidden_cpu_flags);
    pthread_rwlock_unlock(&setup_lock);
}

enum { THREADS_OF_CODECS = 8, MAX_THREADS = 64 }; // besides those that are asked for

static int open_codec(AVCodecContext *c, const AVCodec *codec, AVDictionary **options, bool portable)
{
    ta_av_setup_begin(portable);
    int ret = avcodec_open2(c, codec, options);
    ta_av_setup_end(portable);
    // Most codecs call a thread that does not start "out of memory", or something in a library of others.
    bool wrong_call = ret == AVERROR(EINVAL) || ret == AVERROR_OPTION_NOT_FOUND || ret == AVERROR_INVALIDDATA;
    if (ret < 0 && !wrong_call) {
        int threads = c->thread_count > 0 ? c->thread_count : ta_cpu_count();
        return ta_threads_available(THREADS_OF_CODECS + 2 * TA_MIN(threads, MAX_THREADS))
                   ? ret
                   : TA_AVERROR_THREADS;
    }
    return ret;
}

int ta_av_open(AVCodecContext *c, const AVCodec *codec, AVDictionary **options)
{
    return open_codec(c, codec, options, false);
}

int ta_av_open_portable(AVCodecContext *c, const AVCodec *codec, AVDictionary **options)
{
    return open_codec(c, codec, options, true);
}

enum { HEADERS_AT = 4 }; // behind the codec

AVBufferRef *ta_av_headers(enum AVCodecID codec, const uint8_t *extradata, int size)
{
    size_t count = size > 0 ? (size_t)size : 0;
    AVBufferRef *headers = av_buffer_allocz(HEADERS_AT + count);
    if (!headers)
        return NULL;
    AV_WL32(headers->data, (uint32_t)codec);
    if (count)
        memcpy(headers->data + HEADERS_AT, extradata, count);
    return headers;
}

enum AVCodecID ta_av_headers_codec(const AVBufferRef *headers)
{
    return (enum AVCodecID)AV_RL32(headers->data);
}

bool ta_av_has_headers(const AVCodecContext *c, const AVBufferRef *headers)
{
    size_t size = headers->size - HEADERS_AT;
    return c->codec_id == ta_av_headers_codec(headers) && c->extradata_size >= 0 &&
           (size_t)c->extradata_size == size &&
           (!size || !memcmp(c->extradata, headers->data + HEADERS_AT, size));
}

int ta_av_set_headers(AVCodecContext *c, const AVBufferRef *headers)
{
    size_t size = headers->size - HEADERS_AT;
    uint8_t *copy = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!copy)
        return AVERROR(ENOMEM);
    if (size)
        memcpy(copy, headers->data + HEADERS_AT, size);
    av_freep(&c->extradata);
    c->extradata = copy;
    c->extradata_size = (int)size;
    c->codec_id = ta_av_headers_codec(headers);
    return 0;
}

// libavutil 58.7 moved the interlacing and key marks of a frame into its flags; 57.30 renamed pkt_duration.
#ifdef AV_FRAME_FLAG_INTERLACED
bool ta_frame_is_interlaced(const AVFrame *f)
{
    return f->flags & AV_FRAME_FLAG_INTERLACED;
}

bool ta_frame_is_top_first(const AVFrame *f)
{
    return f->flags & AV_FRAME_FLAG_TOP_FIELD_FIRST;
}

void ta_frame_set_interlaced(AVFrame *f, bool interlaced, bool top_first)
{
    f->flags &= ~(AV_FRAME_FLAG_INTERLACED | AV_FRAME_FLAG_TOP_FIELD_FIRST);
    f->flags |= (interlaced ? AV_FRAME_FLAG_INTERLACED : 0) | (top_first ? AV_FRAME_FLAG_TOP_FIELD_FIRST : 0);
    // Decoders set the old fields too, and where filters begin they become flags again.
#if FF_API_INTERLACED_FRAME
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    f->interlaced_frame = interlaced;
    f->top_field_first = top_first;
#pragma GCC diagnostic pop
#endif
}

bool ta_frame_is_key(const AVFrame *f)
{
    return f->flags & AV_FRAME_FLAG_KEY;
}
#else
bool ta_frame_is_interlaced(const AVFrame *f)
{
    return f->interlaced_frame;
}

bool ta_frame_is_top_first(const AVFrame *f)
{
    return f->top_field_first;
}

void ta_frame_set_interlaced(AVFrame *f, bool interlaced, bool top_first)
{
    f->interlaced_frame = interlaced;
    f->top_field_first = top_first;
}

bool ta_frame_is_key(const AVFrame *f)
{
    return f->key_frame;
}
#endif

bool ta_frame_is_damaged(const AVFrame *f)
{
    return (f->flags & AV_FRAME_FLAG_CORRUPT) || f->decode_error_flags;
}

int64_t ta_frame_duration(const AVFrame *f)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return f->duration;
#else
    return f->pkt_duration;
#endif
}

size_t ta_frame_bytes(const AVFrame *f)
{
    size_t bytes = 0;
    for (int i = 0; i < AV_NUM_DATA_POINTERS; i++)
        if (f->buf[i])
            bytes += (size_t)f->buf[i]->size;
    for (int i = 0; i < f->nb_extended_buf; i++)
        bytes += (size_t)f->extended_buf[i]->size;
    return bytes;
}

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
static const void *supported(const AVCodec *codec, enum AVCodecConfig what)
{
    const void *list = NULL;
    return avcodec_get_supported_config(NULL, codec, what, 0, &list, NULL) < 0 ? NULL : list;
}

const enum AVSampleFormat *ta_codec_sample_formats(const AVCodec *codec)
{
    return supported(codec, AV_CODEC_CONFIG_SAMPLE_FORMAT);
}

const int *ta_codec_sample_rates(const AVCodec *codec)
{
    return supported(codec, AV_CODEC_CONFIG_SAMPLE_RATE);
}

const AVChannelLayout *ta_codec_layouts(const AVCodec *codec)
{
    return supported(codec, AV_CODEC_CONFIG_CHANNEL_LAYOUT);
}
#else
const enum AVSampleFormat *ta_codec_sample_formats(const AVCodec *codec)
{
    return codec->sample_fmts;
}

const int *ta_codec_sample_rates(const AVCodec *codec)
{
    return codec->supported_samplerates;
}

const AVChannelLayout *ta_codec_layouts(const AVCodec *codec)
{
    return codec->ch_layouts;
}
#endif

const uint8_t *ta_stream_side_data(const AVStream *st, enum AVPacketSideDataType type, size_t *size)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 101) // it moved from the stream to its parameters
    const AVPacketSideData *all = st->codecpar->coded_side_data;
    int count = st->codecpar->nb_coded_side_data;
#else
    const AVPacketSideData *all = st->side_data;
    int count = st->nb_side_data;
#endif
    for (int i = 0; i < count; i++) {
        if (all[i].type == type) {
            if (size)
                *size = all[i].size;
            return all[i].data;
        }
    }
    return NULL;
}

int ta_stream_rotation(const AVStream *st)
{
    size_t size = 0;
    const uint8_t *matrix = ta_stream_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (!matrix || size < 9 * sizeof(int32_t))
        return 0;
    int32_t aligned[9];
    memcpy(aligned, matrix, sizeof(aligned));
    double counterclockwise = av_display_rotation_get(aligned);
    if (isnan(counterclockwise))
        return 0;
    int quarter = (int)lrint(-counterclockwise / 90);
    return ((quarter % 4) + 4) % 4 * 90;
}

json_t *ta_json_rational(AVRational r)
{
    return json_sprintf("%d/%d", r.den ? r.num : 0, r.den ? r.den : 1);
}

int ta_json_get_rational(const json_t *object, const char *where, const char *key, AVRational *out,
                         struct ta_log *log)
{
    const char *text = NULL;
    int err = ta_json_get_string(object, where, key, &text, log);
    if (err < 0)
        return err;
    if (!text)
        return 0;

    char number[24];
    const char *slash = strchr(text, '/');
    int64_t num, den;
    if (!slash || (size_t)(slash - text) >= sizeof(number))
        goto bad;
    memcpy(number, text, (size_t)(slash - text));
    number[slash - text] = '\0';
    if (ta_int_parse(number, &num) < 0 || ta_int_parse(slash + 1, &den) < 0 || num < INT32_MIN ||
        num > INT32_MAX || den < 1 || den > INT32_MAX)
        goto bad;
    *out = (AVRational){(int)num, (int)den};
    return 0;
bad:
    ta_error(log, "%s: %s must be a fraction such as 30000/1001, not \"%.80s\"", where, key, text);
    return TA_ERR_FORMAT;
}

int64_t ta_rescale(int64_t t, AVRational from, AVRational to)
{
    return t == AV_NOPTS_VALUE ? t : av_rescale_q_rnd(t, from, to, AV_ROUND_NEAR_INF);
}

bool ta_canceled(const struct ta_cancel *c)
{
    return c && c->canceled && c->canceled(c->priv);
}

int ta_av_add_chapter(AVFormatContext *fmt, AVRational time_base, int64_t start, int64_t end,
                      const AVDictionary *metadata)
{
    AVChapter *chapter = av_mallocz(sizeof(*chapter));
    AVChapter **list = chapter ? av_realloc_array(fmt->chapters, fmt->nb_chapters + 1, sizeof(*list)) : NULL;
    if (!list) {
        av_free(chapter);
        return AVERROR(ENOMEM);
    }
    chapter->id = fmt->nb_chapters;
    chapter->time_base = time_base;
    chapter->start = start;
    chapter->end = end;
    fmt->chapters = list;
    list[fmt->nb_chapters++] = chapter;
    return av_dict_copy(&chapter->metadata, metadata, 0);
}

void ta_av_describe(struct ta_buf *out)
{
    json_t *versions = ta_av_versions(), *version;
    const char *name;
    unsigned major, minor, micro;
    ta_buf_printf(out, "FFmpeg %s:", av_version_info());
    json_object_foreach(versions, name, version)
        ta_buf_printf(out, " %s %s", name, json_string_value(version));
    json_decref(versions);
    zimg_get_version_info(&major, &minor, &micro);
    ta_buf_printf(out, "\nzimg %u.%u.%u\njansson %s\n", major, minor, micro, JANSSON_VERSION);
}

json_t *ta_av_versions(void)
{
    const struct {
        const char *name;
        unsigned version;
    } libs[] = {
        {"libavcodec", avcodec_version()},
        {"libavfilter", avfilter_version()},
        {"libavformat", avformat_version()},
        {"libavutil", avutil_version()},
    };
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof libs / sizeof libs[0]; i++) {
        char text[32];
        snprintf(text, sizeof text, "%u.%u.%u", libs[i].version >> 16, libs[i].version >> 8 & 0xff,
                 libs[i].version & 0xff);
        json_object_set_new(o, libs[i].name, json_string(text));
    }
    return o;
}
