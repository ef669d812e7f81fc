// Names for addresses of this process: from the tables of symbols in the files that are loaded.
#ifndef TA_PERF_SYMBOLS_H
#define TA_PERF_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>

// Thread-safety: Unsafe.
struct ta_symbols;
void ta_symbols_create(struct ta_symbols **out);
void ta_symbols_destroy(struct ta_symbols **s);
// The function that holds the address, and the file that it is in (without folders); borrowed. Where the file
// names no function there: "[libx.so]". Loading reads the file once.
void ta_symbols_find(struct ta_symbols *s, uintptr_t address, const char **function, const char **module);

#endif
