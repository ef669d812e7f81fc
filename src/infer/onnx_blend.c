#include "infer/onnx_blend.h"

#include <math.h>
#include <string.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/onnx_fields.h"

enum { TYPE_FLOAT = 1, TYPE_HALF = 10 }; // of tensors

struct blend {
    uint8_t *data; // of the first file, which is changed
    const uint8_t *start;
    double share;
};

// ---- numbers of 16 bit ----

static double half_value(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent == 31  ? (mantissa ? NAN : INFINITY)
               : exponent == 0 ? ldexp(mantissa, -24)
                               : ldexp(1024 + mantissa, exponent - 25);
    return h & 0x8000 ? -v : v;
}

// The nearest, to even between two.
static uint16_t half_of(double v)
{
    uint16_t sign = signbit(v) ? 0x8000 : 0;
    double a = fabs(v);
    int exponent = 0;
    if (isnan(v))
        return sign | 0x7e00;
    if (a < ldexp(1, -26)) // nothing is left of it
        return sign;
    frexp(a, &exponent); // a < 2^exponent
    int least = TA_MAX(exponent - 11, -24);
    double steps = nearbyint(ldexp(a, -least)); // 0 to 2048
    if (isinf(a) || ldexp(steps, least) >= 65520)
        return sign | 0x7c00;
    // What is above 1023 steps carries into the exponent, as it should.
    return (uint16_t)(sign | ((uint32_t)(least + 24) * 1024 + (uint32_t)steps));
}

// ---- tensors ----

static void mix_floats(uint8_t *a, const uint8_t *b, size_t size, double share)
{
    float x, y;
    for (size_t i = 0; i + sizeof x <= size; i += sizeof x) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        x = (float)((double)x * (1 - share) + (double)y * share);
        memcpy(a + i, &x, sizeof x);
    }
}

static void mix_halves(uint8_t *a, const uint8_t *b, size_t size, double share)
{
    uint16_t x, y;
    for (size_t i = 0; i + sizeof x <= size; i += sizeof x) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        x = half_of(half_value(x) * (1 - share) + half_value(y) * share);
        memcpy(a + i, &x, sizeof x);
    }
}

static int type_of(struct ta_onnx_span tensor)
{
    struct ta_onnx_field f;
    int type = 0;
    while (tensor.at < tensor.end && ta_onnx_read_field(&tensor, &f))
        if (!f.is_bytes && f.number == TA_ONNX_TENSOR_TYPE)
            type = (int)f.value;
    return type;
}

// Do the numbers of this field count? Then they are mixed.
static bool mix(const struct blend *m, int type, const struct ta_onnx_field *a, const struct ta_onnx_field *b)
{
    uint8_t *at = m->data + (a->bytes.at - m->start);
    size_t size = (size_t)(a->bytes.end - a->bytes.at);
    bool raw = a->number == TA_ONNX_TENSOR_RAW;
    if (type == TYPE_FLOAT && (raw || a->number == TA_ONNX_TENSOR_FLOATS))
        mix_floats(at, b->bytes.at, size, m->share);
    else if (type == TYPE_HALF && raw)
        mix_halves(at, b->bytes.at, size, m->share);
    else
        return false;
    return true;
}

static bool walk(const struct blend *m, enum ta_onnx_kind in, struct ta_onnx_span a, struct ta_onnx_span b,
                 int depth)
{
    int type = in == TA_ONNX_TENSOR ? type_of(a) : 0;
    while (a.at < a.end || b.at < b.end) {
        struct ta_onnx_field x, y;
        if (depth > TA_ONNX_DEEPEST || !ta_onnx_read_field(&a, &x) || !ta_onnx_read_field(&b, &y) ||
            x.number != y.number || x.is_bytes != y.is_bytes || x.value != y.value)
            return false;
        enum ta_onnx_kind kind = x.is_bytes ? ta_onnx_kind_of(in, x.number) : TA_ONNX_OTHER;
        size_t size = (size_t)(x.bytes.end - x.bytes.at), other = (size_t)(y.bytes.end - y.bytes.at);
        bool leaf = kind == TA_ONNX_OTHER || kind == TA_ONNX_EXTERNAL || kind == TA_ONNX_OPERATOR_SET;
        if (!leaf ? !walk(m, kind, x.bytes, y.bytes, depth + 1)
                  : size != other ||
                        (size && !mix(m, type, &x, &y) && memcmp(x.bytes.at, y.bytes.at, size) != 0))
            return false;
    }
    return true;
}

int ta_onnx_blend(void *data, size_t size, const void *other, size_t other_size, double share,
                  struct ta_log *log)
{
    const struct blend m = {data, data, share};
    const uint8_t *a = data, *b = other;
    if (walk(&m, TA_ONNX_MODEL, (struct ta_onnx_span){a, a + size}, (struct ta_onnx_span){b, b + other_size},
             0))
        return 0;
    ta_error(log, "the two networks can't be blended: they differ in more than their numbers");
    return TA_ERR_MISMATCH;
}
