// What is measured of a source besides its noise: levels, and lines torn by switching heads.
#ifndef TA_DIAGNOSE_TAPE_H
#define TA_DIAGNOSE_TAPE_H

struct ta_measure_info;

// Value: {black, white, saturation, black_share, white_share}: codes of 8 bits that the darkest and brightest
// parts of the pictures come to; in which share of the pictures they come as far, within 4 codes: levels of
// the recording are the same in many pictures, those of a scene only there; mean distance of chroma from
// gray. The series is the pictures' own black.
extern const struct ta_measure_info ta_measure_levels;

// Value: {lines}: lines of the frame at the bottom that are torn; 0 for none. The confidence is the share of
// the pictures that agree.
extern const struct ta_measure_info ta_measure_head_switching;

#endif
