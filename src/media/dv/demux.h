// Raw DV as a stream of packets: one of pictures and one of each pair of channels for each frame, at the
// places where they belong whatever the file has lost.
//
// Pictures are the file's own bytes. Blocks that are missing are taken from the nearest whole frame (video in
// groups of five, which are coded together), and such packets are marked as corrupt. Sound is 16-bit PCM at
// the rate that most frames have. What has that rate already and keeps in step with the pictures is as it is
// on the tape; parts of another rate, or whose clock runs away from the pictures' by more than 4 ms, are
// resampled. Frames without sound are silent. Any packet can be made on its own, so it is the same however
// it is come to.
#ifndef TA_MEDIA_DV_DEMUX_H
#define TA_MEDIA_DV_DEMUX_H

#include <libavformat/avformat.h>

#include "media/dv/table.h"

struct ta_dv_demux;
// `table` and `pb` must outlive it. 0 or AVERROR(ENOMEM). Thread-safety: Unsafe.
int ta_dv_demux_create(struct ta_dv_demux **out, const struct ta_dv_table *table, AVIOContext *pb);
void ta_dv_demux_destroy(struct ta_dv_demux **d);
// Streams and metadata. Belongs to the demuxer; not to be read from, its reader is here.
AVFormatContext *ta_dv_demux_format(struct ta_dv_demux *d);
// As av_read_frame(). Streams whose `discard` is AVDISCARD_ALL are left out.
int ta_dv_demux_read(struct ta_dv_demux *d, AVPacket *packet);
// To the frame that is shown at `time` (time base of the stream; stream -1: AV_TIME_BASE units).
int ta_dv_demux_seek(struct ta_dv_demux *d, int stream, int64_t time);

#endif
