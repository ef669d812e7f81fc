// columns-first: the inner loop steps from row to row.
void invert(unsigned char *p, int width, int height, int stride)
{
    for (int x = 0; x < width; x++)
        for (int y = 0; y < height; y++)
            p[y * stride + x] = (unsigned char)(255 - p[y * stride + x]); // finds columns-first
}

void invert_rows(unsigned char *p, int width, int height, int stride)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p[y * stride + x] = (unsigned char)(255 - p[y * stride + x]);
}

// Samples of a few channels lie side by side.
void interleave(float *out, float **in, int channels, int n)
{
    for (int c = 0; c < channels; c++)
        for (int i = 0; i < n; i++)
            out[i * channels + c] = in[c][i];
}

// Eight by eight fit into the cache.
void turn(short *block, int stride)
{
    for (int x = 0; x < 8; x++)
        for (int y = 0; y < 8; y++)
            block[y * stride + x] = 0;
}
