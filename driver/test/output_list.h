// Frames that came out, in order.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct Output {
    struct Output *Next;
    uint64_t Place;
    uint32_t Length;
    uint8_t Bytes[];
} Output;

typedef struct OutputList {
    Output *First;
    Output *Last;
} OutputList;

static inline uint8_t *OutputAdd(OutputList *list, uint64_t place, const uint8_t *bytes, uint32_t length)
{
    Output *added = malloc(sizeof(Output) + length);
    if (added == NULL)
        abort();
    added->Next = NULL;
    added->Place = place;
    added->Length = length;
    if (length > 0)
        memcpy(added->Bytes, bytes, length);
    if (list->First == NULL)
        list->First = added;
    else
        list->Last->Next = added;
    list->Last = added;
    return added->Bytes;
}

static inline int32_t OutputTake(OutputList *list, uint64_t *place, uint8_t *buffer, uint32_t capacity)
{
    Output *first = list->First;
    if (first == NULL || first->Length > capacity)
        return -1;
    int32_t length = (int32_t)first->Length;
    *place = first->Place;
    memcpy(buffer, first->Bytes, first->Length);
    list->First = first->Next;
    free(first);
    return length;
}
