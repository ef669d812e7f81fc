#include "jobs/fetch.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/dir.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/tree.h"
#include "infer/download.h"
#include "jobs/address.h"
#include "jobs/program.h"
#include "media/parts/name.h"

enum { REDIRECTS = 5, CONNECT_SECONDS = 30, SILENT_SECONDS = 60, TITLE_MAX = 300, TAG_MAX = 256 };

static const char not_opened[] =
    "it leads to an address of this machine or its network, which is not opened to downloads";

// ---- plain files ----

struct transfer {
    struct ta_fetch *f;
    CURL *curl;
    int fd;
    int64_t have, total; // bytes in the file; of the whole, 0: unknown
    int64_t start;       // where the answer begins, as it says; -1: it does not
    char tag[TAG_MAX];   // what the server calls this version of the file
    char type[64];
    bool begun;
    int err;
};

static char *tag_path(const struct ta_fetch *f)
{
    return ta_path_join(f->folder, "media.tag");
}

static bool header_is(const char *line, size_t n, const char *name, char *out, size_t size)
{
    size_t skip = strlen(name);
    if (n <= skip || strncasecmp(line, name, skip) != 0)
        return false;
    while (skip < n && isspace((unsigned char)line[skip]))
        skip++;
    while (n > skip && isspace((unsigned char)line[n - 1]))
        n--;
    snprintf(out, size, "%.*s", (int)TA_MIN(n - skip, size - 1), line + skip);
    return true;
}

static size_t take_header(char *line, size_t size, size_t count, void *priv)
{
    struct transfer *t = priv;
    size_t n = size * count;
    char text[128];
    if (n > 5 && !strncasecmp(line, "HTTP/", 5)) {
        t->start = -1;
        t->tag[0] = t->type[0] = '\0';
    } else if (header_is(line, n, "content-range: bytes", text, sizeof(text))) {
        t->start = strtoll(text, NULL, 10);
    } else if (header_is(line, n, "content-type:", t->type, sizeof(t->type)) ||
               header_is(line, n, "etag:", t->tag, sizeof(t->tag))) {
        // kept
    }
    return n;
}

// The answer begins: is it a film, and does it go on where we are?
static int begin(struct transfer *t)
{
    long status = 0;
    curl_off_t length = -1;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    t->begun = true;
    if (!strncasecmp(t->type, "text/", 5))
        return TA_ERR_UNSUPPORTED;
    if (status != 206 || t->start != t->have) {
        if (status == 206)
            return TA_ERR_MISMATCH;
        if (ftruncate(t->fd, 0) < 0 || lseek(t->fd, 0, SEEK_SET) < 0)
            return ta_error_from_errno(errno);
        t->have = 0;
    }
    t->total = length >= 0 ? t->have + length : 0;
    // Goes on only with the same version of it; a weak name says nothing about bytes.
    char *path = tag_path(t->f);
    if (t->tag[0] && strncmp(t->tag, "W/", 2) != 0)
        ta_file_write_atomic(path, t->tag, strlen(t->tag), NULL);
    else
        unlink(path);
    free(path);
    return 0;
}

static size_t take(char *data, size_t size, size_t count, void *priv)
{
    struct transfer *t = priv;
    size_t n = size * count;
    if (!t->begun && (t->err = begin(t)) < 0)
        return 0;
    for (size_t done = 0; done < n;) {
        ssize_t w = write(t->fd, data + done, n - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0) {
            t->err = ta_error_from_errno(errno);
            return 0;
        }
        done += (size_t)w;
        t->have += w;
    }
    if (t->f->progress)
        t->f->progress(t->f->priv, t->have, t->total);
    return n;
}

static int on_progress(void *priv, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct transfer *t = priv;
    (void)a, (void)b, (void)c, (void)d;
    return t->f->canceled && t->f->canceled(t->f->priv);
}

// What a transfer that did not end well means; told.
static int judge(struct transfer *t, CURLcode code, bool refused, const char *text, struct ta_log *log)
{
    const char *address = t->f->address;
    long status = 0;
    curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_ABORTED_BY_CALLBACK)
        return TA_ERR_CANCELED;
    if (refused) {
        ta_error(log, "%s: %s", address, not_opened);
        return TA_ERR_ACCESS;
    }
    if (t->err < 0) {
        if (t->err != TA_ERR_UNSUPPORTED)
            ta_error(log, "%s: %s", address, ta_error_text(t->err));
        return t->err;
    }
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        bool later = status >= 500 || status == 408 || status == 429;
        ta_error(log, "%s: the server answers %ld", address, status);
        return later ? TA_ERR_BUSY : status == 404 || status == 410 ? TA_ERR_NOT_FOUND : TA_ERR_ACCESS;
    }
    ta_error(log, "%s: %s", address, *text ? text : curl_easy_strerror(code));
    return code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
                   code == CURLE_TOO_MANY_REDIRECTS
               ? TA_ERR_INVALID
           : code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST ? TA_ERR_CLOSED
                                                                                 : TA_ERR_BUSY;
}

static int transfer(struct transfer *t, const char *if_range, struct ta_log *log)
{
    char text[CURL_ERROR_SIZE] = "";
    bool refused = false;
    struct curl_slist *headers = NULL;
    CURL *c = t->curl;
    curl_easy_setopt(c, CURLOPT_URL, t->f->address);
    ta_address_guard(c, t->f->private_too, &refused);
    ta_download_schemes(c, t->f->address);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "terminalai/" TA_VERSION);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SECONDS);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, text);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    if (t->have > 0 && *if_range) {
        char *line = ta_xprintf("If-Range: %s", if_range);
        headers = curl_slist_append(NULL, line);
        free(line);
        line = ta_xprintf("%lld-", (long long)t->have);
        curl_easy_setopt(c, CURLOPT_RANGE, line);
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
        free(line);
    }
    CURLcode code = curl_easy_perform(c);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return judge(t, code, refused, text, log);
    if (!t->begun || !t->have) {
        ta_error(log, "%s: the server sends nothing", t->f->address);
        return TA_ERR_NOT_FOUND;
    }
    return 0;
}

// The extension of the address's path, when it is one of films; "" else.
static char *extension_of(const char *address)
{
    const char *path = strstr(address, "://");
    path = path ? path + 3 : address;
    char *plain = ta_xstrndup(path, strcspn(path, "?#"));
    const char *slash = strrchr(plain, '/');
    char *extension = ta_xstrdup(slash && ta_name_is_video(slash + 1) ? ta_path_extension(slash + 1) : "");
    free(plain);
    return extension;
}

static int fetch_file(struct ta_fetch *f, const char *extension, struct ta_log *log)
{
    char *part = ta_path_join(f->folder, "media.part"), *tag = tag_path(f);
    struct ta_buf version = {0};
    struct transfer t = {.f = f,
                         .start = -1,
                         .fd = open(part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666),
                         .curl = curl_easy_init()};
    int err = 0;
    if (t.fd < 0 || !t.curl) {
        err = t.fd < 0 ? ta_error_from_errno(errno) : TA_ERR_NOMEM;
        ta_error(log, "%s: %s", part, ta_error_text(err));
    } else {
        t.have = lseek(t.fd, 0, SEEK_END);
        ta_file_read(tag, TAG_MAX, &version, NULL);
        err = transfer(&t, ta_buf_text(&version), log);
    }
    curl_easy_cleanup(t.curl);
    if (t.fd >= 0)
        close(t.fd);
    if (!err) {
        char *name = ta_xprintf("media.%s", *extension ? extension : "bin");
        f->path = ta_path_join(f->folder, name);
        free(name);
        err = ta_file_commit(part, f->path, log);
        unlink(tag);
    }
    ta_buf_release(&version);
    free(part);
    free(tag);
    return err;
}

// ---- pages ----

struct page {
    struct ta_fetch *f;
    bool list, live;
    char *path, *title;
};

static const char
    look_video[] = "video:TA-FILM %(is_live)s %(live_status)s %(title)j",
    look_list[] = "playlist:TA-LIST",
    say_progress[] =
        "download:TA-BYTES %(progress.downloaded_bytes)s %(progress.total_bytes)s %(progress.total_bytes_estimate)s",
    say_end[] = "after_move:TA-DONE %(filepath)j";

static char *text_of_json(const char *text)
{
    json_t *o = json_loads(text, JSON_DECODE_ANY, NULL);
    char *out = json_is_string(o) ? ta_xstrdup(json_string_value(o)) : NULL;
    json_decref(o);
    return out;
}

static void on_line(void *priv, const char *line)
{
    struct page *p = priv;
    if (!strncmp(line, "TA-LIST", 7)) {
        p->list = true;
    } else if (!strncmp(line, "TA-FILM ", 8)) {
        const char *status = strchr(line + 8, ' '), *title = status ? strchr(status + 1, ' ') : NULL;
        p->live = !strncmp(line + 8, "True", 4) ||
                  (status && (!strncmp(status + 1, "is_live", 7) || !strncmp(status + 1, "is_upcoming", 11)));
        free(p->title);
        p->title = title ? text_of_json(title + 1) : NULL;
    } else if (!strncmp(line, "TA-DONE ", 8)) {
        free(p->path);
        p->path = text_of_json(line + 8);
    } else if (!strncmp(line, "TA-BYTES ", 9) && p->f->progress) {
        char *end;
        double bytes = strtod(line + 9, &end), total = strtod(end, &end); // "NA" is 0
        p->f->progress(p->f->priv, bytes > 0 && bytes < 1e18 ? (int64_t)bytes : 0,
                       total > 0 && total < 1e18 ? (int64_t)total : 0);
    }
}

static bool is_canceled(void *priv)
{
    const struct page *p = priv;
    return p->f->canceled && p->f->canceled(p->f->priv);
}

// Its last error, without what it puts in front.
static char *last_error(const struct ta_buf *said)
{
    const char *text = ta_buf_text(said), *found = text;
    for (const char *at; (at = strstr(found, "ERROR: "));)
        found = at + 7;
    return ta_xstrndup(found, strcspn(found, "\n"));
}

static int run(struct page *p, char *const *argv, struct ta_log *log)
{
    static const char *const passing[] = {"timed out", "Temporary failure", "HTTP Error 5", "HTTP Error 429",
                                          "Connection reset"};
    struct ta_buf said = {0};
    struct ta_program program = {.argv = argv,
                                 .dir = p->f->folder,
                                 .temporary = p->f->folder, // a yt-dlp in one file unpacks itself
                                 .line = on_line,
                                 .both = true,
                                 .canceled = is_canceled,
                                 .priv = p,
                                 .errors = &said};
    int status = ta_program_run(&program), err = TA_MIN(status, 0);
    if (status > 0) {
        char *why = last_error(&said);
        bool again = false;
        for (size_t i = 0; i < TA_COUNT(passing); i++)
            again = again || strstr(why, passing[i]);
        ta_error(log, "%s: yt-dlp: %s", p->f->address, *why ? why : "it failed without a word");
        err = again ? TA_ERR_BUSY : TA_ERR_UNSUPPORTED;
        free(why);
    }
    ta_buf_release(&said);
    return err;
}

static int fetch_page(struct ta_fetch *f, struct ta_log *log)
{
    struct page p = {.f = f};
    const char *look[] = {"yt-dlp",
                          "--ignore-config",
                          "--no-warnings",
                          "--flat-playlist",
                          "--no-playlist",
                          "--skip-download",
                          "--print",
                          look_video,
                          "--print",
                          look_list,
                          "--",
                          f->address,
                          NULL};
    const char *get[] = {"yt-dlp",         "--ignore-config",
                         "--no-warnings",  "--no-playlist",
                         "--newline",      "--progress",
                         "--no-simulate",  "--no-mtime",
                         "--continue",     "--no-exec",
                         "--no-cache-dir", "--progress-template",
                         say_progress,     "--print",
                         say_end,          "--paths",
                         f->folder,        "--output",
                         "media.%(ext)s",  "--",
                         f->address,       NULL};
    int err = 0;
    if (!f->private_too && ta_address_is_private(f->address)) {
        ta_error(log, "%s: %s", f->address, not_opened);
        err = TA_ERR_ACCESS;
    }
    if (!err)
        err = run(&p, (char *const *)(uintptr_t)look, log);
    if (!err && p.list) {
        ta_error(log, "%s: it is a list of films; submit the address of each", f->address);
        err = TA_ERR_UNSUPPORTED;
    } else if (!err && p.live) {
        ta_error(log, "%s: it is a live stream, which has no end; submit it when it is over", f->address);
        err = TA_ERR_UNSUPPORTED;
    }
    if (!err)
        err = run(&p, (char *const *)(uintptr_t)get, log);
    // Only what lies in the folder is taken.
    struct stat st;
    char *name = p.path ? ta_path_join(f->folder, ta_path_name(p.path)) : NULL;
    if (!err && (!name || lstat(name, &st) < 0 || !S_ISREG(st.st_mode))) {
        ta_error(log, "%s: yt-dlp has ended without a file", f->address);
        err = TA_ERR_NOT_FOUND;
    }
    if (!err) {
        f->path = ta_xstrdup(name);
        f->title = ta_xstrndup(p.title ? p.title : "", TITLE_MAX);
        for (size_t n = strlen(f->title);
             n && ((unsigned char)f->title[n - 1] & 0xc0) == 0x80 && n >= TITLE_MAX - 4; n--)
            f->title[n - 1] = '\0'; // not within a character
    }
    free(name);
    free(p.path);
    free(p.title);
    return err;
}

int ta_fetch(struct ta_fetch *f, struct ta_log *log)
{
    char *extension = extension_of(f->address), *inside = ta_path_join(f->folder, "x");
    f->path = f->title = NULL;
    int err = ta_dir_create_above(inside, 0700, log);
    bool page = !*extension && ta_program_exists("yt-dlp");
    if (!err && page)
        err = fetch_page(f, log);
    else if (!err) {
        err = fetch_file(f, extension, log);
        if (err == TA_ERR_UNSUPPORTED && ta_program_exists("yt-dlp"))
            err = fetch_page(f, log);
        else if (err == TA_ERR_UNSUPPORTED)
            ta_error(log, "%s: it is a page, not a film; yt-dlp gets films of pages, and is not installed",
                     f->address);
    }
    if (!err && !f->title)
        f->title = ta_xstrdup("");
    free(inside);
    free(extension);
    return err;
}
