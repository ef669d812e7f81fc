#include "server/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/tree.h"

struct ta_blob {
    atomic_int references;
    void *owned;
    const void *data;
    size_t size;
    const char *type;
    char etag[TA_SHA256_HEX];
};

struct ta_blob *ta_blob_create(void *data, size_t size, const char *type)
{
    enum { ETAG_DIGITS = 32 };
    char etag[TA_SHA256_HEX];
    ta_sha256_hex(data, size, etag);
    etag[ETAG_DIGITS] = '\0';
    return ta_blob_create_named(data, size, type, etag);
}

struct ta_blob *ta_blob_create_named(void *data, size_t size, const char *type, const char *etag)
{
    struct ta_blob *b = ta_blob_static(data, size, type, etag);
    b->owned = data;
    return b;
}

struct ta_blob *ta_blob_static(const void *data, size_t size, const char *type, const char *etag)
{
    struct ta_blob *b = ta_xcalloc(1, sizeof(*b));
    atomic_init(&b->references, 1);
    b->data = data;
    b->size = size;
    b->type = type;
    snprintf(b->etag, sizeof(b->etag), "%s", etag);
    return b;
}

struct ta_blob *ta_blob_ref(struct ta_blob *b)
{
    atomic_fetch_add(&b->references, 1);
    return b;
}

void ta_blob_unref(struct ta_blob **blob)
{
    struct ta_blob *b = *blob;
    *blob = NULL;
    if (!b || atomic_fetch_sub(&b->references, 1) > 1)
        return;
    free(b->owned);
    free(b);
}

const void *ta_blob_data(const struct ta_blob *b)
{
    return b->data;
}

size_t ta_blob_size(const struct ta_blob *b)
{
    return b->size;
}

const char *ta_blob_type(const struct ta_blob *b)
{
    return b->type;
}

const char *ta_blob_etag(const struct ta_blob *b)
{
    return b->etag;
}

// ---- what is asked ----

const char *ta_request_query(const struct ta_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *ta_request_header(const struct ta_request *r, const char *name)
{
    return MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, name);
}

bool ta_request_number(struct ta_request *r, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const char *text = ta_request_query(r, name);
    char *end;
    if (!text)
        return true;
    int64_t value = strtoll(text, &end, 10);
    if (!*text || *end || value < min || value > max) {
        ta_request_problem(r, 422, "number", "%s must be a whole number in %" PRId64 "..%" PRId64, name, min,
                           max);
        ta_request_arg(r, "name", json_string(name));
        ta_request_arg(r, "min", json_integer(min));
        ta_request_arg(r, "max", json_integer(max));
        return false;
    }
    *out = value;
    return true;
}

// ---- the answer ----

static void forget_answer(struct ta_request *r)
{
    json_decref(r->answer);
    json_decref(r->headers);
    r->answer = r->headers = NULL;
    ta_blob_unref(&r->blob);
    if (r->fd >= 0)
        close(r->fd);
    r->fd = -1;
    ta_freep(&r->etag);
    ta_freep(&r->file_name);
    r->cache = NULL;
}

void ta_request_release(struct ta_request *r)
{
    forget_answer(r);
    json_decref(r->body);
    r->body = NULL;
    ta_freep(&r->seen);
}

void ta_request_reply(struct ta_request *r, int status, json_t *answer)
{
    char *etag = r->etag; // stays: the route has set it before it made the answer
    r->etag = NULL;
    forget_answer(r);
    r->etag = etag;
    r->status = status;
    r->answer = answer;
}

void ta_request_problem(struct ta_request *r, int status, const char *code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *detail = ta_xvprintf(format, args), *title = ta_xstrdup(code),
         *type = ta_xprintf("urn:terminalai:%s", code);
    va_end(args);
    for (char *c = title; *c; c++)
        *c = *c == '-' ? ' ' : *c;
    forget_answer(r);
    r->status = status;
    r->answer = json_pack("{s:s, s:s, s:i, s:s}", "type", type, "title", title, "status", status, "code",
                          code);
    json_object_set_new(r->answer, "args", json_object());
    json_object_set_new(r->answer, "detail", ta_json_any_text(detail));
    free(type);
    free(title);
    free(detail);
}

void ta_request_arg(struct ta_request *r, const char *name, json_t *value)
{
    json_t *args = json_object_get(r->answer, "args");
    if (!args || json_object_set_new(args, name, value) < 0)
        json_decref(args ? NULL : value);
}

void ta_request_set_header(struct ta_request *r, const char *name, const char *value)
{
    if (!r->headers)
        r->headers = json_object();
    json_object_set_new(r->headers, name, ta_json_any_text(value));
}

// ---- waiting ----

void ta_request_sleep(struct ta_request *r)
{
    r->waits = true;
    MHD_suspend_connection(r->connection);
}

void ta_request_wake(void *connection)
{
    MHD_resume_connection(connection);
}
