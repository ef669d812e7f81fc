// Adds Gaussian noise of a known strength to a Y4M stream of 8-bit 4:2:0 or 4:2:2. Used by noise.py.
//
//     noise_tool LUMA CHROMA white|tape|grain|dark [SEED] <in.y4m >out.y4m
//
// LUMA and CHROMA are standard deviations in codes. tape: low-passed along the lines as tapes have it; grain:
// low-passed both ways as films have it; dark: half of it in white, all of it in black.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STOCK = 1 << 20, ROW = 8192 };
enum kind { WHITE, TAPE, GRAIN, DARK };

static uint64_t random_state = 88172645463325252u;

static double uniform(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (double)(random_state >> 11) / 9007199254740992.0;
}

// Values of deviation 1, through a box filter twice.
static float *make_stock(int box)
{
    float *v = malloc((STOCK + ROW) * sizeof *v);
    double power = 0;
    if (!v)
        abort();
    for (int i = 0; i < STOCK + ROW; i++)
        v[i] = (float)(sqrt(-2 * log(uniform() + 1e-12)) * cos(6.283185307179586 * uniform()));
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < STOCK + ROW - box; i++) {
            float sum = 0;
            for (int k = 0; k < box; k++)
                sum += v[i + k];
            v[i] = sum;
        }
    for (int i = 0; i < STOCK; i++)
        power += v[i] * v[i];
    for (int i = 0; i < STOCK + ROW; i++)
        v[i] = (float)(v[i] / sqrt(power / STOCK));
    return v;
}

static void add(uint8_t *plane, int width, int height, double sigma, const float *stock, enum kind kind)
{
    const float *above = stock + (int)(uniform() * STOCK);
    for (int y = 0; y < height; y++) {
        const float *row = stock + (int)(uniform() * STOCK);
        for (int x = 0; x < width; x++) {
            double v = kind == GRAIN ? (row[x] + above[x]) * 0.7071 : row[x];
            double s = kind == DARK ? sigma * (1 - plane[x] / 510.0) : sigma;
            double to = floor(plane[x] + v * s + 0.5);
            plane[x] = (uint8_t)(to < 0 ? 0 : to > 255 ? 255 : to);
        }
        above = row;
        plane += width;
    }
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"white", "tape", "grain", "dark"};
    char head[1024], line[256];
    int width = 0, height = 0, kind = 0;
    if (argc < 4 || !fgets(head, sizeof head, stdin))
        return 2;
    while (kind < 3 && strcmp(argv[3], names[kind]) != 0)
        kind++;
    if (argc > 4)
        random_state ^= (uint64_t)atoll(argv[4]) * 0x9e3779b97f4a7c15u;
    const char *w = strstr(head, " W"), *h = strstr(head, " H");
    if (!w || !h || sscanf(w, " W%d", &width) != 1 || sscanf(h, " H%d", &height) != 1 || width > ROW)
        return 2;
    int chroma_height = strstr(head, "C422") ? height : (height + 1) / 2;
    int planes[3][2] = {{width, height}, {(width + 1) / 2, chroma_height}, {(width + 1) / 2, chroma_height}};
    float *luma = make_stock(kind == WHITE || kind == DARK ? 1 : 2),
          *chroma = make_stock(kind == TAPE    ? 5
                               : kind == GRAIN ? 2
                                               : 1);
    uint8_t *samples = malloc((size_t)width * (size_t)height);
    if (!samples)
        return 1;
    fputs(head, stdout);
    while (fgets(line, sizeof line, stdin)) {
        fputs(line, stdout);
        for (int p = 0; p < 3; p++) {
            size_t size = (size_t)planes[p][0] * (size_t)planes[p][1];
            if (fread(samples, 1, size, stdin) != size)
                return 1;
            add(samples, planes[p][0], planes[p][1], atof(argv[p ? 2 : 1]), p ? chroma : luma,
                (enum kind)kind);
            fwrite(samples, 1, size, stdout);
        }
    }
    return 0;
}
