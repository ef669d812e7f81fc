#include "media/source.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/opt.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/alone.h"
#include "media/dv/demux.h"
#include "media/follow.h"
#include "media/lost_bytes.h"
#include "media/parts/bytes.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"
#include "media/parts/packets.h"
#include "media/parts/pieces.h"
#include "media/source_dv.h"
#include "media/source_open.h"
#include "media/structure.h"
#include "media/structure/wtv.h"

// Probing limits: part of what decides the facts, so they are fixed and far above libav's own (subtitles of a
// DVD or a late sound track are found too).
#define PROBE_BYTES "33554432"
#define PROBE_MICROSECONDS "20000000"

int ta_source_check_file(const char *path, struct ta_log *log)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        int number = errno;
        if (!strcmp(path, "-")) {
            ta_error(log,
                     "-: standard input can't be restored: a file that can be read more than once is needed");
            return TA_ERR_USAGE;
        }
        ta_error(log, "%s: %s", path, number == ENOENT ? "there is no such file" : strerror(number));
        return ta_error_from_errno(number);
    }
    if (S_ISDIR(st.st_mode)) {
        ta_error(log,
                 ta_disc_is(path) ? "%s: this is a DVD; name one of its titles: VTS_01_0.IFO in its VIDEO_TS"
                                  : "%s: this is a folder, not a video file",
                 path);
        return TA_ERR_FORMAT;
    }
    if (!S_ISREG(st.st_mode)) {
        ta_error(log, "%s: this is a device or a pipe; a file that can be read more than once is needed",
                 path);
        return TA_ERR_FORMAT;
    }
    if (access(path, R_OK) < 0) {
        ta_error(log, "%s: no permission to read it", path);
        return TA_ERR_ACCESS;
    }
    if (!st.st_size) {
        ta_error(log, "%s: the file is empty", path);
        return TA_ERR_FORMAT;
    }
    return 0;
}

static int interrupted(void *opaque)
{
    return ta_canceled(opaque);
}

// Does this MP4 file have its index? Walks the top-level boxes: true also when it can't tell.
static bool has_moov(AVIOContext *pb)
{
    int64_t size = avio_size(pb), at = 0;
    for (int boxes = 0; boxes < 100000 && at + 8 <= size; boxes++) {
        uint8_t head[16];
        if (avio_seek(pb, at, SEEK_SET) < 0 || avio_read(pb, head, 8) != 8)
            return true;
        uint64_t length = AV_RB32(head);
        if (!memcmp(head + 4, "moov", 4))
            return true;
        if (length == 1) {
            if (avio_read(pb, head + 8, 8) != 8)
                return false;
            length = AV_RB64(head + 8);
        }
        if (length < 8 || length > (uint64_t)(size - at)) // 0: to the end of the file; or cut off
            return false;
        at += (int64_t)length;
    }
    return false;
}

static int64_t read_io(void *priv, int64_t position, uint8_t *data, int64_t size)
{
    AVIOContext *pb = priv;
    if (avio_seek(pb, position, SEEK_SET) < 0)
        return 0;
    int got = avio_read(pb, data, (int)TA_MIN(size, INT_MAX));
    return TA_MAX(got, 0);
}

static bool lacks_directory(AVIOContext *pb, const AVInputFormat *demuxer)
{
    bool is = !strcmp(demuxer->name, "wtv") && ta_wtv_is_cut(read_io, pb, avio_size(pb));
    avio_seek(pb, 0, SEEK_SET);
    return is;
}

static int fail_open(struct ta_source *s, int ret, const char *doing)
{
    if (ta_canceled(s->cancel) || ret == AVERROR_EXIT)
        return TA_ERR_CANCELED;
    ta_error(s->log, "%s: %s: %s", s->path, doing, ta_av_text(ret));
    return ta_error_from_av(ret);
}

// The demuxer for what is in the file. *out = NULL with 0 when none knows it.
static int find_demuxer(struct ta_source *s, AVIOContext *pb, const AVInputFormat **out)
{
    *out = NULL;
    int ret = av_probe_input_buffer2(pb, out, s->path, NULL, 0, 0);
    if (ret == AVERROR(ENOMEM) || ret == AVERROR_EXIT || (pb->error < 0 && pb->error != AVERROR_EOF))
        return fail_open(s, pb->error < 0 ? pb->error : ret, "can't be read");
    if (ret < 0)
        *out = NULL;
    return 0;
}

static int fail_unknown(const struct ta_source *s)
{
    ta_error(s->log, "%s: no demuxer knows this file: is it really a video?", s->path);
    return TA_ERR_FORMAT;
}

// Was the demuxer taken for the file's name only, with nothing in the content that speaks for it? False also
// when it can't tell.
static bool is_by_name_only(AVIOContext *pb, const AVInputFormat *demuxer)
{
    const AVInputFormat *by_content = NULL;
    if (avio_seek(pb, 0, SEEK_SET) < 0)
        return false;
    int ret = av_probe_input_buffer2(pb, &by_content, "", NULL, 0, 0);
    return ret >= 0 ? by_content != demuxer : ret == AVERROR_INVALIDDATA;
}

static int open_demuxer(struct ta_source *s, AVIOContext *pb, const AVInputFormat *demuxer)
{
    if (!demuxer)
        return fail_unknown(s);
    if (ta_is_playlist(demuxer)) {
        ta_error(s->log, "%s: this is a list that refers to other files (%s), not a video file", s->path,
                 demuxer->name);
        return TA_ERR_UNSUPPORTED;
    }

    AVDictionary *options = NULL;
    av_dict_set(&options, "probesize", PROBE_BYTES, 0);
    av_dict_set(&options, "analyzeduration", PROBE_MICROSECONDS, 0);
    AVFormatContext *fmt = s->fmt;
    int ret = avformat_open_input(&fmt, s->path, demuxer, &options); // frees it on failure
    av_dict_free(&options);
    if (ret < 0) {
        s->fmt = NULL;
        if (ret == AVERROR(ENOMEM) || ta_canceled(s->cancel) || ret == AVERROR_EXIT)
            return fail_open(s, ret, "can't be opened");
        bool read_error = pb->error < 0 && pb->error != AVERROR_EOF;
        if (!read_error && is_by_name_only(pb, demuxer))
            return fail_unknown(s);
        if (strstr(demuxer->name, "mp4") && !has_moov(pb)) {
            ta_error(s->log, "%s: the index (moov) is missing: the recording was probably cut off", s->path);
            return TA_ERR_DAMAGED;
        }
        if (lacks_directory(pb, demuxer)) {
            ta_error(s->log,
                     "%s: its directory is missing, and nothing of what was recorded is there: the recording "
                     "was probably cut off",
                     s->path);
            return TA_ERR_DAMAGED;
        }
        // libav's reader of y4m adds the length of "FRAME\n" to the error of a size that can't be.
        if (!strcmp(demuxer->name, "yuv4mpegpipe") && ret == AVERROR(EINVAL) + 6) {
            ta_error(s->log, "%s: its pictures are too large: one takes more than 2 GiB", s->path);
            return TA_ERR_UNSUPPORTED;
        }
        ta_error(s->log, "%s: its headers (%s) can't be read, they are cut off or damaged: %s", s->path,
                 demuxer->name, ta_av_text(ret));
        // Some demuxers call the early end of a file an input error.
        bool short_file = ret == AVERROR(EIO) && !read_error;
        return ret == AVERROR_INVALIDDATA || ret == AVERROR_EOF || short_file ? TA_ERR_DAMAGED
                                                                              : ta_error_from_av(ret);
    }
    return 0;
}

// Attached pictures (covers) are video streams of one packet; they are not what anybody wants restored.
static bool is_picture(const AVStream *st)
{
    return st->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS);
}

// The largest picture wins, then the one marked as default, then the first.
static int choose_video(const AVFormatContext *fmt)
{
    int best = -1;
    int64_t best_rank = -1;
    for (unsigned i = 0; i < fmt->nb_streams; i++) {
        const AVStream *st = fmt->streams[i];
        const AVCodecParameters *p = st->codecpar;
        if (p->codec_type != AVMEDIA_TYPE_VIDEO || is_picture(st))
            continue;
        int64_t rank = 2 * (int64_t)p->width * p->height + !!(st->disposition & AV_DISPOSITION_DEFAULT);
        if (rank > best_rank) {
            best = (int)i;
            best_rank = rank;
        }
    }
    return best;
}

// What libav reads from: the file, or the bytes of several.
static int open_io(struct ta_source *s, const AVIOInterruptCB *callback, AVIOContext **pb)
{
    if (s->bytes) {
        *pb = ta_bytes_io(s->bytes);
        return *pb ? 0 : AVERROR(ENOMEM);
    }
    char *url = ta_xprintf("file:%s", s->path); // a name such as "a:b.avi" is no protocol
    int ret = avio_open2(pb, url, AVIO_FLAG_READ, callback, NULL);
    free(url);
    return ret;
}

static void close_io(struct ta_source *s, AVIOContext **pb)
{
    if (s->bytes)
        ta_bytes_close(&s->bytes);
    else
        avio_closep(pb);
}

// Raw DV has our own demuxer: 1. 0 where libav is to open it.
static int try_dv(struct ta_source *s, AVIOContext *pb, const AVInputFormat *demuxer,
                  const struct ta_source_known *known)
{
    if (known->dv ? known->dv->in_avi : !ta_source_is_dv(s, pb, demuxer))
        return 0;
    int ret = ta_source_open_dv(s, pb, known);
    return ret < 0 ? fail_open(s, ret, "can't be read") : 1;
}

static int check_encryption(const struct ta_source *s, AVIOContext *pb, const AVInputFormat *demuxer)
{
    if (!demuxer || strcmp(demuxer->name, "mpeg") != 0)
        return 0;
    bool encrypted = ta_disc_is_encrypted(pb);
    avio_seek(pb, 0, SEEK_SET);
    if (!encrypted)
        return 0;
    ta_problem_at(s->log, TA_PROBLEM_SOURCE_ENCRYPTED, &(struct ta_problem_about){.file = s->path},
                  "%s: it is encrypted (%s): its pictures can't be read", s->path,
                  ta_disc_is_vro(s->path) ? "CPRM, as recorders do with broadcasts that may be copied once"
                                          : "CSS, as bought DVDs are");
    return TA_ERR_UNSUPPORTED;
}

// MP4 that bytes are missing of: its index is behind them.
static bool lacks_index(AVIOContext *pb, const AVInputFormat *demuxer, const struct ta_bytes *bytes,
                        struct ta_splice *out)
{
    bool lacks = demuxer && !bytes && strstr(demuxer->name, "mp4") && !has_moov(pb) &&
                 ta_lost_before_index(pb, out);
    avio_seek(pb, 0, SEEK_SET);
    return lacks;
}

// The file once more, with splices that were found without its index.
static int open_with(struct ta_source **out, const char *path, const struct ta_source_known *known,
                     const struct ta_splice *splices, int count, const struct ta_cancel *cancel,
                     struct ta_log *log)
{
    struct ta_source_known again = *known;
    again.splices = splices;
    again.splice_count = count;
    return ta_source_open_one(out, path, NULL, &again, cancel, log);
}

// A recording that is put together by splices gets a directory of its own. Was it one?
static bool add_directory(struct ta_bytes *bytes)
{
    struct ta_buf tail = {0};
    struct ta_patch head;
    bool is = ta_wtv_directory(ta_bytes_read, bytes, ta_bytes_size(bytes), &tail, &head);
    if (is) {
        ta_bytes_append(bytes, tail.data, (int64_t)tail.size);
        ta_bytes_patch(bytes, &head, 1);
    }
    ta_buf_release(&tail);
    return is;
}

static int read_streams(struct ta_source *s, const struct ta_source_known *known)
{
    int ret = avformat_find_stream_info(s->fmt, NULL);
    if (ret < 0)
        return fail_open(s, ret, "its streams can't be read");
    if ((ret = ta_source_take_avi(s, known)) < 0)
        return fail_open(s, ret, "can't be read");
    if (ta_canceled(s->cancel))
        return TA_ERR_CANCELED;
    if (!s->fmt->nb_streams) {
        ta_error(s->log, "%s: there is no stream in it: is it really a video?", s->path);
        return TA_ERR_FORMAT;
    }
    return 0;
}

// What is read instead of the file where something is known of it, into *bytes unless that is given.
static int open_bytes(struct ta_bytes **bytes, const char *path, const struct ta_source_known *known,
                      bool *spliced, const struct ta_cancel *cancel, struct ta_log *log)
{
    char *const files[] = {(char *)path};
    bool changed = known->patch_count || known->routes_count;
    int err = 0;
    *spliced = known->splice_count && !*bytes;
    if (*spliced)
        err = ta_bytes_open_spliced(bytes, path, known->splices, known->splice_count, cancel, log);
    else if (changed && !*bytes)
        err = ta_bytes_open(bytes, files, 1, NULL, 0, cancel, log);
    if (err < 0 || !*bytes)
        return err;
    ta_bytes_patch(*bytes, known->patches, known->patch_count);
    if (known->routes_count)
        ta_bytes_route(*bytes, &known->routes[0]);
    return 0;
}

// `bytes` (may be NULL) is what to read instead of the file `path`; it becomes the source's, also on failure.
int ta_source_open_one(struct ta_source **out, const char *path, struct ta_bytes *bytes,
                       const struct ta_source_known *known, const struct ta_cancel *cancel,
                       struct ta_log *log)
{
    *out = NULL;
    bool spliced;
    struct ta_splice moved;
    struct stat st;
    int err = open_bytes(&bytes, path, known, &spliced, cancel, log);
    if (err < 0)
        return err;
    struct ta_source *s = ta_xcalloc(1, sizeof(*s));
    s->own_directory = spliced && add_directory(bytes);
    s->follows = ta_follows_create(known->routes_count ? &known->routes[0] : NULL);
    s->path = ta_xstrdup(path);
    s->bytes = bytes;
    s->file_bytes = spliced && stat(path, &st) == 0 ? st.st_size : 0;
    s->video = -1;
    s->log = log;
    s->cancel = cancel;
    const AVIOInterruptCB callback = {.callback = interrupted, .opaque = (void *)cancel};
    AVIOContext *pb = NULL;
    ta_av_listen();
    int ret = open_io(s, &callback, &pb);
    if (ret < 0) {
        err = fail_open(s, ret, "can't be opened");
        goto fail;
    }
    const AVInputFormat *demuxer = NULL;
    err = find_demuxer(s, pb, &demuxer);
    if (err >= 0)
        err = check_encryption(s, pb, demuxer);
    if (err >= 0)
        err = try_dv(s, pb, demuxer, known);
    if (err == 0)
        s->fmt = avformat_alloc_context();
    if (!s->fmt) {
        close_io(s, &pb);
        err = err < 0 ? err : TA_ERR_NOMEM;
        goto fail;
    }
    if (err > 0)
        goto opened;
    if (lacks_index(pb, demuxer, bytes, &moved)) {
        close_io(s, &pb);
        ta_source_close(&s);
        err = open_with(out, path, known, &moved, 1, cancel, log);
        if (err >= 0) {
            (*out)->moved = moved;
            (*out)->index_moved = true;
        }
        return err;
    }
    if (!bytes && demuxer && lacks_directory(pb, demuxer)) {
        struct ta_structure found;
        err = ta_structure_walk(&found, demuxer->name, read_io, pb, avio_size(pb), cancel);
        bool any = err >= 0 && found.splice_count;
        if (any || err < 0) {
            close_io(s, &pb);
            ta_source_close(&s);
        }
        if (any)
            err = open_with(out, path, known, found.splices, found.splice_count, cancel, log);
        ta_structure_release(&found);
        if (any || err < 0)
            return err;
        avio_seek(pb, 0, SEEK_SET);
    }
    s->fmt->pb = pb;
    s->fmt->interrupt_callback = callback;
    if (s->bytes)
        ta_bytes_end_at_turns(s->bytes);
    err = ta_keep_alone(s->fmt) ? open_demuxer(s, pb, demuxer) : TA_ERR_NOMEM;
    if (err < 0) {
        if (!s->fmt)
            close_io(s, &pb); // libav freed the context, but not what we gave it to read from
        goto fail;
    }
    if ((err = read_streams(s, known)) < 0)
        goto fail;
opened:
    s->video = ta_source_followed(s, choose_video(s->fmt));
    ta_verbose(log, "%s: opened as %s", path, s->fmt->iformat->name);
    *out = s;
    return 0;
fail:
    ta_source_close(&s);
    return err;
}

int ta_source_open(struct ta_source **out, const char *path, const struct ta_cancel *cancel,
                   struct ta_log *log)
{
    return ta_source_open_known(out, path, NULL, cancel, log);
}

int ta_source_open_known(struct ta_source **out, const char *path, const struct ta_source_known *known,
                         const struct ta_cancel *cancel, struct ta_log *log)
{
    *out = NULL;
    known = known ? known : &ta_source_nothing_known;
    if (ta_name_title(path, NULL) >= 0)
        return ta_source_open_title(out, path, known, cancel, log);
    if (ta_name_is_several(path))
        return ta_source_open_joined(out, path, known, cancel, log);
    int err = ta_source_check_file(path, log);
    return err < 0 ? err : ta_source_open_one(out, path, NULL, known, cancel, log);
}

void ta_source_close(struct ta_source **s)
{
    if (!*s)
        return;
    ta_packets_close(&(*s)->packets);
    if ((*s)->fmt) {
        AVIOContext *pb = (*s)->fmt->pb;
        // Before the headers were read it is ours to free plainly; later the demuxer has to be closed.
        if ((*s)->dv)
            ta_source_close_dv(*s);
        else if ((*s)->fmt->iformat)
            avformat_close_input(&(*s)->fmt);
        else
            avformat_free_context((*s)->fmt);
        close_io(*s, &pb); // it was given from outside, so libav leaves it open
    }
    ta_bytes_close(&(*s)->bytes);
    ta_follows_destroy(&(*s)->follows);
    free((*s)->path);
    ta_freep(s);
}

int ta_source_read_packet(struct ta_source *s, AVPacket *packet)
{
    if (s->packets)
        return ta_packets_read(s->packets, packet);
    if (!s->dv) {
        int ret = ta_reading_next(&s->reading, s->fmt, packet);
        while (ret == AVERROR_EOF && s->bytes && ta_bytes_pass_turn(s->bytes)) {
            ta_reading_go_on(&s->reading);
            ret = ta_reading_next(&s->reading, s->fmt, packet);
        }
        if (ret >= 0 && s->follows && ta_follows_run(s->follows, s->fmt, packet) < 0) {
            av_packet_unref(packet);
            return AVERROR(ENOMEM);
        }
        return ret;
    }
    int ret = ta_dv_demux_read(s->dv, packet), error = ta_reading_error(s->fmt);
    if (error < 0 && ret >= 0)
        av_packet_unref(packet);
    return error < 0 ? error : ret;
}

int ta_source_followed(const struct ta_source *s, int stream)
{
    return ta_follows_find(s->follows, s->fmt, stream);
}

int ta_source_seek(struct ta_source *s, int stream, int64_t time)
{
    if (s->dv)
        return ta_dv_demux_seek(s->dv, stream, time);
    if (s->packets)
        return ta_packets_seek(s->packets, stream, time);
    if (ta_follows_has(s->follows, s->fmt, stream))
        return AVERROR(ENOSYS);
    ta_reading_restart(&s->reading);
    return av_seek_frame(s->fmt, stream, time, AVSEEK_FLAG_BACKWARD);
}

int ta_source_seek_byte(struct ta_source *s, int64_t position)
{
    if (s->dv)
        return AVERROR(ENOSYS);
    if (s->packets)
        return ta_packets_seek_byte(s->packets, position);
    ta_reading_restart(&s->reading);
    return av_seek_frame(s->fmt, -1, position, AVSEEK_FLAG_BYTE);
}

void ta_source_discard(struct ta_source *s, int stream, enum AVDiscard discard)
{
    if (s->packets)
        ta_packets_discard(s->packets, stream, discard);
    else if (ta_source_followed(s, stream) == stream)
        s->fmt->streams[stream]->discard = discard;
}

int64_t ta_source_bytes(const struct ta_source *s)
{
    if (s->packets)
        return ta_packets_bytes(s->packets);
    if (s->file_bytes)
        return s->file_bytes;
    return s->fmt->pb ? avio_size(s->fmt->pb) : AVERROR(ENOSYS);
}

int64_t ta_source_position(const struct ta_source *s)
{
    if (s->packets)
        return ta_packets_position(s->packets);
    return s->fmt->pb ? avio_tell(s->fmt->pb) : 0;
}

int64_t ta_source_places(const struct ta_source *s)
{
    return s->packets ? ta_packets_places(s->packets) : s->reading.places;
}

int ta_source_read_error(const struct ta_source *s)
{
    if (s->packets && ta_packets_error(s->packets) < 0)
        return ta_packets_error(s->packets);
    return ta_reading_error(s->packets ? ta_packets_now(s->packets)->fmt : s->fmt);
}
