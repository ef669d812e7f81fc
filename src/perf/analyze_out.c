// What the analyser found, for people and for programs.
#include <stdlib.h>
#include <string.h>

#include <terminalai/terminalai.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/sha256.h"
#include "base/tree.h"
#include "base/words.h"
#include "perf/analyze.h"

// Below the root, by the shorter name.
static const char *short_name(const struct ta_analysis *a, const char *file)
{
    size_t n = strlen(a->root);
    if (strncmp(file, a->root, n) != 0 || file[n] != '/')
        return !strcmp(file, a->root) ? ta_path_name(file) : file;
    return file + n + 1;
}

static int suppressed_count(const struct ta_analysis *a)
{
    int n = 0;
    for (int i = 0; i < a->findings.count; i++)
        n += a->findings.items[i].reason != NULL;
    return n;
}

static void append_summary(const struct ta_analysis *a, struct ta_buf *out)
{
    int open = ta_analysis_count(a, TA_WEIGHT_LOW), above = 0;
    ta_buf_puts(out, "Optimization plan: ");
    ta_buf_name(out, a->root);
    ta_buf_printf(out, "\n%d %s of C, %d read now, the others as they were; by %s\n", a->files,
                  ta_plural(a->files, "file", "files"), a->read, a->clang);
    ta_buf_printf(out, "%d %s", open, ta_plural(open, "finding", "findings"));
    for (int s = TA_WEIGHT_COUNT - 1; s >= 0; s--) {
        int n = ta_analysis_count(a, (enum ta_weight)s) - above;
        above += n;
        ta_buf_printf(out, "%s%d %s", s == TA_WEIGHT_COUNT - 1 ? ": " : ", ", n, ta_weight_names[s]);
    }
    ta_buf_printf(out, "; %d let be with a reason\n", suppressed_count(a));
}

static void append_finding(const struct ta_analysis *a, const struct ta_finding *f, struct ta_buf *out)
{
    ta_buf_puts(out, "\n");
    ta_buf_name(out, short_name(a, f->file));
    ta_buf_printf(out, ":%d:%d: %s, %s, in %s()\n    ", f->line, f->column, f->rule->id, f->rule->category,
                  f->function);
    ta_buf_visible(out, f->message, false);
    ta_buf_printf(out, "\n    why: %s\n    do: %s\n", f->rule->why, f->rule->advice);
    if (f->unreasoned)
        ta_buf_puts(out, "    a perf-ok() without a reason stands there, and does not count\n");
}

char *ta_analysis_text(const struct ta_analysis *a)
{
    struct ta_buf out = {0};
    append_summary(a, &out);
    for (int s = TA_WEIGHT_COUNT - 1; s >= 0; s--) {
        bool any = false;
        for (int i = 0; i < a->findings.count; i++) {
            const struct ta_finding *f = &a->findings.items[i];
            if (f->reason || (int)f->severity != s)
                continue;
            if (!any)
                ta_buf_printf(&out, "\n== %s ==\n", ta_weight_names[s]);
            any = true;
            append_finding(a, f, &out);
        }
    }
    if (suppressed_count(a))
        ta_buf_puts(&out, "\n== let be ==\n\n");
    for (int i = 0; i < a->findings.count; i++) {
        const struct ta_finding *f = &a->findings.items[i];
        if (!f->reason)
            continue;
        ta_buf_name(&out, short_name(a, f->file));
        ta_buf_printf(&out, ":%d: %s: ", f->line, f->rule->id);
        ta_buf_visible(&out, f->reason, false);
        ta_buf_putc(&out, '\n');
    }
    if (json_array_size(a->errors))
        ta_buf_puts(&out, "\n== not read as a whole ==\n\n");
    size_t i;
    const json_t *e;
    json_array_foreach(a->errors, i, e)
    {
        ta_buf_name(&out, short_name(a, ta_json_member_text(e, "file")));
        ta_buf_puts(&out, ": ");
        ta_buf_visible(&out, ta_json_member_text(e, "first"), false);
        ta_buf_putc(&out, '\n');
    }
    return ta_buf_take(&out);
}

static json_t *finding_json(const struct ta_analysis *a, const struct ta_finding *f)
{
    return json_pack("{s:s,s:s,s:s,s:o,s:i,s:i,s:s,s:o,s:s,s:s,s:o}", "rule", f->rule->id, "severity",
                     ta_weight_names[f->severity], "category", f->rule->category, "file",
                     ta_json_any_text(short_name(a, f->file)), "line", f->line, "column", f->column,
                     "function", f->function, "message", ta_json_any_text(f->message), "why", f->rule->why,
                     "advice", f->rule->advice, "suppressed",
                     f->reason ? ta_json_any_text(f->reason) : json_null());
}

json_t *ta_analysis_json(const struct ta_analysis *a)
{
    json_t *list = json_array(), *counts = json_object();
    int above = 0;
    for (int i = 0; i < a->findings.count; i++)
        json_array_append_new(list, finding_json(a, &a->findings.items[i]));
    for (int s = TA_WEIGHT_COUNT - 1; s >= 0; s--) {
        int n = ta_analysis_count(a, (enum ta_weight)s) - above;
        above += n;
        json_object_set_new(counts, ta_weight_names[s], json_integer(n));
    }
    json_object_set_new(counts, "suppressed", json_integer(suppressed_count(a)));
    return json_pack("{s:i,s:s,s:s,s:o,s:i,s:i,s:o,s:O,s:o}", "version", 1, "program", ta_version(), "clang",
                     a->clang, "root", ta_json_any_text(a->root), "files", a->files, "read", a->read,
                     "counts", counts, "errors", a->errors, "findings", list);
}

// A path as a part of a URI: RFC 3986.
static json_t *uri(const char *begin, const char *path, const char *end)
{
    struct ta_buf out = {0};
    ta_buf_puts(&out, begin);
    for (const char *p = path; *p; p++) {
        unsigned char c = (unsigned char)*p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~/", c);
        if (plain)
            ta_buf_putc(&out, (char)c);
        else
            ta_buf_printf(&out, "%%%02X", c);
    }
    ta_buf_puts(&out, end);
    json_t *text = json_string(ta_buf_text(&out));
    ta_buf_release(&out);
    return text;
}

static const char *level_of(enum ta_weight s)
{
    return s >= TA_WEIGHT_HIGH ? "error" : s == TA_WEIGHT_MEDIUM ? "warning" : "note";
}

static json_t *rule_sarif(const struct ta_rule *r)
{
    char *full = ta_xprintf("What it finds %s: %s.", r->what, r->why),
         *help = ta_xprintf("To do: %s.", r->advice);
    json_t *o = json_pack("{s:s,s:{s:s},s:{s:s},s:{s:s},s:{s:s},s:{s:[s,s],s:s}}", "id", r->id,
                          "shortDescription", "text", r->what, "fullDescription", "text", full, "help",
                          "text", help, "defaultConfiguration", "level", level_of(r->severity), "properties",
                          "tags", "performance", r->category, "severity", ta_weight_names[r->severity]);
    free(help);
    free(full);
    return o;
}

// The same finding has the same print when lines above it come and go.
static json_t *print_of(const struct ta_analysis *a, const struct ta_finding *f)
{
    char sum[TA_SHA256_HEX];
    int nth = 0;
    for (const struct ta_finding *g = a->findings.items; g < f; g++)
        nth += g->rule == f->rule && !strcmp(g->file, f->file) && !strcmp(g->function, f->function);
    char *text = ta_xprintf("%s\n%s\n%s\n%d", f->rule->id, short_name(a, f->file), f->function, nth);
    ta_sha256_hex(text, strlen(text), sum);
    free(text);
    return json_string(sum);
}

static json_t *result_sarif(const struct ta_analysis *a, const struct ta_finding *f)
{
    const char *name = short_name(a, f->file);
    json_t *artifact = *name == '/'
                           ? json_pack("{s:o}", "uri", uri("file://", name, ""))
                           : json_pack("{s:o,s:s}", "uri", uri("", name, ""), "uriBaseId", "SRCROOT");
    json_t *place = json_pack("{s:{s:o,s:{s:i,s:i}},s:[{s:s,s:s}]}", "physicalLocation", "artifactLocation",
                              artifact, "region", "startLine", TA_MAX(f->line, 1), "startColumn",
                              TA_MAX(f->column, 1), "logicalLocations", "name", f->function, "kind",
                              "function");
    json_t *o = json_pack("{s:s,s:i,s:s,s:{s:o},s:[o],s:{s:o},s:{s:s,s:s}}", "ruleId", f->rule->id,
                          "ruleIndex", (int)(f->rule - ta_rules), "level", level_of(f->severity), "message",
                          "text", ta_json_any_text(f->message), "locations", place, "partialFingerprints",
                          "ruleFileFunction/v1", print_of(a, f), "properties", "severity",
                          ta_weight_names[f->severity], "advice", f->rule->advice);
    if (f->reason)
        json_object_set_new(
            o, "suppressions",
            json_pack("[{s:s,s:o}]", "kind", "inSource", "justification", ta_json_any_text(f->reason)));
    return o;
}

json_t *ta_analysis_sarif(const struct ta_analysis *a)
{
    json_t *rules = json_array(), *results = json_array(), *notes = json_array();
    const json_t *e;
    size_t k;
    for (const struct ta_rule *r = ta_rules; r->id; r++)
        json_array_append_new(rules, rule_sarif(r));
    for (int i = 0; i < a->findings.count; i++)
        json_array_append_new(results, result_sarif(a, &a->findings.items[i]));
    json_array_foreach(a->errors, k, e)
        json_array_append_new(notes, json_pack("{s:s,s:{s:s}}", "level", "warning", "message", "text",
                                               ta_json_member_text(e, "first")));
    char *folder = ta_path_dir(a->root);
    json_t *root = uri(
        "file://", a->findings.count && !strcmp(a->findings.items[0].file, a->root) ? folder : a->root, "/");
    free(folder);
    json_t *driver = json_pack("{s:s,s:s,s:o}", "name", "terminalai perf analyze", "version", ta_version(),
                               "rules", rules);
    json_t *run = json_pack("{s:{s:o},s:{s:{s:o}},s:s,s:[{s:b,s:o}],s:o}", "tool", "driver", driver,
                            "originalUriBaseIds", "SRCROOT", "uri", root, "columnKind", "utf16CodeUnits",
                            "invocations", "executionSuccessful", 1, "toolExecutionNotifications", notes,
                            "results", results);
    return json_pack("{s:s,s:s,s:[o]}", "$schema", "https://json.schemastore.org/sarif-2.1.0.json", "version",
                     "2.1.0", "runs", run);
}

char *ta_rules_text(void)
{
    struct ta_buf out = {0};
    for (const struct ta_rule *r = ta_rules; r->id; r++)
        ta_buf_printf(&out, "%s (%s, %s)\n    what %s: %s\n    do: %s\n", r->id, ta_weight_names[r->severity],
                      r->category, r->what, r->why, r->advice);
    return ta_buf_take(&out);
}

static int write_json(const char *path, json_t *root, struct ta_log *log)
{
    char *text = ta_json_text(root);
    int err = ta_file_write_atomic(path, text, strlen(text), log);
    free(text);
    json_decref(root);
    return err;
}

int ta_analysis_write(const struct ta_analysis *a, const char *output, struct ta_log *log)
{
    const char *extension = ta_path_extension(output);
    char *dir = ta_path_dir(output), *stem = ta_path_stem(output), *base = ta_path_join(dir, stem);
    bool data = !strcmp(extension, "json") || !strcmp(extension, "sarif");
    char *text_file = data ? ta_xprintf("%s.txt", base) : ta_xstrdup(output);
    char *json_file = ta_xprintf("%s.json", base), *sarif_file = ta_xprintf("%s.sarif", base);
    char *text = ta_analysis_text(a);
    int err = ta_file_write_atomic(text_file, text, strlen(text), log);
    if (err >= 0)
        err = write_json(json_file, ta_analysis_json(a), log);
    if (err >= 0)
        err = write_json(sarif_file, ta_analysis_sarif(a), log);
    free(text);
    free(sarif_file);
    free(json_file);
    free(text_file);
    free(base);
    free(stem);
    free(dir);
    return err;
}
