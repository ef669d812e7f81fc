// The index: every packet of the video stream with what libav's parsers say of it, the list of frames in
// presentation order, and the timing of the other streams. Made by one pass over the file; decoding only
// where packets do not map one to one to frames.
//
// Identity. A frame is known by the ordinal (in file order) of the packet that holds it, never by its time:
// times may be missing, doubled or wrong. Decoders are fed packets whose pts is replaced by that ordinal, and
// give it back on the frame.
#ifndef TA_MEDIA_INDEX_INDEX_H
#define TA_MEDIA_INDEX_INDEX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/dv/scenes.h"
#include "media/av.h"
#include "media/fingerprint.h"
#include "media/format.h"
#include "media/known.h"

struct ta_source;

enum ta_packet_flags {
    TA_PACKET_KEY = 1,       // decoding can start here (a recovery point counts)
    TA_PACKET_DISCARD = 2,   // the container says: decode, do not show
    TA_PACKET_CORRUPT = 4,   // the demuxer flagged it
    TA_PACKET_FIELD_TOP = 8, // holds a single top field (PAFF)
    TA_PACKET_FIELD_BOTTOM = 16,
    TA_PACKET_INTERLACED = 32, // the parser says that the picture is interlaced
    TA_PACKET_TOP_FIRST = 64,
    TA_PACKET_REPEAT = 128,   // repeat_first_field and the like: shown for a field longer (soft telecine)
    TA_PACKET_HIDDEN = 256,   // holds a picture that is only referred to (VP8): gives no frame
    TA_PACKET_DAMAGED = 1024, // what it holds is not whole (DV, whose blocks can be counted)
    TA_PACKET_TORN = 2048, // MPEG-1, MPEG-2: its slices do not follow each other, as where bytes are missing
    TA_PACKET_CLEAN = 512, // nothing after it refers to anything before it (H.264 IDR)
};

struct ta_index_packet { // 40 bytes or less; in file (= decoding) order
    int64_t pts, dts;    // stream time base; AV_NOPTS_VALUE when the container has none
    int64_t pos;         // byte position, -1 unknown
    uint32_t size;
    uint32_t
        check; // of the data, see packet_facts.h; tells a packet after a seek and a file that has changed
    uint16_t flags;
    uint16_t repeat_pict; // the parser's repeat_pict
};

enum ta_frame_flags {
    TA_FRAME_TIME_GUESSED = 1, // the container gave no usable time
    TA_FRAME_INTERLACED = 2,
    TA_FRAME_TOP_FIRST = 4,
    TA_FRAME_REPEAT = 8, // as the stream flags it
};

struct ta_index_frame { // in presentation order
    int64_t pts;        // video time base; strictly increasing
    uint32_t packet;    // ordinal of the packet that holds it
    uint32_t flags;
};

struct ta_index_part { // pictures that are alike in size, shape and pixel format, to the start of the next
                       // part
    uint32_t first;    // frame
    int width, height;
    AVRational sar; // 0/1: not known
    enum AVPixelFormat pix_fmt;
};

struct ta_index_clock { // the file's clock jumps (recordings joined into one file, a clock that wraps)
    int64_t offset; // added to the container's times from there on, in the video time base: all jumps so far
    uint32_t frame; // first frame by the new clock
};

struct ta_index_stream {        // every stream of the file, video included
    int64_t first_pts, end_pts; // in the stream's time base: start of the first, end of the last packet;
                                // AV_NOPTS_VALUE when there is none
    int64_t packets, bytes;
    int64_t gaps, overlaps; // places where a packet starts more than 5 ms after / before the end of the one
                            // before it (audio)
    int64_t gap_time, overlap_time; // their sums, stream time base
    int64_t lost;      // packets that the file lists and that can't be read (where it lists them: mp4, mov)
    int64_t encrypted; // packets that are
    int programme;     // number of the programme that it belongs to, the picture's before others; 0: none
    // Sound, as its packets say it; 0 where they do not. How it begins, and the most and least channels.
    int rate, channels, least_channels;
    int layer; // of MPEG audio, which some broadcasts do not say: 1, 2 or 3
    int64_t layout_changes, rate_changes;
};

struct ta_index_faults { // what is wrong with the file as a whole
    int64_t places;      // where it is damaged: nothing can be read there, or not what belongs there
    bool cut_off;        // it ends in the middle of something, or without the mark of its end
    int64_t stated,
        held; // how long it is by its head, and by what can be read of it; AV_TIME_BASE units,
              // AV_NOPTS_VALUE when that does not say. Equal but for a little when nothing is missing
    int64_t missing_time; // pictures that are not there, by the times of those around them; video time base.
                          // Counted only in a file that is damaged: others may pause
    int64_t late_start;   // from the first packet of the video to its first frame; video time base
};

struct ta_index {
    struct ta_fingerprint source;
    int video;            // stream index
    int video_id;         // the container's own number of that stream; 0: it has none
    AVRational time_base; // of the video stream
    struct ta_index_packet *packets;
    size_t packet_count;
    struct ta_index_frame *frames; // those that a decoder really gives, in the order it gives them
    size_t frame_count;
    int64_t end_pts; // end of the last frame (its duration, or the median one, added)
    // Other streams jump where the file does, which need not be at the same packet: a stream passes to the
    // next clock where its own times jump in the same way.
    struct ta_index_clock *clocks; // ascending frames; none for most files
    int clock_count;
    struct ta_index_stream *streams;
    int stream_count;
    struct ta_dv_table *dv;   // raw DV: where its frames are, for ta_source_open_known(); else NULL
    struct ta_patch *patches; // to read over damaged places with, ascending; for ta_source_open_known()
    int patch_count;
    struct ta_splice *splices; // the same, where bytes are missing or too many
    int splice_count;
    // Transport streams whose packet identifiers change: of each file that is demuxed for itself, for
    // ta_source_open_known(); else none.
    struct ta_routes *routes;
    int routes_count;
    struct ta_dv_scene *scenes; // DV: the recordings on the tape, ascending from frame 0; none elsewhere
    int scene_count;
    bool decoded;              // frame list from a full decode, not from packets
    int64_t undecodable_start; // packets before the first frame that can be decoded (open GOP at the start):
                               // no frames for these
    struct ta_index_faults faults;
    int64_t time_jumps; // frames whose time differs from the one before by more than 2.5 median durations:
                        // gaps in the video
    int64_t variable;   // 0 when all durations are equal to within 1 time base unit or 1 ms (constant rate),
                        // else the number that differ
    // Of decoded frames: true pixel format, size, colour tags, chroma location (resolved). Where the stream
    // changes, that of most frames: the shape that most of it is shown in, and of these the size.
    struct ta_format format;
    struct ta_index_part *parts; // ascending, the first from frame 0 on; none where all frames are alike
    int part_count;
    char checksum[65]; // SHA-256 of the serialised form
    atomic_int shares; // owners besides the first
};

// Reads the whole file. `decode_all` asks for the frame list from a full decode even where packets would do
// (used by --scan full). Fails when there is no video stream, or no frame at all can be decoded. Damaged
// packets are counted, not fatal.
int ta_index_create(struct ta_index **out, struct ta_source *source, bool decode_all,
                    const struct ta_progress_fn *progress, struct ta_log *log);
// An index does not change once it is made: several may own it, each destroys it once. Returns `index`.
struct ta_index *ta_index_share(struct ta_index *index);
void ta_index_destroy(struct ta_index **index);

struct ta_folder;

// Serialised form (little-endian, versioned, SHA-256 at the end). Load checks magic, version, sizes, ranges
// and the checksum and refuses with TA_ERR_DAMAGED or TA_ERR_FORMAT; it never trusts a number it has not
// checked (it is fuzzed).
int ta_index_save(const struct ta_index *index, const char *path, struct ta_log *log);
int ta_index_load(struct ta_index **out, const char *path, struct ta_log *log);
// The same in a folder that is held open.
int ta_index_save_in(const struct ta_index *index, const struct ta_folder *folder, const char *name,
                     struct ta_log *log);
int ta_index_load_in(struct ta_index **out, const struct ta_folder *folder, const char *name,
                     struct ta_log *log);
int ta_index_parse(struct ta_index **out, const void *data, size_t size, const char *name,
                   struct ta_log *log);

// Cached: CACHE/index/<sha256 of fingerprint>.bin (at most 512 MiB kept, oldest removed). A cache that can't
// be read or written is no error; `cache` NULL: none.
int ta_index_get(struct ta_index **out, struct ta_source *source, bool decode_all, const char *cache,
                 const struct ta_progress_fn *progress, struct ta_log *log);
// Is the index one of the pictures that `source` has chosen?
bool ta_index_is_for(const struct ta_index *index, const struct ta_source *source);
// The one in the cache, if it is of the source as it is now and can be read, else NULL; says nothing.
struct ta_index *ta_index_cached(const char *path, bool decode_all, const char *cache);
// The file in the cache for what is kept of a source beside its index: NAME of `extension`, where `key` says
// what it depends on besides the index. Folders are made; NULL when there is no cache. To be freed.
char *ta_index_cache_path(const char *cache, const struct ta_fingerprint *source, bool decode_all,
                          const char *key, const char *extension);

// What the index knows that whoever opens the source again needs; lives as long as the index.
struct ta_source_known ta_index_known(const struct ta_index *index);

// Duration of frame i in the video time base: to the next frame, or for the last one to end_pts.
int64_t ta_index_frame_duration(const struct ta_index *index, size_t i);

#endif
