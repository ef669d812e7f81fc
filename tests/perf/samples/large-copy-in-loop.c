// large-copy-in-loop: an assignment of kilobytes in each round.
struct history {
    int values[2048];
};
struct point {
    double x, y;
};

int last(const struct history *list, int n)
{
    int result = 0;
    for (int i = 0; i < n; i++) {
        struct history one;
        one = list[i]; // finds large-copy-in-loop
        result += one.values[0];
    }
    return result;
}

int last_by_pointer(const struct history *list, int n)
{
    int result = 0;
    for (int i = 0; i < n; i++) {
        const struct history *one = &list[i];
        result += one->values[0];
    }
    return result;
}

void keep(struct history *kept, const struct history *now)
{
    *kept = *now;
}

double points(const struct point *list, int n)
{
    double x = 0;
    struct point one;
    for (int i = 0; i < n; i++) {
        one = list[i];
        x += one.x;
    }
    return x;
}
