// The files of the page, compiled into the program by tools/embed_pages.py.
#ifndef TA_SERVER_PAGES_H
#define TA_SERVER_PAGES_H

#include <stdbool.h>
#include <stddef.h>

struct ta_page_file {
    const char *path; // "/", "/app.0f3a.js"; NULL ends the table
    const char *type; // media type
    const char *hash; // of the bytes, for ETag
    bool lasting;     // the path names the bytes: it may be kept for ever
    // The bytes by encoding: as they are, gzip, brotli; size 0: not there.
    const unsigned char *plain, *gzip, *brotli;
    size_t plain_size, gzip_size, brotli_size;
};
// In the order of their paths; empty where the program was built without the page.
extern const struct ta_page_file ta_page_files[];

#endif
