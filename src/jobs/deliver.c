#include "jobs/deliver.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include <terminalai/error.h>

#include "base/sha256.h"
#include "infer/download.h"
#include "jobs/address.h"
#include "jobs/notice.h"
#include "jobs/program.h"

enum { SECONDS = 30, CONNECT_SECONDS = 15, REDIRECTS = 5, RETRY_AFTER_MAX = 3600, ANSWER_MAX = 1 << 20 };

struct transfer {
    struct ta_delivery *d;
    const char *body;
    size_t sent, received;
};

static void fail(struct ta_delivery *d, enum ta_delivered result, const char *why)
{
    d->result = result;
    ta_buf_visible(&d->why, why, false);
}

static size_t drop(char *data, size_t size, size_t count, void *priv)
{
    struct transfer *t = priv;
    (void)data;
    t->received += size * count;
    return t->received > ANSWER_MAX ? 0 : size * count;
}

// "Retry-After: 30" or a date; of the last answer.
static size_t take_header(char *line, size_t size, size_t count, void *priv)
{
    static const char name[] = "retry-after:";
    struct transfer *t = priv;
    size_t n = size * count, skip = sizeof(name) - 1;
    if (n >= 5 && !strncasecmp(line, "HTTP/", 5))
        t->d->retry_after = 0;
    if (n <= skip || strncasecmp(line, name, skip) != 0)
        return n;
    char *value = ta_xstrndup(line + skip, n - skip), *end;
    double seconds = strtod(value, &end);
    if (end == value || (*end && !isspace((unsigned char)*end))) {
        time_t at = curl_getdate(value, NULL);
        seconds = at > 0 ? difftime(at, time(NULL)) : 0;
    }
    t->d->retry_after = seconds > 0 ? TA_MIN(seconds, (double)RETRY_AFTER_MAX)
                                    : 0; // false for what is no number
    free(value);
    return n;
}

static int on_progress(void *priv, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t e)
{
    struct transfer *t = priv;
    (void)a, (void)b, (void)c, (void)e;
    return t->d->canceled && t->d->canceled(t->d->priv);
}

// What all transfers have.
static void prepare(CURL *c, struct transfer *t, char *text, bool *refused)
{
    const struct ta_endpoint *e = t->d->endpoint;
    curl_easy_setopt(c, CURLOPT_URL, e->target);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)SECONDS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    if (e->ca_file)
        curl_easy_setopt(c, CURLOPT_CAINFO, e->ca_file);
    ta_address_guard(c, e->private_addresses, refused);
}

// A transfer that failed before the receiver said anything.
static void judge(struct ta_delivery *d, CURLcode code, bool refused, const char *text)
{
    if (refused)
        fail(d, TA_DELIVER_NEVER,
             "it leads to an address of this machine or its network; \"private: yes\" allows that");
    else if (code == CURLE_ABORTED_BY_CALLBACK)
        fail(d, TA_DELIVER_LATER, "the service stops");
    else if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
             code == CURLE_TOO_MANY_REDIRECTS)
        fail(d, TA_DELIVER_NEVER, "it is no address that can be used, or leads to one");
    else
        fail(d, TA_DELIVER_LATER, *text ? text : curl_easy_strerror(code));
}

// ---- HTTP ----

static struct curl_slist *headers_of(const struct ta_delivery *d, const char *body)
{
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    char sum[TA_SHA256_HEX];
    list = curl_slist_append(list, "Expect:");
    if (d->endpoint->kind != TA_ENDPOINT_WEBHOOK)
        return list;
    char *line = ta_xprintf("X-Terminalai-Delivery: %" PRId64, d->id);
    list = curl_slist_append(list, line);
    free(line);
    if (d->endpoint->secret) {
        ta_hmac_sha256_hex(d->endpoint->secret, strlen(d->endpoint->secret), body, strlen(body), sum);
        line = ta_xprintf("X-Terminalai-Signature: sha256=%s", sum);
        list = curl_slist_append(list, line);
        free(line);
    }
    return list;
}

static void judge_status(struct ta_delivery *d, long status)
{
    char text[64];
    snprintf(text, sizeof(text), "the receiver answers %ld", status);
    if (status >= 200 && status < 300)
        d->result = TA_DELIVERED;
    else
        fail(d,
             status >= 500 || status == 408 || status == 425 || status == 429 ? TA_DELIVER_LATER
                                                                              : TA_DELIVER_NEVER,
             text);
}

static void post(struct ta_delivery *d)
{
    char text[CURL_ERROR_SIZE] = "";
    bool refused;
    char *body = d->endpoint->kind == TA_ENDPOINT_DISCORD ? ta_notice_discord(d->notice)
                 : d->endpoint->kind == TA_ENDPOINT_SLACK ? ta_notice_slack(d->notice)
                                                          : ta_notice_webhook(d->notice, d->id);
    struct transfer t = {.d = d};
    struct curl_slist *headers = headers_of(d, body);
    CURL *c = curl_easy_init();
    long status = 0;
    CURLcode code = c ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (c) {
        prepare(c, &t, text, &refused);
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(c, CURLOPT_USERAGENT, "terminalai/" TA_VERSION);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, &t);
        curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
        curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
        curl_easy_setopt(c, CURLOPT_POSTREDIR, (long)CURL_REDIR_POST_ALL);
        ta_download_schemes(c, d->endpoint->target);
        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    }
    // An answer that was not heard to its end was given all the same.
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && status))
        judge_status(d, status);
    else
        judge(d, code, c && refused, text);
    curl_easy_cleanup(c);
    curl_slist_free_all(headers);
    free(body);
}

// ---- mail ----

static size_t give(char *out, size_t size, size_t count, void *priv)
{
    struct transfer *t = priv;
    size_t n = TA_MIN(strlen(t->body) - t->sent, size * count);
    memcpy(out, t->body + t->sent, n);
    t->sent += n;
    return n;
}

static struct curl_slist *receivers(const char *to)
{
    struct curl_slist *list = NULL;
    while (*to) {
        size_t n = strcspn(to, ",");
        char *one = ta_xstrndup(to, n);
        list = curl_slist_append(list, one);
        free(one);
        to += n + (to[n] == ',');
    }
    return list;
}

static void mail(struct ta_delivery *d)
{
    const struct ta_endpoint *e = d->endpoint;
    char text[CURL_ERROR_SIZE] = "", host[256] = "localhost";
    bool refused;
    gethostname(host, sizeof(host) - 1);
    char *body = ta_notice_mail(d->notice, d->id, e->from, e->to, host);
    struct transfer t = {.d = d, .body = body};
    struct curl_slist *to = receivers(e->to);
    CURL *c = curl_easy_init();
    long status = 0;
    CURLcode code = c ? CURLE_OK : CURLE_OUT_OF_MEMORY;
    if (c) {
        prepare(c, &t, text, &refused);
#if LIBCURL_VERSION_NUM >= 0x075500
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
#else
        curl_easy_setopt(c, CURLOPT_PROTOCOLS, (long)(CURLPROTO_SMTP | CURLPROTO_SMTPS));
#endif
        curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(e->tls ? CURLUSESSL_NONE : CURLUSESSL_ALL));
        curl_easy_setopt(c, CURLOPT_MAIL_FROM, e->from);
        curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
        if (e->user) {
            curl_easy_setopt(c, CURLOPT_USERNAME, e->user);
            curl_easy_setopt(c, CURLOPT_PASSWORD, e->password);
        }
        curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
        curl_easy_setopt(c, CURLOPT_READDATA, &t);
        curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        code = curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
    }
    if (code == CURLE_OK)
        d->result = TA_DELIVERED;
    else if (code == CURLE_LOGIN_DENIED || (status >= 500 && status < 600)) // 4xx: it says to come again
        fail(d, TA_DELIVER_NEVER, *text ? text : curl_easy_strerror(code));
    else
        judge(d, code, c && refused, text);
    curl_easy_cleanup(c);
    curl_slist_free_all(to);
    free(body);
}

// ---- commands ----

static void command(struct ta_delivery *d)
{
    char *const *words = d->endpoint->command;
    int count = 0;
    while (words[count])
        count++;
    char **argv = ta_xcalloc((size_t)count + 1, sizeof(*argv));
    argv[0] = ta_xstrdup(words[0]);
    for (int i = 1; i < count; i++)
        argv[i] = ta_notice_argument(d->notice, words[i]);
    char *body = ta_notice_webhook(d->notice, d->id);
    struct ta_buf said = {0};
    struct ta_program p = {.argv = argv,
                           .input = body,
                           .seconds = SECONDS,
                           .canceled = d->canceled,
                           .priv = d->priv,
                           .errors = &said};
    int status = ta_program_run(&p);
    if (status == TA_ERR_NOT_FOUND)
        fail(d, TA_DELIVER_NEVER, "there is no such program");
    else if (status == TA_ERR_BUSY)
        fail(d, TA_DELIVER_LATER, "the program did not end within 30 s");
    else if (status < 0)
        fail(d, TA_DELIVER_LATER, status == TA_ERR_CANCELED ? "the service stops" : ta_error_text(status));
    else if (status) {
        char *text = ta_xprintf("the program ended with status %d%s%.200s", status, said.size ? ": " : "",
                                ta_buf_text(&said));
        fail(d, TA_DELIVER_LATER, text);
        free(text);
    }
    for (int i = 0; i < count; i++)
        free(argv[i]);
    free(argv);
    free(body);
    ta_buf_release(&said);
}

void ta_deliver(struct ta_delivery *d)
{
    d->result = TA_DELIVERED;
    d->retry_after = 0;
    if (d->endpoint->kind == TA_ENDPOINT_COMMAND)
        command(d);
    else if (d->endpoint->kind == TA_ENDPOINT_MAIL)
        mail(d);
    else
        post(d);
}
