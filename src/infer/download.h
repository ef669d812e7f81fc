// Downloading a file whose size is known, by HTTP.
#ifndef TA_INFER_DOWNLOAD_H
#define TA_INFER_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct ta_buf;
struct ta_log;

// Appends libcurl's version. False when the program was built without it: every download fails then.
bool ta_download_describe(struct ta_buf *out);

// Lets a transfer of libcurl (CURL *) speak HTTP and HTTPS, and follow from https: to https: alone. Nothing
// where the program was built without libcurl.
void ta_download_schemes(void *curl, const char *address);

struct ta_download {
    const char *address; // http:// or https://
    int fd;              // open for writing, at its end; what it holds is the beginning of the file
    int64_t have;        // bytes of that; afterwards: that are there now
    int64_t bytes;       // of the whole file: more is not taken
    int timeout_s;       // without any byte, before it is given up
    void (*progress)(void *priv, int64_t have); // may be NULL; called often
    void *priv;
    bool silent; // afterwards: given up because nothing came
};

// Goes on behind what is there; begins anew, and empties the file for it, where the server can't. Follows up
// to five redirects, from https:// to https:// alone. 0 when the server has sent all that it wanted, which
// may still be less than `bytes`. Errors are written to `why` as a phrase: TA_ERR_BUSY broken off or nothing
// came for too long: what came is there, and another call goes on; NOT_FOUND the server has no such file;
// CLOSED it can't be reached; DAMAGED it sends more than `bytes`; UNSUPPORTED no libcurl, or no such address;
// ACCESS refused by the server, or its certificate is not right; IO, NO_SPACE while writing.
int ta_download(struct ta_download *d, struct ta_buf *why);

#endif
