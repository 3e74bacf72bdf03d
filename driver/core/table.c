#include "table.h"

enum { MaxDepth = 20 };

// Of a kind: how many keys a line has, words of a key and of a value, where values begin; lines of a segment, which with its head fill
// 8 KB, or 2 KB where tables are many and small.
typedef struct Shape {
    uint8_t Places;
    uint8_t KeyWords;
    uint8_t ValueWords;
    uint8_t ValuesAt;
    uint32_t LineCount;
} Shape;

static const Shape Shapes[] = {
    [TableFour] = {FourPlaces, 1, 1, FourValues, 127},
    [TableSix] = {SixPlaces, 4, 1, SixValues, 127},
    [TableWide] = {WidePlaces, 4, 2, 2 * WideValues, 31},
};

// What tables have to which nothing was added. Nothing is ever written to it.
static TableSegment noSegment;
static TableDirectory noDirectory = {.LineCount = 1, .Segments = {&noSegment}};

const TableLine TableNoLine = {{0}};

static uint32_t PlaceCount(const Table *table) { return Shapes[table->Kind].LineCount * Shapes[table->Kind].Places; }

static uint32_t HashOf(const Table *table, uint64_t high, uint64_t low)
{
    return table->Kind == TableFour ? TableHashFour(table->Seed, (uint32_t)low) : TableHash(table->Seed, high, low);
}

// A value is read before its key: where it is not empty, the key is there to see.
static TableSlot ReadPlace(const Shape *shape, const TableLine *line, uint32_t place)
{
    const uint32_t *value = &line->Words[shape->ValuesAt + place * shape->ValueWords];
    TableSlot slot = {.Value = shape->ValueWords == 1 ? LoadAcquire32(value) : LoadAcquire64((const uint64_t *)value)};
    if (shape->KeyWords == 1) {
        slot.Low = Load32(&line->Words[place]);
    } else {
        slot.High = Load64(&line->Pairs[2 * place]);
        slot.Low = Load64(&line->Pairs[2 * place + 1]);
    }
    return slot;
}

TableSlot TableSlotAt(const Table *table, const TableSegment *segment, uint32_t number)
{
    const Shape *shape = &Shapes[table->Kind];
    return ReadPlace(shape, &segment->Lines[number / shape->Places], number % shape->Places);
}

// The key of a place that is empty, and any place's value.
static void WritePlace(const Shape *shape, TableLine *line, uint32_t place, TableSlot slot, bool isEmpty)
{
    uint32_t *value = &line->Words[shape->ValuesAt + place * shape->ValueWords];
    if (isEmpty && shape->KeyWords == 1) {
        Store32(&line->Words[place], (uint32_t)slot.Low);
    } else if (isEmpty) {
        Store64(&line->Pairs[2 * place], slot.High);
        Store64(&line->Pairs[2 * place + 1], slot.Low);
    }
    if (shape->ValueWords == 1)
        StoreRelease32(value, (uint32_t)slot.Value);
    else
        StoreRelease64((uint64_t *)value, slot.Value);
}

static TableSegment *NewSegment(const Table *table, uint32_t depth)
{
    TableSegment *segment = CoreAllocate(sizeof(TableLine) * (1 + (size_t)Shapes[table->Kind].LineCount));
    if (segment != NULL)
        segment->Depth = depth;
    return segment;
}

static TableDirectory *NewDirectory(const Table *table, uint32_t count)
{
    TableDirectory *directory = CoreAllocate(sizeof(TableDirectory) + sizeof(TableSegment *) * (size_t)(count - 1));
    if (directory != NULL) {
        directory->Mask = count - 1;
        directory->LineCount = Shapes[table->Kind].LineCount;
    }
    return directory;
}

typedef struct Found {
    TableLine *Line;
    uint32_t Place;
    TableSlot Slot;
} Found;

// The place that has a key, gone or not, or else the empty one where it would go: there always is one.
static Found Locate(const Table *table, TableSegment *segment, uint64_t lineCount, uint32_t hash, uint64_t high, uint64_t low)
{
    const Shape *shape = &Shapes[table->Kind];
    for (uint64_t number = hash * lineCount >> 32;; number = number + 1 < lineCount ? number + 1 : 0) {
        Found found = {.Line = &segment->Lines[number]};
        for (; found.Place < shape->Places; found.Place++) {
            found.Slot = ReadPlace(shape, found.Line, found.Place);
            if (found.Slot.Value == TableEmpty || (found.Slot.Low == low && found.Slot.High == high))
                return found;
        }
    }
}

static Found LocateIn(const Table *table, uint64_t high, uint64_t low)
{
    const TableDirectory *directory = LOAD(table->Directory);
    uint32_t hash = HashOf(table, high, low);
    return Locate(table, LOAD(directory->Segments[hash & directory->Mask]), directory->LineCount, hash, high, low);
}

// Copies the keys whose hash has the bit's value; a bit of 0 copies all.
static void CopyKeys(const Table *table, const TableSegment *from, TableSegment *to, uint32_t bit, bool isSet)
{
    const Shape *shape = &Shapes[table->Kind];
    for (uint32_t i = 0; i < PlaceCount(table); i++) {
        TableSlot slot = TableSlotAt(table, from, i);
        if (slot.Value < TableLeastValue)
            continue;
        uint32_t hash = HashOf(table, slot.High, slot.Low);
        if (bit != 0 && ((hash & bit) != 0) != isSet)
            continue;
        Found found = Locate(table, to, shape->LineCount, hash, slot.High, slot.Low);
        WritePlace(shape, found.Line, found.Place, slot, true);
        to->Live++;
        to->Taken++;
    }
}

// Every directory entry that shares the segment's low bits gets the new one.
static void Publish(Table *table, uint32_t index, TableSegment *segment, uint32_t depth)
{
    uint32_t step = 1u << depth;
    for (uint32_t i = index & (step - 1); i <= table->Directory->Mask; i += step)
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
    TableDirectory *doubled = NewDirectory(table, 2 * ((uint32_t)old->Mask + 1));
    if (doubled == NULL)
        return false;
    for (uint32_t i = 0; i <= doubled->Mask; i++)
        doubled->Segments[i] = old->Segments[i & old->Mask];
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
    if (1u << depth == table->Directory->Mask + 1 && !DoubleDirectory(table))
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

void TableInitialize(Table *table, TableKind kind, Epoch *epoch, uint64_t seed)
{
    *table = (Table){.Directory = &noDirectory, .Seed = seed, .Epoch = epoch, .Kind = kind};
}

void TableDestroy(Table *table)
{
    TableDirectory *directory = table->Directory;
    if (directory == &noDirectory)
        return;
    for (uint32_t i = 0; i <= directory->Mask; i++) {
        // The last entry that has a segment frees it.
        if (i + (1u << directory->Segments[i]->Depth) > directory->Mask)
            CoreFree(directory->Segments[i]);
    }
    CoreFree(directory);
    table->Directory = &noDirectory;
    table->Count = 0;
}

static bool Begin(Table *table)
{
    TableDirectory *directory = NewDirectory(table, 1);
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
    if (table->Directory == &noDirectory && !Begin(table))
        return TableNoMemory;
    for (;;) {
        Found found = LocateIn(table, high, low);
        if (found.Slot.Value >= TableLeastValue)
            return TableExists;
        uint32_t index = HashOf(table, high, low) & (uint32_t)table->Directory->Mask;
        TableSegment *segment = table->Directory->Segments[index];
        // Few keys lie beyond their lines, and an empty place always ends the search.
        bool isDeepest = segment->Depth == MaxDepth;
        uint32_t most = isDeepest ? PlaceCount(table) - 1 : PlaceCount(table) * 5 / 8;
        if (found.Slot.Value == TableGone || segment->Taken < most) {
            segment->Taken += found.Slot.Value == TableEmpty;
            WritePlace(&Shapes[table->Kind], found.Line, found.Place, (TableSlot){high, low, value}, found.Slot.Value == TableEmpty);
            segment->Live++;
            table->Count++;
            return TableOk;
        }
        // Enough places come free for a good many changes before the next time.
        bool isMade = segment->Live <= most / 4 * 3 ? Rebuild(table, index) : !isDeepest && Split(table, index);
        if (!isMade)
            return TableNoMemory;
    }
}

bool TableReplace(Table *table, uint64_t high, uint64_t low, uint64_t value)
{
    Found found = LocateIn(table, high, low);
    if (found.Slot.Value < TableLeastValue)
        return false;
    found.Slot.Value = value;
    WritePlace(&Shapes[table->Kind], found.Line, found.Place, found.Slot, false);
    return true;
}

uint64_t TableRemove(Table *table, uint64_t high, uint64_t low)
{
    Found found = LocateIn(table, high, low);
    uint64_t value = found.Slot.Value;
    if (value < TableLeastValue)
        return 0;
    found.Slot.Value = TableGone;
    WritePlace(&Shapes[table->Kind], found.Line, found.Place, found.Slot, false);
    table->Directory->Segments[HashOf(table, high, low) & table->Directory->Mask]->Live--;
    table->Count--;
    return value;
}

uint64_t TableLookUp(const Table *table, uint64_t high, uint64_t low) { return LocateIn(table, high, low).Slot.Value; }

bool TableNextSegment(const Table *table, uint32_t *cursor, const TableSegment **segment, uint32_t *count)
{
    const TableDirectory *directory = table->Directory;
    while (directory != &noDirectory && *cursor <= directory->Mask) {
        uint32_t i = (*cursor)++;
        // Entries that share a segment: the first shows it.
        if (i >> directory->Segments[i]->Depth != 0)
            continue;
        *segment = directory->Segments[i];
        *count = PlaceCount(table);
        return true;
    }
    return false;
}
