#include "media/parts/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <terminalai/error.h>

#include "base/error.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

enum { IO_SIZE = 1 << 16 };

struct part {
    int file;
    int64_t offset, length;
    int64_t start; // position in the whole
};

struct ta_bytes {
    char **files;
    int file_count;
    struct part *parts;
    int part_count;
    int64_t size, position;
    uint8_t *tail; // the last of `size`
    int64_t tail_bytes;
    struct ta_patch *patches;
    int patch_count;
    struct ta_router *router; // NULL: none
    int64_t turns[TA_ROUTE_TURNS];
    int turn_count;
    bool ends_at_turns;
    int64_t stood, passed; // the turn where reading ended, and where it goes on; -1: none
    int fd, open_file;     // the file that is open; -1
    AVIOContext *io;
    const struct ta_cancel *cancel;
    struct ta_log *log;
};

static int fail(const struct ta_bytes *b, int file, int number)
{
    ta_error(b->log, "%s: %s", b->files[file], number == ENOENT ? "there is no such file" : strerror(number));
    return ta_error_from_errno(number);
}

static int switch_file(struct ta_bytes *b, int file)
{
    if (b->open_file == file)
        return 0;
    if (b->fd >= 0)
        close(b->fd);
    b->open_file = -1;
    b->fd = open(b->files[file], O_RDONLY | O_CLOEXEC);
    if (b->fd < 0)
        return errno;
    b->open_file = file;
    return 0;
}

static int add_part(struct ta_bytes *b, const struct ta_extent *extent, int64_t size)
{
    if (extent->file >= 0 && (extent->offset < 0 || extent->length < 0 || extent->offset > size ||
                              extent->length > size - extent->offset)) {
        ta_error(b->log, "%s: it is shorter than it should be: bytes %lld to %lld are asked for, it has %lld",
                 b->files[extent->file], (long long)extent->offset,
                 (long long)(extent->offset + extent->length), (long long)size);
        return TA_ERR_DAMAGED;
    }
    struct part *last = b->part_count ? &b->parts[b->part_count - 1] : NULL;
    if (!extent->length)
        return 0;
    if (last && last->file == extent->file && last->offset + last->length == extent->offset) {
        last->length += extent->length;
    } else {
        b->parts[b->part_count++] = (struct part){extent->file, extent->offset, extent->length, b->size};
    }
    b->size += extent->length;
    return 0;
}

int ta_bytes_open(struct ta_bytes **out, char *const *files, int file_count, const struct ta_extent *extents,
                  int extent_count, const struct ta_cancel *cancel, struct ta_log *log)
{
    *out = NULL;
    struct ta_bytes *b = ta_xcalloc(1, sizeof(*b));
    int64_t *sizes = ta_xcalloc((size_t)file_count + 1, sizeof(*sizes));
    b->fd = b->open_file = -1;
    b->stood = b->passed = -1;
    b->cancel = cancel;
    b->log = log;
    b->files = ta_xcalloc((size_t)file_count + 1, sizeof(*b->files));
    for (; b->file_count < file_count; b->file_count++)
        b->files[b->file_count] = ta_xstrdup(files[b->file_count]);
    int count = extents ? extent_count : file_count, err = 0;
    b->parts = ta_xcalloc((size_t)count + 1, sizeof(*b->parts));
    for (int i = 0; i < file_count && err >= 0; i++) {
        struct stat st;
        if (stat(files[i], &st) < 0 || access(files[i], R_OK) < 0)
            err = fail(b, i, errno);
        else
            sizes[i] = st.st_size;
    }
    for (int i = 0; i < count && err >= 0; i++) {
        struct ta_extent whole = {.file = i};
        if (!extents)
            whole.length = sizes[i];
        const struct ta_extent *e = extents ? &extents[i] : &whole;
        err = e->file >= -1 && e->file < file_count ? add_part(b, e, sizes[TA_MAX(e->file, 0)])
                                                    : TA_ERR_INVALID;
    }
    free(sizes);
    if (err < 0) {
        ta_bytes_close(&b);
        return err;
    }
    *out = b;
    return 0;
}

#define COPIES_MAX 100000 // of pictures, for all damage of a file

int ta_bytes_open_spliced(struct ta_bytes **out, const char *path, const struct ta_splice *splices, int count,
                          const struct ta_cancel *cancel, struct ta_log *log)
{
    struct stat st;
    char *const files[] = {(char *)path};
    int64_t size = stat(path, &st) < 0 ? 0 : st.st_size, at = 0, copies = 0;
    for (int i = 0; i < count; i++)
        copies += splices[i].copies;
    int64_t room = TA_MIN(copies, COPIES_MAX) + count + 1;
    struct ta_extent *extents = ta_xcalloc((size_t)room, sizeof(*extents));
    int used = 0, left = COPIES_MAX;
    for (int i = 0; i < count; i++) {
        const struct ta_splice *s = &splices[i];
        extents[used++] = (struct ta_extent){0, at, s->from - at};
        for (int k = 0; k < s->copies && left > 0; k++, left--)
            extents[used++] = s->fill == TA_SPLICE_ZEROS ? (struct ta_extent){-1, 0, s->fill_bytes}
                                                         : (struct ta_extent){0, s->fill, s->fill_bytes};
        at = s->to;
    }
    extents[used++] = (struct ta_extent){0, at, TA_MAX(size - at, 0)};
    int err = ta_bytes_open(out, files, 1, extents, used, cancel, log);
    free(extents);
    return err;
}

void ta_bytes_close(struct ta_bytes **pb)
{
    struct ta_bytes *b = *pb;
    if (!b)
        return;
    if (b->io)
        av_freep(&b->io->buffer);
    avio_context_free(&b->io);
    if (b->fd >= 0)
        close(b->fd);
    for (int i = 0; i < b->file_count; i++)
        free(b->files[i]);
    free(b->files);
    free(b->parts);
    free(b->tail);
    free(b->patches);
    ta_router_destroy(&b->router);
    ta_freep(pb);
}

void ta_bytes_append(struct ta_bytes *b, const void *data, int64_t size)
{
    b->tail = ta_xrealloc(b->tail, (size_t)(b->tail_bytes + size));
    memcpy(b->tail + b->tail_bytes, data, (size_t)size);
    b->tail_bytes += size;
    b->size += size;
}

void ta_bytes_patch(struct ta_bytes *b, const struct ta_patch *patches, int count)
{
    free(b->patches);
    b->patches = ta_xcalloc((size_t)count + 1, sizeof(*patches));
    for (int i = 0; i < count; i++)
        b->patches[i] = patches[i];
    b->patch_count = count;
}

static void apply_patches(const struct ta_bytes *b, int64_t position, uint8_t *data, int64_t size)
{
    for (int i = 0; i < b->patch_count && b->patches[i].at < position + size; i++) {
        const struct ta_patch *p = &b->patches[i];
        int64_t from = TA_MAX(p->at, position), to = TA_MIN(p->at + p->size, position + size);
        if (to > from)
            memcpy(data + (from - position), p->bytes + (from - p->at), (size_t)(to - from));
    }
}

int64_t ta_bytes_size(const struct ta_bytes *b)
{
    return b->size;
}

static const struct part *part_at(const struct ta_bytes *b, int64_t position)
{
    int low = 0, high = b->part_count;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (b->parts[middle].start <= position)
            low = middle;
        else
            high = middle;
    }
    return &b->parts[low];
}

static int read_plain(struct ta_bytes *b, int64_t position, void *data, int size)
{
    if (position < 0)
        return AVERROR(EINVAL);
    if (position >= b->size || size <= 0)
        return 0;
    int64_t of_tail = position - (b->size - b->tail_bytes);
    if (of_tail >= 0) {
        int count = (int)TA_MIN(size, b->tail_bytes - of_tail);
        memcpy(data, b->tail + of_tail, (size_t)count);
        return count;
    }
    const struct part *p = part_at(b, position);
    int64_t inside = position - p->start;
    size_t want = (size_t)TA_MIN((int64_t)size, p->length - inside);
    if (p->file < 0) {
        memset(data, 0, want);
        apply_patches(b, position, data, (int64_t)want);
        return (int)want;
    }
    int number = switch_file(b, p->file);
    if (number)
        return AVERROR(number);
    for (;;) {
        ssize_t got = pread(b->fd, data, want, (off_t)(p->offset + inside));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return AVERROR(errno);
        if (!got)
            return AVERROR(EIO); // it has shrunk meanwhile
        apply_patches(b, position, data, got);
        return (int)got;
    }
}

static int read_for_router(void *priv, int64_t position, uint8_t *data, int size)
{
    return read_plain(priv, position, data, size);
}

void ta_bytes_route(struct ta_bytes *b, const struct ta_routes *routes)
{
    ta_router_destroy(&b->router);
    if (routes->packet_bytes)
        b->router = ta_router_create(routes, read_for_router, b);
    b->turn_count = routes->turn_count;
    for (int i = 0; i < routes->turn_count; i++)
        b->turns[i] = routes->turns[i].from;
}

void ta_bytes_end_at_turns(struct ta_bytes *b)
{
    b->ends_at_turns = b->turn_count > 0;
}

bool ta_bytes_pass_turn(struct ta_bytes *b)
{
    bool stands = b->stood >= 0 && b->stood == b->position;
    if (stands && b->io)
        b->io->eof_reached = 0;
    b->passed = stands ? b->position : b->passed;
    return stands;
}

// How much may be read before the next turn; 0: it ends here.
static int up_to_turn(struct ta_bytes *b, int size)
{
    for (int i = 0; i < b->turn_count && b->ends_at_turns; i++) {
        int64_t left = b->turns[i] - b->position;
        if (!left && b->passed != b->position) {
            b->stood = b->position;
            return 0;
        }
        if (left > 0)
            size = (int)TA_MIN(left, size);
    }
    return size;
}

int ta_bytes_read_at(struct ta_bytes *b, int64_t position, void *data, int size)
{
    int got = read_plain(b, position, data, size);
    int ret = got > 0 && b->router ? ta_router_apply(b->router, position, data, got) : 0;
    return ret < 0 ? ret : got;
}

int64_t ta_bytes_read(void *bytes, int64_t position, uint8_t *data, int64_t size)
{
    int64_t have = 0;
    while (have < size) {
        int got = ta_bytes_read_at(bytes, position + have, data + have, (int)TA_MIN(size - have, 1 << 20));
        if (got < 0)
            return ta_error_from_av(got);
        if (!got)
            break;
        have += got;
    }
    return have;
}

static int read_packet(void *opaque, uint8_t *data, int size)
{
    struct ta_bytes *b = opaque;
    if (ta_canceled(b->cancel))
        return AVERROR_EXIT;
    int got = ta_bytes_read_at(b, b->position, data, up_to_turn(b, size));
    if (got > 0) {
        b->position += got;
        b->stood = b->passed = -1;
    }
    return got ? got : AVERROR_EOF;
}

static int64_t seek(void *opaque, int64_t offset, int whence)
{
    struct ta_bytes *b = opaque;
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return b->size;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset += b->position;
        break;
    case SEEK_END:
        offset += b->size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    b->position = offset;
    b->stood = b->passed = -1;
    return offset;
}

AVIOContext *ta_bytes_io(struct ta_bytes *b)
{
    if (b->io)
        return b->io;
    unsigned char *buffer = av_malloc(IO_SIZE);
    b->io = buffer ? avio_alloc_context(buffer, IO_SIZE, 0, b, read_packet, NULL, seek) : NULL;
    if (!b->io)
        av_free(buffer);
    return b->io;
}
