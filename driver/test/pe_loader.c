#include "pe_loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>

#include "../include/kmndis.h"

enum {
    PageBytes = 4096,
    MachineAmd64 = 0x8664,
    MagicPlus = 0x20b,
    DirectoryImport = 1,
    DirectoryRelocation = 5,
    RelocationNone = 0,
    RelocationDir64 = 10,
    MostImageBytes = 16 << 20,
    SectionBytes = 40,
    ImportBytes = 20,
};
static const uint32_t SectionExecutes = 0x20000000, SectionReads = 0x40000000, SectionWrites = 0x80000000;

typedef struct Directory {
    uint32_t Address;
    uint32_t Bytes;
} Directory;

typedef struct Loading {
    const uint8_t *File;
    size_t FileLength;
    LoadedImage *Image;
    char *Error;
    const uint8_t *Sections;
    uint32_t SectionCount;
    uint32_t HeaderBytes;
    uint64_t PreferredBase;
    uint32_t EntryAddress;
    Directory Imports;
    Directory Relocations;
} Loading;

__attribute__((format(printf, 2, 3))) static bool Fail(Loading *loading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(loading->Error, ImageErrorLength, format, arguments);
    va_end(arguments);
    return false;
}

static uint16_t Little16(const uint8_t *at) { return (uint16_t)(at[0] | at[1] << 8); }

static uint32_t Little32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t Little64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static bool IsInside(size_t whole, uint64_t offset, uint64_t length) { return offset <= whole && length <= whole - offset; }

static bool ReadHeaders(Loading *loading)
{
    const uint8_t *file = loading->File;
    if (!IsInside(loading->FileLength, 0, 64) || file[0] != 'M' || file[1] != 'Z')
        return Fail(loading, "not a PE image: no MZ header");
    uint32_t at = Little32(file + 60);
    if (!IsInside(loading->FileLength, at, 24 + 240) || memcmp(file + at, "PE\0\0", 4) != 0)
        return Fail(loading, "not a PE image, or truncated in its headers: no PE signature with an optional header at offset %u", at);
    const uint8_t *optional = file + at + 24;
    uint32_t optionalBytes = Little16(file + at + 20);
    if (Little16(file + at + 4) != MachineAmd64 || Little16(optional) != MagicPlus)
        return Fail(loading, "machine %04x, format %03x: only x64 (8664, 20b) can be loaded", Little16(file + at + 4), Little16(optional));
    loading->SectionCount = Little16(file + at + 6);
    loading->Sections = optional + optionalBytes;
    loading->EntryAddress = Little32(optional + 16);
    loading->PreferredBase = Little64(optional + 24);
    loading->Image->Length = Little32(optional + 56);
    loading->HeaderBytes = Little32(optional + 60);
    if (optionalBytes < 240 || Little32(optional + 108) <= DirectoryRelocation)
        return Fail(loading, "no relocation directory");
    loading->Imports = (Directory){Little32(optional + 112 + 8 * DirectoryImport), Little32(optional + 116 + 8 * DirectoryImport)};
    loading->Relocations = (Directory){Little32(optional + 112 + 8 * DirectoryRelocation), Little32(optional + 116 + 8 * DirectoryRelocation)};
    if (loading->Image->Length == 0 || loading->Image->Length > MostImageBytes || loading->Image->Length % PageBytes != 0 ||
        Little32(optional + 32) % PageBytes != 0)
        return Fail(loading, "SizeOfImage %zu: not whole pages, or more than 16 MiB", loading->Image->Length);
    if (!IsInside(loading->FileLength, 0, loading->HeaderBytes) || !IsInside(loading->Image->Length, 0, loading->HeaderBytes) ||
        !IsInside(loading->FileLength, (uint64_t)(loading->Sections - file), (uint64_t)loading->SectionCount * SectionBytes))
        return Fail(loading, "truncated: %zu bytes do not hold the headers", loading->FileLength);
    return true;
}

// Between two pages that nobody may touch.
static bool MapImage(Loading *loading)
{
    size_t whole = loading->Image->Length + 2 * PageBytes;
    uint8_t *mapping = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED)
        return Fail(loading, "no memory for the image: %s", strerror(errno));
    loading->Image->Base = mapping + PageBytes;
    if (mprotect(loading->Image->Base, loading->Image->Length, PROT_READ | PROT_WRITE) != 0)
        return Fail(loading, "no memory for the image: %s", strerror(errno));
    memcpy(loading->Image->Base, loading->File, loading->HeaderBytes);
    return true;
}

static bool CopySections(Loading *loading)
{
    for (uint32_t i = 0; i < loading->SectionCount; i++) {
        const uint8_t *section = loading->Sections + (size_t)i * SectionBytes;
        uint32_t bytes = Little32(section + 8), address = Little32(section + 12), fileBytes = Little32(section + 16), offset = Little32(section + 20);
        uint32_t flags = Little32(section + 36);
        if (address % PageBytes != 0 || !IsInside(loading->Image->Length, address, bytes))
            return Fail(loading, "section %.8s lies outside the image", (const char *)section);
        if (!IsInside(loading->FileLength, offset, fileBytes))
            return Fail(loading, "truncated: section %.8s wants bytes %u to %llu of %zu", (const char *)section, offset,
                        (unsigned long long)offset + fileBytes, loading->FileLength);
        if ((flags & SectionWrites) != 0 && (flags & SectionExecutes) != 0)
            return Fail(loading, "section %.8s is both writable and executable", (const char *)section);
        memcpy(loading->Image->Base + address, loading->File + offset, fileBytes < bytes ? fileBytes : bytes);
    }
    return true;
}

static bool RelocateBlock(Loading *loading, const uint8_t *entries, uint32_t count, uint32_t page)
{
    uint64_t delta = (uint64_t)(uintptr_t)loading->Image->Base - loading->PreferredBase;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t entry = Little16(entries + (size_t)i * 2), kind = entry >> 12;
        uint64_t address = (uint64_t)page + (entry & 0xfff);
        if (kind == RelocationNone)
            continue;
        if (kind != RelocationDir64)
            return Fail(loading, "bad relocation: type %u at %llx, only DIR64 (10) is known", kind, (unsigned long long)address);
        if (!IsInside(loading->Image->Length, address, 8))
            return Fail(loading, "bad relocation: %llx is outside the image", (unsigned long long)address);
        uint8_t *at = loading->Image->Base + address;
        uint64_t value = Little64(at), target = value - loading->PreferredBase;
        if (target >= loading->Image->Length)
            return Fail(loading, "bad relocation: at %llx stands %llx, which is no address of the image", (unsigned long long)address,
                        (unsigned long long)value);
        value += delta;
        memcpy(at, &value, sizeof(value));
    }
    return true;
}

static bool Relocate(Loading *loading)
{
    const Directory *directory = &loading->Relocations;
    if (directory->Bytes == 0 || !IsInside(loading->Image->Length, directory->Address, directory->Bytes))
        return Fail(loading, "no relocations, or outside the image");
    for (uint32_t done = 0; done < directory->Bytes;) {
        const uint8_t *block = loading->Image->Base + directory->Address + done;
        if (directory->Bytes - done < 8)
            return Fail(loading, "bad relocation: a block of %u bytes", directory->Bytes - done);
        uint32_t bytes = Little32(block + 4);
        if (bytes < 8 || bytes % 2 != 0 || bytes > directory->Bytes - done)
            return Fail(loading, "bad relocation: a block of %u bytes, %u are left", bytes, directory->Bytes - done);
        if (!RelocateBlock(loading, block + 8, (bytes - 8) / 2, Little32(block)))
            return false;
        done += bytes;
    }
    return true;
}

static void *KMAPI ImportedCopy(void *to, const void *from, size_t bytes) { return memcpy(to, from, bytes); }
static void *KMAPI ImportedMove(void *to, const void *from, size_t bytes) { return memmove(to, from, bytes); }
static void *KMAPI ImportedSet(void *to, int value, size_t bytes) { return memset(to, value, bytes); }
static int KMAPI ImportedCompare(const void *left, const void *right, size_t bytes) { return memcmp(left, right, bytes); }

typedef struct Import {
    const char *Library;
    const char *Name;
    void *Address;
} Import;

#define KERNEL_IMPORT(result, name, parameters) {"ntoskrnl.exe", #name, (void *)(uintptr_t)name},
#define NDIS_IMPORT(result, name, parameters) {"NDIS.SYS", #name, (void *)(uintptr_t)name},

static void *Find(const char *library, const char *name)
{
    const Import imports[] = {
        KM_WDM_IMPORTS(KERNEL_IMPORT) KM_NDIS_IMPORTS(NDIS_IMPORT){"ntoskrnl.exe", "memcpy", (void *)(uintptr_t)ImportedCopy},
        {"ntoskrnl.exe", "memmove", (void *)(uintptr_t)ImportedMove},
        {"ntoskrnl.exe", "memset", (void *)(uintptr_t)ImportedSet},
        {"ntoskrnl.exe", "memcmp", (void *)(uintptr_t)ImportedCompare},
    };
    for (size_t i = 0; i < sizeof(imports) / sizeof(imports[0]); i++) {
        if (strcasecmp(imports[i].Library, library) == 0 && strcmp(imports[i].Name, name) == 0)
            return imports[i].Address;
    }
    return NULL;
}

// A text that ends inside the image, or NULL.
static const char *TextAt(const Loading *loading, uint64_t address)
{
    if (address >= loading->Image->Length || memchr(loading->Image->Base + address, 0, loading->Image->Length - address) == NULL)
        return NULL;
    return (const char *)loading->Image->Base + address;
}

static bool BindLibrary(Loading *loading, const char *library, uint32_t names, uint32_t slots)
{
    for (;; names += 8, slots += 8) {
        if (!IsInside(loading->Image->Length, names, 8) || !IsInside(loading->Image->Length, slots, 8))
            return Fail(loading, "imports of %s lie outside the image", library);
        uint64_t entry = Little64(loading->Image->Base + names);
        if (entry == 0)
            return true;
        if (entry >> 63 != 0)
            return Fail(loading, "import %llu of %s is by number", (unsigned long long)(entry & 0xffff), library);
        const char *name = TextAt(loading, entry + 2);
        if (name == NULL)
            return Fail(loading, "imports of %s lie outside the image", library);
        void *address = Find(library, name);
        if (address == NULL)
            return Fail(loading, "missing import: %s has no %s", library, name);
        memcpy(loading->Image->Base + slots, &address, sizeof(address));
    }
}

static bool Bind(Loading *loading)
{
    const Directory *directory = &loading->Imports;
    for (uint32_t at = directory->Address; directory->Bytes != 0; at += ImportBytes) {
        if (!IsInside(loading->Image->Length, at, ImportBytes))
            return Fail(loading, "the import directory lies outside the image");
        const uint8_t *entry = loading->Image->Base + at;
        if (Little32(entry) == 0)
            return true;
        const char *library = TextAt(loading, Little32(entry + 12));
        if (library == NULL)
            return Fail(loading, "the import directory lies outside the image");
        if (!BindLibrary(loading, library, Little32(entry), Little32(entry + 16)))
            return false;
    }
    return Fail(loading, "a driver without imports");
}

static bool Protect(Loading *loading)
{
    bool isOk = mprotect(loading->Image->Base, loading->Image->Length, PROT_READ) == 0, entersCode = false;
    for (uint32_t i = 0; i < loading->SectionCount; i++) {
        const uint8_t *section = loading->Sections + (size_t)i * SectionBytes;
        uint32_t bytes = Little32(section + 8), address = Little32(section + 12), flags = Little32(section + 36);
        int protection = ((flags & SectionReads) != 0 ? PROT_READ : 0) | ((flags & SectionWrites) != 0 ? PROT_WRITE : 0) |
                         ((flags & SectionExecutes) != 0 ? PROT_EXEC : 0);
        isOk = isOk && mprotect(loading->Image->Base + address, bytes, protection) == 0;
        entersCode = entersCode || ((flags & SectionExecutes) != 0 && loading->EntryAddress - address < bytes);
    }
    if (!isOk)
        return Fail(loading, "cannot protect the image: %s", strerror(errno));
    if (!entersCode)
        return Fail(loading, "the entry point %x is not in code", loading->EntryAddress);
    loading->Image->Entry = loading->Image->Base + loading->EntryAddress;
    return true;
}

bool ImageLoad(const uint8_t *file, size_t length, LoadedImage *image, char *error)
{
    Loading loading = {.File = file, .FileLength = length, .Image = image, .Error = error};
    *image = (LoadedImage){0};
    if (ReadHeaders(&loading) && MapImage(&loading) && CopySections(&loading) && Relocate(&loading) && Bind(&loading) && Protect(&loading))
        return true;
    ImageUnload(image);
    return false;
}

void ImageUnload(LoadedImage *image)
{
    if (image->Base != NULL)
        (void)munmap(image->Base - PageBytes, image->Length + 2 * PageBytes);
    *image = (LoadedImage){0};
}

uint8_t *ImageRead(const char *path, size_t *length, char *error)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(MostImageBytes);
    *length = file == NULL || bytes == NULL ? 0 : fread(bytes, 1, MostImageBytes, file);
    if (file == NULL || bytes == NULL || ferror(file)) {
        (void)snprintf(error, ImageErrorLength, "%s: %s", path, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

const char *ImagePath(void)
{
    static char path[4096];
    Dl_info info;
    if (dladdr((void *)(uintptr_t)ImagePath, &info) == 0 || info.dli_fname == NULL)
        return "ipvlan.sys";
    const char *slash = strrchr(info.dli_fname, '/');
    (void)snprintf(path, sizeof(path), "%.*sipvlan.sys", slash == NULL ? 0 : (int)(slash - info.dli_fname + 1), info.dli_fname);
    return path;
}
