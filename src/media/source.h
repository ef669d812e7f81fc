// A source: opening, and the facts that its container and codec headers state (no decoding beyond
// libavformat's own probing). Mostly a file; parts/name.h says what else `path` may name.
#ifndef TA_MEDIA_SOURCE_H
#define TA_MEDIA_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "media/av.h"
#include "media/fingerprint.h"
#include "media/format.h"
#include "media/known.h"
#include "media/patch.h"
#include "media/reading.h"

// Opened demuxer. Thread-safety: Unsafe; every task opens its own. The file is opened read-only.
struct ta_source {
    char *path;
    // What is in it: streams, metadata, chapters. Read and sought by the functions below.
    AVFormatContext *fmt;
    struct ta_dv_demux *dv;       // our own demuxer, which `fmt` belongs to; NULL: libav's
    struct ta_dv_table *dv_table; // its frames
    struct ta_bytes *bytes;       // what it is read from where that is several files in a row, else NULL
    struct ta_splice moved;       // what its index is found by, where it does not stand where it should
    bool index_moved;
    bool own_directory;         // WTV: it is read with splices, and with a directory that was made for these
    int64_t file_bytes;         // of a file that is read with splices, else 0
    struct ta_packets *packets; // several files that are demuxed one after the other, else NULL
    // Pictures that go on in another stream: its packets are given as those of the stream that they follow.
    struct ta_follows *follows; // NULL: none do
    int video; // stream index of the main video stream (best one that is no attached picture), or -1
    struct ta_log *log;
    const struct ta_cancel *cancel;
    struct ta_reading reading; // how reading went so far
};

// Opens and probes. Refuses with one clear line that names the path: missing, folder, device or pipe, empty
// file, no permission, not a media file ("no demuxer knows this file: is it really a video?"), mp4 without
// its index ("the index (moov) is missing: the recording was probably cut off"), truncated headers. With the
// same file and libav version the facts are the same every time: probing limits are fixed here. `cancel` may
// be NULL and must outlive the source.
// Several files are read as one stream of bytes where their format allows that or where only the first one is
// a media file by itself; else each is demuxed for itself (parts/packets.h).
int ta_source_open(struct ta_source **out, const char *path, const struct ta_cancel *cancel,
                   struct ta_log *log);
// The same for a source whose index is at hand (ta_index_known()). NULL, or with nothing in it: nothing is
// known.
int ta_source_open_known(struct ta_source **out, const char *path, const struct ta_source_known *known,
                         const struct ta_cancel *cancel, struct ta_log *log);
void ta_source_close(struct ta_source **s);
// The stream whose pictures those of `stream` go on; itself where it is none that does.
int ta_source_followed(const struct ta_source *s, int stream);
// Other pictures than the largest are meant: false when this is no video stream.
bool ta_source_set_video(struct ta_source *s, int stream);
// The largest pictures of a programme of a broadcast. TA_ERR_INVALID (logged, with those that there are).
int ta_source_choose_programme(struct ta_source *s, int programme);

// The one door to what is in the source: a source need not be one file, so nobody else reads or seeks `fmt`,
// asks its byte stream or sets what a stream discards. What they return is libav's: 0, or an AVERROR.
//
// The next packet of any stream, in the order of the source. Where the file is damaged reading goes on behind
// it; AVERROR_EOF where nothing more can be read; else what stopped it (media/reading.h).
int ta_source_read_packet(struct ta_source *s, AVPacket *packet);
// To the last place at or before `time` from which `stream` can be read (its time base; stream -1: any
// stream, AV_TIME_BASE units).
int ta_source_seek(struct ta_source *s, int stream, int64_t time);
// To about this byte. Only where the container can: AVFMT_NO_BYTE_SEEK is not set.
int ta_source_seek_byte(struct ta_source *s, int64_t position);
void ta_source_discard(struct ta_source *s, int stream, enum AVDiscard discard);
int64_t ta_source_places(const struct ta_source *s);   // damaged ones met so far (media/reading.h)
int64_t ta_source_bytes(const struct ta_source *s);    // < 0: AVERROR
int64_t ta_source_position(const struct ta_source *s); // in bytes: how far it is read
// What stopped reading, where libav makes it look like the end, like damage or like a packet that is cut
// short: an AVERROR of the file system, else 0.
int ta_source_read_error(const struct ta_source *s);

// The video stream's format as the headers tell it (colour unresolved fields filled by
// ta_format_resolve_colour(); scan from field_order, progressive when unknown; rotation from the display
// matrix).
int ta_source_video_format(const struct ta_source *s, struct ta_format *out);

// Everything for `probe`: container, duration, size, each stream (type, codec, profile, language,
// dispositions, format, rates, layout, start, duration, metadata), chapters, attachments, timecode. Stable
// key order, no path.
json_t *ta_source_json(const struct ta_source *s);
json_t *ta_source_text_json(const char *text); // text of a file: what is no UTF-8 is taken for Latin-1

#endif
