#include "scenario.h"

#if !defined(KM_LOADED)
#include <pthread.h>

#include "../core/table.h"

// The map of core/table.h by itself, against an array that says what must be there.

enum { Keys = 6000 };

typedef struct Model {
    Table Table;
    Epoch Epoch;
    uint32_t Values[Keys]; // 0: not there
    uint32_t Count;
} Model;

static Model *New(TableKind kind, uint64_t seed)
{
    Model *model = calloc(1, sizeof(Model));
    CHECK(EpochInitialize(&model->Epoch, 1));
    TableInitialize(&model->Table, kind, &model->Epoch, seed);
    return model;
}

static void Destroy(Model *model, uint64_t liveBefore)
{
    TableDestroy(&model->Table);
    EpochDestroy(&model->Epoch);
    free(model);
    CHECK(FakeLive() == liveBefore);
}

static uint64_t High(const Model *model, uint32_t key) { return model->Table.Kind == TableFour ? 0 : key * 0x9E3779B97F4A7C15u; }

static uint64_t LookUp(const Model *model, uint32_t key)
{
    const Table *table = &model->Table;
    uint64_t value = TableLookUp(table, High(model, key), key);
    // What frames are looked up with finds the same; the line alone that, or nothing.
    if (table->Kind == TableFour) {
        uint32_t found = LineFindFour(TableLineOf(table, TableHashFour(table->Seed, key)), key);
        CHECK(TableFindFour(table, key) == value && (found == TableEmpty || found == value));
    } else if (table->Kind == TableSix) {
        uint32_t found = LineFindSix(TableLineOf(table, TableHash(table->Seed, High(model, key), key)), High(model, key), key);
        CHECK(TableFindSix(table, High(model, key), key) == value && (found == TableEmpty || found == value));
    } else {
        CHECK(TableFind(table, High(model, key), key) == value);
    }
    return value < TableLeastValue ? 0 : value;
}

static void CheckAll(const Model *model)
{
    uint32_t cursor = 0, count, live = 0;
    const TableSegment *segment;
    for (uint32_t key = 0; key < Keys; key++)
        CHECK(LookUp(model, key) == model->Values[key]);
    while (TableNextSegment(&model->Table, &cursor, &segment, &count)) {
        uint32_t here = 0;
        for (uint32_t i = 0; i < count; i++) {
            TableSlot slot = TableSlotAt(&model->Table, segment, i);
            if (slot.Value < TableLeastValue)
                continue;
            CHECK(slot.Low < Keys && model->Values[slot.Low] == slot.Value && slot.High == High(model, (uint32_t)slot.Low));
            here++;
        }
        CHECK(here == segment->Live);
        live += here;
    }
    CHECK(live == model->Count && model->Table.Count == model->Count);
}

static void Step(Model *model, uint32_t random)
{
    uint32_t key = random % Keys, value = TableLeastValue + random / Keys % 1000, kind = random >> 29;
    if (kind < 4) {
        TableResult result = TableAdd(&model->Table, High(model, key), key, value);
        CHECK(result == (model->Values[key] != 0 ? TableExists : TableOk));
        model->Count += model->Values[key] == 0;
        model->Values[key] = model->Values[key] != 0 ? model->Values[key] : value;
    } else if (kind < 7) {
        CHECK(TableRemove(&model->Table, High(model, key), key) == model->Values[key]);
        model->Count -= model->Values[key] != 0;
        model->Values[key] = 0;
    } else {
        CHECK(TableReplace(&model->Table, High(model, key), key, value) == (model->Values[key] != 0));
        model->Values[key] = model->Values[key] != 0 ? value : 0;
    }
    EpochCollect(&model->Epoch);
}

static void AgainstAnArray(void)
{
    for (uint32_t kind = TableFour; kind <= TableWide; kind++) {
        uint64_t before = FakeLive(), random = 0x2545F4914F6CDD1Du + kind;
        Model *model = New((TableKind)kind, random);
        // Nothing is in a map that was never written to.
        CHECK(LookUp(model, 1) == 0 && TableRemove(&model->Table, 0, 1) == 0 && !TableReplace(&model->Table, 0, 1, 5));
        CheckAll(model);
        for (uint32_t i = 0; i < 60000; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            Step(model, (uint32_t)(random >> 32));
            if (i % 20000 == 0)
                CheckAll(model);
        }
        CheckAll(model);
        Destroy(model, before);
    }
}

// Each allocation that a growing map makes fails once: the key is not there, nothing else changed, and the next try succeeds.
static void WithoutMemory(void)
{
    for (uint32_t kind = TableFour; kind <= TableWide; kind++) {
        uint64_t before = FakeLive();
        uint32_t failures = 0;
        Model *model = New((TableKind)kind, 7);
        for (uint32_t key = 0; key < (kind == TableFour ? (uint32_t)Keys : 500u); key++) {
            for (uint64_t number = 0;; number++, failures++) {
                FakeFailAllocation(number);
                TableResult result = TableAdd(&model->Table, High(model, key), key, TableLeastValue + key);
                FakeFailAllocation(UINT64_MAX);
                if (result == TableOk)
                    break;
                CHECK(result == TableNoMemory && LookUp(model, key) == 0);
            }
            model->Values[key] = TableLeastValue + key;
            model->Count++;
            EpochCollect(&model->Epoch);
        }
        CheckAll(model);
        CHECK(failures >= 6);
        Destroy(model, before);
    }
}

// Keys of a line that they fill and of those behind it, to the end of the segment and on from its beginning; they go and come back.
static void BeyondTheLine(void)
{
    enum { Lines = 4, Most = 64 };
    for (uint32_t kind = TableFour; kind <= TableWide; kind++) {
        uint64_t before = FakeLive(), highs[Most], lows[Most];
        Model *model = New((TableKind)kind, 3);
        Table *table = &model->Table;
        CHECK(TableAdd(table, 0, 1, 2) == TableOk && TableRemove(table, 0, 1) == 2);
        uint64_t lineCount = table->Directory->LineCount;
        uint32_t count = 0, places = kind == TableFour ? FourPlaces : kind == TableSix ? SixPlaces : WidePlaces;
        // All of the last line, so many that they fill three more.
        for (uint32_t key = 2; count < places * Lines; key++) {
            uint32_t hash = kind == TableFour ? TableHashFour(3, key) : TableHash(3, key, key);
            if (hash * lineCount >> 32 != lineCount - 1)
                continue;
            highs[count] = kind == TableFour ? 0 : key;
            lows[count++] = key;
        }
        for (uint32_t i = 0; i < count; i++)
            CHECK(TableAdd(table, highs[i], lows[i], 2 + i) == TableOk);
        CHECK(table->Directory->Mask == 0);
        for (uint32_t round = 0; round < 2; round++) {
            for (uint32_t i = 0; i < count; i++) {
                uint64_t found = kind == TableFour  ? TableFindFour(table, (uint32_t)lows[i])
                                 : kind == TableSix ? TableFindSix(table, highs[i], lows[i])
                                                    : TableFind(table, highs[i], lows[i]);
                CHECK(found == 2 + i && TableLookUp(table, highs[i], lows[i]) == 2 + i);
            }
            for (uint32_t i = 0; i < count; i += 2)
                CHECK(TableRemove(table, highs[i], lows[i]) == 2 + i && TableLookUp(table, highs[i], lows[i]) == TableGone);
            for (uint32_t i = 0; i < count; i += 2)
                CHECK(TableAdd(table, highs[i], lows[i], 2 + i) == TableOk);
        }
        Destroy(model, before);
    }
}

// A key of zeros looks like an empty place's.
static void AKeyOfZeros(void)
{
    for (uint32_t kind = TableFour; kind <= TableWide; kind++) {
        uint64_t before = FakeLive();
        Model *model = New((TableKind)kind, 5);
        Table *table = &model->Table;
        TableLine line = {{0}};
        CHECK(LookUp(model, 0) == 0 && TableAdd(table, 0, 0, 9) == TableOk && LookUp(model, 0) == 9);
        CHECK(TableReplace(table, 0, 0, 10) && LookUp(model, 0) == 10 && TableRemove(table, 0, 0) == 10 && LookUp(model, 0) == 0);
        // The moment between a place's key and its value.
        line.Words[0] = 7;
        CHECK(LineFindFour(&line, 7) == TableEmpty && LineFindFour(&line, 0) == TableEmpty && LineFindFour(&line, 8) == TableEmpty);
        line.Words[FourValues] = 3;
        CHECK(LineFindFour(&line, 7) == 3 && LineFindFour(&line, 0) == TableEmpty);
        // What looked empty, and was filled with another key before its value was read.
        line.Words[0] = 0;
        CHECK(LineFindFour(&line, 0) == TableEmpty);
        Destroy(model, before);
    }
}

// Addresses in whatever steps they come, in both orders of bytes: nearly all lie in their lines, and places are well used.
static void Large(void)
{
    enum { Count = 200000 };
    static const uint32_t steps[] = {1, 4, 256, 257, 65537, 0x9E3779B1};
    for (uint32_t i = 0; i < 2 * sizeof(steps) / sizeof(steps[0]); i++) {
        uint64_t before = FakeLive();
        uint32_t beyond = 0, cursor = 0, places = 0, inSegment, address = 0x0a000000;
        const TableSegment *segment;
        Model *model = New(TableFour, 0x1234567 + i);
        for (uint32_t number = 0; number < Count; number++, address += steps[i / 2]) {
            CHECK(TableAdd(&model->Table, 0, i % 2 == 0 ? SWAP32(address) : address, TableLeastValue + number) == TableOk);
            EpochCollect(&model->Epoch);
        }
        address = 0x0a000000;
        for (uint32_t number = 0; number < Count; number++, address += steps[i / 2]) {
            uint32_t key = i % 2 == 0 ? SWAP32(address) : address;
            CHECK(TableFindFour(&model->Table, key) == TableLeastValue + number);
            beyond += LineFindFour(TableLineOf(&model->Table, TableHashFour(model->Table.Seed, key)), key) == TableEmpty;
        }
        while (TableNextSegment(&model->Table, &cursor, &segment, &inSegment))
            places += inSegment;
        CHECK(beyond < Count / 32 && places < Count * 4);
        Destroy(model, before);
    }
}

typedef struct Reading {
    Model *Model;
    uint32_t Processor;
    uint32_t *IsOver;
} Reading;

enum { MapReaders = 2, Others = 1000 };

static uint64_t Sought(const Table *table, uint64_t high, uint32_t key)
{
    return table->Kind == TableFour ? TableFindFour(table, key) : table->Kind == TableSix ? TableFindSix(table, high, key) : TableFind(table, high, key);
}

// Odd keys stay, even ones (0 is one) come and go, each with one of two values; those beyond were never there.
static void *Read(void *argument)
{
    const Reading *reading = argument;
    Model *model = reading->Model;
    uint64_t random = 88172645463325252u + reading->Processor;
    while (__atomic_load_n(reading->IsOver, __ATOMIC_ACQUIRE) == 0) {
        EpochEnter(&model->Epoch, reading->Processor);
        for (uint32_t i = 0; i < 64; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            // One time in eight the key of zeros.
            uint32_t key = random >> 61 == 0 ? 0 : (uint32_t)(random >> 32) % (Keys + Others);
            uint64_t value = Sought(&model->Table, High(model, key), key);
            bool isAbsent = value < TableLeastValue, isIts = value == TableLeastValue + key || value == TableLeastValue + key + Keys;
            CHECK(key >= Keys ? isAbsent : key % 2 != 0 ? isIts : isAbsent || isIts);
        }
        EpochLeave(&model->Epoch, reading->Processor);
    }
    return NULL;
}

// Under the thread sanitizer as part of the stress; otherwise with the instructions that the driver uses.
void TableReadWhileItChanges(uint32_t changes)
{
    for (uint32_t kind = TableFour; kind <= TableWide; kind++) {
        uint64_t before = FakeLive(), random = 0x2545F4914F6CDD1Du + kind;
        uint32_t isOver = 0, passing = Keys + Others;
        pthread_t threads[MapReaders];
        Reading readings[MapReaders];
        Model *model = calloc(1, sizeof(Model));
        CHECK(EpochInitialize(&model->Epoch, MapReaders));
        Table *table = &model->Table;
        TableInitialize(table, (TableKind)kind, &model->Epoch, 11);
        for (uint32_t key = 1; key < Keys; key += 2)
            CHECK(TableAdd(table, High(model, key), key, TableLeastValue + key) == TableOk);
        for (uint32_t i = 0; i < MapReaders; i++) {
            readings[i] = (Reading){model, i, &isOver};
            CHECK(pthread_create(&threads[i], NULL, Read, &readings[i]) == 0);
        }
        for (uint32_t i = 0; i < changes; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            uint32_t key = (uint32_t)(random >> 32) % Keys & ~1u;
            uint64_t value = TableLeastValue + key + (random & 1) * Keys;
            if ((random >> 8) % 4 == 0)
                (void)TableReplace(table, High(model, key | 1), key | 1, value + 1);
            else if (TableLookUp(table, High(model, key), key) < TableLeastValue)
                CHECK(TableAdd(table, High(model, key), key, value) == TableOk);
            else
                CHECK(TableRemove(table, High(model, key), key) >= TableLeastValue);
            // Keys that never come again wear segments out.
            CHECK(TableAdd(table, High(model, passing), passing, 2) == TableOk && TableRemove(table, High(model, passing), passing) == 2);
            passing++;
            EpochCollect(&model->Epoch);
        }
        __atomic_store_n(&isOver, 1, __ATOMIC_RELEASE);
        for (uint32_t i = 0; i < MapReaders; i++)
            CHECK(pthread_join(threads[i], NULL) == 0);
        EpochCollect(&model->Epoch);
        Destroy(model, before);
    }
}

static void ReadWhileItChanges(void) { TableReadWhileItChanges(30000); }

const Scenario TableScenarios[] = {
    {"a map against an array", AgainstAnArray},
    {"a map without memory", WithoutMemory},
    {"keys beyond their line", BeyondTheLine},
    {"a key of zeros", AKeyOfZeros},
    {"large maps", Large},
    {"a map that changes while it is read", ReadWhileItChanges},
    {NULL, NULL},
};
#else
const Scenario TableScenarios[] = {{NULL, NULL}};
#endif
