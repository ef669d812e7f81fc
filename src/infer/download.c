#include "infer/download.h"

#include <terminalai/error.h>

#include "base/mem.h"

#if TA_HAVE_CURL
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/error.h"
#include "base/file.h"

enum { MOST_REDIRECTS = 5, CONNECT_SECONDS = 30 };

struct transfer {
    struct ta_download *d;
    CURL *curl;
    bool begun;         // something of the file has come
    int64_t part_start; // of the answer, as it says; -1: it does not
    int err;            // why taking something failed
    int write_errno;
};

bool ta_download_describe(struct ta_buf *out)
{
    ta_buf_puts(out, curl_version_info(CURLVERSION_NOW)->version);
    return true;
}

// "Content-Range: bytes 100-199/200"; the last answer counts.
static size_t take_header(char *line, size_t size, size_t count, void *priv)
{
    static const char name[] = "content-range:";
    struct transfer *t = priv;
    size_t n = size * count, i = sizeof name - 1;
    if (n > 5 && !strncasecmp(line, "HTTP/", 5))
        t->part_start = -1;
    if (n <= i || strncasecmp(line, name, i) != 0)
        return n;
    while (i < n && isspace((unsigned char)line[i]))
        i++;
    if (n - i < 7 || strncasecmp(line + i, "bytes ", 6) != 0)
        return n;
    int64_t start = 0;
    for (i += 6; i < n && isdigit((unsigned char)line[i]) && start < INT64_MAX / 20; i++)
        start = start * 10 + (line[i] - '0');
    t->part_start = start;
    return n;
}

// The answer begins: does it go on where we are?
static bool begin(struct transfer *t)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    t->begun = true;
    if (status == 206 && t->part_start == t->d->have)
        return true;
    if (status == 206) {
        t->err = TA_ERR_MISMATCH;
        return false;
    }
    if (t->d->have > 0 && (ftruncate(t->d->fd, 0) < 0 || lseek(t->d->fd, 0, SEEK_SET) < 0)) {
        t->err = TA_ERR_IO;
        t->write_errno = errno;
        return false;
    }
    t->d->have = 0;
    return true;
}

static size_t take(char *data, size_t size, size_t count, void *priv)
{
    struct transfer *t = priv;
    size_t n = size * count;
    if (!t->begun && !begin(t))
        return 0;
    if ((int64_t)n > t->d->bytes - t->d->have) {
        t->err = TA_ERR_DAMAGED;
        return 0;
    }
    for (size_t done = 0; done < n;) {
        ssize_t w = write(t->d->fd, data + done, n - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0) {
            t->write_errno = errno;
            t->err = ta_error_from_errno(errno);
            return 0;
        }
        done += (size_t)w;
        t->d->have += w;
    }
    if (t->d->progress)
        t->d->progress(t->d->priv, t->d->have);
    return n;
}

static int error_of_status(long status)
{
    if (status == 404 || status == 410)
        return TA_ERR_NOT_FOUND;
    return status == 401 || status == 403 || status == 451 ? TA_ERR_ACCESS : TA_ERR_BUSY;
}

static int error_of(const struct transfer *t, CURLcode code, const char *text, struct ta_buf *why)
{
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (t->err == TA_ERR_DAMAGED) {
        ta_buf_printf(why, "the server sends more than the %lld bytes that it should have",
                      (long long)t->d->bytes);
        return t->err;
    }
    if (t->err < 0) {
        ta_buf_puts(why, t->write_errno ? strerror(t->write_errno) : "the server sends another part");
        return t->err;
    }
    switch (code) {
    case CURLE_HTTP_RETURNED_ERROR:
        ta_buf_printf(why, "the server answers %ld%s", status,
                      status == 404 || status == 410 ? ", it has no such file" : "");
        return error_of_status(status);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
        ta_buf_puts(why, "it can't be reached (");
        ta_buf_visible(why, *text ? text : curl_easy_strerror(code), false);
        ta_buf_puts(why, "); is this machine online?");
        return TA_ERR_CLOSED;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        ta_buf_puts(why, "it is no address that can be used, or leads to one: https:// is, and http://");
        return TA_ERR_UNSUPPORTED;
    case CURLE_TOO_MANY_REDIRECTS:
        ta_buf_printf(why, "it leads from address to address, more than %d times", MOST_REDIRECTS);
        return TA_ERR_UNSUPPORTED;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR:
        ta_buf_visible(why, *text ? text : curl_easy_strerror(code), false);
        return TA_ERR_ACCESS;
    case CURLE_OPERATION_TIMEDOUT:
        ta_buf_printf(why, "nothing came for %d s", t->d->timeout_s);
        t->d->silent = true;
        return TA_ERR_BUSY;
    case CURLE_OUT_OF_MEMORY:
        ta_buf_puts(why, "out of memory");
        return TA_ERR_NOMEM;
    default:
        ta_buf_puts(why, "it broke off (");
        ta_buf_visible(why, *text ? text : curl_easy_strerror(code), false);
        ta_buf_puts(why, ")");
        return TA_ERR_BUSY;
    }
}

// In the form of old and new versions of libcurl.
void ta_download_schemes(void *curl, const char *address)
{
    CURL *c = curl;
    bool secret = !strncasecmp(address, "https:", 6);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, secret ? "https" : "http,https");
#else
    curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS,
                     secret ? (long)CURLPROTO_HTTPS : (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static int transfer(struct ta_download *d, struct ta_buf *why)
{
    char text[CURL_ERROR_SIZE] = "";
    struct transfer t = {.d = d, .curl = curl_easy_init(), .part_start = -1};
    if (!t.curl) {
        ta_buf_puts(why, "libcurl does not start");
        return TA_ERR_INTERNAL;
    }
    curl_easy_setopt(t.curl, CURLOPT_URL, d->address);
    ta_download_schemes(t.curl, d->address);
    curl_easy_setopt(t.curl, CURLOPT_USERAGENT, "terminalai/" TA_VERSION);
    curl_easy_setopt(t.curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t.curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(t.curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(t.curl, CURLOPT_MAXREDIRS, (long)MOST_REDIRECTS);
    curl_easy_setopt(t.curl, CURLOPT_CONNECTTIMEOUT, (long)TA_MIN(CONNECT_SECONDS, d->timeout_s));
    curl_easy_setopt(t.curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(t.curl, CURLOPT_LOW_SPEED_TIME, (long)d->timeout_s);
    curl_easy_setopt(t.curl, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(t.curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(t.curl, CURLOPT_HEADERDATA, &t);
    curl_easy_setopt(t.curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(t.curl, CURLOPT_WRITEDATA, &t);
    char *range = d->have > 0 ? ta_xprintf("%lld-", (long long)d->have) : NULL;
    if (range)
        curl_easy_setopt(t.curl, CURLOPT_RANGE, range);
    CURLcode code = curl_easy_perform(t.curl);
    long status = 0;
    curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
    int err = 0;
    if (code == CURLE_HTTP_RETURNED_ERROR && status == 416)
        err = TA_ERR_MISMATCH; // what is there is not a beginning that it knows
    else if (code != CURLE_OK)
        err = error_of(&t, code, text, why);
    curl_easy_cleanup(t.curl);
    free(range);
    return err;
}

int ta_download(struct ta_download *d, struct ta_buf *why)
{
    int64_t had = d->have;
    int err = transfer(d, why);
    if (err != TA_ERR_MISMATCH || !had)
        return err;
    // It can't go on where we are: from the start, once.
    ta_buf_clear(why);
    if (ftruncate(d->fd, 0) < 0 || lseek(d->fd, 0, SEEK_SET) < 0) {
        ta_buf_puts(why, strerror(errno));
        return ta_error_from_errno(errno);
    }
    d->have = 0;
    return transfer(d, why);
}

#else

bool ta_download_describe(struct ta_buf *out)
{
    (void)out;
    return false;
}

void ta_download_schemes(void *curl, const char *address)
{
    (void)curl;
    (void)address;
}

int ta_download(struct ta_download *d, struct ta_buf *why)
{
    (void)d;
    ta_buf_puts(why, "this program was built without libcurl and downloads nothing");
    return TA_ERR_UNSUPPORTED;
}

#endif
