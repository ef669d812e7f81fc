// What a source's container and headers say, as plain data: copies of their own, with no open file behind
// them. The plan is decided from these.
#ifndef TA_MEDIA_FACTS_H
#define TA_MEDIA_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>
#include <libavutil/dict.h>
#include <libavutil/rational.h>

#include "media/parts/recorder.h"

struct ta_source;

enum ta_stream_kind {
    TA_STREAM_VIDEO = 0,
    TA_STREAM_AUDIO,
    TA_STREAM_SUBTITLE,
    TA_STREAM_DATA, // also what nothing is known of
    TA_STREAM_ATTACHMENT,
    TA_STREAM_COVER, // a picture that goes with the file; libav calls it a video stream
};
const char *ta_stream_kind_name(enum ta_stream_kind kind); // "video", ..., "cover"
int ta_stream_kind_from_name(const char *name);            // or TA_ERR_INVALID

struct ta_stream_facts {
    enum ta_stream_kind kind;
    AVCodecParameters *par; // codec, size or rate, layout, extradata; never NULL
    int id;                 // by the container: a packet identifier, a track's number
    int disposition;        // AV_DISPOSITION_*
    AVRational time_base;
    int64_t start, duration; // in time_base, as the container states them; AV_NOPTS_VALUE: it does not
    AVRational frame_rate;   // mean, 0/0 or 0/1 when unknown or not of pictures
    AVDictionary *metadata;
    int goes_on;     // number of the stream whose pictures these go on; -1: none
    bool unreadable; // a cover that no decoder makes a picture of
};

struct ta_chapter_facts {
    int64_t id;
    AVRational time_base;
    int64_t start, end; // in time_base
    AVDictionary *metadata;
};

struct ta_programme_facts {
    int id; // as the stream counts them
    int *streams;
    int stream_count;
    AVDictionary *metadata;
};

struct ta_source_facts {
    char *format;                    // libav's name of the demuxer: "mov,mp4,m4a,3gp,3g2,mj2"
    int64_t start, duration;         // AV_TIME_BASE units; AV_NOPTS_VALUE: unknown
    int video;                       // number of the main video stream, -1: none
    struct ta_stream_facts *streams; // as many as are known when they are read, by libav's numbers
    int stream_count;
    struct ta_chapter_facts *chapters;
    int chapter_count;
    struct ta_programme_facts *programmes;
    int programme_count;
    AVDictionary *metadata;
    struct ta_recorder *recorder; // of a recorder's .VRO: what the list beside it says, or NULL
    char *recorder_why;           // why that can't be read, or NULL
};

// Copies what `source` knows now; a demuxer that finds streams later has more of them after the file was
// read. To be released in any case. 0 or TA_ERR_NOMEM.
int ta_source_facts_read(struct ta_source_facts *out, const struct ta_source *source);
void ta_source_facts_release(struct ta_source_facts *f);

// Reserves room for one more stream, all unknown, with its own parameters; NULL when out of memory. For
// facts that are made by hand.
struct ta_stream_facts *ta_source_facts_add(struct ta_source_facts *f, enum ta_stream_kind kind);

#endif
