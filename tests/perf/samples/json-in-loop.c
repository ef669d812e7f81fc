// json-in-loop: a whole JSON text in each round.
#include "media.h"

typedef struct json_t json_t;
char *json_dumps(const json_t *json, size_t flags);
json_t *json_loads(const char *text, size_t flags, void *error);
int number_of(const json_t *json, int at);
void publish(const char *text);

void report(struct reader *r, json_t *state)
{
    AVFrame frame;
    while (read_frame(r, &frame) >= 0)
        publish(json_dumps(state, 0)); // finds json-in-loop
}

int sum(const char *settings, int count)
{
    int total = 0;
    for (int i = 0; i < count; i++)
        total += number_of(json_loads(settings, 0, 0), i); // finds json-in-loop
    return total;
}

// Each text is another one.
void lines(char **texts, int count, json_t **out)
{
    for (int i = 0; i < count; i++)
        out[i] = json_loads(texts[i], 0, 0);
}

int sum_of_one(const char *settings, int count)
{
    int total = 0;
    json_t *tree = json_loads(settings, 0, 0);
    for (int i = 0; i < count; i++)
        total += number_of(tree, i);
    return total;
}
