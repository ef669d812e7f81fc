// What DV says of itself. A frame is 10 (525 lines) or 12 (625 lines) sequences for each of 1 to 4 channels,
// each of 150 blocks of 80 bytes; each block begins with three bytes that tell what it is and where it
// belongs, and the facts of a frame (system, aspect, sound, timecode, date) are repeated in each sequence.
// So every question is put to the vote of the blocks that are there.
#ifndef TA_MEDIA_DV_FACTS_H
#define TA_MEDIA_DV_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/dv_profile.h>

enum {
    TA_DV_BLOCK = 80,     // bytes
    TA_DV_SEQUENCE = 150, // blocks
    TA_DV_SEQUENCES = 12, // most of a channel
    TA_DV_CHANNELS = 4,
    TA_DV_MAX_FRAME = TA_DV_BLOCK * TA_DV_SEQUENCE * TA_DV_SEQUENCES * TA_DV_CHANNELS,
};

enum ta_dv_section { TA_DV_HEADER, TA_DV_SUBCODE, TA_DV_VAUX, TA_DV_AUDIO, TA_DV_VIDEO };

// Which block this is.
struct ta_dv_id {
    enum ta_dv_section section;
    int channel, sequence;
    int number; // within its section and sequence
    int block;  // within its sequence, 0..149
};
// False when the bytes (at least 3) are no block's.
bool ta_dv_parse_id(const uint8_t *bytes, struct ta_dv_id *out);
// Writes the three bytes of block `block` of a sequence.
void ta_dv_write_id(uint8_t *bytes, int channel, int sequence, int block);

// Where the value that more than half of the votes have is found without a table.
struct ta_dv_vote {
    uint32_t value;
    int count; // 0: no votes, or as many against as for
};
void ta_dv_vote_cast(struct ta_dv_vote *v, uint32_t value);

struct ta_dv_votes {
    struct ta_dv_vote system, stype, track_pitch, display, sound[2], timecode, date, time;
    int last_sequence;
    int blocks; // that were seen
    int video;  // ... of these, blocks of pictures
    int marked; // video blocks that the recorder marked as wrong or concealed
};
// Lets one block of 80 bytes vote.
void ta_dv_votes_add(struct ta_dv_votes *v, const struct ta_dv_id *id, const uint8_t *block);

#define TA_DV_NONE UINT32_MAX

struct ta_dv_sound {
    int rate;    // Hz; 0: no sound
    int samples; // of each channel in this frame
    int pairs;   // of channels, 1..4
    int bits;    // 16 or 12 (not linear)
    bool locked; // to the picture's clock, as the recorder says
};

struct ta_dv_facts {
    const AVDVProfile *profile; // libav's; NULL when nothing tells
    bool tells_aspect, wide;    // 16:9
    struct ta_dv_sound sound;
    uint32_t timecode; // hhmmssff in BCD, bit 31: numbers are dropped; TA_DV_NONE
    uint32_t date;     // yyyymmdd in BCD; TA_DV_NONE
    uint32_t time;     // hhmmss in BCD; TA_DV_NONE
    int blocks, video, marked;
};
// `like` (may be NULL) is what is taken where nothing tells the system.
void ta_dv_votes_decide(const struct ta_dv_votes *v, const AVDVProfile *like, struct ta_dv_facts *out);

// A packet that holds one frame.
void ta_dv_examine(const uint8_t *data, size_t size, struct ta_dv_facts *out);

// Profiles as numbers that mean the same in every version of libav; -1 and NULL for none.
int ta_dv_profile_number(const AVDVProfile *p);
const AVDVProfile *ta_dv_profile(int number);
static inline int ta_dv_frame_blocks(const AVDVProfile *p)
{
    return p->frame_size / TA_DV_BLOCK;
}
static inline int ta_dv_video_blocks(const AVDVProfile *p) // of these
{
    return ta_dv_frame_blocks(p) / TA_DV_SEQUENCE * 135;
}

// Writes what a decoder tells the system and aspect by into a frame of the profile's size.
void ta_dv_write_facts(uint8_t *frame, const AVDVProfile *p, bool wide);

// Seconds since 1970 of a date and time as given above (by a clock that knows no zones), INT64_MIN when there
// is none.
int64_t ta_dv_seconds(uint32_t date, uint32_t time);

// "01:02:03:04", with ";" before the frames where numbers are dropped; "2003-05-17" + between + "14:22:05" +
// after. Into `text`, which they return.
enum { TA_DV_TEXT = 48 };
const char *ta_dv_timecode_text(uint32_t timecode, char text[TA_DV_TEXT]);
const char *ta_dv_date_text(uint32_t date, uint32_t time, const char *between, const char *after,
                            char text[TA_DV_TEXT]);

#endif
