// What whoever opens a source again may know of it.
#ifndef TA_MEDIA_KNOWN_H
#define TA_MEDIA_KNOWN_H

#include "media/dv/table.h"
#include "media/patch.h"
#include "media/routes.h"

// Progress of a pass: 0..1, called at most some 20 times a second from the calling thread.
struct ta_progress_fn {
    void (*report)(void *priv, double done);
    void *priv;
};

struct ta_source_known {
    struct ta_dv_table *dv;         // raw DV: its frames, so that it need not be scanned again; else NULL
    const struct ta_patch *patches; // to read over damaged places with (media/structure.h); copied
    int patch_count;
    const struct ta_splice *splices; // the same, where bytes are missing or too many; copied
    int splice_count;
    // Transport streams: of each file that is demuxed for itself, or none at all; copied.
    const struct ta_routes *routes;
    int routes_count;
    const struct ta_progress_fn
        *progress; // of opening, where that reads the whole file (raw DV); may be NULL
};

#endif
