// The checksums beside an output: OUTPUT.framemd5, one line for each decoded picture and piece of sound, in
// the format that ffmpeg's framemd5 muxer defines and reads in many archives' tools.
#ifndef TA_RESTORE_FRAMEMD5_H
#define TA_RESTORE_FRAMEMD5_H

#include "restore/callbacks.h"

char *ta_framemd5_path(const char *output); // to be freed

// Decodes all pictures and lossless sound of `input` and writes `path` at once, by way of the free name
// `part`. Sound stands in the sample format of its decoder, interleaved; of lossy sound the packets are
// summed, because its decoders round differently on other processors. Times are in the units of the file. The
// same lines come from
//     ffmpeg -i INPUT -map 0:v:0 -map 0:a? -c:a copy -fps_mode passthrough -enc_time_base:v -1 -bitexact
//         -f framemd5 PATH
// with -c:a pcm_s16le for 16 bit FLAC or PCM. What does not decode is an error.
int ta_framemd5_write(const char *input, const char *part, const char *path, struct ta_meter *meter,
                      struct ta_log *log);

#endif
