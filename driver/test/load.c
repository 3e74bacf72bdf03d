// Loads an image and prints what comes of it: load FILE. Nothing of it runs. Status 0: "loaded"; else the reason in one line.
#include "pe_loader.h"

#include <stdio.h>
#include <stdlib.h>

int main(int count, char **arguments)
{
    char error[ImageErrorLength];
    size_t length;
    LoadedImage image;
    uint8_t *file = count == 2 ? ImageRead(arguments[1], &length, error) : NULL;
    if (count != 2) {
        (void)fprintf(stderr, "usage: load FILE\n");
        return 2;
    }
    if (file == NULL || !ImageLoad(file, length, &image, error)) {
        (void)fprintf(stderr, "%s\n", error);
        free(file);
        return 1;
    }
    (void)printf("loaded: %zu bytes, entry at %zx\n", image.Length, (size_t)((uint8_t *)image.Entry - image.Base));
    ImageUnload(&image);
    free(file);
    return 0;
}
