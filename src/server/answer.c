#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "server/http_parts.h"

static void unref_blob(void *priv)
{
    struct ta_blob *blob = priv;
    ta_blob_unref(&blob);
}

// Does the list of If-None-Match (or If-Range) hold it? Weak or strong is all the same to who only reads.
static bool names_etag(const char *list, const char *etag)
{
    if (!list)
        return false;
    if (!strcmp(list, "*"))
        return true;
    size_t n = strlen(etag);
    for (const char *at = list; (at = strstr(at, etag)); at += n)
        if (at > list && at[-1] == '"' && at[n] == '"')
            return true;
    return false;
}

bool ta_request_is_known(struct ta_request *r, char *etag)
{
    free(r->etag);
    r->etag = etag;
    bool known = names_etag(ta_request_header(r, "If-None-Match"), etag);
    if (known)
        r->status = MHD_HTTP_NOT_MODIFIED;
    return known;
}

// The part of a file that "bytes=A-B" asks for. 1; 0: the whole, since nothing (or nothing that is known) is
// asked for; -1: there is no such part.
static int find_part(const char *text, int64_t size, int64_t *first, int64_t *count)
{
    int64_t from = -1, to = -1;
    char *end;
    if (!text || strncasecmp(text, "bytes=", 6) || strchr(text, ','))
        return 0;
    text += 6;
    if (*text >= '0' && *text <= '9') {
        from = strtoll(text, &end, 10);
        text = end;
    }
    if (*text++ != '-')
        return 0;
    if (*text >= '0' && *text <= '9') {
        to = strtoll(text, &end, 10);
        text = end;
    }
    if (*text || (from < 0 && to < 0) || (from >= 0 && to >= 0 && to < from))
        return 0;
    if (from < 0) { // the last so many
        from = size - TA_MIN(to, size);
        to = size - 1;
    }
    if (to < 0 || to >= size)
        to = size - 1;
    if (from >= size)
        return -1;
    *first = from;
    *count = to - from + 1;
    return 1;
}

// A name for Content-Disposition: plain, and as RFC 8187 has it.
static char *disposition(const char *name)
{
    struct ta_buf out = {0};
    ta_buf_puts(&out, "attachment; filename=\"");
    for (const char *c = name; *c; c++)
        ta_buf_putc(&out, (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
                                  strchr("._-", *c)
                              ? *c
                              : '_');
    ta_buf_puts(&out, "\"; filename*=UTF-8''");
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        ta_buf_printf(&out, "%%%02X", *c);
    return ta_buf_take(&out);
}

static struct MHD_Response *file_response(struct ta_request *r)
{
    struct stat st;
    int64_t first = 0, count = 0;
    char text[96], *name = r->file_name ? disposition(r->file_name) : NULL;
    if (fstat(r->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        free(name);
        ta_request_problem(r, 404, "no-such-file", "there is no such file any more");
        return NULL;
    }
    ta_freep(&r->etag);
    r->etag = ta_xprintf("%llx-%llx-%llx", (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
                         (unsigned long long)st.st_mtim.tv_sec * 1000000000ull +
                             (unsigned long long)st.st_mtim.tv_nsec);
    const char *range = ta_request_header(r, "Range"), *only = ta_request_header(r, "If-Range");
    int part = only && !names_etag(only, r->etag) ? 0 : find_part(range, st.st_size, &first, &count);
    ta_request_set_header(r, "Accept-Ranges", "bytes");
    if (name)
        ta_request_set_header(r, "Content-Disposition", name);
    free(name);
    if (part < 0) {
        snprintf(text, sizeof(text), "bytes */%lld", (long long)st.st_size);
        ta_request_problem(r, 416, "no-such-range", "the file has %lld bytes", (long long)st.st_size);
        ta_request_set_header(r, "Content-Range", text);
        return NULL;
    }
    if (!part)
        count = st.st_size;
    r->status = part ? 206 : 200;
    if (part) {
        snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)first, (long long)(first + count - 1),
                 (long long)st.st_size);
        ta_request_set_header(r, "Content-Range", text);
    }
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64((uint64_t)count, r->fd,
                                                                            (uint64_t)first);
    if (response)
        r->fd = -1; // the response closes it
    return response;
}

static struct MHD_Response *json_response(struct ta_request *r)
{
    char *text = r->answer ? json_dumps(r->answer, JSON_COMPACT) : NULL;
    if (!text)
        text = ta_xstrdup("{}");
    return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
}

static struct MHD_Response *blob_response(struct ta_request *r)
{
    struct ta_blob *blob = ta_blob_ref(r->blob);
    // libmicrohttpd only reads it.
    return MHD_create_response_from_buffer_with_free_callback_cls(
        ta_blob_size(blob), (void *)(uintptr_t)ta_blob_data(blob), unref_blob, blob);
}

static void add_headers(struct ta_request *r, struct MHD_Response *response, const char *type)
{
    const char *name;
    json_t *value;
    char *etag = r->etag ? ta_xprintf("\"%s\"", r->etag) : NULL;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", r->cache ? r->cache : etag ? "no-cache" : "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    if (etag)
        MHD_add_response_header(response, "ETag", etag);
    if (r->status == MHD_HTTP_UNAUTHORIZED)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (r->status == MHD_HTTP_TOO_MANY_REQUESTS)
        MHD_add_response_header(response, "Retry-After", "1");
    json_object_foreach(r->headers, name, value)
        MHD_add_response_header(response, name, json_string_value(value));
    free(etag);
}

enum MHD_Result ta_answer(struct ta_request *r)
{
    struct MHD_Response *response = NULL;
    const char *type = "application/json";
    if (r->blob && !r->etag)
        r->etag = ta_xstrdup(ta_blob_etag(r->blob));
    if (r->fd >= 0 && (response = file_response(r)))
        type = r->file_type ? r->file_type : "application/octet-stream";
    bool unchanged = r->status == MHD_HTTP_NOT_MODIFIED;
    if (unchanged ||
        (r->status == 200 && r->etag && names_etag(ta_request_header(r, "If-None-Match"), r->etag))) {
        if (response)
            MHD_destroy_response(response);
        r->status = MHD_HTTP_NOT_MODIFIED;
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        type = r->blob ? ta_blob_type(r->blob) : type;
    } else if (!response && r->blob) {
        response = blob_response(r);
        type = ta_blob_type(r->blob);
    } else if (!response) {
        response = json_response(r);
        type = r->status >= 400 ? "application/problem+json" : type;
    }
    enum MHD_Result ret = MHD_NO;
    if (response) {
        add_headers(r, response, type);
        ret = MHD_queue_response(r->connection, (unsigned)r->status, response);
        MHD_destroy_response(response);
    }
    ta_request_release(r);
    return ret;
}
