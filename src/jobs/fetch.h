// Getting the film of an address of the web, in a worker: plain files by HTTP, pages by yt-dlp.
#ifndef TA_JOBS_FETCH_H
#define TA_JOBS_FETCH_H

#include <stdbool.h>
#include <stdint.h>

struct ta_log;

struct ta_fetch {
    const char *address; // http:// or https://
    const char *folder; // of this download alone; made when it is missing. What an attempt before has left is
                        // gone on with
    bool private_too;   // also of machines that are not public
    void (*progress)(void *priv, int64_t bytes, int64_t total); // total 0: unknown
    bool (*canceled)(void *priv);
    void *priv;
    // What there is then; both to be freed, NULL after an error.
    char *path;
    char *title; // of a page: a text and nothing else; "" for plain files
};

// 0; TA_ERR_CANCELED; BUSY or CLOSED where another attempt may help; UNSUPPORTED for lists, live streams and
// pages without yt-dlp; others. Logged. Blocks.
int ta_fetch(struct ta_fetch *f, struct ta_log *log);

#endif
