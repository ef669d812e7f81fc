// What is known of C code before any rule judges it: its functions, their loops, and the places in them that
// could cost time. Made of one translation unit by look.h, kept in the cache as JSON, and judged all together
// by rules.h, since what a call costs is seen in what it calls.
#ifndef TA_PERF_FACTS_H
#define TA_PERF_FACTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

// What a call does, by its name (names.c). A name may do several.
enum ta_does {
    TA_DOES_ALLOC = 1 << 0,   // takes memory
    TA_DOES_FREE = 1 << 1,    // gives it back
    TA_DOES_GROW = 1 << 2,    // makes what is there larger: realloc
    TA_DOES_IO = 1 << 3,      // reads or writes files or sockets
    TA_DOES_LOG = 1 << 4,     // tells people
    TA_DOES_OPEN = 1 << 5,    // opens a file
    TA_DOES_SYNC = 1 << 6,    // waits until a disk has it
    TA_DOES_BLOCK = 1 << 7,   // waits for somebody else
    TA_DOES_SLEEP = 1 << 8,   // waits for time to pass
    TA_DOES_PROCESS = 1 << 9, // starts a program
    TA_DOES_THREAD = 1 << 10, // starts a thread
    TA_DOES_JSON = 1 << 11,   // reads or writes a whole JSON text
    TA_DOES_FORMAT = 1 << 12, // makes text by a format
    TA_DOES_SETUP = 1 << 13,  // makes what is meant to be used many times
    TA_DOES_APPEND = 1 << 14, // looks for the end of a text, to add to it: strcat
    TA_DOES_LENGTH = 1 << 15, // counts a text's bytes: strlen
    TA_DOES_MATH = 1 << 16,   // a transcendental function
    TA_DOES_FRAME = 1 << 17,  // brings or takes one frame or packet: its loop is one of frames
    TA_DOES_LOCK = 1 << 18,   // takes a lock
    TA_DOES_UNLOCK = 1 << 19, // gives it back
    TA_DOES_WAIT = 1 << 20,   // waits on a condition, its lock given back meanwhile
    TA_DOES_GPU_ALLOC = 1 << 21,
    TA_DOES_GPU_SYNC = 1 << 22, // waits for all that a device has to do
    TA_DOES_GPU_COPY = 1 << 23, // copies to or from a device and waits
    TA_DOES_SORT = 1 << 24,
    TA_DOES_BYTES = 1 << 25, // read() and write(): a system call a call
};

enum ta_site_kind {
    TA_SITE_CALL,    // of a function by its name
    TA_SITE_POINTER, // of a function by a pointer
    TA_SITE_VALUE,   // a parameter of `number` bytes passed by copy
    TA_SITE_COPY,    // an assignment of `number` bytes
    TA_SITE_SPIN,    // a loop that does nothing but ask
    TA_SITE_COLUMNS, // an inner loop that goes from row to row
    TA_SITE_SECTION, // a lock that was held over `number` lines or over loops
};

enum {
    TA_SITE_EXITS = 1 << 0,     // its branch ends by leaving loop or function: an error's way
    TA_SITE_LAZY = 1 << 1,      // asked for before: done once, or now and then
    TA_SITE_FREED = 1 << 2,     // what it gives is given back in the same round of the loop
    TA_SITE_INVARIANT = 1 << 3, // nothing that the loop changes is among its arguments
    TA_SITE_HEAD = 1 << 4,      // in the loop's condition
    TA_SITE_BRANCH = 1 << 5,    // under some condition in its loop
    TA_SITE_LOOPED = 1 << 6,    // of a section: a loop runs in it
    TA_SITE_RELEASED = 1 << 8,  // a lock that the caller holds has been given back here
    TA_SITE_BOUNDED = 1 << 7,   // growth: a limit is asked for, or what is held is dropped, in the function
};

enum {
    TA_LOOP_FRAMES = 1 << 0,  // a round a frame or packet
    TA_LOOP_PIXELS = 1 << 1,  // a round a row, pixel or sample
    TA_LOOP_ENDLESS = 1 << 2, // ends by a break or a flag alone
    TA_LOOP_SMALL = 1 << 3,   // a few rounds, by a constant
};

struct ta_loop {
    int parent; // -1: none
    int line;
    unsigned flags;
    char *because; // what makes it a loop of frames; "" otherwise
};

struct ta_site {
    enum ta_site_kind kind;
    int line, column;
    int loop; // the innermost, of the function's loops; -1
    unsigned does, flags;
    int number;
    char *name;   // of what is called, the type's, the variable's
    char *callee; // of what is called by name: the function's id
    char *args;   // the arguments' text, cut at 160 bytes
    char *target; // what the result goes to, ""
    char *lock;   // the lock that is held, "" for none
    int lock_line, locks;
};

struct ta_function {
    char *id; // its name; "FILE:NAME" of a static one
    char *name;
    char *file; // absolute
    int line;
    bool of_frame; // its parameters and name say that it is called for each frame
    struct ta_loop *loops;
    int loop_count;
    struct ta_site *sites;
    int site_count;
    size_t loop_room, site_room;
};

struct ta_facts {
    struct ta_function *functions;
    int function_count;
    size_t function_room;
    int errors;        // of the compiler
    char *first_error; // NULL: none
};

struct ta_function *ta_facts_add_function(struct ta_facts *f);
struct ta_loop *ta_facts_add_loop(struct ta_function *f);
struct ta_site *ta_facts_add_site(struct ta_function *f);
void ta_facts_release(struct ta_facts *f);

// As JSON and back; reading fails with false on anything that is not what was written.
json_t *ta_facts_to_json(const struct ta_facts *f);
bool ta_facts_from_json(struct ta_facts *f, const json_t *root);

// What a function of this name does; 0 for names that nobody knows. `args` is the text of its arguments.
unsigned ta_name_does(const char *name, const char *args);
// Do its words speak of work on one frame ("decode_picture"), and not of making or ending something?
bool ta_name_of_frame(const char *name);
// Do they speak of work at all, and not of making or ending something ("process")?
bool ta_name_of_work(const char *name);
// Is it a name of making, ending or setting up ("decoder_open")?
bool ta_name_of_setup(const char *name);
// Does `text` have `word` as a whole identifier?
bool ta_text_has_word(const char *text, const char *word);

#endif
