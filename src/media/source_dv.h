// Sources of raw DV: read by our own demuxer (dv/demux.h).
#ifndef TA_MEDIA_SOURCE_DV_H
#define TA_MEDIA_SOURCE_DV_H

#include "media/source.h"

// Is what `pb` reads raw DV? `demuxer` is libav's opinion, or NULL.
bool ta_source_is_dv(const struct ta_source *s, AVIOContext *pb, const AVInputFormat *demuxer);
// Makes s->dv, s->dv_table and s->fmt. The file is scanned where `known` has no table of it. 0 or an AVERROR;
// `pb` becomes s->fmt's on success.
int ta_source_open_dv(struct ta_source *s, AVIOContext *pb, const struct ta_source_known *known);
// Where libav has opened an AVI whose single stream is DV with its sound (type 1), takes it over, for libav
// does not see what changes on the way. 0 (also where it is none) or an AVERROR.
int ta_source_take_avi(struct ta_source *s, const struct ta_source_known *known);
void ta_source_close_dv(struct ta_source *s);

#endif
