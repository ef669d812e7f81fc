// append-in-loop: the end of a growing text is looked for again and again.
#include <string.h>

void join(char *out, char **words, int count)
{
    for (int i = 0; i < count; i++)
        strcat(out, words[i]); // finds append-in-loop
}

// It begins anew in each round.
void each(char *out, char **words, int count)
{
    for (int i = 0; i < count; i++) {
        strcpy(out, words[i]);
        strcat(out, "!");
    }
}

void two(char *out, const char *a, const char *b)
{
    strcat(out, a);
    strcat(out, b);
}
