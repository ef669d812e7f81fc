// The sound of a stream as samples at their places in time: decoded, gaps filled with silence, overlaps
// trimmed, all in one format, whatever the source does on the way. What restores or encodes sound reads it
// here.
#ifndef TA_MEDIA_MUX_PCM_READER_H
#define TA_MEDIA_MUX_PCM_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "media/mux/streams.h"

// What is wanted of the samples.
struct ta_pcm_spec {
    enum AVSampleFormat format;
    int rate;
    AVChannelLayout layout; // the caller's; copied
};

// Places are counted in samples from output time 0; sound before it is cut off, as is what lies outside the
// streams' range, to the sample. A gap or overlap counts from 5 ms on; less is jitter, but it adds up: the
// place of a sample never strays from its time by more. Thread-safety: Unsafe.
struct ta_pcm_reader;

// Claims the stream and opens its decoder. Times are shifted by -offset (AV_TIME_BASE units). `stats` (may be
// NULL) is counted up while reading. `s`, `stats` and `log` must outlive the reader.
int ta_pcm_reader_open(struct ta_pcm_reader **out, struct ta_streams *s, int stream, int64_t offset,
                       struct ta_audio_transcode_stats *stats, struct ta_log *log);
// The format that the decoder announces, before anything is decoded.
enum AVSampleFormat ta_pcm_reader_native(const struct ta_pcm_reader *r);
// Once, before the first fill(). Channels are mixed by the usual matrix where their number changes, else
// never.
int ta_pcm_reader_set_spec(struct ta_pcm_reader *r, const struct ta_pcm_spec *spec);

// Before the first fill(). A piece of the track alone: the frame whose time is `pts` (of the stream) begins
// at sample `place`, what comes before it is decoded and dropped, and reading ends behind sample `end` - 1.
// With it pieces join as if the track had been read in one go. `pts` AV_NOPTS_VALUE: from the start of the
// track, as ever, up to `end`. When no frame has that time fill() ends with TA_ERR_NOT_FOUND, unlogged.
void ta_pcm_reader_set_piece(struct ta_pcm_reader *r, int64_t pts, int64_t place, int64_t end);
// Samples of the wanted rate that come in a second of the stream's clock, where that is not the rate: a sound
// card's clock that runs fast or slow against the pictures'. Places are counted in these samples.
void ta_pcm_reader_set_true_rate(struct ta_pcm_reader *r, AVRational rate);
// The last frame that was placed, where it lies as its time says: its time and the place of its first sample.
// False when that frame was cut, moved, has no time, or lies behind a jump of the source's clock.
bool ta_pcm_reader_mark(const struct ta_pcm_reader *r, int64_t *pts, int64_t *place);
// Samples of silence put in so far less those that were trimmed: without them, places count what came.
int64_t ta_pcm_reader_moved(const struct ta_pcm_reader *r);

// Brings a little more sound in. 0; TA_LANE_LATER when the source would have to be read far past `horizon`
// (AV_TIME_BASE units of output time; INT64_MAX: reads on); TA_ERR_*, logged.
int ta_pcm_reader_fill(struct ta_pcm_reader *r, int64_t horizon);
int ta_pcm_reader_ready(const struct ta_pcm_reader *r);  // samples that wait to be read
bool ta_pcm_reader_ended(const struct ta_pcm_reader *r); // nothing more comes into these
// The place of the next sample to be read, in samples of the spec's rate. Known once there is one.
int64_t ta_pcm_reader_place(const struct ta_pcm_reader *r);
// Takes `count` <= ready() samples into planes of the spec's format; the place moves on.
void ta_pcm_reader_take(struct ta_pcm_reader *r, uint8_t *const *planes, int count);
void ta_pcm_reader_close(struct ta_pcm_reader **r);

#endif
