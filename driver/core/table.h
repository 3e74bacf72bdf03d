// 128-bit key -> word, or packed, 32-bit key -> 32-bit value in one word, so that a look-up reads one cache line; by extendible hashing: a
// directory of open-addressing segments, all of one size. AddressTable in the C# engine.
// Readers never wait and see each key either there or not; one writer at a time (the core's lock). A change touches one segment, so its
// cost does not grow with the number of keys.
//
// What keeps readers safe: a slot goes from empty to full in place, its value last (release) and read first (acquire), and from full to
// gone and back with its key unchanged (packed: key and value are one word); every other change builds a new segment and publishes it by
// one pointer.
#pragma once

#include "epoch.h"

enum { TableEmpty = 0, TableGone = 1, TableLeastValue = 2 };

// What is in a slot.
typedef struct TableSlot {
    uint64_t High;
    uint64_t Low;
    uint64_t Value;
} TableSlot;

enum { WideWords = 3, WideLow = 1, WideValue = 2 }; // a wide slot: high, low, value
enum { PackedSlotBits = 11 };                       // a packed segment is as many slots, 16 KB
enum { PrefetchedSegments = 32 };

typedef struct TableSegment {
    Retired Retired;
    uint32_t Depth;
    uint32_t Taken; // slots that are not empty
    uint32_t Live;  // slots that hold a key
    uint32_t Reserved;
    uint64_t Padding[3]; // slots begin with a cache line
    uint64_t Words[];    // slots
} TableSegment;

typedef struct TableDirectory {
    Retired Retired;
    uint32_t Count; // a power of two
    uint32_t Reserved;
    TableSegment *Segments[];
} TableDirectory;

typedef struct Table {
    TableDirectory *Directory; // NULL while nothing was ever added
    uint64_t Seed;
    uint32_t SlotBits;
    uint32_t Count;
    Epoch *Epoch;
    bool IsPacked;
} Table;

typedef enum TableResult { TableOk, TableExists, TableNoMemory } TableResult;

void TableInitialize(Table *table, Epoch *epoch, uint64_t seed, uint32_t slotBits);
void TableInitializePacked(Table *table, Epoch *epoch, uint64_t seed);

// Frees the memory at once. No reader may look at the table any more.
void TableDestroy(Table *table);

// The value is at least TableLeastValue; packed, high is 0, and low and the value have 32 bits. Where the key is there nothing changes.
TableResult TableAdd(Table *table, uint64_t high, uint64_t low, uint64_t value);

// Replaces the value of a key that is there; false where it is not.
bool TableReplace(Table *table, uint64_t high, uint64_t low, uint64_t value);

// The value that was there, or 0.
uint64_t TableRemove(Table *table, uint64_t high, uint64_t low);

// The value of a key in a table of either kind; less than TableLeastValue where it is not there.
uint64_t TableLookUp(const Table *table, uint64_t high, uint64_t low);

// One segment after another, for the writer: false after the last. A cursor starts at 0. A change in between may show a key twice or, if it
// was added meanwhile, not at all.
bool TableNextSegment(const Table *table, uint32_t *cursor, const TableSegment **segment, uint32_t *count);
TableSlot TableSlotAt(const Table *table, const TableSegment *segment, uint32_t number);

static inline uint64_t TableHash(uint64_t seed, uint64_t high, uint64_t low)
{
    uint64_t mixed = (low ^ seed) * 0xA0761D6478BD642Fu + (high ^ (seed << 32 | seed >> 32)) * 0xE7037ED1A0B428DBu;
    return (mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15u;
}

static inline uint64_t TableHashPacked(uint64_t seed, uint32_t key)
{
    // Segments go by the lowest bits, slots by the highest.
    uint64_t mixed = (key ^ seed) * 0x9E3779B97F4A7C15u;
    return mixed ^ mixed >> 32;
}

// Of a packed table: the value of a key; less than TableLeastValue where it is not there.
static inline uint32_t TableFindPacked(const Table *table, uint32_t key)
{
    const TableDirectory *directory = LOAD(table->Directory);
    if (directory == NULL)
        return TableEmpty;
    uint64_t hash = TableHashPacked(table->Seed, key);
    const TableSegment *segment = LOAD(directory->Segments[(uint32_t)hash & (directory->Count - 1)]);
    const uint32_t mask = (1u << PackedSlotBits) - 1;
    for (uint32_t i = (uint32_t)(hash >> (64 - PackedSlotBits));; i = (i + 1) & mask) {
        uint64_t slot = Load64(&segment->Words[i]);
        if (slot == 0 || slot >> 32 == key)
            return (uint32_t)slot;
    }
}

// As TableFindPacked, but only in the first four of a key's slots, where nearly all are, two at a time without a branch between them: less
// than TableLeastValue tells nothing.
static ALWAYS_INLINE uint32_t TablePeekPacked(const Table *table, uint32_t key)
{
    const uint32_t mask = (1u << PackedSlotBits) - 1;
    const TableDirectory *directory = LOAD(table->Directory);
    if (directory == NULL)
        return TableEmpty;
    uint64_t hash = TableHashPacked(table->Seed, key);
    const TableSegment *segment = LOAD(directory->Segments[(uint32_t)hash & (directory->Count - 1)]);
    uint32_t i = (uint32_t)(hash >> (64 - PackedSlotBits));
    uint64_t slot = Load64(&segment->Words[i]), next = Load64(&segment->Words[(i + 1) & mask]);
    slot = slot >> 32 == key ? slot : next;
    if (slot >> 32 == key)
        return (uint32_t)slot;
    slot = Load64(&segment->Words[(i + 2) & mask]);
    next = Load64(&segment->Words[(i + 3) & mask]);
    slot = slot >> 32 == key ? slot : next;
    return slot >> 32 == key ? (uint32_t)slot : (uint32_t)TableEmpty;
}

// Has the processor fetch what TableFindPacked will read first.
static ALWAYS_INLINE void TablePrefetchPacked(const Table *table, uint32_t key)
{
    const TableDirectory *directory = LOAD(table->Directory);
    // A small table stays in the processor's cache anyway.
    if (directory == NULL || directory->Count < PrefetchedSegments)
        return;
    uint64_t hash = TableHashPacked(table->Seed, key);
    const TableSegment *segment = LOAD(directory->Segments[(uint32_t)hash & (directory->Count - 1)]);
    PREFETCH(&segment->Words[hash >> (64 - PackedSlotBits)]);
}

// Of a wide table: the value of a key; less than TableLeastValue where it is not there.
static inline uint64_t TableFind(const Table *table, uint64_t high, uint64_t low)
{
    const TableDirectory *directory = LOAD(table->Directory);
    if (directory == NULL)
        return TableEmpty;
    uint64_t hash = TableHash(table->Seed, high, low);
    const TableSegment *segment = LOAD(directory->Segments[(uint32_t)hash & (directory->Count - 1)]);
    uint32_t mask = (1u << table->SlotBits) - 1;
    for (uint32_t i = (uint32_t)(hash >> (64 - table->SlotBits));; i = (i + 1) & mask) {
        const uint64_t *slot = &segment->Words[(size_t)i * WideWords];
        uint64_t value = LoadAcquire64(slot + WideValue);
        if (value == TableEmpty || (slot[WideLow] == low && slot[0] == high))
            return value;
    }
}
