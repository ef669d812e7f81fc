// One file of several that are joined by packets: what its streams are, where they begin and end, and whether
// it fits the first one.
#ifndef TA_MEDIA_PARTS_PIECES_H
#define TA_MEDIA_PARTS_PIECES_H

#include "media/source.h"

struct ta_piece_stream {
    int own; // number of the stream in the piece's file; -1: it has none for this one of the first file
    AVRational base;      // its time base there
    int64_t first, end;   // times of its first packet (by presentation) and of the end of its last one, in
                          // units of `base` / TA_PIECE_FINE; AV_NOPTS_VALUE when it has no packet with a time
    int64_t shift;        // added to its times, after they were brought to the time base of the first file
    AVBufferRef *headers; // what a decoder of its packets needs to know (see av.h)
    double moved, gap; // seconds: sound moved to fit, and what is left between it and the sound before (< 0:
                       // overlap)
};
enum { TA_PIECE_FINE = 1000 }; // ticks of a coarse container are longer than what durations are known to

struct ta_piece {
    char *path;
    int64_t bytes, base;             // size; position of its first byte in the whole
    double start, duration;          // of its pictures, in the film
    bool chapters;                   // it has some
    double stated;                   // seconds that its head says it lasts, 0 when it says nothing
    struct ta_routes routes;         // of its packets, where it is a transport stream that needs some
    struct ta_piece_stream *streams; // as many as the first file has
};

// Finds the streams of `source` that go on those of `first`. TA_ERR_MISMATCH after a line that says what
// differs.
int ta_piece_match(struct ta_piece *piece, const struct ta_source *first, const struct ta_source *source,
                   int count);
// Program and transport streams have a clock. Does that of `b` go on where the pictures of `a` end, as it
// does where a stream was only cut? True, too, when either doesn't say.
bool ta_piece_clock_goes_on(const struct ta_source *a, const struct ta_source *b);
// Does the decoder have to be opened anew with the headers of `b` where its pictures begin behind those of
// `a`?
bool ta_piece_renews(const AVCodecParameters *a, const AVCodecParameters *b);
// Takes out of `whole`, the sound of the first file, what its headers say of that file alone, where another
// file's say something else.
void ta_piece_blend_headers(AVCodecParameters *whole, const AVCodecParameters *other);
// Opens the piece's file, its packets by their routes.
int ta_piece_open(struct ta_source **out, const struct ta_piece *piece, const struct ta_source *first);
// Sets first and end of each matched stream. Reads `source`, which was just opened.
int ta_piece_measure(struct ta_piece *piece, struct ta_source *source, int count);

#endif
