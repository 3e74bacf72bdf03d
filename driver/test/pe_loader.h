// Loads the linked ipvlan.sys into this process as Windows would: sections where they belong, none both writable and executable,
// relocations, imports bound to the fake NDIS. PE format: "COFF File Header", "Optional Header", "The .idata Section", "The .reloc Section".
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct LoadedImage {
    uint8_t *Base;
    size_t Length; // SizeOfImage
    void *Entry;   // of ms_abi
} LoadedImage;

enum { ImageErrorLength = 200 };

// False: error says why in one line, and nothing is left mapped. The file is not trusted.
bool ImageLoad(const uint8_t *file, size_t length, LoadedImage *image, char *error);
void ImageUnload(LoadedImage *image);
// A file's bytes, from malloc; NULL with the reason in error.
uint8_t *ImageRead(const char *path, size_t *length, char *error);
// ipvlan.sys beside this program or library.
const char *ImagePath(void);
