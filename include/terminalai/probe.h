// What the container says of a file.
#ifndef TERMINALAI_PROBE_H
#define TERMINALAI_PROBE_H

#include <terminalai/error.h>
#include <terminalai/log.h>

#ifdef __cplusplus
extern "C" {
#endif

// Facts of the container and its streams as JSON text (container, duration, streams, chapters, attachments,
// timecode, ...), nothing is decoded beyond what libavformat needs. *json is freed with free(). On failure
// *json = NULL and the reason is in the log.
int ta_probe(const char *path, char **json, struct ta_log *log);

#ifdef __cplusplus
}
#endif
#endif
