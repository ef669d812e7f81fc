#include "media/structure.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/mem.h"
#include "media/av.h"
#include "media/structure/walk.h"

#define LITTLE_BYTES 4096 // read at a time where only heads are looked at
#define STRIDES 1024      // packets of one size that are passed over before another place is looked for
#define TAIL_BYTES 64     // so little behind the last unit is no loss

const uint8_t *ta_walk_look(struct ta_walk *w, int64_t at, int64_t count)
{
    if (at < 0 || count > TA_WALK_WINDOW_BYTES || count > w->size - at || w->err < 0)
        return NULL;
    if (at < w->start || at + count > w->start + w->length) {
        int64_t got = w->read(w->priv, at, w->window, TA_MIN(TA_MAX(count, w->ahead), w->size - at));
        w->start = at;
        w->length = got < 0 ? 0 : got;
        if (got < 0)
            w->err = (int)got;
    }
    return at + count <= w->start + w->length ? w->window + (at - w->start) : NULL;
}

int64_t ta_walk_within(const struct ta_walk *w, int64_t at, int64_t length)
{
    return length > w->size - at ? TA_WALK_BEYOND_END : length;
}

void ta_walk_patch(struct ta_walk *w, int64_t at, const void *bytes, size_t size)
{
    struct ta_structure *s = w->out;
    if (s->patch_count == TA_STRUCTURE_MAX || size > TA_PATCH_BYTES)
        return;
    if (!s->patches)
        s->patches = ta_xcalloc(TA_STRUCTURE_MAX, sizeof(*s->patches));
    int i = s->patch_count++;
    for (; i > 0 && s->patches[i - 1].at > at; i--)
        s->patches[i] = s->patches[i - 1];
    s->patches[i] = (struct ta_patch){.at = at, .size = (uint8_t)size};
    memcpy(s->patches[i].bytes, bytes, size);
}

void ta_walk_splice(struct ta_walk *w, struct ta_splice splice)
{
    struct ta_structure *s = w->out;
    if (s->splice_count == TA_STRUCTURE_MAX)
        return;
    if (!s->splices)
        s->splices = ta_xcalloc(TA_STRUCTURE_MAX, sizeof(*s->splices));
    s->splices[s->splice_count++] = splice;
}

void ta_walk_gap(struct ta_walk *w, struct ta_structure_gap gap)
{
    struct ta_structure *s = w->out;
    if (s->gap_count == TA_STRUCTURE_MAX)
        return;
    if (!s->gaps)
        s->gaps = ta_xcalloc(TA_STRUCTURE_MAX, sizeof(*s->gaps));
    s->gaps[s->gap_count++] = gap;
}

void ta_structure_release(struct ta_structure *s)
{
    ta_freep(&s->gaps);
    ta_freep(&s->patches);
    ta_freep(&s->splices);
    ta_routes_release(&s->routes);
    s->gap_count = s->patch_count = s->splice_count = 0;
}

// Does a unit stand there that another follows, or the end?
static bool goes_on_at(struct ta_walk *w, const struct ta_walk_format *f, int64_t at, int64_t end)
{
    w->strict = true;
    int64_t length = f->unit(w, at);
    w->strict = false;
    return length > 0 && (at + length >= end || f->unit(w, at + length) != TA_WALK_NO_UNIT);
}

// The next place behind `at` where units go on, or the end.
static int64_t search(struct ta_walk *w, const struct ta_walk_format *f, int64_t at, int64_t end,
                      const struct ta_cancel *cancel)
{
    int64_t found = end;
    w->searching = true;
    for (int i = 1; found == end && w->packet_bytes && i <= STRIDES && at + i * w->packet_bytes < end; i++)
        if (goes_on_at(w, f, at + i * w->packet_bytes, end))
            found = at + i * w->packet_bytes;
    for (int64_t i = at + 1; found == end && i < end && w->err >= 0; i++) {
        if (!(i & 0xfffff) && ta_canceled(cancel))
            w->err = TA_ERR_CANCELED;
        if (goes_on_at(w, f, i, end))
            found = i;
    }
    w->searching = false;
    for (int i = 0; i < w->serial_count; i++)
        w->pages[i].known = false; // what is missing there is this break's
    return found;
}

static void walk_units(struct ta_walk *w, const struct ta_walk_format *f, int64_t at, int64_t end,
                       const struct ta_cancel *cancel)
{
    end = TA_MIN(end, w->size);
    for (int64_t units = 0; at < end && w->err >= 0; units++) {
        int64_t length = f->unit(w, at);
        if (length > 0) {
            at += length;
        } else {
            int64_t next = f->within ? f->within(w, at) : -1;
            if (next < 0)
                next = search(w, f, at, end, cancel);
            if (next < end) {
                w->out->breaks++;
                w->out->lost_bytes += TA_MAX(next - at, 0);
                if (f->broken)
                    f->broken(w, at, next);
            } else {
                // Half a packet of a size that all have, or a little of anything, is told by what is missing.
                w->out->cut_off |= end - at > TAIL_BYTES || length == TA_WALK_BEYOND_END;
            }
            at = next;
        }
        if (units % 4096 == 0 && ta_canceled(cancel))
            w->err = TA_ERR_CANCELED;
    }
}

static const struct ta_walk_format *find_format(const char *demuxer)
{
    static const struct {
        const char *demuxer;
        const struct ta_walk_format *format;
    } formats[] = {
        {"flv", &ta_walk_flv},
        {"live_flv", &ta_walk_flv},
        {"asf", &ta_walk_asf},
        {"ogg", &ta_walk_ogg},
        {"mxf", &ta_walk_mxf},
        {"matroska,webm", &ta_walk_mkv},
        {"avi", &ta_walk_avi},
        {"mpegts", &ta_walk_ts},
        {"mpeg", &ta_walk_ps},
        {"pva", &ta_walk_pva},
        {"rm", &ta_walk_rm},
        {"film_cpk", &ta_walk_film},
        {"mov,mp4,m4a,3gp,3g2,mj2", &ta_walk_mp4},
        {"yuv4mpegpipe", &ta_walk_y4m},
        {"ivf", &ta_walk_ivf},
        {"wtv", &ta_walk_wtv},
        {"swf", &ta_walk_swf},
        {"obu", &ta_walk_obu},
        {"nut", &ta_walk_nut},
        {"dirac", &ta_walk_dirac},
        {"mjpeg", &ta_walk_jpeg},
        {"jpeg_pipe", &ta_walk_jpeg},
    };
    for (size_t i = 0; i < TA_COUNT(formats); i++)
        if (!strcmp(formats[i].demuxer, demuxer))
            return formats[i].format;
    return NULL;
}

int ta_structure_walk(struct ta_structure *out, const char *demuxer, ta_structure_read *read, void *priv,
                      int64_t size, const struct ta_cancel *cancel)
{
    *out = (struct ta_structure){.duration_us = -1};
    const struct ta_walk_format *f = find_format(demuxer);
    if (!f)
        return 0;
    struct ta_walk *w = ta_xcalloc(1, sizeof(*w));
    w->read = read;
    w->priv = priv;
    w->size = size;
    w->ahead = LITTLE_BYTES;
    w->out = out;
    int64_t end = size, at = f->begin(w, &end);
    if (at >= 0) {
        walk_units(w, f, at, end, cancel);
        if (f->finish)
            f->finish(w);
    }
    int err = w->err;
    free(w->state);
    free(w);
    return err;
}

static int64_t read_file(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    int fd = *(const int *)priv;
    int64_t have = 0;
    while (have < size) {
        ssize_t n = pread(fd, data + have, (size_t)(size - have), (off_t)(position + have));
        if (n < 0)
            return TA_ERR_IO;
        if (!n)
            break;
        have += n;
    }
    return have;
}

int ta_structure_check(struct ta_structure *out, const char *demuxer, const char *path,
                       const struct ta_cancel *cancel)
{
    *out = (struct ta_structure){.duration_us = -1};
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    struct stat st;
    if (fd >= 0 && fstat(fd, &st) == 0)
        err = ta_structure_walk(out, demuxer, read_file, &fd, st.st_size, cancel);
    if (fd >= 0)
        close(fd);
    return err == TA_ERR_CANCELED ? err : 0;
}
