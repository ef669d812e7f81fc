// libavfilter graphs of one input and one output, without automatic conversions, single-threaded (a segment
// is one thread's work).
#ifndef TA_MEDIA_PICTURE_GRAPH_H
#define TA_MEDIA_PICTURE_GRAPH_H

#include <stdbool.h>

#include "media/av.h"
#include "media/format.h"

struct ta_graph;

// `text` in libavfilter's syntax, a plain chain without link labels ("bwdif=mode=send_field,hqdn3d=3:2:3:2");
// "" or NULL is "null". Frames must have the format `in`, times in in->time_base. The format that comes out
// is written to *out (may be NULL): pixel format, size, sar, time base and frame rate as the graph says,
// everything else as in `in` (a stage that changes colour or scan type says so itself). An unknown filter or
// option is TA_ERR_INVALID; a filter that does not take the format that reaches it is TA_ERR_UNSUPPORTED and
// never gets a silent conversion; the message names filter and format. Thread-safety: Unsafe.
int ta_graph_create(struct ta_graph **out_graph, const char *text, const struct ta_format *in,
                    struct ta_format *out, struct ta_log *log);
// Takes `frame` (NULL: end of stream), also on failure. Frames of another pixel format or size than `in` are
// TA_ERR_MISMATCH. Pull until nothing comes before the next push: the graph holds what was not pulled.
int ta_graph_push(struct ta_graph *g, AVFrame *frame);
// The next frame that is ready, owned by the caller, its pts in the time base of the format that came out;
// *frame = NULL with 0 when more input is needed or after the last one.
int ta_graph_pull(struct ta_graph *g, AVFrame **frame);
void ta_graph_destroy(struct ta_graph **g);
// Is this filter built into the libavfilter that runs?
bool ta_graph_has_filter(const char *name);

#endif
