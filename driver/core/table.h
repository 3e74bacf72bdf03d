// Key -> number, by extendible hashing: a directory of segments of one size, each of cache lines that hold several keys. Almost every key lies
// in the line that its hash names, else in one of those behind it, so that a look-up reads one line and has no loop. AddressTable in the C#
// engine. Readers never wait and see each key either there or not; one writer at a time (the core's lock). A change touches one segment, so
// its cost does not grow with the number of keys.
//
// What keeps readers safe: a place goes from empty to full once, in the order of its line, its key first and its value last (release), and
// from full to gone and back with its key unchanged; every other change builds a new segment and publishes it by one pointer.
#pragma once

#include "epoch.h"

#if defined(__has_feature)
#define TABLE_HAS_FEATURE(name) __has_feature(name)
#else
#define TABLE_HAS_FEATURE(name) 0
#endif
// The thread sanitizer sees races within a line only where it is read place by place.
#if (defined(__SSE2__) || defined(_M_X64)) && !TABLE_HAS_FEATURE(thread_sanitizer)
#define TABLE_SSE2 1
#include <emmintrin.h>
#else
#define TABLE_SSE2 0
#endif

enum { TableEmpty = 0, TableGone = 1, TableLeastValue = 2 };

typedef enum TableKind {
    TableFour, // keys of 32 bits, values of 32: 8 in a line
    TableSix,  // keys of 128 bits, values of 32: 3 in a line
    TableWide, // keys of 128 bits, values of 64: 2 in a line
} TableKind;

enum { FourPlaces = 8, FourValues = 8, SixPlaces = 3, SixValues = 12, WidePlaces = 2, WideValues = 4 }; // in a line; where values begin, in values

// Keys from its beginning, then values.
typedef union TableLine {
    uint32_t Words[16];
    uint64_t Pairs[8];
} TableLine;

typedef struct TableSegment {
    Retired Retired;
    uint32_t Depth;
    uint32_t Taken; // places that are not empty
    uint32_t Live;  // places that hold a key
    uint32_t Padding[7];
    TableLine Lines[1];
} TableSegment;

_Static_assert(offsetof(TableSegment, Lines) == sizeof(TableLine), "a segment is so many lines");

typedef struct TableDirectory {
    Retired Retired;
    uint64_t Mask;      // segments, a power of two, less one
    uint64_t LineCount; // of a segment
    TableSegment *Segments[1];
} TableDirectory;

typedef struct Table {
    TableDirectory *Directory; // while nothing was ever added, one that all such tables share
    uint64_t Seed;
    Epoch *Epoch;
    TableKind Kind;
    uint32_t Count;
} Table;

// What is in a place.
typedef struct TableSlot {
    uint64_t High;
    uint64_t Low;
    uint64_t Value;
} TableSlot;

typedef enum TableResult { TableOk, TableExists, TableNoMemory } TableResult;

void TableInitialize(Table *table, TableKind kind, Epoch *epoch, uint64_t seed);

// Frees the memory at once. No reader may look at the table any more.
void TableDestroy(Table *table);

// The value is at least TableLeastValue. Four: high is 0, low has 32 bits. Where the key is there nothing changes.
TableResult TableAdd(Table *table, uint64_t high, uint64_t low, uint64_t value);

// Replaces the value of a key that is there; false where it is not.
bool TableReplace(Table *table, uint64_t high, uint64_t low, uint64_t value);

// The value that was there, or 0.
uint64_t TableRemove(Table *table, uint64_t high, uint64_t low);

// The value of a key in a table of any kind; less than TableLeastValue where it is not there.
uint64_t TableLookUp(const Table *table, uint64_t high, uint64_t low);

// One segment after another, for the writer: false after the last. A cursor starts at 0. A change in between may show a key twice or, if it
// was added meanwhile, not at all.
bool TableNextSegment(const Table *table, uint32_t *cursor, const TableSegment **segment, uint32_t *count);
TableSlot TableSlotAt(const Table *table, const TableSegment *segment, uint32_t number);

// A line without keys.
extern const TableLine TableNoLine;

// Of a hash, the lowest bits choose the segment and the uppermost ones the line. One product spreads addresses that follow each other well or
// badly, as the factor is: this one was best of a dozen, in whatever steps addresses came.
static inline uint32_t TableHashFour(uint64_t seed, uint32_t key) { return (uint32_t)((key ^ seed) * 0xD6E8FEB86659FD93u >> 32); }

static inline uint32_t TableHash(uint64_t seed, uint64_t high, uint64_t low)
{
    uint64_t mixed = (low ^ seed) * 0xA0761D6478BD642Fu + (high ^ (seed << 32 | seed >> 32)) * 0xE7037ED1A0B428DBu;
    return (uint32_t)((mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15u >> 32);
}

static inline const TableLine *TableLineIn(const TableDirectory *directory, uint32_t hash)
{
    const TableSegment *segment = LOAD(directory->Segments[hash & directory->Mask]);
    return &segment->Lines[hash * directory->LineCount >> 32];
}

static inline const TableLine *TableLineOf(const Table *table, uint32_t hash) { return TableLineIn(LOAD(table->Directory), hash); }

// Bit i: the key stands at place i of the line; SSE2 has two bits for each place.
enum { FourStep = TABLE_SSE2 ? 2 : 4 }; // bytes of a line for a bit

static inline uint32_t LineMatchFour(const TableLine *line, uint32_t key)
{
#if TABLE_SSE2
    const __m128i wanted = _mm_set1_epi32((int)key), *keys = (const __m128i *)line->Words;
    __m128i low = _mm_cmpeq_epi32(_mm_loadu_si128(keys), wanted), high = _mm_cmpeq_epi32(_mm_loadu_si128(keys + 1), wanted);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi32(low, high));
#else
    uint32_t match = 0;
    for (uint32_t i = 0; i < FourPlaces; i++)
        match |= (uint32_t)(Load32(&line->Words[i]) == key) << i;
    return match;
#endif
}

// The value of a key that lies in the line; where it is empty, the key may still lie behind it. One of zeros is never found here: an empty
// place looks like it, and may be filled with another key meanwhile.
static ALWAYS_INLINE uint32_t LineFindFour(const TableLine *line, uint32_t key)
{
    uint32_t match = LineMatchFour(line, key);
    if (match == 0 || key == 0)
        return TableEmpty;
    return LoadAcquire32((const uint32_t *)((const uint8_t *)line + FourStep * LowestBit(match)) + FourValues);
}

static inline bool LineHas(const TableLine *line, uint32_t place, uint64_t high, uint64_t low)
{
    return ((Load64(&line->Pairs[2 * place]) ^ high) | (Load64(&line->Pairs[2 * place + 1]) ^ low)) == 0;
}

// The value of a key that lies in the line; where it is empty, the key may still lie behind it. What was half a key, or none, when it was
// looked at first, is looked at again once its value is there to see.
static inline uint32_t LineFindSix(const TableLine *line, uint64_t high, uint64_t low)
{
    uint32_t place = LineHas(line, 0, high, low) ? 0 : LineHas(line, 1, high, low) ? 1 : 2;
    uint32_t value = LoadAcquire32(&line->Words[SixValues + place]);
    return LineHas(line, place, high, low) ? value : (uint32_t)TableEmpty;
}

// Of a table of its kind: the value of a key; less than TableLeastValue where it is not there.
static inline uint32_t TableFindFour(const Table *table, uint32_t key)
{
    const TableLine *line = TableLineOf(table, TableHashFour(table->Seed, key));
    uint32_t value = LineFindFour(line, key);
    bool isSure = value != TableEmpty || (key != 0 && Load32(&line->Words[FourValues + FourPlaces - 1]) == TableEmpty);
    return isSure ? value : (uint32_t)TableLookUp(table, 0, key);
}

static inline uint32_t TableFindSix(const Table *table, uint64_t high, uint64_t low)
{
    const TableLine *line = TableLineOf(table, TableHash(table->Seed, high, low));
    uint32_t value = LineFindSix(line, high, low);
    return value != TableEmpty || Load32(&line->Words[SixValues + SixPlaces - 1]) == TableEmpty ? value : (uint32_t)TableLookUp(table, high, low);
}

// Of a wide table, as those.
static inline uint64_t TableFind(const Table *table, uint64_t high, uint64_t low)
{
    const TableLine *line = TableLineOf(table, TableHash(table->Seed, high, low));
    uint32_t place = LineHas(line, 0, high, low) ? 0 : 1;
    uint64_t value = LoadAcquire64(&line->Pairs[WideValues + place]);
    value = LineHas(line, place, high, low) ? value : (uint64_t)TableEmpty;
    return value != TableEmpty || Load64(&line->Pairs[WideValues + WidePlaces - 1]) == TableEmpty ? value : TableLookUp(table, high, low);
}
