// Writes the checksum of a PE image, which lld leaves 0: checksum FILE. PE format, "Optional Header Windows-Specific Fields".
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int count, char **arguments)
{
    FILE *file = count == 2 ? fopen(arguments[1], "r+b") : NULL;
    if (file == NULL) {
        (void)fprintf(stderr, "usage: checksum FILE\n");
        return 1;
    }
    (void)fseek(file, 0, SEEK_END);
    size_t length = (size_t)ftell(file);
    uint8_t *image = calloc(1, length + 4);
    rewind(file);
    if (image == NULL || length < 0x40 || fread(image, 1, length, file) != length)
        return 1;
    uint32_t header;
    memcpy(&header, image + 0x3c, 4);
    size_t field = header + 24 + 64;
    if (field + 4 > length)
        return 1;
    memset(image + field, 0, 4);
    uint64_t sum = 0;
    for (size_t i = 0; i < length; i += 2) {
        sum += (uint32_t)image[i] | (uint32_t)image[i + 1] << 8;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    uint32_t checksum = (uint32_t)(sum + length);
    (void)fseek(file, (long)field, SEEK_SET);
    if (fwrite(&checksum, 4, 1, file) != 1 || fclose(file) != 0)
        return 1;
    return 0;
}
