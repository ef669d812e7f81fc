#include "media/lost_bytes.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/intreadwrite.h>

#include "base/mem.h"
#include "media/dv/facts.h"
#include "media/source.h"

#define SEARCHED_BYTES ((int64_t)256 << 20) // from the end of the file
#define STEP 65536
#define MARK_BYTES 16 // from the length of the index to the name of the first box in it
#define SEARCHED_SHIFT (1 << 20)
#define SEARCHED_FRAMES 4
#define NEXT_FRAMES 3 // that must stand where one is taken to

// ---- the index ----

// The end of the last box that the heads of boxes lead to; -1: they lead to the index, or nowhere.
static int64_t end_of_boxes(AVIOContext *pb, int64_t size)
{
    int64_t at = 0, media = -1;
    for (int i = 0; i < 100000; i++) {
        uint8_t head[16];
        if (at + 8 > size || avio_seek(pb, at, SEEK_SET) < 0 || avio_read(pb, head, 8) != 8)
            return media;
        uint64_t length = AV_RB32(head);
        if (!memcmp(head + 4, "moov", 4))
            return -1;
        if (length == 1) {
            if (avio_read(pb, head + 8, 8) != 8)
                return -1;
            length = AV_RB64(head + 8);
        }
        if (length < 8 || length > INT64_MAX / 2)
            return media;
        bool other = !memcmp(head + 4, "free", 4) || !memcmp(head + 4, "skip", 4) ||
                     !memcmp(head + 4, "wide", 4) || !memcmp(head + 4, "uuid", 4) ||
                     !memcmp(head + 4, "mdat", 4);
        if (media >= 0 && !other)
            return media;
        at += (int64_t)length;
        media = media >= 0 || !memcmp(head + 4, "mdat", 4) ? at : -1; // only behind the media
    }
    return -1;
}

static int64_t find_index(AVIOContext *pb, int64_t size)
{
    uint8_t block[STEP + MARK_BYTES];
    for (int64_t at = size - STEP; at > -STEP && at > size - SEARCHED_BYTES; at -= STEP) {
        int64_t from = TA_MAX(at, 0);
        if (avio_seek(pb, from, SEEK_SET) < 0)
            return -1;
        int got = avio_read(pb, block, sizeof(block));
        for (int i = got - MARK_BYTES; i >= 0; i--)
            if (!memcmp(block + i + 4, "moov", 4) && !memcmp(block + i + 12, "mvhd", 4) &&
                AV_RB32(block + i) <= size - from - i)
                return from + i;
    }
    return -1;
}

bool ta_lost_before_index(AVIOContext *pb, struct ta_splice *out)
{
    int64_t size = avio_size(pb), listed = size > 0 ? end_of_boxes(pb, size) : -1;
    int64_t at = listed > 0 ? find_index(pb, size) : -1;
    if (at < 0 || at == listed)
        return false;
    *out = (struct ta_splice){.from = at, .to = at, .fill = TA_SPLICE_ZEROS, .copies = 1};
    if (at < listed)
        out->fill_bytes = listed - at;
    else
        *out = (struct ta_splice){.from = listed, .to = at};
    return true;
}

// ---- frames ----

enum look { // what tells a frame from anything else
    LOOK_NONE,
    LOOK_DV,     // its first blocks; all are of one size
    LOOK_UNITS,  // of H.264 and HEVC
    LOOK_JPEG,   // how it begins and ends
    LOOK_PRORES, // its mark, and its size before that
    LOOK_DNXHD,  // the first bytes of its head
    LOOK_H263,   // how a picture begins
    LOOK_MPEG2,  // the start code of a picture or of what stands before one
    LOOK_MPEG4,  // the start code of a picture or of what stands before one
};

struct frames {
    int fd;
    AVStream *st;
    int count;
    int64_t end; // of the media
    enum look look;
    int length_bytes; // of what stands before each unit
};

static bool is_dv(const struct frames *f, int64_t at)
{
    uint8_t bytes[TA_DV_BLOCK + 4];
    struct ta_dv_id head, next;
    return pread(f->fd, bytes, sizeof(bytes), at) == (ssize_t)sizeof(bytes) && ta_dv_parse_id(bytes, &head) &&
           head.section == TA_DV_HEADER && !head.sequence && !head.channel &&
           ta_dv_parse_id(bytes + TA_DV_BLOCK, &next) && next.section == TA_DV_SUBCODE && !next.sequence;
}

// Units fill the frame, each as long as it says.
static bool is_units(const struct frames *f, int64_t at, int64_t size)
{
    int64_t end = at + size;
    for (int i = 0; i < 10000 && at < end; i++) {
        uint8_t b[5];
        int64_t length = 0;
        if (pread(f->fd, b, (size_t)f->length_bytes + 1, at) != f->length_bytes + 1)
            return false;
        for (int k = 0; k < f->length_bytes; k++)
            length = length << 8 | b[k];
        if (!length || (b[f->length_bytes] & 0x80)) // whose first bit is never set
            return false;
        at += f->length_bytes + length;
    }
    return at == end;
}

// Some cameras put zeros behind.
static bool is_jpeg(const struct frames *f, int64_t at, int64_t size)
{
    uint8_t b[64];
    int tail = (int)TA_MIN(size, (int64_t)sizeof(b));
    if (pread(f->fd, b, 3, at) != 3 || b[0] != 0xff || b[1] != 0xd8 || b[2] != 0xff ||
        pread(f->fd, b, (size_t)tail, at + size - tail) != tail)
        return false;
    while (tail > 2 && !b[tail - 1])
        tail--;
    return tail >= 2 && b[tail - 2] == 0xff && b[tail - 1] == 0xd9;
}

static bool begins(const struct frames *f, int64_t at, int64_t size)
{
    uint8_t b[8];
    if (size < (int64_t)sizeof(b) || pread(f->fd, b, sizeof(b), at) != (ssize_t)sizeof(b))
        return false;
    switch (f->look) {
    case LOOK_PRORES:
        return AV_RB32(b) == size && !memcmp(b + 4, "icpf", 4);
    case LOOK_DNXHD:
        return AV_RB32(b) == 0x00000280 && b[4] >= 1 && b[4] <= 3;
    case LOOK_H263:
        return AV_RB24(b) >> 2 == 0x20;
    case LOOK_MPEG2:
        return AV_RB24(b) == 1 && (!b[3] || b[3] == 0xb3 || b[3] == 0xb8);
    case LOOK_MPEG4:
        return AV_RB24(b) == 1 &&
               (b[3] == 0xb0 || b[3] == 0xb3 || b[3] == 0xb5 || b[3] == 0xb6 || b[3] <= 0x2f);
    default:
        return false;
    }
}

static int64_t listed(const struct frames *f, int i)
{
    return avformat_index_get_entry(f->st, i)->pos;
}

static bool is_frame(const struct frames *f, int i, int64_t shift)
{
    const AVIndexEntry *e = avformat_index_get_entry(f->st, i);
    int64_t at = e->pos - shift;
    if (at < 0)
        return false;
    return f->look == LOOK_DV      ? is_dv(f, at)
           : f->look == LOOK_UNITS ? is_units(f, at, e->size)
           : f->look == LOOK_JPEG  ? is_jpeg(f, at, e->size)
                                   : begins(f, at, e->size);
}

// Do frames stand `shift` bytes before their places, from this one on?
static bool stand(const struct frames *f, int i, int64_t shift)
{
    int good = 0, asked = TA_MIN(NEXT_FRAMES, f->count - i);
    for (int k = i; k < i + asked; k++)
        good += is_frame(f, k, shift);
    return asked > 0 && good == asked;
}

// How far behind the end of the media the last packet of all is listed.
static int64_t beyond_end(const struct ta_source *s, int64_t end)
{
    int64_t last = 0;
    for (unsigned i = 0; i < s->fmt->nb_streams; i++) {
        AVStream *st = s->fmt->streams[i];
        for (int k = avformat_index_get_entries_count(st) - 1; k >= 0; k--) {
            const AVIndexEntry *e = avformat_index_get_entry(st, k);
            last = TA_MAX(last, e->pos + e->size);
        }
    }
    return last - end;
}

// Do frames that stand `shift` bytes before their places last until the media ends, some before the list
// does?
static bool run_out(const struct frames *f, int i, int64_t shift)
{
    while (i < f->count && (is_frame(f, i, shift) || stand(f, i + 1, shift)))
        i++;
    return i < f->count && listed(f, i) - shift >= f->end - TA_DV_BLOCK;
}

// The frame from which on all stand before their places by the same distance, and that; 0: none. Frames are
// alike, so where some are gone altogether, it is the end that tells how many: `most` bytes are missing in
// all.
static int64_t find_shift(const struct frames *f, int *i, int64_t shift, int64_t most)
{
    int64_t before = listed(f, *i - 1) - shift, place = listed(f, *i) - shift, found = 0;
    for (int64_t at = place - 1; at > before && at >= place - most && !found && f->look == LOOK_DV; at--)
        if (is_frame(f, *i, listed(f, *i) - at) && stand(f, *i, listed(f, *i) - at))
            found = place - at;
    if (found && !run_out(f, *i, shift + found))
        return found;
    for (int k = *i; k < f->count; k++) {
        if (listed(f, k) - shift - most > before && stand(f, k, shift + most)) {
            *i = k;
            return most;
        }
    }
    // What is missing in two places: some of it here. Frames of other sizes are no others'.
    int64_t nearest = f->look == LOOK_DV ? place : TA_MAX(before, place - TA_MIN(most, SEARCHED_SHIFT));
    for (int k = *i; k < TA_MIN(*i + SEARCHED_FRAMES, f->count) && !found; k++)
        for (int64_t more = 1; more < most && place - more > nearest && !found; more++)
            if (listed(f, k) - shift - more > before && is_frame(f, k, shift + more) &&
                stand(f, k, shift + more)) {
                found = more;
                *i = k;
            }
    return found;
}

static int find_places(const struct frames *f, int64_t lost, struct ta_splice *out)
{
    int64_t shift = 0;
    int places = 0;
    for (int i = 1; i < f->count && shift < lost && places < TA_LOST_MAX - 1; i++) {
        // One that was overwritten stands among others where it should.
        if (is_frame(f, i, shift) || (i + 1 < f->count && stand(f, i + 1, shift)))
            continue;
        if (listed(f, i) - shift + avformat_index_get_entry(f->st, i)->size > f->end)
            break; // cut off
        int64_t more = find_shift(f, &i, shift, lost - shift);
        if (!more)
            break;
        shift += more;
        int64_t at = listed(f, i) - shift;
        out[places++] = (struct ta_splice){
            .from = at, .to = at, .fill = TA_SPLICE_ZEROS, .fill_bytes = more, .copies = 1};
    }
    return places;
}

// Bytes that are too many: `extra` of them stand before the first frame that is not where it should be, but
// so much behind. 1 or 0.
static int find_extra(const struct frames *f, int64_t extra, struct ta_splice *out)
{
    int i = 1;
    while (i < f->count && (is_frame(f, i, 0) || (i + 1 < f->count && stand(f, i + 1, 0))))
        i++;
    for (int k = i; k < TA_MIN(i + SEARCHED_FRAMES, f->count); k++) {
        if (!stand(f, k, -extra))
            continue;
        *out = (struct ta_splice){.from = listed(f, k), .to = listed(f, k) + extra};
        return 1;
    }
    return 0;
}

static enum look look_of(const AVCodecParameters *par, int *length_bytes)
{
    bool listed = par->extradata_size > 21 && par->extradata[0] == 1;
    *length_bytes = 0;
    switch (par->codec_id) {
    case AV_CODEC_ID_H264:
        if (par->extradata_size <= 4 || par->extradata[0] != 1)
            return LOOK_NONE;
        *length_bytes = (par->extradata[4] & 3) + 1;
        return LOOK_UNITS;
    case AV_CODEC_ID_HEVC:
        *length_bytes = listed ? (par->extradata[21] & 3) + 1 : 0;
        return listed ? LOOK_UNITS : LOOK_NONE;
    case AV_CODEC_ID_DVVIDEO:
        return LOOK_DV;
    case AV_CODEC_ID_MJPEG:
        return LOOK_JPEG;
    case AV_CODEC_ID_PRORES:
        return LOOK_PRORES;
    case AV_CODEC_ID_DNXHD:
        return LOOK_DNXHD;
    case AV_CODEC_ID_H263:
        return LOOK_H263;
    case AV_CODEC_ID_MPEG1VIDEO:
    case AV_CODEC_ID_MPEG2VIDEO:
        return LOOK_MPEG2;
    case AV_CODEC_ID_MPEG4:
        return LOOK_MPEG4;
    default:
        return LOOK_NONE;
    }
}

int ta_lost_between_frames(const struct ta_source *s, struct ta_splice *out)
{
    AVStream *st = s->fmt->streams[s->video];
    int length_bytes;
    enum look look = look_of(st->codecpar, &length_bytes);
    if (look == LOOK_NONE || !strstr(s->fmt->iformat->name, "mp4") || (s->bytes && !s->index_moved) ||
        s->packets)
        return 0;
    struct frames f = {
        .fd = open(s->path, O_RDONLY | O_CLOEXEC), .st = st, .look = look, .length_bytes = length_bytes};
    struct stat file;
    int places = 0;
    f.count = avformat_index_get_entries_count(st);
    for (int i = 1; i < f.count; i++)
        if (listed(&f, i) <= listed(&f, i - 1))
            f.count = 0;
    if (f.fd >= 0 && fstat(f.fd, &file) == 0 && f.count > 2 && is_frame(&f, 0, 0)) {
        const struct ta_splice *moved = s->index_moved ? &s->moved : NULL;
        f.end = moved ? moved->from : file.st_size;
        int64_t lost = beyond_end(s, f.end);
        int64_t extra = moved ? moved->to - moved->from : -lost;
        places = lost > 0 ? find_places(&f, lost, out) : extra > 0 ? find_extra(&f, extra, out) : 0;
        int64_t sum = 0;
        for (int i = 0; i < places; i++)
            sum += out[i].fill_bytes;
        if (places && moved && moved->fill_bytes > sum) {
            out[places] = *moved;
            out[places++].fill_bytes -= sum;
        }
    }
    if (f.fd >= 0)
        close(f.fd);
    return places;
}
