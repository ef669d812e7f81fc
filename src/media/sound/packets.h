// Encoded sound on disk, ready for the join: what describes it, then its packets. A format of our own,
// because no container keeps all of a packet (padding, times before 0, side data) for every codec.
#ifndef TA_MEDIA_SOUND_PACKETS_H
#define TA_MEDIA_SOUND_PACKETS_H

#include "media/av.h"
#include "media/mux/lane.h"

// Writing. Thread-safety: Unsafe.
struct ta_packets_writer;
// Writes to the open file `fd`, which it takes, also on failure; `path` is for messages.
int ta_packets_create(struct ta_packets_writer **out, int fd, const char *path, struct ta_log *log);
// The first packet's call hands the parameters, which the encoder may have refined until then.
int ta_packets_write(struct ta_packets_writer *w, const AVCodecParameters *par, AVRational time_base,
                     const AVPacket *packet);
// Flush and close. What had no packet is a file, too.
int ta_packets_finish(struct ta_packets_writer *w, int64_t *packets, int64_t *bytes, char sha256[65]);
void ta_packets_destroy(struct ta_packets_writer **w);

// A lane of them, `*any` false and no lane when the file has none. Takes `fd`, also on failure.
// TA_ERR_DAMAGED when it is no such file.
int ta_packets_lane(struct ta_lane **out, int fd, const char *path, bool *any, struct ta_log *log);

#endif
