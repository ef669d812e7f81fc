#include "base/utf8.h"

size_t ta_utf8_length(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    if (s[0] < 0x80)
        return 1;
    // Allowed second bytes differ by the first one: Unicode 15, table 3-7.
    unsigned char low = 0x80, high = 0xbf;
    size_t length;
    if (s[0] >= 0xc2 && s[0] <= 0xdf) {
        length = 2;
    } else if (s[0] >= 0xe0 && s[0] <= 0xef) {
        length = 3;
        low = s[0] == 0xe0 ? 0xa0 : low;
        high = s[0] == 0xed ? 0x9f : high;
    } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
        length = 4;
        low = s[0] == 0xf0 ? 0x90 : low;
        high = s[0] == 0xf4 ? 0x8f : high;
    } else {
        return 0;
    }
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return length;
}

bool ta_utf8_valid(const char *text)
{
    while (*text) {
        size_t length = ta_utf8_length(text);
        if (!length)
            return false;
        text += length;
    }
    return true;
}

size_t ta_utf8_columns(const char *text, size_t size)
{
    size_t columns = 0;
    for (size_t i = 0; i < size && text[i];) {
        size_t length = ta_utf8_length(text + i);
        i += length ? length : 1;
        columns++;
    }
    return columns;
}

bool ta_utf8_is_control(const char *text, size_t length)
{
    const unsigned char *s = (const unsigned char *)text;
    if (length == 1)
        return s[0] < 0x20 || s[0] == 0x7f;
    if (length == 2) // C1; the Arabic letter mark
        return (s[0] == 0xc2 && s[1] < 0xa0) || (s[0] == 0xd8 && s[1] == 0x9c);
    if (length != 3)
        return false;
    unsigned code = (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    return code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}
