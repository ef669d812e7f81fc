// What the tables of a transport stream say of its streams from start to end: which of them go on under
// another packet identifier. For src/media/structure/mpeg.c alone.
#ifndef TA_MEDIA_STRUCTURE_TS_TABLES_H
#define TA_MEDIA_STRUCTURE_TS_TABLES_H

#include "media/routes.h"

struct ta_ts_tables; // Thread-safety: Unsafe

struct ta_ts_tables *ta_ts_tables_create(int packet_bytes);
void ta_ts_tables_destroy(struct ta_ts_tables **t);
// The next packet of 188 bytes, at byte `at` of the file. Damaged ones are not to be given.
void ta_ts_tables_packet(struct ta_ts_tables *t, const uint8_t *packet, int64_t at);
// What all packets have shown: `out` stays empty where every stream keeps its identifier. To be released.
void ta_ts_tables_finish(struct ta_ts_tables *t, struct ta_routes *out);

#endif
