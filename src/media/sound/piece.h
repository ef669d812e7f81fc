// Pieces of restored sound on disk: planes of float kept exactly, as PCM in NUT, which any player plays.
#ifndef TA_MEDIA_SOUND_PIECE_H
#define TA_MEDIA_SOUND_PIECE_H

#include <stddef.h>
#include <stdint.h>

#include <libavutil/channel_layout.h>

struct ta_log;

// Writing. Thread-safety: Unsafe.
struct ta_pcm_piece_writer;
// Writes to the open file `fd`, which it takes, also on failure; `path` is for messages. The same samples
// give the same bytes.
int ta_pcm_piece_create(struct ta_pcm_piece_writer **out, int fd, const char *path, int rate,
                        const AVChannelLayout *layout, struct ta_log *log);
int ta_pcm_piece_write(struct ta_pcm_piece_writer *w, float *const *planes, size_t samples);
// Flush and close (no fsync, no rename); the checksum is of the whole file.
int ta_pcm_piece_finish(struct ta_pcm_piece_writer *w, int64_t *samples, int64_t *bytes, char sha256[65]);
void ta_pcm_piece_destroy(struct ta_pcm_piece_writer **w); // also unfinished; removes nothing

// Reading, front to back. Thread-safety: Unsafe.
struct ta_pcm_piece_reader;
// Takes `fd`, also on failure. TA_ERR_DAMAGED when it is no piece of this rate and number of channels.
int ta_pcm_piece_open(struct ta_pcm_piece_reader **out, int fd, const char *path, int rate, int channels,
                      struct ta_log *log);
// Up to `room` samples into planes; 0 at the end; TA_ERR_*, logged.
int ta_pcm_piece_read(struct ta_pcm_piece_reader *r, float *const *planes, int room);
void ta_pcm_piece_close(struct ta_pcm_piece_reader **r);

#endif
