// strlen-in-loop-head: a text is counted in each round.
#include <string.h>

int spaces(const char *text)
{
    int n = 0;
    for (size_t i = 0; i < strlen(text); i++) // finds strlen-in-loop-head
        n += text[i] == ' ';
    return n;
}

int spaces_once(const char *text)
{
    int n = 0;
    for (size_t i = 0, end = strlen(text); i < end; i++)
        n += text[i] == ' ';
    return n;
}

// The text becomes shorter.
void trim(char *text)
{
    while (strlen(text) > 3)
        text[strlen(text) - 1] = 0;
}

int longest(char **texts, int count)
{
    size_t most = 0;
    for (int i = 0; i < count; i++)
        most = strlen(texts[i]) > most ? strlen(texts[i]) : most;
    return (int)most;
}
