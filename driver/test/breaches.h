// What a driver must not do: one act for each rule of the fake (FAKE_RULE) but those of IRQL. The argument is the world.
#pragma once

#include "scenario.h"

typedef struct Breach {
    const char *Name;
    void (*Act)(void *world);
} Breach;

extern const Breach Breaches[]; // ends with a Name of NULL
