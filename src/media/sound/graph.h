// libavfilter graphs on sound: planes of float in and out, one chain, one thread, nothing converted unasked.
#ifndef TA_MEDIA_SOUND_GRAPH_H
#define TA_MEDIA_SOUND_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include <libavutil/channel_layout.h>

struct ta_log;

// `text` in libavfilter's syntax, a chain without labels; what comes out of it has the layout `to`. The rate
// stays. An unknown filter or option is TA_ERR_INVALID, a filter that does not take such sound
// TA_ERR_UNSUPPORTED; both logged with the text. Thread-safety: Unsafe.
struct ta_sound_graph;
int ta_sound_graph_create(struct ta_sound_graph **out, const char *text, int rate,
                          const AVChannelLayout *from, const AVChannelLayout *to, struct ta_log *log);
// Pushes samples (copied) and calls `emit` with what comes out, any number of times, planes of the graph's
// own that may be written to; stops at its first error.
int ta_sound_graph_run(struct ta_sound_graph *g, float *const *planes, size_t samples,
                       int (*emit)(void *priv, float *const *planes, size_t samples), void *priv);
void ta_sound_graph_destroy(struct ta_sound_graph **g);

#endif
