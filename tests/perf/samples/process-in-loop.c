// process-in-loop: a program for each item.
#include <stdio.h>
#include <stdlib.h>

void convert(char **names, int count)
{
    char command[256];
    for (int i = 0; i < count; i++) {
        snprintf(command, sizeof command, "convert %s", names[i]);
        system(command); // finds process-in-loop
    }
}

static int ask(const char *name)
{
    FILE *f = popen(name, "r");
    return f ? pclose(f) : -1;
}

int all(char **names, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += ask(names[i]); // finds process-in-loop
    return sum;
}

int one(const char *name)
{
    return ask(name);
}
