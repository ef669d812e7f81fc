// math-in-pixel-loop: a power for each pixel.
#include <math.h>

void brighten(float *p, int width, int height, float gamma)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p[y * width + x] = powf(p[y * width + x], gamma); // finds math-in-pixel-loop
}

void brighten_by_table(unsigned char *p, int width, int height, float gamma)
{
    unsigned char table[256];
    for (int i = 0; i < 256; i++)
        table[i] = (unsigned char)(255 * powf((float)i / 255, gamma));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            p[y * width + x] = table[p[y * width + x]];
}
