// Cache with string keys, a byte limit and eviction of what was used longest ago. Values are pinned while in
// use. Thread-safety: Safe, except create and destroy.
#ifndef TA_BASE_LRU_H
#define TA_BASE_LRU_H

#include <stddef.h>

struct ta_lru;
// `destroy` frees a value (called without any lock held); may be NULL. Returns 0.
int ta_lru_create(struct ta_lru **out, size_t max_bytes, void (*destroy)(void *value));
void ta_lru_destroy(struct ta_lru **c); // every value must have been put back
// The value with its pin count raised, or NULL.
void *ta_lru_get(struct ta_lru *c, const char *key);
// Gives `value` to the cache and pins it for the caller. When another thread was faster, `value` is destroyed
// and the other one returned (pinned). A value is in the cache once. Unpinned values are evicted while the
// sum of bytes is over the limit.
void *ta_lru_add(struct ta_lru *c, const char *key, void *value, size_t bytes);
void ta_lru_put(struct ta_lru *c, void *value); // unpin
size_t ta_lru_bytes(struct ta_lru *c);

#endif
