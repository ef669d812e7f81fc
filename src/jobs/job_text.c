// A job in the words of the API: written straight into text, since lists of a thousand jobs are asked for
// many times a second.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "jobs/job.h"

static void put_text(struct ta_buf *out, const char *text)
{
    ta_buf_putc(out, '"');
    for (const char *c = text; *c;) {
        size_t plain = 0, n;
        while ((unsigned char)c[plain] >= 0x20 && (unsigned char)c[plain] < 0x7f && c[plain] != '"' &&
               c[plain] != '\\')
            plain++;
        ta_buf_append(out, c, plain);
        c += plain;
        if (!*c)
            break;
        n = ta_utf8_length(c);
        if (*c == '"' || *c == '\\')
            ta_buf_append(out, (const char[]){'\\', *c}, 2);
        else if ((unsigned char)*c < 0x20)
            ta_buf_printf(out, "\\u%04x", (unsigned)*c);
        else if (n)
            ta_buf_append(out, c, n);
        else
            ta_buf_puts(out, "\xef\xbf\xbd"); // as ta_json_any_text() has it
        c += n ? n : 1;
    }
    ta_buf_putc(out, '"');
}

static void put_member(struct ta_buf *out, const char *key, const char *text)
{
    ta_buf_puts(out, key);
    put_text(out, text);
}

// Written by hand: printf() took most of the time of a list.
static char *digits_of(uint64_t value, char *end)
{
    do
        *--end = (char)('0' + value % 10);
    while (value /= 10);
    return end;
}

static void put_whole(struct ta_buf *out, const char *key, int64_t value)
{
    char text[24], *end = text + sizeof(text);
    char *at = digits_of(value < 0 ? 0 - (uint64_t)value : (uint64_t)value, end);
    if (value < 0)
        *--at = '-';
    ta_buf_puts(out, key);
    ta_buf_append(out, at, (size_t)(end - at));
}

// To a millionth, which is more than a share or a time of a job needs. What is no number is 0.
static void put_real(struct ta_buf *out, const char *key, double value)
{
    enum { PARTS = 1000000 };
    double size = isfinite(value) ? fmin(fabs(value), 9e12) : 0;
    uint64_t parts = (uint64_t)(size * PARTS + 0.5);
    char text[40], *end = text + sizeof(text);
    char *at = digits_of(parts % PARTS + PARTS, end); // with a 1 in the place of the point: no zero is lost
    while (end - at > 2 && end[-1] == '0')
        end--;
    *at = '.';
    at = digits_of(parts / PARTS, at);
    if (value < 0 && parts)
        *--at = '-';
    ta_buf_puts(out, key);
    ta_buf_append(out, at, (size_t)(end - at));
}

// A place between others: exactly, since they may lie close together.
static void put_exactly(struct ta_buf *out, const char *key, double value)
{
    char text[40];
    if (!isfinite(value) || (value == trunc(value) && fabs(value) < 9e12)) {
        put_real(out, key, value);
        return;
    }
    snprintf(text, sizeof(text), "%.17g", value);
    for (char *c = text; *c; c++) // whatever the locale has for it
        *c = *c == ',' ? '.' : *c;
    ta_buf_puts(out, key);
    ta_buf_puts(out, text);
}

void ta_job_progress_text(struct ta_buf *out, const struct ta_job_progress *p, int64_t id)
{
    put_member(out, "{\"phase\":", p->phase);
    put_real(out, ",\"fraction\":", p->fraction);
    put_real(out, ",\"total\":", p->total);
    put_whole(out, ",\"frames_done\":", p->frames_done);
    put_whole(out, ",\"frames_total\":", p->frames_total);
    put_real(out, ",\"fps\":", p->fps);
    put_real(out, ",\"elapsed\":", p->elapsed);
    put_real(out, ",\"eta\":", p->eta);
    put_whole(out, ",\"bytes\":", p->bytes);
    put_whole(out, ",\"segments_done\":", p->segments_done);
    put_whole(out, ",\"segments_total\":", p->segments_total);
    put_whole(out, ",\"tasks_done\":", p->tasks_done);
    put_whole(out, ",\"tasks_total\":", p->tasks_total);
    put_member(out, ",\"kind\":", p->kind);
    put_member(out, ",\"stage\":", p->stage);
    put_whole(out, ",\"rss\":", p->rss);
    if (id)
        put_whole(out, ",\"id\":", id);
    ta_buf_putc(out, '}');
}

void ta_job_text(struct ta_buf *out, const struct ta_job *j)
{
    put_whole(out, "{\"id\":", j->id);
    put_member(out, ",\"state\":", ta_job_state_name(j->state));
    put_member(out, ",\"wish\":", ta_job_wish_name(j->wish));
    put_whole(out, ",\"priority\":", j->priority);
    put_exactly(out, ",\"position\":", j->position);
    put_member(out, ",\"input\":", j->input);
    put_member(out, ",\"output\":", j->output);
    put_member(out, ",\"batch\":", j->batch);
    put_member(out, ",\"reason\":", j->reason);
    put_whole(out, ",\"attempt\":", j->attempt);
    put_whole(out, ",\"created_ms\":", j->created_ms);
    put_whole(out, ",\"changed_ms\":", j->changed_ms);
    put_whole(out, ",\"not_before_ms\":", j->not_before_ms);
    put_whole(out, ",\"warnings\":", j->warnings);
    put_member(out, ",\"title\":", j->title);
    ta_buf_puts(out, ",\"options\":");
    ta_buf_puts(out, j->options);
    ta_buf_puts(out, ",\"progress\":");
    ta_job_progress_text(out, &j->progress, 0);
    ta_buf_puts(out, ",\"result\":");
    ta_buf_puts(out, j->result);
    ta_buf_putc(out, '}');
}

json_t *ta_job_json(const struct ta_job *job)
{
    struct ta_buf text = {0};
    ta_job_text(&text, job);
    json_t *o = json_loadb(ta_buf_text(&text), text.size, 0, NULL);
    ta_buf_release(&text);
    return o ? o : json_object();
}
