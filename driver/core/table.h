// 128-bit key -> word, by extendible hashing: a directory of open-addressing segments, all of one size. AddressTable in the C# engine.
// Readers never wait and see each key either there or not; one writer at a time (the core's lock). A change touches one segment, so its
// cost does not grow with the number of keys.
//
// What keeps readers safe: a slot goes from empty to full in place, its value last (release) and read first (acquire), and from full to
// gone and back with its key unchanged; every other change builds a new segment and publishes it by one pointer.
#pragma once

#include "epoch.h"

enum { TableEmpty = 0, TableGone = 1, TableLeastValue = 2 };

typedef struct TableSlot {
    uint64_t High;
    uint64_t Low;
    uint64_t Value;
} TableSlot;

typedef struct TableSegment {
    Retired Retired;
    uint32_t Depth;
    uint32_t Taken; // slots that are not empty
    uint32_t Live;  // slots that hold a key
    uint32_t Reserved;
    TableSlot Slots[];
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
} Table;

typedef enum TableResult { TableOk, TableExists, TableNoMemory } TableResult;

void TableInitialize(Table *table, Epoch *epoch, uint64_t seed, uint32_t slotBits);

// Frees the memory at once. No reader may look at the table any more.
void TableDestroy(Table *table);

// The value is at least TableLeastValue. Where the key is there nothing changes.
TableResult TableAdd(Table *table, uint64_t high, uint64_t low, uint64_t value);

// Replaces the value of a key that is there; false where it is not.
bool TableReplace(Table *table, uint64_t high, uint64_t low, uint64_t value);

// The value that was there, or 0.
uint64_t TableRemove(Table *table, uint64_t high, uint64_t low);

// The slots of one segment after another, for the writer: false after the last. A cursor starts at 0. A change in between may show a
// key twice or, if it was added meanwhile, not at all.
bool TableNextSegment(const Table *table, uint32_t *cursor, const TableSlot **slots, uint32_t *count);

static inline uint64_t TableHash(uint64_t seed, uint64_t high, uint64_t low)
{
    uint64_t mixed = (low ^ seed) * 0xA0761D6478BD642Fu + (high ^ (seed << 32 | seed >> 32)) * 0xE7037ED1A0B428DBu;
    return (mixed ^ mixed >> 32) * 0x9E3779B97F4A7C15u;
}

// The value of a key; less than TableLeastValue where it is not there.
static inline uint64_t TableFind(const Table *table, uint64_t high, uint64_t low)
{
    const TableDirectory *directory = LOAD(table->Directory);
    if (directory == NULL)
        return TableEmpty;
    uint64_t hash = TableHash(table->Seed, high, low);
    const TableSegment *segment = LOAD(directory->Segments[(uint32_t)hash & (directory->Count - 1)]);
    uint32_t mask = (1u << table->SlotBits) - 1;
    for (uint32_t i = (uint32_t)(hash >> (64 - table->SlotBits));; i = (i + 1) & mask) {
        const TableSlot *slot = &segment->Slots[i];
        uint64_t value = LoadAcquire64(&slot->Value);
        if (value == TableEmpty || (slot->Low == low && slot->High == high))
            return value;
    }
}
