// Files that are one film but can't be joined byte for byte (AVI, MP4, MOV, Matroska, ... as cameras and
// capture programs cut them): each is demuxed by itself, and its packets are placed behind those of the one
// before.
//
// Places. Pictures begin where those of the file before end, exactly; everything else of a file keeps its
// distance to the file's pictures. A file that was only cut goes on with its sound where the one before ends,
// although containers that know no start of a stream can't say so: where the sound of all, put end to end, is
// as long as the pictures, it is put so, and nothing is lost and nothing clicks. Else it is moved by
// SOUND_STEP at most; what is left is a gap or an overlap, which is counted.
#ifndef TA_MEDIA_PARTS_PACKETS_H
#define TA_MEDIA_PARTS_PACKETS_H

#include <jansson.h>

#include "media/source.h"

struct ta_packets; // Thread-safety: Unsafe

// `first` is the first of `files`, just opened, and stays the caller's: streams and metadata are its. Looks
// at head and tail of each file (reads it whole where its container has no index). Refuses files whose
// streams differ from those of the first with a line that says which file differs in what. Durations and
// chapters of `first` become those of the whole. `known`: the routes in it, of each file.
int ta_packets_open(struct ta_packets **out, struct ta_source *first, char *const *files, int count,
                    const struct ta_source_known *known);
void ta_packets_close(struct ta_packets **p);

// As the functions of source.h. Where the pictures of these files were made with headers of their own, each
// packet has those of its file as its opaque_ref, in the form of ta_av_headers().
int ta_packets_read(struct ta_packets *p, AVPacket *packet);
int ta_packets_seek(struct ta_packets *p, int stream, int64_t time);
int ta_packets_seek_byte(struct ta_packets *p, int64_t position);
void ta_packets_discard(struct ta_packets *p, int stream, enum AVDiscard discard);
int64_t ta_packets_bytes(const struct ta_packets *p);
int64_t ta_packets_position(const struct ta_packets *p);
int ta_packets_error(const struct ta_packets *p); // AVERROR: why the next file can't be read, else 0
const char *ta_packets_file(const struct ta_packets *p, int k); // path of file `k`, NULL behind the last
int64_t ta_packets_places(const struct ta_packets *p);          // damaged ones met so far (media/reading.h)
const struct ta_source *ta_packets_now(const struct ta_packets *p); // the file that is being read

// [{name, size_bytes, start_seconds, duration_seconds, sound_moved_seconds, sound_gap_seconds,
// stated_seconds}]; the last one where a file is shorter than its head says.
json_t *ta_packets_facts(const struct ta_packets *p);

#endif
