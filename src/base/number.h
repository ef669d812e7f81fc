// Numbers as text, whatever the locale of the program says.
#ifndef TA_BASE_NUMBER_H
#define TA_BASE_NUMBER_H

#include <stddef.h>
#include <stdint.h>

struct ta_buf;

// The whole text as a decimal integer with an optional sign. TA_ERR_FORMAT if it is none, TA_ERR_INVALID if
// it does not fit 64 bits.
int ta_int_parse(const char *text, int64_t *out);
// The whole text as a decimal number ("1", "-.5", "1.5e3"; no hexadecimal, infinity or NaN). TA_ERR_FORMAT if
// it is none, TA_ERR_INVALID if it is too large for a double.
int ta_number_parse(const char *text, double *out);
// The shortest text that ta_number_parse() turns into the same finite value again; a NaN or infinity gives
// "nan" or "inf".
void ta_number_append(struct ta_buf *out, double value);
// Without exponent, with as few of at most `decimals` digits after the point as give the same value again
// (else all of them).
void ta_number_append_fixed(struct ta_buf *out, double value, int decimals);

#endif
