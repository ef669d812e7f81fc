// Sources that are not one file: several that are one film, titles of DVDs.
#include "media/source_open.h"

#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "media/parts/bytes.h"
#include "media/parts/disc.h"
#include "media/parts/name.h"
#include "media/parts/packets.h"
#include "media/parts/pieces.h"

const struct ta_source_known ta_source_nothing_known;

// Formats whose files may be put one behind the other, byte for byte.
static bool joins_by_bytes(const AVInputFormat *f)
{
    static const char *const names[] = {"dv", "mpegvideo", "h264", "hevc", "m4v", "vc1"};
    for (size_t i = 0; i < TA_COUNT(names); i++)
        if (!strcmp(f->name, names[i]))
            return true;
    return false;
}

// What the file's content shows it to be; NULL: no media file of its own.
static int probe_content(const char *path, const struct ta_cancel *cancel, struct ta_log *log,
                         const AVInputFormat **out)
{
    struct ta_bytes *bytes = NULL;
    char *files[] = {(char *)path};
    *out = NULL;
    int err = ta_bytes_open(&bytes, files, 1, NULL, 0, cancel, log);
    AVIOContext *pb = err >= 0 ? ta_bytes_io(bytes) : NULL;
    if (err >= 0 && !pb)
        err = TA_ERR_NOMEM;
    if (err >= 0 && av_probe_input_buffer2(pb, out, "", NULL, 0, 0) <= AVPROBE_SCORE_RETRY)
        *out = NULL;
    ta_bytes_close(&bytes);
    return err;
}

// Formats without a container, which almost any bytes may look like.
static bool is_raw(const AVInputFormat *f)
{
    return (f->flags & AVFMT_NOTIMESTAMPS) ||
           ((f->flags & AVFMT_GENERIC_INDEX) && strcmp(f->name, "ogg") != 0);
}

// Streams of MPEG may be put one behind the other where they were cut from one. Recordings of their own begin
// their clocks anew: placed by packets, sound and pictures stay together; unless what is in them differs.
static int choose_for_mpeg(const struct ta_source *first, char *const *files, int count, bool *by_bytes)
{
    struct ta_source *before = NULL;
    struct ta_piece piece = {.streams = ta_xcalloc(first->fmt->nb_streams + 1, sizeof(*piece.streams))};
    bool goes_on = true, fits = true;
    int err = 0;
    for (int i = 1; i < count && fits && err >= 0; i++) {
        struct ta_source *source;
        err = ta_source_open_one(&source, files[i], NULL, &ta_source_nothing_known, first->cancel, NULL);
        if (err < 0) // a piece that is no stream of its own
            break;
        goes_on &= ta_piece_clock_goes_on(before ? before : first, source);
        fits = ta_piece_match(&piece, first, source, (int)first->fmt->nb_streams) >= 0;
        ta_source_close(&before);
        before = source;
    }
    ta_source_close(&before);
    free(piece.streams);
    *by_bytes = goes_on || !fits || err < 0;
    return err == TA_ERR_CANCELED || err == TA_ERR_NOMEM ? err : 0;
}

// Every file one of the kind of the first: joined by packets. None but the first one a media file, and the
// names a series: a file that was cut anywhere.
static int choose_joining(const struct ta_source *first, char *const *files, int count, bool *by_bytes)
{
    int alone = 0;
    const char *name = first->fmt->iformat->name;
    if (!strcmp(name, "mpeg") || !strcmp(name, "mpegts"))
        return choose_for_mpeg(first, files, count, by_bytes);
    *by_bytes = first->dv || joins_by_bytes(first->fmt->iformat);
    for (int i = 1; i < count && !*by_bytes; i++) {
        const AVInputFormat *f;
        int err = probe_content(files[i], first->cancel, first->log, &f);
        if (err < 0)
            return err;
        bool same = f == first->fmt->iformat;
        alone += same;
        if (!same && (!f || is_raw(f))) {
            if (!ta_name_follows(ta_path_name(files[i - 1]), ta_path_name(files[i]))) {
                ta_error(first->log, "%s: no demuxer knows this file: is it really a video?", files[i]);
                return TA_ERR_FORMAT;
            }
        } else if (!same) {
            ta_error(first->log, "%s can't be joined to %s: it is %s, not %s", files[i],
                     ta_path_name(files[0]), f->long_name, first->fmt->iformat->long_name);
            return TA_ERR_MISMATCH;
        }
    }
    *by_bytes |= !alone;
    return 0;
}

static int open_bytes(struct ta_source **out, const char *name, char *const *files, int count,
                      const struct ta_source_known *known, const struct ta_cancel *cancel, struct ta_log *log)
{
    struct ta_bytes *bytes = NULL;
    int err = ta_bytes_open(&bytes, files, count, NULL, 0, cancel, log);
    return err < 0 ? err : ta_source_open_one(out, name, bytes, known, cancel, log);
}

static int open_packets(struct ta_source **out, const char *name, char *const *files, int count,
                        const struct ta_source_known *known, const struct ta_cancel *cancel,
                        struct ta_log *log)
{
    bool by_bytes = false;
    int err = ta_source_open_one(out, files[0], NULL, &ta_source_nothing_known, cancel, log);
    if (err >= 0)
        err = choose_joining(*out, files, count, &by_bytes);
    if (err >= 0 && by_bytes) {
        ta_source_close(out);
        return open_bytes(out, name, files, count, known, cancel, log);
    }
    if (err >= 0 && known->routes_count) {
        ta_source_close(out);
        err = ta_source_open_one(out, files[0], NULL, known, cancel, log);
    }
    if (err >= 0)
        err = ta_packets_open(&(*out)->packets, *out, files, count, known);
    if (err < 0)
        return err;
    free((*out)->path);
    (*out)->path = ta_xstrdup(name);
    return 0;
}

int ta_source_open_joined(struct ta_source **out, const char *name, const struct ta_source_known *known,
                          const struct ta_cancel *cancel, struct ta_log *log)
{
    char **files;
    int count = ta_name_files(name, &files), err = 0;
    const AVInputFormat *format = NULL;
    for (int i = 0; i < count && err >= 0; i++)
        err = ta_source_check_file(files[i], log);
    if (err >= 0 && !known->dv)
        err = probe_content(files[0], cancel, log, &format);
    if (err >= 0 && (known->dv || (format && joins_by_bytes(format))))
        err = open_bytes(out, name, files, count, known, cancel, log);
    else if (err >= 0)
        err = open_packets(out, name, files, count, known, cancel, log);
    ta_name_files_free(&files);
    if (err < 0)
        ta_source_close(out);
    return err;
}

int ta_source_open_title(struct ta_source **out, const char *name, const struct ta_source_known *known,
                         const struct ta_cancel *cancel, struct ta_log *log)
{
    struct ta_title *title;
    struct ta_bytes *bytes;
    int err = ta_title_load(&title, name, log);
    if (err < 0)
        return err;
    err = ta_bytes_open(&bytes, title->files + 1, title->file_count - 1, title->extents, title->extent_count,
                        cancel, log);
    if (err >= 0)
        err = ta_source_open_one(out, name, bytes, known, cancel, log);
    if (err >= 0)
        ta_title_describe(title, (*out)->fmt, (*out)->video);
    ta_title_destroy(&title);
    return err;
}
