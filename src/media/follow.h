// Pictures of a broadcast that go on in another stream, because their codec changes: its packets are those of
// the stream that they follow, each with what a decoder for it has to be (ta_av_headers()).
#ifndef TA_MEDIA_FOLLOW_H
#define TA_MEDIA_FOLLOW_H

#include "media/source.h"

struct ta_follows; // Thread-safety: Unsafe

// NULL where `routes` knows of no such pictures.
struct ta_follows *ta_follows_create(const struct ta_routes *routes);
void ta_follows_destroy(struct ta_follows **f);
// Which stream's pictures `stream` goes on; itself where it goes on none. `f` may be NULL.
int ta_follows_find(const struct ta_follows *f, const AVFormatContext *fmt, int stream);
// Do others follow this stream's pictures, or these others'? They are sought by place, not by time.
bool ta_follows_has(const struct ta_follows *f, const AVFormatContext *fmt, int stream);
// Makes a packet one of the stream that it follows. 0 or AVERROR(ENOMEM).
int ta_follows_run(struct ta_follows *f, const AVFormatContext *fmt, AVPacket *packet);

#endif
