#include "server/pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "server/http.h"
#include "server/routes.h"

// Nothing but the page's own files: no other host, nothing in line, no frames.
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
                             "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
                             "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'";

static const char without[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>TerminalAI</title>"
    "<p>This program was built without its page. The queue is there: <code>terminalai submit</code> and "
    "<code>terminalai jobs</code> in a shell, and "
    "<a href=\"/api/v1/openapi.json\">/api/v1</a> for programs.</p></html>\n";

// Is this coding among those that the client takes ("br;q=0" is not)?
static bool takes(const struct ta_request *r, const char *coding)
{
    const char *list = ta_request_header(r, "Accept-Encoding");
    size_t n = strlen(coding);
    for (const char *at = list; at && (at = strstr(at, coding)); at += n) {
        if (at > list && !strchr(", \t", at[-1]))
            continue;
        const char *end = at + n + strspn(at + n, " \t");
        if (!*end || *end == ',')
            return true;
        const char *q = *end == ';' ? strstr(end, "q=") : NULL;
        if (q && strtod(q + 2, NULL) > 0)
            return true;
    }
    return false;
}

static void reply_bytes(struct ta_request *r, const struct ta_page_file *f, const void *data, size_t size)
{
    r->status = 200;
    r->blob = ta_blob_static(data, size, f->type, f->hash);
}

static const struct ta_page_file *find(const char *path)
{
    for (const struct ta_page_file *f = ta_page_files; f->path; f++)
        if (!strcmp(f->path, path))
            return f;
    return NULL;
}

void ta_route_page(struct ta_request *r)
{
    char *path = ta_xprintf("/%s", r->verb ? r->verb : "");
    // The page itself knows the ways to follow; which one, it is told by its address.
    if (r->config->page_asks && !strcmp(path, "/") && !ta_request_query(r, "follow")) {
        r->status = 302;
        r->blob = ta_blob_static("", 0, "text/plain; charset=utf-8", "follow");
        ta_request_set_header(r, "Location", "/?follow=before");
        free(path);
        return;
    }
    const struct ta_page_file *f = find(path);
    if (!f && !ta_page_files[0].path && !strcmp(path, "/")) {
        static const struct ta_page_file page = {.type = "text/html; charset=utf-8", .hash = "without"};
        reply_bytes(r, &page, without, sizeof(without) - 1);
    } else if (!f) {
        ta_request_problem(r, 404, "not-found", "there is nothing at %s", path);
    } else if (f->brotli_size && takes(r, "br")) {
        reply_bytes(r, f, f->brotli, f->brotli_size);
        ta_request_set_header(r, "Content-Encoding", "br");
    } else if (f->gzip_size && takes(r, "gzip")) {
        reply_bytes(r, f, f->gzip, f->gzip_size);
        ta_request_set_header(r, "Content-Encoding", "gzip");
    } else {
        reply_bytes(r, f, f->plain, f->plain_size);
    }
    if (f && r->status == 200) {
        r->cache = f->lasting ? "public, max-age=31536000, immutable" : "no-cache";
        ta_request_set_header(r, "Vary", "Accept-Encoding");
    }
    ta_request_set_header(r, "Content-Security-Policy", policy);
    ta_request_set_header(r, "X-Frame-Options", "DENY");
    ta_request_set_header(r, "Cross-Origin-Opener-Policy", "same-origin");
    free(path);
}
