// one-byte-io: a system call for a byte.
#include <unistd.h>

int line(int fd, char *out, int room)
{
    int n = 0;
    while (n < room && read(fd, out + n, 1) == 1 && out[n] != '\n') // finds one-byte-io
        n++;
    return n;
}

int block(int fd, char *out, int room)
{
    int n = 0;
    for (ssize_t got; n < room && (got = read(fd, out + n, (size_t)(room - n))) > 0;)
        n += (int)got;
    return n;
}

void wake(int fd)
{
    if (write(fd, "", 1) < 0)
        return;
}
