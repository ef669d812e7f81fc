// Packets as records in a file: a head of fixed size, then the data, then each piece of side data. Only the
// thread that writes and the one that reads ever see it.
#include "media/mux/lane_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/file.h"
#include "base/folder.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/thread.h"

struct head {
    int64_t pts, dts, duration;
    int32_t flags, size, side_count;
};

struct side_head {
    int32_t type, size;
};

struct ahead {
    struct ta_lane lane;
    struct ta_lane *inner;
    struct ta_log *log;
    char *dir;
    int file;
    struct ta_thread *thread;
    int64_t read_at;       // the reader's place
    struct ta_buf record;  // of the writer
    pthread_mutex_t lock;  // guards what follows
    pthread_cond_t change; // a packet more, the end, or stop
    int64_t written;
    bool ended; // by err, if that is below 0
    bool stop;
    int err;
};

static int disk_error(const struct ahead *a, const char *what, int number)
{
    ta_error(a->log, "%s: packets can't be %s: %s", a->dir, what,
             ta_errno_text(number, (char[TA_ERRNO_TEXT]){0}));
    return number == ENOSPC || number == EDQUOT ? TA_ERR_NO_SPACE : TA_ERR_IO;
}

// ---- the writing thread ----

static int write_all(struct ahead *a, const void *data, size_t size, int64_t at)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(a->file, (const char *)data + done, size - done, (off_t)(at + (int64_t)done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return disk_error(a, "written", n ? errno : ENOSPC);
        done += (size_t)n;
    }
    return 0;
}

static int write_packet(struct ahead *a, const AVPacket *p)
{
    struct head h = {.pts = p->pts,
                     .dts = p->dts,
                     .duration = p->duration,
                     .flags = p->flags,
                     .size = p->size,
                     .side_count = p->side_data_elems};
    a->record.size = 0;
    ta_buf_append(&a->record, &h, sizeof h);
    if (p->size > 0)
        ta_buf_append(&a->record, p->data, (size_t)p->size);
    for (int i = 0; i < p->side_data_elems; i++) {
        struct side_head s = {(int32_t)p->side_data[i].type, (int32_t)p->side_data[i].size};
        ta_buf_append(&a->record, &s, sizeof s);
        ta_buf_append(&a->record, p->side_data[i].data, p->side_data[i].size);
    }
    int err = write_all(a, a->record.data, a->record.size, a->written);
    if (err < 0)
        return err;
    pthread_mutex_lock(&a->lock);
    a->written += (int64_t)a->record.size;
    pthread_cond_broadcast(&a->change);
    pthread_mutex_unlock(&a->lock);
    return 0;
}

static bool stopped(struct ahead *a)
{
    pthread_mutex_lock(&a->lock);
    bool stop = a->stop;
    pthread_mutex_unlock(&a->lock);
    return stop;
}

static int read_ahead(void *arg)
{
    struct ahead *a = arg;
    AVPacket *packet = av_packet_alloc();
    int got = packet ? 1 : TA_ERR_NOMEM;
    a->inner->horizon = INT64_MAX;
    while (got > 0 && !stopped(a)) {
        got = a->inner->next(a->inner, packet);
        if (got == 1) {
            int err = write_packet(a, packet);
            got = err < 0 ? err : 1;
            av_packet_unref(packet);
        }
    }
    av_packet_free(&packet);
    pthread_mutex_lock(&a->lock);
    a->ended = true;
    a->err = TA_MIN(got, 0);
    pthread_cond_broadcast(&a->change);
    pthread_mutex_unlock(&a->lock);
    return 0;
}

// ---- the lane ----

static int read_all(struct ahead *a, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(a->file, (char *)data + done, size - done, (off_t)a->read_at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return disk_error(a, "read back", n ? errno : EIO);
        done += (size_t)n;
        a->read_at += n;
    }
    return 0;
}

static int read_packet(struct ahead *a, AVPacket *p)
{
    struct head h;
    int err = read_all(a, &h, sizeof h);
    if (err < 0)
        return err;
    if (h.size > 0 && av_new_packet(p, h.size) < 0)
        return TA_ERR_NOMEM;
    err = read_all(a, p->data, (size_t)h.size);
    for (int i = 0; i < h.side_count && err >= 0; i++) {
        struct side_head s;
        err = read_all(a, &s, sizeof s);
        if (err < 0)
            break;
        uint8_t *side = av_packet_new_side_data(p, (enum AVPacketSideDataType)s.type, (size_t)s.size);
        err = side ? read_all(a, side, (size_t)s.size) : TA_ERR_NOMEM;
    }
    p->pts = h.pts;
    p->dts = h.dts;
    p->duration = h.duration;
    p->flags = h.flags;
    p->time_base = a->lane.time_base;
    if (err < 0)
        av_packet_unref(p);
    return err < 0 ? err : 1;
}

static int next(struct ta_lane *lane, AVPacket *packet)
{
    struct ahead *a = (struct ahead *)lane;
    pthread_mutex_lock(&a->lock);
    while (a->read_at == a->written && !a->ended)
        pthread_cond_wait(&a->change, &a->lock);
    bool more = a->read_at < a->written;
    int end = a->err;
    pthread_mutex_unlock(&a->lock);
    return more ? read_packet(a, packet) : end;
}

static void destroy(struct ta_lane *lane)
{
    struct ahead *a = (struct ahead *)lane;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_mutex_unlock(&a->lock);
    ta_thread_join(&a->thread);
    ta_lane_destroy(&a->inner);
    avcodec_parameters_free(&a->lane.parameters);
    if (a->file >= 0)
        close(a->file);
    pthread_cond_destroy(&a->change);
    pthread_mutex_destroy(&a->lock);
    ta_buf_release(&a->record);
    ta_log_destroy(&a->log);
    free(a->dir);
    free(a);
}

static int open_file(struct ahead *a, const struct ta_folder *folder)
{
    char tag[TA_TAG_SIZE], name[32];
    ta_file_tag(tag);
    snprintf(name, sizeof name, "packets-%.6s", tag);
    a->file = ta_folder_create(folder, name, a->log);
    if (a->file >= 0)
        ta_folder_unlink(folder, name);
    return TA_MIN(a->file, 0);
}

int ta_lane_ahead(struct ta_lane **out, struct ta_lane *inner, const struct ta_folder *folder,
                  struct ta_log *log)
{
    *out = NULL;
    struct ahead *a = ta_xcalloc(1, sizeof *a);
    struct ta_lane *lane = &a->lane;
    *lane = *inner; // all that describes it
    lane->next = next;
    lane->destroy = destroy;
    lane->parameters = avcodec_parameters_alloc();
    a->inner = inner;
    a->log = ta_log_child(log, "ahead");
    a->dir = ta_xstrdup(folder->path);
    a->file = -1;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->change, NULL);
    int err = lane->parameters ? open_file(a, folder) : TA_ERR_NOMEM;
    if (err >= 0)
        err = ta_thread_create(&a->thread, "ahead", read_ahead, a);
    if (err >= 0) {
        pthread_mutex_lock(&a->lock);
        while (!a->written && !a->ended)
            pthread_cond_wait(&a->change, &a->lock);
        err = a->written ? 0 : a->err;
        pthread_mutex_unlock(&a->lock);
    }
    // The first packet may have refined what describes the lane.
    if (err >= 0 && avcodec_parameters_copy(lane->parameters, inner->parameters) < 0)
        err = TA_ERR_NOMEM;
    if (err < 0) {
        ta_lane_destroy(&lane);
        return err;
    }
    *out = lane;
    return 0;
}

int ta_lane_ahead_error(struct ta_lane *ahead)
{
    struct ahead *a = (struct ahead *)ahead;
    pthread_mutex_lock(&a->lock);
    int err = a->err;
    pthread_mutex_unlock(&a->lock);
    return err;
}

int64_t ta_lane_ahead_bytes(struct ta_lane *ahead)
{
    struct ahead *a = (struct ahead *)ahead;
    pthread_mutex_lock(&a->lock);
    int64_t bytes = a->written;
    pthread_mutex_unlock(&a->lock);
    return bytes;
}
