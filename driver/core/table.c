#include "table.h"

enum { MaxDepth = 20 };

static uint32_t SlotCount(const Table *table) { return 1u << table->SlotBits; }

static uint32_t SlotWords(const Table *table) { return table->IsPacked ? 1 : WideWords; }

static uint64_t HashOf(const Table *table, uint64_t high, uint64_t low)
{
    return table->IsPacked ? TableHashPacked(table->Seed, (uint32_t)low) : TableHash(table->Seed, high, low);
}

TableSlot TableSlotAt(const Table *table, const TableSegment *segment, uint32_t number)
{
    const uint64_t *words = &segment->Words[(size_t)number * SlotWords(table)];
    if (table->IsPacked)
        return (TableSlot){.Low = words[0] >> 32, .Value = (uint32_t)words[0]};
    return (TableSlot){.High = words[0], .Low = words[WideLow], .Value = words[WideValue]};
}

// The key of a slot that is empty, and any slot's value.
static void WriteSlot(const Table *table, TableSegment *segment, uint32_t number, TableSlot slot)
{
    uint64_t *words = &segment->Words[(size_t)number * SlotWords(table)];
    if (table->IsPacked) {
        StoreRelease64(words, slot.Low << 32 | slot.Value);
        return;
    }
    if (words[WideValue] == TableEmpty) {
        words[0] = slot.High;
        words[WideLow] = slot.Low;
    }
    StoreRelease64(words + WideValue, slot.Value);
}

static TableSegment *NewSegment(const Table *table, uint32_t depth)
{
    TableSegment *segment = CoreAllocate(sizeof(TableSegment) + sizeof(uint64_t) * SlotWords(table) * SlotCount(table));
    if (segment != NULL)
        segment->Depth = depth;
    return segment;
}

static TableDirectory *NewDirectory(uint32_t count)
{
    TableDirectory *directory = CoreAllocate(sizeof(TableDirectory) + sizeof(TableSegment *) * (size_t)count);
    if (directory != NULL)
        directory->Count = count;
    return directory;
}

// The slot that has a key, gone or not, or else the empty one where it would go: there always is one.
static uint32_t Locate(const Table *table, const TableSegment *segment, uint64_t high, uint64_t low, TableSlot *found)
{
    uint32_t mask = SlotCount(table) - 1;
    uint32_t i = (uint32_t)(HashOf(table, high, low) >> (64 - table->SlotBits));
    for (;; i = (i + 1) & mask) {
        *found = TableSlotAt(table, segment, i);
        if (found->Value == TableEmpty || (found->Low == low && found->High == high))
            return i;
    }
}

static uint32_t IndexOf(const Table *table, uint64_t high, uint64_t low)
{
    return (uint32_t)HashOf(table, high, low) & (table->Directory->Count - 1);
}

// Copies the keys whose hash has the bit's value; a bit of 0 copies all.
static void CopyKeys(const Table *table, const TableSegment *from, TableSegment *to, uint32_t bit, bool isSet)
{
    for (uint32_t i = 0; i < SlotCount(table); i++) {
        TableSlot slot = TableSlotAt(table, from, i), there;
        if (slot.Value < TableLeastValue)
            continue;
        if (bit != 0 && ((HashOf(table, slot.High, slot.Low) & bit) != 0) != isSet)
            continue;
        WriteSlot(table, to, Locate(table, to, slot.High, slot.Low, &there), slot);
        to->Live++;
        to->Taken++;
    }
}

// Every directory entry that shares the segment's low bits gets the new one.
static void Publish(Table *table, uint32_t index, TableSegment *segment, uint32_t depth)
{
    uint32_t step = 1u << depth;
    for (uint32_t i = index & (step - 1); i < table->Directory->Count; i += step)
        STORE(table->Directory->Segments[i], segment);
}

static bool Rebuild(Table *table, uint32_t index)
{
    TableSegment *old = table->Directory->Segments[index];
    TableSegment *built = NewSegment(table, old->Depth);
    if (built == NULL)
        return false;
    CopyKeys(table, old, built, 0, false);
    Publish(table, index, built, old->Depth);
    EpochRetire(table->Epoch, &old->Retired, NULL);
    return true;
}

static bool DoubleDirectory(Table *table)
{
    TableDirectory *old = table->Directory;
    TableDirectory *doubled = NewDirectory(old->Count * 2);
    if (doubled == NULL)
        return false;
    for (uint32_t i = 0; i < doubled->Count; i++)
        doubled->Segments[i] = old->Segments[i & (old->Count - 1)];
    STORE(table->Directory, doubled);
    EpochRetire(table->Epoch, &old->Retired, NULL);
    return true;
}

static bool Split(Table *table, uint32_t index)
{
    TableSegment *old = table->Directory->Segments[index];
    uint32_t depth = old->Depth;
    TableSegment *zeros = NewSegment(table, depth + 1);
    TableSegment *ones = zeros == NULL ? NULL : NewSegment(table, depth + 1);
    if (ones == NULL)
        goto free_zeros;
    if (1u << depth == table->Directory->Count && !DoubleDirectory(table))
        goto free_ones;
    uint32_t bit = 1u << depth;
    CopyKeys(table, old, zeros, bit, false);
    CopyKeys(table, old, ones, bit, true);
    Publish(table, index & (bit - 1), zeros, depth + 1);
    Publish(table, (index & (bit - 1)) | bit, ones, depth + 1);
    EpochRetire(table->Epoch, &old->Retired, NULL);
    return true;

free_ones:
    CoreFree(ones);
free_zeros:
    if (zeros != NULL)
        CoreFree(zeros);
    return false;
}

void TableInitializePacked(Table *table, Epoch *epoch, uint64_t seed)
{
    *table = (Table){.Seed = seed, .SlotBits = PackedSlotBits, .Epoch = epoch, .IsPacked = true};
}

void TableInitialize(Table *table, Epoch *epoch, uint64_t seed, uint32_t slotBits)
{
    *table = (Table){.Seed = seed, .SlotBits = slotBits, .Epoch = epoch};
}

void TableDestroy(Table *table)
{
    TableDirectory *directory = table->Directory;
    if (directory == NULL)
        return;
    for (uint32_t i = 0; i < directory->Count; i++) {
        // The last entry that has a segment frees it.
        if (i + (1u << directory->Segments[i]->Depth) >= directory->Count)
            CoreFree(directory->Segments[i]);
    }
    CoreFree(directory);
    table->Directory = NULL;
    table->Count = 0;
}

static bool Begin(Table *table)
{
    TableDirectory *directory = NewDirectory(1);
    if (directory == NULL)
        return false;
    directory->Segments[0] = NewSegment(table, 0);
    if (directory->Segments[0] == NULL) {
        CoreFree(directory);
        return false;
    }
    STORE(table->Directory, directory);
    return true;
}

TableResult TableAdd(Table *table, uint64_t high, uint64_t low, uint64_t value)
{
    if (table->Directory == NULL && !Begin(table))
        return TableNoMemory;
    for (;;) {
        uint32_t index = IndexOf(table, high, low);
        TableSegment *segment = table->Directory->Segments[index];
        TableSlot slot;
        uint32_t number = Locate(table, segment, high, low, &slot);
        if (slot.Value >= TableLeastValue)
            return TableExists;
        // Probes stay short, and an empty slot always ends them.
        bool isDeepest = segment->Depth == MaxDepth;
        uint32_t most = isDeepest ? SlotCount(table) - 1 : SlotCount(table) / 2;
        if (slot.Value == TableGone || segment->Taken < most) {
            segment->Taken += slot.Value == TableEmpty;
            WriteSlot(table, segment, number, (TableSlot){high, low, value});
            segment->Live++;
            table->Count++;
            return TableOk;
        }
        // Enough slots come free for a good many changes before the next time.
        bool isMade = segment->Live <= most / 4 * 3 ? Rebuild(table, index) : !isDeepest && Split(table, index);
        if (!isMade)
            return TableNoMemory;
    }
}

bool TableReplace(Table *table, uint64_t high, uint64_t low, uint64_t value)
{
    if (table->Directory == NULL)
        return false;
    TableSegment *segment = table->Directory->Segments[IndexOf(table, high, low)];
    TableSlot slot;
    uint32_t number = Locate(table, segment, high, low, &slot);
    if (slot.Value < TableLeastValue)
        return false;
    slot.Value = value;
    WriteSlot(table, segment, number, slot);
    return true;
}

uint64_t TableRemove(Table *table, uint64_t high, uint64_t low)
{
    if (table->Directory == NULL)
        return 0;
    TableSegment *segment = table->Directory->Segments[IndexOf(table, high, low)];
    TableSlot slot;
    uint32_t number = Locate(table, segment, high, low, &slot);
    uint64_t value = slot.Value;
    if (value < TableLeastValue)
        return 0;
    slot.Value = TableGone;
    WriteSlot(table, segment, number, slot);
    segment->Live--;
    table->Count--;
    return value;
}

uint64_t TableLookUp(const Table *table, uint64_t high, uint64_t low)
{
    return table->IsPacked ? TableFindPacked(table, (uint32_t)low) : TableFind(table, high, low);
}

bool TableNextSegment(const Table *table, uint32_t *cursor, const TableSegment **segment, uint32_t *count)
{
    const TableDirectory *directory = table->Directory;
    while (directory != NULL && *cursor < directory->Count) {
        uint32_t i = (*cursor)++;
        // Entries that share a segment: the first shows it.
        if (i >> directory->Segments[i]->Depth != 0)
            continue;
        *segment = directory->Segments[i];
        *count = SlotCount(table);
        return true;
    }
    return false;
}
