#include "scenario.h"

#if !defined(KM_LOADED)
#include "../core/table.h"

// The map of core/table.h by itself, against an array that says what must be there.

enum { Keys = 6000 };

typedef struct Model {
    Table Table;
    Epoch Epoch;
    uint32_t Values[Keys]; // 0: not there
    uint32_t Count;
} Model;

static Model *New(bool isPacked, uint32_t slotBits, uint64_t seed)
{
    Model *model = calloc(1, sizeof(Model));
    CHECK(EpochInitialize(&model->Epoch, 1));
    if (isPacked)
        TableInitializePacked(&model->Table, &model->Epoch, seed);
    else
        TableInitialize(&model->Table, &model->Epoch, seed, slotBits);
    return model;
}

static void Destroy(Model *model, uint64_t liveBefore)
{
    TableDestroy(&model->Table);
    EpochDestroy(&model->Epoch);
    free(model);
    CHECK(FakeLive() == liveBefore);
}

static uint64_t High(const Model *model, uint32_t key) { return model->Table.IsPacked ? 0 : key * 0x9E3779B97F4A7C15u; }

static uint64_t LookUp(const Model *model, uint32_t key)
{
    uint64_t value = TableLookUp(&model->Table, High(model, key), key);
    // What is found at first sight is what is found.
    if (model->Table.IsPacked) {
        TablePrefetchPacked(&model->Table, key);
        uint32_t peeked = TablePeekPacked(&model->Table, key);
        CHECK(peeked < TableLeastValue || peeked == value);
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
    for (uint32_t shape = 0; shape < 3; shape++) {
        uint64_t before = FakeLive(), random = 0x2545F4914F6CDD1Du + shape;
        Model *model = New(shape == 0, shape == 1 ? 4 : 6, random);
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
    for (uint32_t shape = 0; shape < 2; shape++) {
        uint64_t before = FakeLive();
        uint32_t failures = 0;
        Model *model = New(shape == 0, 4, 7);
        for (uint32_t key = 0; key < (shape == 0 ? (uint32_t)Keys : 500u); key++) {
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

// So many segments that places are fetched ahead.
static void Large(void)
{
    uint64_t before = FakeLive();
    Model *model = New(true, 0, 99);
    for (uint32_t key = 0; key < 60000; key++) {
        CHECK(TableAdd(&model->Table, 0, key, TableLeastValue + key) == TableOk);
        EpochCollect(&model->Epoch);
    }
    CHECK(model->Table.Directory->Count >= PrefetchedSegments);
    for (uint32_t key = 0; key < 70000; key++) {
        TablePrefetchPacked(&model->Table, key);
        CHECK(TableFindPacked(&model->Table, key) == (key < 60000 ? TableLeastValue + key : 0));
    }
    Destroy(model, before);
}

const Scenario TableScenarios[] = {
    {"a map against an array", AgainstAnArray},
    {"a map without memory", WithoutMemory},
    {"a large map", Large},
    {NULL, NULL},
};
#else
const Scenario TableScenarios[] = {{NULL, NULL}};
#endif
