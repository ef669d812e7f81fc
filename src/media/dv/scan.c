// Finding frames in a file that may be damaged anywhere.
//
// The blocks' own numbers tell where each belongs. Reading goes from block to block as long as each is the
// successor of the one before. Where it is not, the place where blocks begin anew is searched for byte by
// byte, and what was lost is told from the distance: bytes that were overwritten leave everything behind them
// where it was, so the frames between can be counted; bytes that are missing or inserted do not.
#include <stdlib.h>
#include <string.h>

#include <libavutil/error.h>
#include <libavutil/intreadwrite.h>

#include "media/dv/table.h"

#define WINDOW (1 << 20)
#define PROBE_BYTES ((int64_t)16 << 20)
#define SURE 3           // blocks in succession that make a place certain
#define LEAST_AT_END 150 // blocks of a frame that is cut off by the end of the file
#define LEAST_PART 3     // whole frames of another system that are a part and not an error
#define PIECES_MAX 256   // of a frame; what is broken more often is missing from there on
#define CHANNEL_STEP (16 * TA_DV_SEQUENCE)
#define NO_ORDER (-1)

// A piece of the frame that is being collected. Places are orders: a number that grows from block to block
// without knowing how many sequences a channel has.
struct part {
    int64_t offset;
    int first, count;
    struct ta_dv_votes votes;
};

struct scanner {
    const struct ta_dv_file *file;
    struct ta_dv_table *table;
    uint8_t *window;
    int64_t window_at;
    int window_size;
    int error;
    bool in_avi;
    bool (*stop)(void *priv, int64_t position);
    void *priv;

    struct part *parts; // PIECES_MAX
    int part_count;
    int last;                 // order of the last block; NO_ORDER: none, or the frame is complete
    const AVDVProfile *like;  // of the frame before
    struct ta_dv_sound sound; // of the frame before
    int64_t lead;             // where the first block was found
    int lead_order;
    int64_t used; // bytes that belong to frames
};

// `count` bytes at `at`, or NULL behind the end or after an error.
static const uint8_t *view(struct scanner *s, int64_t at, int64_t end, int count)
{
    if (at + count > end)
        return NULL;
    if (at < s->window_at || at + count > s->window_at + s->window_size) {
        s->window_at = at;
        s->window_size = 0;
        if (s->stop && s->stop(s->priv, at)) {
            s->error = AVERROR_EXIT;
            return NULL;
        }
        int got = s->file->read(s->file->priv, at, s->window, WINDOW);
        if (got < 0) {
            s->error = got;
            return NULL;
        }
        s->window_size = got;
        if (got < count)
            return NULL;
    }
    return s->window + (at - s->window_at);
}

static int order_of(const struct ta_dv_id *id)
{
    return id->channel * CHANNEL_STEP + id->sequence * TA_DV_SEQUENCE + id->block;
}

static bool follows(int before, int order)
{
    if (before % TA_DV_SEQUENCE != TA_DV_SEQUENCE - 1)
        return order == before + 1;
    // The next sequence, the next channel's first, or the next frame's.
    return order == before + 1 || order == (before / CHANNEL_STEP + 1) * CHANNEL_STEP || order == 0;
}

static int slot_of(int order, const AVDVProfile *p)
{
    int sequence = order % CHANNEL_STEP / TA_DV_SEQUENCE, channel = order / CHANNEL_STEP;
    if (sequence >= p->difseg_size || channel >= p->n_difchan)
        return -1;
    return (channel * p->difseg_size + sequence) * TA_DV_SEQUENCE + order % TA_DV_SEQUENCE;
}

// ---- frames ----

static int add_frame(struct scanner *s, const struct ta_dv_frame *frame)
{
    struct ta_dv_table *t = s->table;
    if (ta_try_grow((void **)&t->frames, &t->frame_capacity, t->frame_count + 1, sizeof(*t->frames)) < 0)
        return AVERROR(ENOMEM);
    t->frames[t->frame_count++] = *frame;
    return 0;
}

static int add_missing(struct scanner *s, int64_t count)
{
    int err = 0;
    int profile = ta_dv_profile_number(s->like);
    while (count-- > 0 && err >= 0 && profile >= 0)
        err = add_frame(s, &(struct ta_dv_frame){
                               .first_piece = (uint32_t)s->table->piece_count,
                               .profile = (uint8_t)profile,
                               .missing = (uint16_t)ta_dv_frame_blocks(s->like),
                           });
    return err;
}

static int add_piece(struct scanner *s, struct ta_dv_frame *f, int64_t offset, int first, int count)
{
    struct ta_dv_table *t = s->table;
    struct ta_dv_piece *last = f->piece_count ? &t->pieces[t->piece_count - 1] : NULL;
    if (last && last->first + last->count == (uint32_t)first &&
        last->offset + (int64_t)last->count * TA_DV_BLOCK == offset) {
        last->count += (uint32_t)count;
        return 0;
    }
    if (ta_try_grow((void **)&t->pieces, &t->piece_capacity, t->piece_count + 1, sizeof(*t->pieces)) < 0)
        return AVERROR(ENOMEM);
    t->pieces[t->piece_count++] = (struct ta_dv_piece){offset, (uint32_t)first, (uint32_t)count};
    f->piece_count++;
    return 0;
}

// As much of a part as the profile has room for behind block `least`. How many blocks fit, or an error.
static int add_part(struct scanner *s, struct ta_dv_frame *f, const struct part *part, const AVDVProfile *p,
                    int *least)
{
    int slot = slot_of(part->first, p);
    int room = p->difseg_size * TA_DV_SEQUENCE - part->first % CHANNEL_STEP;
    int count = TA_MIN(part->count, room);
    if (slot < *least || count <= 0)
        return 0;
    int err = add_piece(s, f, part->offset, slot, count);
    *least = slot + count;
    return err < 0 ? err : count;
}

static void merge_vote(struct ta_dv_vote *to, const struct ta_dv_vote *from)
{
    if (to->count && to->value == from->value) {
        to->count += from->count;
    } else if (from->count > to->count) {
        *to = (struct ta_dv_vote){from->value, from->count - to->count};
    } else {
        to->count -= from->count;
    }
}

static void merge_votes(struct ta_dv_votes *to, const struct ta_dv_votes *from)
{
    merge_vote(&to->system, &from->system);
    merge_vote(&to->stype, &from->stype);
    merge_vote(&to->track_pitch, &from->track_pitch);
    merge_vote(&to->display, &from->display);
    merge_vote(&to->sound[0], &from->sound[0]);
    merge_vote(&to->sound[1], &from->sound[1]);
    merge_vote(&to->timecode, &from->timecode);
    merge_vote(&to->date, &from->date);
    merge_vote(&to->time, &from->time);
    to->last_sequence = TA_MAX(to->last_sequence, from->last_sequence);
    to->blocks += from->blocks;
    to->video += from->video;
    to->marked += from->marked;
}

static int emit(struct scanner *s, const struct part *parts, int count)
{
    struct ta_dv_votes votes = {0};
    struct ta_dv_facts facts;
    for (int i = 0; i < count; i++)
        merge_votes(&votes, &parts[i].votes);
    ta_dv_votes_decide(&votes, s->like, &facts);
    if (!facts.profile)
        return 0;
    struct ta_dv_table *t = s->table;
    struct ta_dv_frame f = {
        .first_piece = (uint32_t)t->piece_count,
        .profile = (uint8_t)ta_dv_profile_number(facts.profile),
    };
    int least = 0, blocks = 0;
    for (int i = 0; i < count; i++) {
        int fitting = add_part(s, &f, &parts[i], facts.profile, &least);
        if (fitting < 0)
            return fitting;
        blocks += fitting;
    }
    f.missing = (uint16_t)(ta_dv_frame_blocks(facts.profile) - blocks);
    const struct ta_dv_frame *before = t->frame_count ? &t->frames[t->frame_count - 1] : NULL;
    f.wide = facts.tells_aspect ? facts.wide : before && f.missing && before->wide;
    // A frame that has lost what describes its sound still has most of the sound.
    const struct ta_dv_sound *sound = &facts.sound;
    if (!sound->rate && f.missing && facts.profile == s->like)
        sound = &s->sound;
    if (sound->rate) {
        f.rate = (uint8_t)(sound->rate / 1000);
        f.bits = (uint8_t)sound->bits;
        f.pairs = (uint8_t)sound->pairs;
        f.locked = sound->locked;
        f.samples = (uint16_t)sound->samples;
    }
    if (!f.missing)
        s->sound = facts.sound;
    s->like = facts.profile;
    s->used += (int64_t)blocks * TA_DV_BLOCK;
    if (t->timecode == TA_DV_NONE)
        t->timecode = facts.timecode;
    if (t->date == TA_DV_NONE && facts.date != TA_DV_NONE && facts.time != TA_DV_NONE) {
        t->date = facts.date;
        t->time = facts.time;
    }
    return add_frame(s, &f);
}

// What was collected is a frame; or several, where so much was lost that the end of a later one came to
// follow the beginning of an earlier one, as their timecodes tell.
static int flush(struct scanner *s)
{
    int from = 0, err = 0;
    uint32_t timecode = TA_DV_NONE;
    for (int i = 0; i < s->part_count && err >= 0; i++) {
        const struct ta_dv_vote *v = &s->parts[i].votes.timecode;
        if (!v->count)
            continue;
        if (timecode != TA_DV_NONE && v->value != timecode) {
            err = emit(s, s->parts + from, i - from);
            from = i;
        }
        timecode = v->value;
    }
    if (err >= 0 && from < s->part_count)
        err = emit(s, s->parts + from, s->part_count - from);
    s->part_count = 0;
    return err;
}

static int collected(const struct scanner *s)
{
    int blocks = 0;
    for (int i = 0; i < s->part_count; i++)
        blocks += s->parts[i].count;
    return blocks;
}

// ---- blocks ----

static void begin_part(struct scanner *s, int64_t at, int order)
{
    if (s->part_count < PIECES_MAX)
        s->parts[s->part_count++] = (struct part){.offset = at, .first = order};
}

static void take_block(struct scanner *s, const uint8_t *block, const struct ta_dv_id *id)
{
    struct part *part = &s->parts[s->part_count - 1];
    s->last = order_of(id);
    if (part->first + part->count != s->last) // there was no room for it
        return;
    ta_dv_votes_add(&part->votes, id, block);
    part->count++;
}

static bool is_last_slot(const struct scanner *s, int order)
{
    return s->like && slot_of(order, s->like) == ta_dv_frame_blocks(s->like) - 1;
}

// The last block before a broken place was probably cut in two itself.
static void distrust_last(struct scanner *s, int64_t at, int64_t end, bool zeros)
{
    bool whole = is_last_slot(s, s->last);
    const uint8_t *tail = whole && zeros ? view(s, at - 4, end, 4) : NULL;
    if (tail && !tail[0] && !tail[1] && !tail[2] && !tail[3])
        whole = false;
    if (whole || !s->part_count)
        return;
    struct part *part = &s->parts[s->part_count - 1];
    if (part->count > 0 && --part->count == 0)
        s->part_count--;
}

// Is there a block at `at` that is sure to be one?
static bool is_sure(struct scanner *s, int64_t at, int64_t end, int64_t distance, struct ta_dv_id *out)
{
    const uint8_t *bytes = view(s, at, end, TA_DV_BLOCK);
    if (!bytes || !ta_dv_parse_id(bytes, out))
        return false;
    // Where it would be had the bytes before it only been overwritten.
    int order = order_of(out);
    if (s->last != NO_ORDER && distance % TA_DV_BLOCK == 0 &&
        order / CHANNEL_STEP == s->last / CHANNEL_STEP && order - s->last - 1 == distance / TA_DV_BLOCK)
        return true;
    struct ta_dv_id next;
    for (int i = 1; i < SURE; i++) {
        bytes = view(s, at + (int64_t)i * TA_DV_BLOCK, end, TA_DV_BLOCK);
        if (!bytes || !ta_dv_parse_id(bytes, &next) || !follows(order, order_of(&next)))
            return false;
        order = order_of(&next);
    }
    return true;
}

// From `at`, where blocks stopped, to the next one that is sure; its place, or `end`. *zeros: hardly anything
// but zeros lies between.
static int64_t search(struct scanner *s, int64_t at, int64_t end, struct ta_dv_id *id, bool *zeros)
{
    int64_t from = at, count = 0;
    for (; at < end && !s->error; at++) {
        const uint8_t *byte = view(s, at, end, 1);
        if (!byte)
            break;
        if ((*byte & 0x10) && is_sure(s, at, end, at - from, id))
            break;
        count += byte && !*(view(s, at, end, 1));
    }
    *zeros = count > 0 && count >= (at - from) / 10 * 9;
    return at;
}

// How many frames on from that of the last block the block with `order` is, `distance` bytes behind it.
static int64_t frames_between(const struct scanner *s, int order, int64_t distance, bool zeros)
{
    int64_t natural = order > s->last ? 0 : 1;
    int before = s->like ? slot_of(s->last, s->like) : -1, after = s->like ? slot_of(order, s->like) : -1;
    if (before < 0 || after < 0)
        return natural;
    int64_t frame = s->like->frame_size, more = distance - (int64_t)(after - before - 1) * TA_DV_BLOCK;
    if (more >= 0 && more % frame == 0)
        return more / frame;
    if (zeros && distance > frame * 3 / 2)
        return TA_MAX(natural, (more + frame / 2) / frame);
    return natural;
}

// In an AVI a chunk without data between two with frames is a frame that the recorder missed. How many there
// are in a gap that is nothing but heads of chunks.
static int64_t empty_chunks(struct scanner *s, int64_t at, int64_t next, int64_t end)
{
    enum { HEAD = 8, MOST = 1 << 16 };
    if (!s->in_avi || (next - at) % HEAD || next - at > MOST)
        return 0;
    for (int64_t i = at; i + HEAD < next; i += HEAD) {
        const uint8_t *head = view(s, i, end, HEAD);
        if (!head || head[0] != '0' || head[1] != '0' || AV_RL32(head + 4))
            return 0;
    }
    return (next - at) / HEAD - 1;
}

static int cross_gap(struct scanner *s, int64_t at, int64_t next, int64_t end, int order, bool zeros)
{
    if (s->last == NO_ORDER) {
        if (s->lead < 0) {
            s->lead = next;
            s->lead_order = order;
        }
        begin_part(s, next, order);
        return 0;
    }
    distrust_last(s, at, end, zeros);
    int64_t frames = frames_between(s, order, next - at, zeros);
    if (order == 0)
        frames += empty_chunks(s, at, next, end);
    int err = frames ? flush(s) : 0;
    if (err >= 0 && frames > 1)
        err = add_missing(s, frames - 1);
    begin_part(s, next, order);
    return err;
}

// What is left of the file behind the last block.
static int finish(struct scanner *s, int64_t at, int64_t end, bool zeros)
{
    if (s->last == NO_ORDER)
        return 0;
    if (at < end)
        distrust_last(s, at, end, zeros);
    int64_t frames = -1;
    int slot = s->like ? slot_of(s->last, s->like) : -1;
    if (slot >= 0) {
        int64_t rest = end - at - (int64_t)(ta_dv_frame_blocks(s->like) - 1 - slot) * TA_DV_BLOCK;
        if (rest >= 0 && rest % s->like->frame_size == 0 && (!s->in_avi || !rest))
            frames = rest / s->like->frame_size;
    }
    int err = 0;
    if (frames >= 0 || collected(s) >= LEAST_AT_END)
        err = flush(s);
    s->part_count = 0;
    if (err >= 0 && frames > 0)
        err = add_missing(s, frames);
    return err;
}

static int scan_range(struct scanner *s, int64_t at, int64_t end)
{
    s->last = NO_ORDER;
    s->part_count = 0;
    bool zeros = false;
    while (at < end && !s->error) {
        struct ta_dv_id id;
        const uint8_t *block = view(s, at, end, TA_DV_BLOCK);
        int err = 0;
        if (block && s->last != NO_ORDER && ta_dv_parse_id(block, &id) && follows(s->last, order_of(&id))) {
            int order = order_of(&id);
            if (order == 0)
                err = flush(s);
            if (order != s->last + 1)
                begin_part(s, at, order);
        } else {
            int64_t next = search(s, at, end, &id, &zeros);
            if (next >= end || s->error)
                break;
            err = cross_gap(s, at, next, end, order_of(&id), zeros);
            at = next;
            block = view(s, at, end, TA_DV_BLOCK);
        }
        if (err < 0)
            return err;
        if (!block)
            break;
        take_block(s, block, &id);
        at += TA_DV_BLOCK;
    }
    return s->error ? s->error : finish(s, at, end, zeros);
}

// ---- the whole ----

static int64_t count_profile(const struct ta_dv_table *t, int profile)
{
    int64_t count = 0;
    for (size_t i = 0; i < t->frame_count; i++)
        count += t->frames[i].profile == profile;
    return count;
}

static void choose_profile(struct ta_dv_table *t)
{
    int64_t most = 0;
    for (int i = 0; i < 128; i++) {
        int64_t count = count_profile(t, i);
        if (count > most) {
            most = count;
            t->profile = (uint8_t)i;
        }
    }
}

// A few frames that say that they are of another system are wrong, not a part of the tape.
static void drop_strays(struct ta_dv_table *t)
{
    int blocks = ta_dv_frame_blocks(ta_dv_profile(t->profile));
    for (size_t i = 0, end; i < t->frame_count; i = end) {
        int whole = 0;
        for (end = i; end < t->frame_count && t->frames[end].profile == t->frames[i].profile; end++)
            whole += !t->frames[end].missing;
        if (t->frames[i].profile == t->profile || whole >= LEAST_PART)
            continue;
        for (size_t k = i; k < end; k++)
            t->frames[k] = (struct ta_dv_frame){.first_piece = t->frames[k].first_piece,
                                                .profile = t->profile,
                                                .missing = (uint16_t)blocks,
                                                .wide = t->frames[k].wide};
    }
}

static void choose_sound(struct ta_dv_table *t)
{
    int64_t counts[256] = {0}, wide = 0, pictures = 0;
    for (size_t i = 0; i < t->frame_count; i++) {
        const struct ta_dv_frame *f = &t->frames[i];
        counts[f->rate]++;
        if (f->missing)
            continue;
        t->pairs = TA_MAX(t->pairs, f->pairs);
        wide += f->wide;
        pictures++;
    }
    for (int i = 1; i < 256; i++)
        if (counts[i] && (!t->rate || counts[i] >= counts[t->rate]))
            t->rate = (uint8_t)i;
    if (t->rate && !t->pairs)
        t->pairs = 1;
    t->wide = wide * 2 > pictures;
}

// Frames before the first one that was found, where the file begins with what is none.
static int add_lead(struct scanner *s)
{
    struct ta_dv_table *t = s->table;
    const AVDVProfile *p = ta_dv_profile(t->profile);
    int slot = s->lead < 0 ? -1 : slot_of(s->lead_order, p);
    int64_t rest = s->lead - (int64_t)slot * TA_DV_BLOCK;
    if (slot < 0 || rest <= 0 || rest % p->frame_size != 0)
        return 0;
    size_t count = (size_t)(rest / p->frame_size), had = t->frame_count;
    s->like = p;
    int err = add_missing(s, (int64_t)count);
    if (err < 0)
        return err;
    memmove(t->frames + count, t->frames, had * sizeof(*t->frames));
    for (size_t i = 0; i < count; i++)
        t->frames[i] = (struct ta_dv_frame){.profile = t->profile,
                                            .missing = (uint16_t)ta_dv_frame_blocks(p)};
    return 0;
}

static int scan(struct scanner *s, int64_t limit)
{
    s->lead = -1;
    s->used = 0;
    s->table->file_bytes = s->file->bytes;
    int err = scan_range(s, 0, limit);
    if (err < 0)
        return err;
    if (!s->table->frame_count)
        return AVERROR_INVALIDDATA;
    choose_profile(s->table);
    return 0;
}

static void release(struct scanner *s)
{
    free(s->window);
    free(s->parts);
    ta_dv_table_destroy(&s->table);
}

static int init(struct scanner *s, const struct ta_dv_file *file)
{
    *s = (struct scanner){.file = file, .table = ta_dv_table_create()};
    s->window = malloc(WINDOW);
    s->parts = malloc(PIECES_MAX * sizeof(*s->parts));
    if (s->window && s->parts)
        return 0;
    release(s);
    return AVERROR(ENOMEM);
}

int ta_dv_scan(struct ta_dv_table **out, const struct ta_dv_file *file, bool in_avi,
               bool (*stop)(void *priv, int64_t position), void *priv)
{
    *out = NULL;
    struct scanner s;
    int err = init(&s, file);
    if (err < 0)
        return err;
    s.in_avi = in_avi;
    s.stop = stop;
    s.priv = priv;
    // What most frames at the beginning are is what a frame is taken for that has lost its head.
    err = scan(&s, TA_MIN(file->bytes, PROBE_BYTES));
    if (err >= 0 || err == AVERROR_INVALIDDATA) {
        s.like = err < 0 ? NULL : ta_dv_profile(s.table->profile);
        ta_dv_table_destroy(&s.table);
        s.table = ta_dv_table_create();
        s.sound = (struct ta_dv_sound){0};
        err = scan(&s, file->bytes);
    }
    if (err >= 0 && !in_avi)
        err = add_lead(&s);
    if (err >= 0) {
        drop_strays(s.table);
        choose_sound(s.table);
        s.table->in_avi = in_avi;
        s.table->lost_bytes = in_avi ? 0 : file->bytes - s.used;
        *out = s.table;
        s.table = NULL;
    }
    release(&s);
    return err;
}

bool ta_dv_probe(const struct ta_dv_file *file)
{
    struct scanner s;
    if (init(&s, file) < 0)
        return false;
    bool whole = false;
    if (scan(&s, TA_MIN(file->bytes, PROBE_BYTES)) >= 0)
        for (size_t i = 0; i < s.table->frame_count; i++)
            whole |= !s.table->frames[i].missing;
    release(&s);
    return whole;
}
