// The one way in which pictures are decoded: single-threaded, bit-exact, packets known by their ordinals.
#ifndef TA_MEDIA_DECODER_H
#define TA_MEDIA_DECODER_H

#include <stdint.h>

#include "media/av.h"

// `delay` is the least number of pictures that a decoder of reordered codecs (H.264, HEVC) must hold back;
// what the stream states may raise it. `path` is for messages.
int ta_decoder_open(AVCodecContext **out, const AVStream *st, int delay, const char *path,
                    struct ta_log *log);
// Sends `packet` (NULL: end of stream) as number `ordinal`, which becomes the pts of the frame that it holds.
// The data is not copied; packet->pts is changed, the rest is left as it was. 0 or an AVERROR;
// AVERROR_INVALIDDATA and the like mean that this packet is lost, no more.
int ta_decoder_send(AVCodecContext *c, AVPacket *packet, uint32_t ordinal);
// 1: a frame; 0: none until more is sent; AVERROR_EOF: no more will come; other AVERROR: a picture is lost,
// ask again.
int ta_decoder_receive(AVCodecContext *c, AVFrame *frame);
// Files that were joined may have been made with other headers: their packets carry them (see
// ta_packets_read()). True where the decoder `c` was opened with others than this packet needs.
bool ta_decoder_needs_renewal(const AVCodecContext *c, const AVPacket *packet);
// Makes a drained decoder ready for `packet`, which begins something new: flushed, or opened anew as
// ta_decoder_open() does it with the headers of the packet. On failure *c is NULL.
int ta_decoder_turn(AVCodecContext **c, const AVPacket *packet, const AVStream *st, int delay,
                    const char *path, struct ta_log *log);
// Does this AVERROR only say that the data is bad (and not that memory ran out)?
bool ta_decoder_error_is_damage(int averror);

#endif
