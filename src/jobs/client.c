#include "jobs/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"

enum { ANSWER_MAX = 64 << 20 };

struct ta_client {
    CURL *curl;
    char *socket, *base, *token;
    struct ta_log *log;
};

int ta_client_create(struct ta_client **out, const struct ta_client_config *config, struct ta_log *log)
{
    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return TA_ERR_NOMEM;
    struct ta_client *c = ta_xcalloc(1, sizeof(*c));
    c->curl = curl_easy_init();
    c->log = log;
    c->socket = ta_xstrdup(config->socket ? config->socket : "");
    c->base = ta_xstrdup(config->address ? config->address : "http://localhost");
    if (config->address)
        c->socket[0] = '\0';
    c->token = config->token ? ta_xstrdup(config->token) : NULL;
    if (!c->curl)
        ta_client_destroy(&c);
    *out = c;
    return c ? 0 : TA_ERR_NOMEM;
}

void ta_client_destroy(struct ta_client **out)
{
    struct ta_client *c = *out;
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
    free(c->socket);
    free(c->base);
    free(c->token);
    ta_freep(out);
}

static const char *where(const struct ta_client *c)
{
    return c->socket[0] ? c->socket : c->base;
}

static size_t take(char *data, size_t size, size_t count, void *priv)
{
    struct ta_buf *out = priv;
    size_t n = size * count;
    if (out->size + n > ANSWER_MAX)
        return 0;
    ta_buf_append(out, data, n);
    return n;
}

// What all requests have; the headers are to be freed after the request.
static struct curl_slist *prepare(struct ta_client *c, const char *method, const char *path)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    char *url = ta_xprintf("%s%s", c->base, path);
    headers = curl_slist_append(headers, "Expect:");
    if (c->token) {
        char *line = ta_xprintf("Authorization: Bearer %s", c->token);
        headers = curl_slist_append(headers, line);
        free(line);
    }
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, 10L);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*"); // a service is not asked by way of others
    if (c->socket[0])
        curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    free(url);
    return headers;
}

static int fail(struct ta_client *c, CURLcode code)
{
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST) {
        ta_error(c->log, "%s: no service answers there; \"terminalai serve\" starts one", where(c));
        return TA_ERR_NOT_FOUND;
    }
    ta_error(c->log, "%s: %s", where(c), curl_easy_strerror(code));
    return TA_ERR_IO;
}

// The service's own words as an error of ours.
static int refused(struct ta_client *c, long status, const json_t *answer)
{
    const char *detail = json_string_value(json_object_get(answer, "detail"));
    ta_error(c->log, "%s", detail ? detail : "the service answered in a way that is not known");
    switch (status) {
    case 401:
    case 403:
        return TA_ERR_ACCESS;
    case 404:
        return TA_ERR_NOT_FOUND;
    case 400:
    case 409:
    case 413:
    case 422:
        return TA_ERR_INVALID;
    case 507:
        return TA_ERR_NO_SPACE;
    default:
        return TA_ERR_IO;
    }
}

int ta_client_ask(struct ta_client *c, const char *method, const char *path, json_t *body, json_t **answer)
{
    struct ta_buf out = {0};
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = prepare(c, method, path);
    long status = 0;
    json_decref(body);
    if (text)
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, text);
    else if (!strcmp(method, "POST"))
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &out);
    curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, 60L);
    CURLcode code = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    *answer = code ? NULL : json_loadb(ta_buf_text(&out), out.size, 0, NULL);
    int err = code ? fail(c, code) : 0;
    if (!err && (status >= 300 || !*answer))
        err = refused(c, status, *answer);
    if (err < 0) {
        json_decref(*answer);
        *answer = NULL;
    }
    curl_slist_free_all(headers);
    ta_buf_release(&out);
    free(text);
    return err;
}

// ---- events ----

struct follow {
    struct ta_buf text; // of the event that is arriving
    bool (*on_event)(void *priv, const char *kind, const json_t *data);
    void *priv;
    bool ended;
};

static void one_event(struct follow *f, char *text)
{
    char *kind = strstr(text, "event: "), *data = strstr(text, "data: ");
    if (!kind || !data)
        return;
    kind += 7;
    data += 6;
    kind[strcspn(kind, "\n")] = '\0';
    json_t *o = json_loadb(data, strcspn(data, "\n"), 0, NULL);
    if (o && !f->on_event(f->priv, kind, o))
        f->ended = true;
    json_decref(o);
}

static size_t take_events(char *bytes, size_t size, size_t count, void *priv)
{
    struct follow *f = priv;
    size_t n = size * count;
    ta_buf_append(&f->text, bytes, n);
    for (char *end; !f->ended && (end = strstr(f->text.data, "\n\n"));) {
        size_t used = (size_t)(end - f->text.data) + 2;
        char *event = ta_xstrndup(f->text.data, used - 1);
        one_event(f, event);
        free(event);
        memmove(f->text.data, f->text.data + used, f->text.size - used + 1);
        f->text.size -= used;
    }
    return f->ended || f->text.size > ANSWER_MAX ? 0 : n;
}

int ta_client_follow(struct ta_client *c, int64_t after,
                     bool (*on_event)(void *priv, const char *kind, const json_t *data), void *priv)
{
    struct follow f = {.on_event = on_event, .priv = priv};
    char *path = ta_xprintf("/api/v1/events?after=%" PRId64, after);
    struct curl_slist *headers = prepare(c, "GET", path);
    long status = 0;
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_events);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &f);
    CURLcode code = curl_easy_perform(c->curl);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    int err = 0;
    if (f.ended)
        err = 0;
    else if (code)
        err = fail(c, code);
    else if (status >= 300) {
        json_t *answer = json_loadb(ta_buf_text(&f.text), f.text.size, 0, NULL);
        err = refused(c, status, answer);
        json_decref(answer);
    } else {
        ta_error(c->log, "%s: the service has ended", where(c));
        err = TA_ERR_CLOSED;
    }
    curl_slist_free_all(headers);
    ta_buf_release(&f.text);
    free(path);
    return err;
}
