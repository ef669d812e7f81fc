// What every file of this folder shares with libav: errors, log bridge, rationals, version differences.
// Differences between libav 5.1, 6.x and 7.x live here and in av.c, nowhere else.
#ifndef TA_MEDIA_AV_H
#define TA_MEDIA_AV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/rational.h>

struct ta_buf;
struct ta_log;

// Maps AVERROR to the error list, once (AVERROR(ENOSPC) to TA_ERR_NO_SPACE, AVERROR_INVALIDDATA to
// TA_ERR_FORMAT, ...).
int ta_error_from_av(int averror);
// Of ta_av_open(): the system allows no more threads, whatever the codec has made of that.
#define TA_AVERROR_THREADS FFERRTAG('T', 'H', 'R', 'D')
// "Invalid data found when processing input"; static per thread until the next call.
const char *ta_av_text(int averror);

// From then on libav's own messages go to the logs of this process (<terminalai/log.h>), and none to standard
// error. Every door to libav calls it before libav has anything to say; what it sets stays. Thread-safety:
// Safe.
void ta_av_listen(void);
// How many errors decoders have told in this thread since the last call; for those that say of damage only in
// words.
int ta_av_take_decoder_errors(void);
// Restricts libav's CPU features to what base/cpu.h allows (process-wide; x86 only). Call before any work
// starts.
void ta_av_apply_cpu_mask(void);

// libav picks its CPU code when a thing is set up. Put every such call (avcodec_open2, avfilter_graph_config,
// sws_init_context, swr_init, av_tx_init) between these two, so that it does not see the CPU features that a
// portable set-up in another thread has hidden for a moment. `portable`: what is set up between them uses
// plain C code, so that its result is the same on every machine (waits until it is alone). Short, must not
// nest. Thread-safety: Safe.
void ta_av_setup_begin(bool portable);
void ta_av_setup_end(bool portable);
// avcodec_open2() between them. Codecs whose SIMD versions differ in rounding (all of sound) are opened with
// `ta_av_open_portable`, the others with `ta_av_open`. Both return an AVERROR. Thread-safety: Safe.
int ta_av_open(AVCodecContext *c, const AVCodec *codec, AVDictionary **options);
int ta_av_open_portable(AVCodecContext *c, const AVCodec *codec, AVDictionary **options);

// Which codec it is and what that keeps beside the packets (extradata), passed on with a packet as its
// `opaque_ref`. NULL when memory runs out.
AVBufferRef *ta_av_headers(enum AVCodecID codec, const uint8_t *extradata, int size);
enum AVCodecID ta_av_headers_codec(const AVBufferRef *headers);
bool ta_av_has_headers(const AVCodecContext *c, const AVBufferRef *headers);
int ta_av_set_headers(AVCodecContext *c, const AVBufferRef *headers); // copied; 0 or AVERROR(ENOMEM)

// Frame flags whose place in AVFrame changed between versions.
bool ta_frame_is_interlaced(const AVFrame *f);
bool ta_frame_is_top_first(const AVFrame *f);
void ta_frame_set_interlaced(AVFrame *f, bool interlaced, bool top_first);
bool ta_frame_is_key(const AVFrame *f);
bool ta_frame_is_damaged(const AVFrame *f); // decoder flagged or concealed errors
int64_t ta_frame_duration(const AVFrame *f);
size_t ta_frame_bytes(const AVFrame *f); // memory held by its buffers

// What an encoder takes, as libav lists it: ended by AV_SAMPLE_FMT_NONE, 0 and a layout without channels.
// Borrowed; NULL: whatever there is.
const enum AVSampleFormat *ta_codec_sample_formats(const AVCodec *codec);
const int *ta_codec_sample_rates(const AVCodec *codec);
const AVChannelLayout *ta_codec_layouts(const AVCodec *codec);

// Side data of a stream (display matrix, mastering display, ...), borrowed; NULL when there is none. `size`
// may be NULL.
const uint8_t *ta_stream_side_data(const AVStream *st, enum AVPacketSideDataType type, size_t *size);
// Degrees clockwise to show the pictures upright, by the display matrix: 0, 90, 180 or 270.
int ta_stream_rotation(const AVStream *st);

// Adds a chapter behind those that it has; `metadata` is copied and may be NULL. An AVERROR when memory runs
// out.
int ta_av_add_chapter(AVFormatContext *fmt, AVRational time_base, int64_t start, int64_t end,
                      const AVDictionary *metadata);

// {"libavcodec": "59.37.100", ...} of the libraries that run.
json_t *ta_av_versions(void);
// The same for people, a line for each library that pictures pass, zimg and jansson among them.
void ta_av_describe(struct ta_buf *out);

json_t *ta_json_rational(AVRational r); // "30000/1001" as a JSON string
int ta_json_get_rational(const json_t *object, const char *where, const char *key, AVRational *out,
                         struct ta_log *log);

// t * from -> to, rounded to nearest, half away from zero. AV_NOPTS_VALUE stays.
int64_t ta_rescale(int64_t t, AVRational from, AVRational to);

// Cancelling from outside: `canceled` is asked now and then (also inside blocking reads); may be called from
// any thread.
struct ta_cancel {
    bool (*canceled)(void *priv);
    void *priv;
};
bool ta_canceled(const struct ta_cancel *c); // c may be NULL

// What the write callback of avio_alloc_context() takes: constant since libavformat 61.
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define TA_AVIO_DATA const uint8_t
#else
#define TA_AVIO_DATA uint8_t
#endif

#endif
