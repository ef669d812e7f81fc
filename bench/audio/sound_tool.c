// Sound restored by one processor at a time, scored against its original. Used by restore.py.
//
//     sound_tool make KIND RATE CHANNELS SECONDS SEED OUT      music, applause, tones, silence
//     sound_tool spoil KIND RATE CHANNELS IN OUT SEED AMOUNT   hum50, hum60, hiss, clicks, buzz50, buzz60,
//                                                          dropouts, wow, flutter, clip
//     sound_tool run PROCESSOR RATE CHANNELS IN OUT [NAME=VALUE...]
//     sound_tool score RATE CHANNELS TRUTH TEST                one JSON object
//     sound_tool hear RATE CHANNELS IN                         what is measured, one JSON object
//
// Files hold raw interleaved floats. run trims what a processor delays by, and prints the CPU seconds it
// took.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"

#include "sound_make.h"
#include "sound_processors.h"
#include "sound_score.h"

static void read_sound(const char *path, int channels, struct sound *out)
{
    FILE *f = fopen(path, "rb");
    float *all = NULL;
    size_t count = 0, capacity = 0, got;
    if (!f) {
        perror(path);
        exit(1);
    }
    do {
        if (ta_try_grow((void **)&all, &capacity, count + 65536, sizeof *all) < 0)
            abort();
        got = fread(all + count, sizeof *all, 65536, f);
        count += got;
    } while (got);
    fclose(f);
    sound_init(out, channels, count / (size_t)channels);
    for (size_t i = 0; i < out->samples; i++)
        for (int c = 0; c < channels; c++)
            out->planes[c][i] = all[i * (size_t)channels + (size_t)c];
    free(all);
}

static void write_sound(const char *path, const struct sound *s)
{
    FILE *f = fopen(path, "wb");
    if (!f) {
        perror(path);
        exit(1);
    }
    for (size_t i = 0; i < s->samples; i++)
        for (int c = 0; c < s->channels; c++)
            fwrite(&s->planes[c][i], sizeof(float), 1, f);
    if (fclose(f)) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct sound a = {0}, b = {0};
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "make") && argc == 8) {
        sound_init(&a, atoi(argv[4]), (size_t)(atof(argv[5]) * atoi(argv[3])));
        if (!sound_make(argv[2], atoi(argv[3]), (unsigned)atoi(argv[6]), &a))
            return 2;
        write_sound(argv[7], &a);
    } else if (!strcmp(what, "spoil") && argc == 9) {
        read_sound(argv[5], atoi(argv[4]), &a);
        if (!sound_spoil(argv[2], atoi(argv[3]), (unsigned)atoi(argv[7]), atof(argv[8]), &a))
            return 2;
        write_sound(argv[6], &a);
    } else if (!strcmp(what, "run") && argc >= 7) {
        read_sound(argv[5], atoi(argv[4]), &a);
        double seconds = sound_process(argv[2], atoi(argv[3]), argv + 7, argc - 7, &a);
        if (seconds < 0)
            return 2;
        printf("{\"cpu_seconds\": %.4f, \"seconds\": %.3f}\n", seconds, (double)a.samples / atoi(argv[3]));
        write_sound(argv[6], &a);
    } else if (!strcmp(what, "score") && argc == 6) {
        read_sound(argv[4], atoi(argv[3]), &a);
        read_sound(argv[5], atoi(argv[3]), &b);
        sound_score(atoi(argv[2]), &a, &b);
    } else if (!strcmp(what, "hear") && argc == 5) {
        read_sound(argv[4], atoi(argv[3]), &a);
        sound_hear(atoi(argv[2]), &a);
    } else {
        fprintf(stderr, "usage: see the head of sound_tool.c\n");
        return 2;
    }
    sound_release(&a);
    sound_release(&b);
    return 0;
}
