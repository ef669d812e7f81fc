// Noise of the source, over all of it.
#ifndef TA_DIAGNOSE_NOISE_H
#define TA_DIAGNOSE_NOISE_H

struct ta_measure_info;

// Value: {luma, chroma, levels, across, down, still}: standard deviations in codes of 8 bits, of luma as a
// whole and by brightness (8 of 32 codes each, -1 where too little was seen), correlation with the next pixel
// and with the next line of the field, share of the picture that was still enough to tell. The series is
// luma's. Noise is what changes from picture to picture where nothing moves: grain of a film is, too. What
// coding has flattened is not there to be measured, so that confidence falls where pictures differ in it.
extern const struct ta_measure_info ta_measure_noise;

#endif
