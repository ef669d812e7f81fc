// The words that values and operands may be, for the scripts of all shells.
#ifndef TA_CLI_COMPLETION_WORDS_H
#define TA_CLI_COMPLETION_WORDS_H

#include <stdbool.h>

#include "base/opt.h"
#include "cli/args.h"

struct ta_buf;

struct ta_word {
    char *name, *text; // what it means; "" when there is nothing to say
};

struct ta_words {
    struct ta_word *items;
    int count;
    bool list;  // several with commas between
    bool files; // or the name of a file
};

void ta_words_release(struct ta_words *w);
// Their names with spaces between. Appends.
void ta_words_append_names(const struct ta_words *w, struct ta_buf *out);
// Those that an option's value may be; none when it is free (numbers, files). To be released, as the others.
void ta_words_of_value(const char *name, const struct ta_opt *o, struct ta_words *w);
// Those of a command's operand (of the family's commands, or of all for NULL), and of what follows an action.
void ta_words_of_operands(const struct ta_command *c, struct ta_words *w);
void ta_words_of_others(const struct ta_command *c, struct ta_words *w);

// Is its value the name of a file or folder? Is it one that people are to know of?
bool ta_option_takes_path(const struct ta_opt *o);
bool ta_option_is_offered(const struct ta_opt *o);

#endif
