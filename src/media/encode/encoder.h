// A running video encoder.
#ifndef TA_MEDIA_ENCODE_ENCODER_H
#define TA_MEDIA_ENCODE_ENCODER_H

#include "media/encode/encoder_settings.h"

// Some encoders write messages to standard error by themselves; only the environment can stop them. Unless
// the user has set their variables, sets them. Call from the program before any thread starts.
void ta_encoder_silence(void);

// Its times are ordinals: it numbers the frames 0, 1, 2, ... in the order they come (time base 1/frame rate).
// Thread-safety: Unsafe.
struct ta_encoder;
// `f` is the format of the frames (pix_fmt, size, sar, scan, frame rate, colour). TA_ERR_UNSUPPORTED when the
// encoder can't be opened; the reason is logged. An unknown frame rate counts as 25: it only steers the rate
// control. Of those that can only be alone in a process (ta_encoder_is_alone()), waits until the one that is
// open is closed by another thread; a second one in the same thread is refused with TA_ERR_USAGE, for it
// would wait for itself.
int ta_encoder_open(struct ta_encoder **out, const struct ta_encoder_settings *s, const struct ta_format *f,
                    struct ta_log *log);
const AVCodecContext *ta_encoder_context(const struct ta_encoder *e); // extradata, codecpar source
// Takes `frame`, also on failure; NULL: end of stream. Sets its pts, and its field marks and picture type to
// what `f` says. Receive until nothing comes before the next send.
int ta_encoder_send(struct ta_encoder *e, AVFrame *frame);
// 1: a packet; 0: none now (or none any more after the end)
int ta_encoder_receive(struct ta_encoder *e, AVPacket *packet);
void ta_encoder_close(struct ta_encoder **e);

// The headers that streams of these settings begin with, by opening an encoder and closing it again: append
// to `headers`, which may stay empty.
int ta_encoder_headers(const struct ta_encoder_settings *s, const struct ta_format *f, struct ta_buf *headers,
                       struct ta_log *log);

#endif
