#include "infer/pictures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include <terminalai/error.h>

#include "base/log.h"
#include "base/mem.h"
#include "infer/models.h"

enum { LARGEST_FACTOR = 8, LARGEST_SIDE = 1024 };
// Not square, so that a network that turns pictures over is found out; sides that all common networks take.
enum { TRY_WIDTH = 32, TRY_HEIGHT = 16 };

// [1 or any, planes, height, width] of 32 bit numbers.
static bool is_picture(const struct ta_tensor_shape *s, int planes)
{
    return s->element == TA_ELEMENT_FLOAT && s->count == 4 && (s->dim[0] == 1 || s->dim[0] < 0) &&
           (s->dim[1] == planes || s->dim[1] < 0);
}

// "1 input of 1 x 9 x any x any" or "2 inputs".
static void describe(struct ta_buf *out, const char *what, int count, const struct ta_tensor_shape *s)
{
    ta_buf_printf(out, "%d %s%s", count, what, count == 1 ? "" : "s");
    for (int i = 0; count == 1 && i < s->count; i++)
        if (s->dim[i] < 0)
            ta_buf_printf(out, "%sany", i ? " x " : " of ");
        else
            ta_buf_printf(out, "%s%" PRId64, i ? " x " : " of ", s->dim[i]);
    if (count == 1 && s->element != TA_ELEMENT_FLOAT)
        ta_buf_puts(out, ", of other numbers");
}

static int refuse(const struct ta_network *n, struct ta_log *log)
{
    struct ta_buf has = {0};
    describe(&has, "input", n->in_count, n->in);
    ta_buf_puts(&has, " and ");
    describe(&has, "output", n->out_count, n->out);
    ta_error(
        log,
        "it does not enlarge pictures: expected is one input of the shape 1 x 3 x height x width (or 1 x 1, "
        "brightness alone), of 32 bit numbers, and one output like it; it has %s",
        ta_buf_text(&has));
    ta_buf_release(&has);
    return TA_ERR_UNSUPPORTED;
}

// Does each plane have this level, in the middle, where no border is near? Networks may err by a fifth.
static bool stays_grey(const struct ta_tensor *out, float level)
{
    int64_t w = out->dim[3], h = out->dim[2];
    for (int64_t p = 0; p < out->dim[1]; p++) {
        double sum = 0, count = 0;
        for (int64_t y = h / 4; y < h - h / 4; y++)
            for (int64_t x = w / 4; x < w - w / 4; x++, count++)
                sum += (double)out->data[(p * h + y) * w + x];
        if (!(fabs(sum / count - (double)level) <= (double)level / 5))
            return false;
    }
    return true;
}

// The output of a factor is tried in memory of that size: the engine refuses any other. *grey: what is all of
// `level` stays so.
static int try_factor(struct ta_network *n, const struct ta_tensor *in, int factor, float level, bool *grey)
{
    size_t width = (size_t)(in->dim[3] * factor), height = (size_t)(in->dim[2] * factor);
    size_t count = (size_t)in->dim[1] * width * height;
    struct ta_tensor out = {.count = 4, .dim = {1, in->dim[1], (int64_t)height, (int64_t)width}};
    out.data = calloc(count, sizeof *out.data);
    if (!out.data)
        return TA_ERR_NOMEM;
    size_t given = (size_t)(in->dim[1] * in->dim[2] * in->dim[3]);
    for (size_t i = 0; i < given; i++)
        in->data[i] = level;
    int err = n->engine->info->run(n, in, &out, NULL);
    *grey = err >= 0 && stays_grey(&out, level);
    for (size_t i = 0; err >= 0 && i < count; i++)
        if (!isfinite(out.data[i]))
            err = TA_ERR_DAMAGED;
    free(out.data);
    return err;
}

int ta_network_find_use(struct ta_network *n, struct ta_network_use *use, struct ta_log *log)
{
    *use = (struct ta_network_use){0};
    if (n->in_count != 1 || n->out_count != 1)
        return refuse(n, log);
    const struct ta_tensor_shape *in = &n->in[0];
    use->planes = in->count == 4 && in->dim[1] == 1 ? 1 : 3;
    // An input that takes any number of planes has them in another order, mostly last.
    if (!is_picture(in, use->planes) || in->dim[1] != use->planes || !is_picture(&n->out[0], use->planes))
        return refuse(n, log);
    use->height = in->dim[2] > 0 ? (int)TA_MIN(in->dim[2], INT32_MAX) : 0;
    use->width = in->dim[3] > 0 ? (int)TA_MIN(in->dim[3], INT32_MAX) : 0;
    if (use->width > LARGEST_SIDE || use->height > LARGEST_SIDE) {
        ta_error(log, "it takes one size of pictures alone, %d in one direction; at most %d x %d can be used",
                 TA_MAX(use->width, use->height), LARGEST_SIDE, LARGEST_SIDE);
        return TA_ERR_UNSUPPORTED;
    }
    struct ta_tensor grey = {.count = 4, .dim = {1, use->planes, use->height, use->width}};
    grey.dim[2] = use->height ? use->height : TRY_HEIGHT;
    grey.dim[3] = use->width ? use->width : TRY_WIDTH;
    size_t count = (size_t)(grey.dim[1] * grey.dim[2] * grey.dim[3]);
    grey.data = ta_xcalloc(count, sizeof *grey.data);
    bool unit = false, byte = false;
    int err = TA_ERR_UNSUPPORTED;
    for (int factor = 1; err < 0 && err != TA_ERR_NOMEM && err != TA_ERR_DAMAGED && factor <= LARGEST_FACTOR;
         factor++) {
        err = try_factor(n, &grey, factor, 0.5F, &unit);
        use->factor = factor;
    }
    if (err >= 0 && !unit)
        err = try_factor(n, &grey, use->factor, 127.5F, &byte);
    use->white = unit ? 1 : byte ? 255 : 0;
    free(grey.data);
    if (err == TA_ERR_DAMAGED)
        ta_error(log, "what it makes of a grey picture is not numbers");
    else if (err == TA_ERR_NOMEM)
        ta_error(log, "there is not enough memory to try it");
    else if (err < 0)
        ta_error(log, "it makes no picture that is 1 to %d times as large as the one it is given",
                 LARGEST_FACTOR);
    return err;
}

int ta_network_use_check(const struct ta_network_use *use, const struct ta_model *listed, struct ta_log *log)
{
    if (listed && (listed->factor != use->factor || listed->in[1] != use->planes)) {
        ta_error(
            log,
            "the manifest says that \"%s\" enlarges %d times and takes %d planes, but the file enlarges %d "
            "times and takes %d: correct its entry",
            listed->name, listed->factor, listed->in[1], use->factor, use->planes);
        return TA_ERR_MISMATCH;
    }
    if (!listed && !use->white) {
        ta_error(
            log,
            "grey does not stay grey in it: expected are numbers from 0 for black to 1 or 255 for white, "
            "in and out; with others it needs an entry in models.yaml and a network around it");
        return TA_ERR_UNSUPPORTED;
    }
    return 0;
}
