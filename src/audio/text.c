#include "audio/text.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/lru.h"
#include "base/mem.h"
#include "base/tuning.h"

static const size_t CACHE_BYTES = 1 << 20;

struct ta_sound_texts {
    struct ta_lru *lru;
    pthread_mutex_t lock; // guards what follows
    struct ta_sound_text_counts counts;
};

int ta_sound_texts_create(struct ta_sound_texts **out)
{
    struct ta_sound_texts *t = ta_xcalloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    ta_lru_create(&t->lru, CACHE_BYTES, free);
    *out = t;
    return 0;
}

void ta_sound_texts_destroy(struct ta_sound_texts **texts)
{
    struct ta_sound_texts *t = *texts;
    *texts = NULL;
    if (!t)
        return;
    ta_lru_destroy(&t->lru);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

struct ta_sound_text_counts ta_sound_texts_counts(struct ta_sound_texts *t)
{
    pthread_mutex_lock(&t->lock);
    struct ta_sound_text_counts counts = t->counts;
    pthread_mutex_unlock(&t->lock);
    return counts;
}

static char *build(const struct ta_sound_stage_plan *stages, int count)
{
    struct ta_buf text = {0};
    for (int i = 0; i < count; i++) {
        size_t before = text.size;
        if (before)
            ta_buf_puts(&text, ",");
        if (stages[i].info->describe)
            stages[i].info->describe(stages[i].opts, &stages[i].in, &stages[i].out, &text);
        else
            ta_buf_puts(&text, stages[i].info->name);
    }
    char *out = ta_xstrdup(text.size ? ta_buf_text(&text) : "");
    ta_buf_release(&text);
    return out;
}

// The bytes of a value, quicker than in words: a key must cost less than what it saves.
static void put_bits(struct ta_buf *key, const void *value, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = value;
    char text[2 * sizeof(uint64_t)];
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ta_buf_append(key, text, 2 * size);
}

// All that the text depends on. Fields have sizes of their own, so that nothing need part them.
static void key_of(const struct ta_sound_stage_plan *stages, int count, struct ta_buf *key)
{
    for (int i = 0; i < count; i++) {
        const struct ta_sound_stage_plan *s = &stages[i];
        ta_buf_puts(key, s->info->name);
        ta_buf_putc(key, ' ');
        put_bits(key, &s->in.rate, sizeof s->in.rate);
        put_bits(key, &s->in.channels, sizeof s->in.channels);
        put_bits(key, &s->in.mask, sizeof s->in.mask);
        put_bits(key, &s->out.mask, sizeof s->out.mask);
        for (const struct ta_opt *o = s->info->options; o && o->name; o++) {
            const char *field = (const char *)s->opts + o->offset;
            if (o->type == TA_OPT_TYPE_DOUBLE || o->type == TA_OPT_TYPE_INT) {
                put_bits(key, field, o->size);
            } else {
                char *text = ta_opt_text_of(o, s->opts);
                ta_buf_printf(key, " %zu:%s", strlen(text), text);
                free(text);
            }
        }
        ta_buf_putc(key, '\n');
    }
}

char *ta_sound_text(struct ta_sound_texts *texts, const struct ta_sound_stage_plan *stages, int count,
                    const struct ta_tuning *tuning)
{
    if (!texts || (tuning && !tuning->filter_chain_cache) || !count)
        return build(stages, count);
    struct ta_buf key = {0};
    key_of(stages, count, &key);
    char *value = ta_lru_get(texts->lru, ta_buf_text(&key));
    pthread_mutex_lock(&texts->lock);
    if (value)
        texts->counts.hits++;
    else
        texts->counts.misses++;
    pthread_mutex_unlock(&texts->lock);
    if (!value) {
        value = build(stages, count);
        value = ta_lru_add(texts->lru, ta_buf_text(&key), value, key.size + strlen(value));
    }
    char *out = ta_xstrdup(value);
    ta_lru_put(texts->lru, value);
    ta_buf_release(&key);
    return out;
}
