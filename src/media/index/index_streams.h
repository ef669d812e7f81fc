// What becomes known of streams only when the whole file was read.
#ifndef TA_MEDIA_INDEX_INDEX_STREAMS_H
#define TA_MEDIA_INDEX_INDEX_STREAMS_H

#include "media/index/index.h"

// Brings an opened source to what the index knows: streams that begin later in the file are there, and what
// its head does not say of them. Afterwards it stands at the start. 0 or TA_ERR_*.
int ta_index_complete_source(const struct ta_index *index, struct ta_source *source);

#endif
