// Shared by the parts of the muxer (mux.c, mux_header.c, y4m.c).
#ifndef TA_MEDIA_MUX_MUX_INTERNAL_H
#define TA_MEDIA_MUX_MUX_INTERNAL_H

#include "media/mux/mux.h"

enum ta_output_state { TA_OUTPUT_EMPTY = 0, TA_OUTPUT_READY, TA_OUTPUT_END };

struct ta_output { // one lane's way into the file
    struct ta_lane *lane;
    AVStream *st;
    AVPacket *packet;           // the next one, lane->time_base
    enum ta_output_state state; // EMPTY: has to be asked
    int64_t delay;              // added to its times, st->time_base
    int64_t earliest; // times the container can hold, st->time_base, `delay` included; INT64_MIN: any
    int64_t last_dts; // st->time_base, AV_NOPTS_VALUE before the first
};

// Streams, metadata, chapters, attachments; oc->oformat is set, oc->nb_streams is 0, each output has its
// first packet unless it starts late. Sets the outputs' `st`; TA_ERR_*, logged.
int ta_mux_describe(AVFormatContext *oc, const struct ta_mux_params *p, struct ta_output *outputs,
                    struct ta_log *log);
// Options for avformat_write_header().
void ta_mux_options(AVDictionary **options, const struct ta_mux_params *p, const struct ta_output *outputs);
// Pictures that the muxer takes as packets (mp4's cover art). An AVERROR or 0.
int ta_mux_write_covers(AVFormatContext *oc, const struct ta_mux_params *p);

// The writer of y4m; lane_count == 1.
int ta_y4m_write(const struct ta_mux_params *p, struct ta_mux_result *result, struct ta_log *log);

#endif
