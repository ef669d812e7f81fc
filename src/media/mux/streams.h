// The source's other streams: demuxed once for all lanes, copied or transcoded.
#ifndef TA_MEDIA_MUX_STREAMS_H
#define TA_MEDIA_MUX_STREAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "media/index/index.h"
#include "media/mux/lane.h"

// Packets of streams that were not asked for are dropped early, each lane's packets queue up while another
// lane is read (lanes that answer TA_LANE_LATER keep these queues short; should they grow past 256 MiB, that
// is warned about once, not an error).
//
// `start` and `end` (AV_TIME_BASE units of the source's clock, AV_NOPTS_VALUE: open) cut to a range: copied
// packets that start before `start` or at or after `end` are left out; transcoded sound is cut to the sample;
// a subtitle on screen at `start` begins there, one on screen at `end` stops there. `cancel` and `log` must
// outlive it, both may be NULL, as may `index` where nothing is known. Thread-safety: Unsafe.
struct ta_streams;
int ta_streams_open(struct ta_streams **out, const char *path, const struct ta_index *index, int64_t start,
                    int64_t end, const struct ta_cancel *cancel, struct ta_log *log);
// Streams that begin later in the file, and what its head does not say of them, as the index has it; before
// anything else. 0 or TA_ERR_*.
int ta_streams_complete(struct ta_streams *s, const struct ta_index *index);
// Recordings joined into one file start their clocks anew: offsets[k] (AV_TIME_BASE units) is what must be
// added to the times of the k-th recording, as the index found it for the video (ta_index.clocks). Each
// stream passes to the next recording where its own times jump by about as much. Copied; before the first
// packet is read. With more than one clock a range is read from the start.
void ta_streams_set_clocks(struct ta_streams *s, const int64_t *offsets, int count);
const AVFormatContext *ta_streams_format(const struct ta_streams *s); // for ta_mux_params.like
const AVStream *ta_streams_get(const struct ta_streams *s,
                               int stream); // NULL when there is none of that number
void ta_streams_close(struct ta_streams **s);

// Lanes over it, which must be destroyed before it. All must be created before the first next(), each stream
// can have one. Times are shifted by -offset (AV_TIME_BASE units).

// The packets as they are. Sound gets the time base 1/sample rate and a running sample clock that takes the
// rounding out of coarse container times (never more than one of their ticks); missing times are filled in. A
// further video stream starts at a key packet.
int ta_lane_copy(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset);

struct ta_audio_transcode_stats {
    int64_t gaps, overlaps; // places where samples were more than 5 ms late or early
    int64_t decode_errors;  // packets that did not decode; silence takes their place
    double gap_seconds, overlap_seconds;
};
// Sound decoded, placed by its timestamps, encoded with `codec` at `bit_rate` (0: 192 kbit/s for stereo AAC,
// 384 for 5.1, ... by codec and channels). Gaps over 5 ms are filled with silence, overlaps trimmed; less
// than that is jitter, but it adds up: the place of a sample never strays from its time by more. Sound before
// time 0 is trimmed; sound that starts late starts late. The sample rate is kept where the encoder takes it
// (at most 48 kHz for lossy codecs). Same result on every machine, as far as the codec's own library allows.
// `stats` (may be NULL) is counted up while reading and must outlive the lane.
int ta_lane_audio(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset, const char *codec,
                  int64_t bit_rate, bool global_header, struct ta_audio_transcode_stats *stats,
                  struct ta_log *log);

// Text subtitles decoded and encoded with `codec` ("mov_text", "subrip", "ass", "webvtt"). For mov_text,
// which shows one sample at a time, subtitles that overlap in time are cut into samples that hold all lines
// on screen.
int ta_lane_subtitle(struct ta_lane **out, struct ta_streams *s, int stream, int64_t offset,
                     const char *codec, bool global_header, struct ta_log *log);

// For lanes' own use: claims a stream (TA_ERR_INVALID when there is none or it has a lane), reads its next
// packet (1; 0 at the end; TA_LANE_LATER when the demuxer is well past `until`, AV_TIME_BASE units of the
// source's clock; < 0), and the range.
int ta_streams_claim(struct ta_streams *s, int stream);
int ta_streams_read(struct ta_streams *s, int stream, int64_t until, AVPacket *packet);
void ta_streams_range(const struct ta_streams *s, int64_t *start, int64_t *end);
struct ta_log *ta_streams_log(const struct ta_streams *s);

#endif
