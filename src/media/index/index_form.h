// How an index stands in a file: magic, version, numbers in little-endian order, the format as JSON, SHA-256
// of all that as text. For index_write.c and index_file.c alone.
#ifndef TA_MEDIA_INDEX_INDEX_FORM_H
#define TA_MEDIA_INDEX_INDEX_FORM_H

#define TA_INDEX_MAGIC "TAINDEX"

enum {
    TA_INDEX_VERSION = 12,
    TA_INDEX_PACKET_BYTES = 36,
};

#endif
