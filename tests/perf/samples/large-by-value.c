// large-by-value: a struct of hundreds of bytes as a parameter.
struct table {
    double values[64];
};
struct point {
    double x, y;
};

double sum(struct table t) // finds large-by-value
{
    double s = 0;
    for (int i = 0; i < 64; i++)
        s += t.values[i];
    return s;
}

double first(const struct table *t)
{
    return t->values[0];
}

double length(struct point p)
{
    return p.x * p.x + p.y * p.y;
}
