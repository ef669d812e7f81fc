// growth-by-one: an array that grows by one item in each round.
#include <stdlib.h>

int *squares(int n)
{
    int *list = NULL;
    for (int i = 0; i < n; i++) {
        list = realloc(list, (size_t)(i + 1) * sizeof *list); // finds growth-by-one
        list[i] = i * i;
    }
    return list;
}

int *doubled(int n)
{
    int *list = NULL, room = 0;
    for (int i = 0; i < n; i++) {
        if (i == room) {
            room = 2 * room + 1;
            list = realloc(list, (size_t)room * sizeof *list);
        }
        list[i] = i * i;
    }
    return list;
}

int *one_more(int *list, int n)
{
    return realloc(list, (size_t)(n + 1) * sizeof *list);
}

// One more than what is doubled when it is full.
int *ended(int n)
{
    int *list = NULL, held = 0;
    for (int i = 0; i < n; i++) {
        if (held - i <= 0) {
            held += n;
            list = realloc(list, (held + 1) * sizeof *list);
        }
        list[i] = i;
    }
    return list;
}

// Room for texts and their end, of another item in each round.
void name_all(char **names, const size_t *first, const size_t *second, int n)
{
    for (int i = 0; i < n; i++)
        names[i] = realloc(names[i], first[i] + second[i] + 1);
}
