#include "base/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/mem.h"

int ta_int_parse(const char *text, int64_t *out)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return TA_ERR_FORMAT;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno)
        return TA_ERR_INVALID;
    *out = value;
    return 0;
}

// strtod() and printf() use the decimal point of the program's locale.
static const char *decimal_point(void)
{
    const char *point = localeconv()->decimal_point;
    return *point ? point : ".";
}

int ta_number_parse(const char *text, double *out)
{
    const char *s = text + (*text == '-' || *text == '+');
    size_t whole = strspn(s, "0123456789"), fraction = 0;
    const char *point = NULL;
    s += whole;
    if (*s == '.') {
        point = s++;
        fraction = strspn(s, "0123456789");
        s += fraction;
    }
    if (!whole && !fraction)
        return TA_ERR_FORMAT;
    if (*s == 'e' || *s == 'E') {
        s += 1 + (s[1] == '-' || s[1] == '+');
        size_t exponent = strspn(s, "0123456789");
        if (!exponent)
            return TA_ERR_FORMAT;
        s += exponent;
    }
    if (*s)
        return TA_ERR_FORMAT;
    char *localized = NULL;
    if (point)
        localized = ta_xprintf("%.*s%s%s", (int)(point - text), text, decimal_point(), point + 1);
    double value = strtod(localized ? localized : text, NULL);
    free(localized);
    if (!isfinite(value))
        return TA_ERR_INVALID;
    *out = value;
    return 0;
}

// Appends what printf() wrote, with a dot as decimal point.
static void append_unlocalized(struct ta_buf *out, const char *text)
{
    const char *point = decimal_point();
    const char *at = strstr(text, point);
    if (!at) {
        ta_buf_puts(out, text);
        return;
    }
    ta_buf_append(out, text, (size_t)(at - text));
    ta_buf_putc(out, '.');
    ta_buf_puts(out, at + strlen(point));
}

void ta_number_append(struct ta_buf *out, double value)
{
    char text[64] = "";
    if (fabs(value) < 1e15 && value == floor(value)) { // "1000000" reads better than "1e+06"
        ta_buf_printf(out, "%.0f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (!isfinite(value) || strtod(text, NULL) == value)
            break;
    }
    append_unlocalized(out, text);
}

void ta_number_append_fixed(struct ta_buf *out, double value, int decimals)
{
    char text[400] = ""; // DBL_MAX has 309 digits
    for (int d = 0; d <= TA_MIN(decimals, 64); d++) {
        snprintf(text, sizeof(text), "%.*f", d, value);
        if (!isfinite(value) || strtod(text, NULL) == value)
            break;
    }
    append_unlocalized(out, text);
}
