#include "base/words.h"
#include "jobs/notice.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <terminalai/terminalai.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"
#include "base/tree.h"
#include "base/utf8.h"

// What Discord and Slack take at most, in characters; and the colours of what went well, went wrong, and of
// the queue.
enum { TITLE_MAX = 250, FIELD_MAX = 1024, FIELDS = 9 };
enum { COLOUR_DONE = 3066993, COLOUR_FAILED = 15158332, COLOUR_QUEUE = 3447003 };

json_t *ta_notice_create(enum ta_notice_event event, int64_t time_ms, json_t *about)
{
    json_t *o = json_pack("{s:s, s:I}", "event", ta_notice_event_name(event), "time_ms", (json_int_t)time_ms);
    if (about)
        json_object_set_new(o, event == TA_NOTICE_ALERT ? "alert" : "job", about);
    return o;
}

static const json_t *job_of(const json_t *notice)
{
    return json_object_get(notice, "job");
}

static bool is(const json_t *notice, const char *event)
{
    return !strcmp(ta_json_member_text(notice, "event"), event);
}

// What a person calls the job's input: the title of what was downloaded, else the name of the file.
static char *file_of(const json_t *notice)
{
    const json_t *job = job_of(notice);
    const char *title = ta_json_member_text(job, "title"), *input = ta_json_member_text(job, "input");
    return ta_xstrdup(*title ? title : strstr(input, "://") ? input : ta_path_name(input));
}

char *ta_notice_title(const json_t *notice)
{
    const char *event = ta_json_member_text(notice, "event");
    char *file = file_of(notice), *title;
    int64_t warnings = json_integer_value(json_object_get(job_of(notice), "warnings"));
    if (!strcmp(event, "done"))
        title = ta_xprintf(warnings ? "Restored with warnings: %s" : "Restored: %s", file);
    else if (!strcmp(event, "failed"))
        title = ta_xprintf("Failed: %s", file);
    else if (!strcmp(event, "empty"))
        title = ta_xstrdup("The queue is empty");
    else if (!strcmp(event, "alert"))
        title = ta_xstrdup(ta_json_member_text(json_object_get(notice, "alert"), "title"));
    else
        title = ta_xstrdup("A test");
    free(file);
    return title;
}

// ---- fields ----

struct field {
    const char *name;
    char *value;
};

static char *bytes_text(int64_t bytes)
{
    char text[TA_BYTES_TEXT];
    return ta_xstrdup(ta_bytes_text(bytes, text));
}

static char *duration_text(double seconds)
{
    int64_t s = (int64_t)(seconds + 0.5);
    return s >= 3600 ? ta_xprintf("%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60))
                     : ta_xprintf("%d:%02d", (int)(s / 60), (int)(s % 60));
}

static char *input_size(const json_t *job)
{
    struct stat st;
    const char *source = ta_json_member_text(job, "source"), *input = ta_json_member_text(job, "input");
    return stat(*source ? source : input, &st) == 0 ? bytes_text(st.st_size) : NULL;
}

// Those that apply, with values to be freed; the count.
static int fields_of(const json_t *notice, struct field out[FIELDS])
{
    const json_t *job = job_of(notice), *result = json_object_get(job, "result"),
                 *options = json_object_get(job, "options"), *number;
    int count = 0;
    if (!job)
        return 0;
    out[count++] = (struct field){"File", file_of(notice)};
    out[count++] = (struct field){"Status", ta_xstrdup(ta_json_member_text(job, "state"))};
    if ((number = json_object_get(result, "wall_seconds")))
        out[count++] = (struct field){"Duration", duration_text(json_number_value(number))};
    if ((number = json_object_get(result, "width")))
        out[count++] = (struct field){"Resolution",
                                      ta_xprintf("%" JSON_INTEGER_FORMAT "x%" JSON_INTEGER_FORMAT,
                                                 json_integer_value(number),
                                                 json_integer_value(json_object_get(result, "height")))};
    const char *preset = ta_json_member_text(options, "preset");
    out[count++] = (struct field){"Preset", ta_xstrdup(*preset ? preset : "default")};
    char *size = input_size(job);
    if (size)
        out[count++] = (struct field){"Source size", size};
    if ((number = json_object_get(result, "bytes")))
        out[count++] = (struct field){"Output size", bytes_text(json_integer_value(number))};
    if (is(notice, "failed") && *ta_json_member_text(job, "reason"))
        out[count++] = (struct field){"Error", ta_xstrdup(ta_json_member_text(job, "reason"))};
    else if (is(notice, "done"))
        out[count++] = (struct field){"Output", ta_xstrdup(ta_json_member_text(job, "output"))};
    return count;
}

char *ta_notice_text(const json_t *notice)
{
    struct field fields[FIELDS];
    struct ta_buf out = {0};
    int count = fields_of(notice, fields);
    for (int i = 0; i < count; i++) {
        ta_buf_printf(&out, "%s%s: ", i ? "\n" : "", fields[i].name);
        ta_buf_visible(&out, fields[i].value, false);
        free(fields[i].value);
    }
    if (is(notice, "alert"))
        ta_buf_puts(&out, ta_json_member_text(json_object_get(notice, "alert"), "text"));
    else if (is(notice, "empty"))
        ta_buf_puts(&out, "All jobs have ended.");
    else if (is(notice, "test"))
        ta_buf_puts(&out, "Notifications of terminalai arrive here.");
    return ta_buf_take(&out);
}

// ---- chats ----

// At most so many characters, with what would be markup there made plain.
static char *plain(const char *text, size_t max, const char *markup)
{
    struct ta_buf visible = {0}, out = {0};
    size_t count = 0;
    ta_buf_visible(&visible, text, false);
    for (const char *c = ta_buf_text(&visible); *c; c++) {
        if (((unsigned char)*c & 0xc0) == 0x80) { // goes on with a character
            ta_buf_putc(&out, *c);
            continue;
        }
        if (count + 3 > max && strlen(c) > 3) {
            ta_buf_puts(&out, "...");
            // What goes on with the last character was taken with it.
            break;
        }
        bool special = strchr(markup, *c) != NULL;
        if (special)
            ta_buf_putc(&out, '\\');
        ta_buf_putc(&out, *c);
        count += special ? 2 : 1;
    }
    ta_buf_release(&visible);
    return ta_buf_take(&out);
}

static int colour_of(const json_t *notice)
{
    return is(notice, "done")                            ? COLOUR_DONE
           : is(notice, "failed") || is(notice, "alert") ? COLOUR_FAILED
                                                         : COLOUR_QUEUE;
}

static char *iso_time(const json_t *notice)
{
    char text[TA_UTC_TEXT];
    ta_utc_text(json_integer_value(json_object_get(notice, "time_ms")) / 1000, text);
    return ta_xstrdup(text);
}

static void set_text(json_t *o, const char *key, char *text)
{
    json_object_set_new(o, key, ta_json_any_text(text));
    free(text);
}

char *ta_notice_discord(const json_t *notice)
{
    static const char markup[] = "\\*_~`|<>[]#";
    struct field fields[FIELDS];
    json_t *embed = json_object(), *list = json_array();
    int count = fields_of(notice, fields);
    char *title = ta_notice_title(notice), *text = ta_notice_text(notice);
    set_text(embed, "title", plain(title, TITLE_MAX, markup));
    if (!count)
        set_text(embed, "description", plain(text, FIELD_MAX, markup));
    json_object_set_new(embed, "color", json_integer(colour_of(notice)));
    set_text(embed, "timestamp", iso_time(notice));
    for (int i = 0; i < count; i++) {
        json_t *field = json_pack("{s:s, s:b}", "name", fields[i].name, "inline",
                                  i > 0 && strcmp(fields[i].name, "Error") &&
                                      strcmp(fields[i].name, "Output"));
        set_text(field, "value", plain(fields[i].value, FIELD_MAX, markup));
        json_array_append_new(list, field);
        free(fields[i].value);
    }
    json_object_set_new(embed, "fields", list);
    // A file that is called "@everyone" calls nobody.
    json_t *body = json_pack("{s:s, s:[o], s:{s:[]}}", "username", "terminalai", "embeds", embed,
                             "allowed_mentions", "parse");
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    free(title);
    free(text);
    return out;
}

// Slack's three characters.
static char *slack_text(const char *text, size_t max)
{
    struct ta_buf out = {0};
    char *cut = plain(text, max, "");
    for (const char *c = cut; *c; c++)
        if (*c == '&')
            ta_buf_puts(&out, "&amp;");
        else if (*c == '<')
            ta_buf_puts(&out, "&lt;");
        else if (*c == '>')
            ta_buf_puts(&out, "&gt;");
        else
            ta_buf_putc(&out, *c);
    free(cut);
    return ta_buf_take(&out);
}

char *ta_notice_slack(const json_t *notice)
{
    struct field fields[FIELDS];
    json_t *list = json_array();
    int count = fields_of(notice, fields);
    char *title = ta_notice_title(notice), *text = ta_notice_text(notice);
    json_t *attachment = json_object();
    char *colour = ta_xprintf("#%06X", (unsigned)colour_of(notice));
    set_text(attachment, "color", colour);
    set_text(attachment, "fallback", slack_text(title, TITLE_MAX));
    set_text(attachment, "title", slack_text(title, TITLE_MAX));
    if (!count)
        set_text(attachment, "text", slack_text(text, FIELD_MAX));
    for (int i = 0; i < count; i++) {
        json_t *field = json_pack("{s:s, s:b}", "title", fields[i].name, "short",
                                  i > 0 && strcmp(fields[i].name, "Error") &&
                                      strcmp(fields[i].name, "Output"));
        set_text(field, "value", slack_text(fields[i].value, FIELD_MAX));
        json_array_append_new(list, field);
        free(fields[i].value);
    }
    json_object_set_new(attachment, "fields", list);
    json_object_set_new(attachment, "ts",
                        json_integer(json_integer_value(json_object_get(notice, "time_ms")) / 1000));
    json_t *body = json_pack("{s:[o]}", "attachments", attachment);
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    free(title);
    free(text);
    return out;
}

char *ta_notice_webhook(const json_t *notice, int64_t id)
{
    json_t *body = json_pack("{s:i, s:I}", "v", 1, "id", (json_int_t)id);
    json_object_update(body, (json_t *)notice);
    set_text(body, "title", ta_notice_title(notice));
    set_text(body, "text", ta_notice_text(notice));
    char *out = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return out;
}

// ---- mail ----

static void base64(struct ta_buf *out, const char *data, size_t size, int line)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *d = (const unsigned char *)data;
    for (size_t i = 0; i < size; i += 3) {
        unsigned v = (unsigned)d[i] << 16 | (i + 1 < size ? (unsigned)d[i + 1] << 8 : 0) |
                     (i + 2 < size ? d[i + 2] : 0u);
        const char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < size ? digits[v >> 6 & 63] : '=',
                              i + 2 < size ? digits[v & 63] : '='};
        ta_buf_append(out, four, 4);
        if (line && (i / 3 + 1) * 4 % (size_t)line == 0)
            ta_buf_puts(out, "\r\n");
    }
}

// A header's text as words that hold any character (RFC 2047), at most 42 bytes in each.
static void header_words(struct ta_buf *out, const char *text)
{
    for (size_t n; *text; text += n) {
        n = TA_MIN(strlen(text), (size_t)42);
        while (text[n] && n > 1 && ((unsigned char)text[n] & 0xc0) == 0x80) // not within a character
            n--;
        ta_buf_puts(out, "=?UTF-8?B?");
        base64(out, text, n, 0);
        ta_buf_puts(out, text[n] ? "?=\r\n " : "?=");
    }
}

char *ta_notice_mail(const json_t *notice, int64_t id, const char *from, const char *to, const char *host)
{
    struct ta_buf out = {0}, words = {0};
    char date[64] = "", *title = ta_notice_title(notice), *text = ta_notice_text(notice),
         *cut = plain(title, TITLE_MAX, "");
    int64_t time_ms = json_integer_value(json_object_get(notice, "time_ms"));
    time_t seconds = (time_t)(time_ms / 1000);
    struct tm parts;
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"},
                             *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    if (gmtime_r(&seconds, &parts)) // strftime speaks the user's language
        snprintf(date, sizeof(date), "%s, %02d %s %d %02d:%02d:%02d +0000", days[parts.tm_wday],
                 parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                 parts.tm_sec);
    ta_buf_printf(&out, "Date: %s\r\nFrom: terminalai <%s>\r\nTo: %s\r\nSubject: ", date, from, to);
    header_words(&out, cut);
    ta_buf_printf(&out,
                  "\r\nMessage-ID: <%" PRId64 ".%" PRId64
                  "@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                  "Content-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                  id, time_ms, host);
    ta_buf_printf(&words, "%s\n\n%s\n", cut, text);
    base64(&out, words.data, words.size, 76);
    ta_buf_puts(&out, "\r\n");
    ta_buf_release(&words);
    free(cut);
    free(title);
    free(text);
    return ta_buf_take(&out);
}

// ---- commands ----

char *ta_notice_argument(const json_t *notice, const char *argument)
{
    static const char *const names[] = {"{title}", "{text}", "{event}", "{file}", "{output}"};
    char *values[] = {ta_notice_title(notice), ta_notice_text(notice),
                      ta_xstrdup(ta_json_member_text(notice, "event")), file_of(notice),
                      ta_xstrdup(ta_json_member_text(job_of(notice), "output"))};
    struct ta_buf out = {0};
    while (*argument) {
        size_t found = TA_COUNT(names);
        for (size_t i = 0; i < TA_COUNT(names); i++)
            if (!strncmp(argument, names[i], strlen(names[i])))
                found = i;
        if (found == TA_COUNT(names))
            ta_buf_putc(&out, *argument++);
        else {
            ta_buf_puts(&out, values[found]);
            argument += strlen(names[found]);
        }
    }
    for (size_t i = 0; i < TA_COUNT(values); i++)
        free(values[i]);
    return ta_buf_take(&out);
}
