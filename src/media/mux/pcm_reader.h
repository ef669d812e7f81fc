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
