// What the containers of the output can hold, and what becomes of a stream that is not restored.
#ifndef TA_MEDIA_MUX_CONTAINERS_H
#define TA_MEDIA_MUX_CONTAINERS_H

#include <stdbool.h>

#include "media/av.h"
#include "media/facts.h"

struct ta_container_info {
    const char *name;  // extension: "mp4", "mkv", "mov", "webm", "y4m"
    const char *muxer; // libavformat's name
    const char *summary;
    bool global_header;    // encoders put their headers into extradata
    bool times_below_zero; // sound may start before 0 (an edit list hides it); else packets that start there
                           // are left out
};
extern const struct ta_container_info ta_containers[]; // ends with name NULL
// The longest time between two packets, in units of `tb` (positive), that the container has a number for;
// INT64_MAX: any.
int64_t ta_container_longest_step(const struct ta_container_info *c, AVRational tb);
// Case-insensitive, without the dot; "m4v" and "m4a" are mp4, "mka" is mkv, "oga" ogg. NULL when unknown.
const struct ta_container_info *ta_container_find(const char *extension);
// The extension, in lower case, of a sound file that is named as this one is: "m4a", "ogg". NULL where it
// names no container of the output, one without sound, or one that no encoder is there for. Static.
const char *ta_container_sound_name(const char *extension);
bool ta_container_is_sound_only(const struct ta_container_info *c);
// The encoder for sound in a container that takes no other kind, by libav's name; NULL where there is a
// choice. Static; it may be missing from libav.
const char *ta_container_small_sound(const struct ta_container_info *container);

enum ta_stream_action { TA_STREAM_COPY = 0, TA_STREAM_TRANSCODE, TA_STREAM_DROP, TA_STREAM_RESTORE };
const char *ta_stream_action_name(enum ta_stream_action a); // "copy", "transcode", "drop", "restore"
int ta_stream_action_from_name(const char *name);           // or TA_ERR_INVALID

// `codec` is libav's name of the encoder for TRANSCODE, `reason` a short text for TRANSCODE and DROP that
// reads well after "stream 2: "; both static, NULL for COPY.
struct ta_stream_choice {
    enum ta_stream_action action;
    const char *codec;
    const char *reason;
    const char *refuse; // DROP: what to do instead, where the loss would be too much to go on; else NULL
};

// What to do with a stream that is not restored: copy where the container and its usual players take it, else
// transcode, else drop.
//
// - Sound. mp4: AAC (as do players that know mp4 at all) where it keeps every channel apart, else FLAC; mov:
// PCM stays PCM of the same depth (TRANSCODE with its own codec: silence fills its gaps), the rest becomes
// AAC; webm and opus: Opus; ogg: Vorbis; mp3: MP3, of two channels at most, which is the caller's to see to;
//   mkv: nearly everything is copied, PCM of disc formats becomes plain PCM, what has no place in Matroska
//   becomes FLAC.
// - Text subtitles become mov_text, SubRip or WebVTT. Pictures as subtitles (DVD, Blu-ray, DVB) need
// Matroska: libav could put
//   DVD subtitles into mp4, but hardly any player shows them there, so they are dropped with a reason rather
//   than lost unseen.
// - Cover art (attached pictures) and attachments are COPY where the container holds them. They need no lane:
// ta_mux_write() takes
//   them from its `like`.
// - Timecode tracks are DROP: the timecode itself is metadata, which ta_mux_write() turns into a new track.
// - Further video streams are copied or dropped, never encoded again.
//
// `disposition` is libav's. The answer depends on nothing else but which encoders libav was built with.
// TA_STREAM_RESTORE is never the answer: it is the caller's own choice.
struct ta_stream_choice ta_stream_choose(const AVCodecParameters *par, int disposition,
                                         const struct ta_container_info *container);
// The same for sound that must not be copied: what it changes on the way the container's head can't say.
struct ta_stream_choice ta_sound_transcode_choose(const AVCodecParameters *par,
                                                  const struct ta_container_info *container);

// Whether the answers above can be: sound or subtitles transcoded with `codec`, a stream of this kind copied.
// For plans from elsewhere, whose word alone is not enough.
bool ta_stream_may_become(enum ta_stream_kind kind, const char *codec,
                          const struct ta_container_info *container);
// Can sound that was restored be stored so, with an encoder that is there?
bool ta_sound_may_be_stored(const char *codec, const struct ta_container_info *container);
bool ta_stream_may_be_copied(enum ta_stream_kind kind, const struct ta_container_info *container);

// Can one decode it into text and encode that?
bool ta_subtitle_is_text(enum AVCodecID id);

#endif
