// What the core needs of its surroundings: fixed-width types, unaligned big-endian reads, a handful of atomics, memory and one lock.
// Nothing here or below knows NDIS.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <string.h>
#else
void *memcpy(void *destination, const void *source, size_t bytes);
void *memmove(void *destination, const void *source, size_t bytes);
void *memset(void *destination, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);
#endif

// Zeroed and non-pageable; NULL where there is no memory. From 4096 bytes on it begins with a page, else at a multiple of 16.
// IRQL <= DISPATCH_LEVEL. Given by the filter or by the test's host.
void *CoreAllocate(size_t bytes);
void CoreFree(void *block);

#if defined(_MSC_VER) && !defined(__clang__)
#include <stdlib.h>
#define SWAP16(value) _byteswap_ushort(value)
#define SWAP32(value) _byteswap_ulong(value)
#define SWAP64(value) _byteswap_uint64(value)
#else
#define SWAP16(value) __builtin_bswap16(value)
#define SWAP32(value) __builtin_bswap32(value)
#define SWAP64(value) __builtin_bswap64(value)
#endif

// All machines that Windows runs on are little-endian.
static inline uint16_t Read16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return SWAP16(value);
}

static inline uint32_t Read32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return SWAP32(value);
}

static inline uint64_t Read64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return SWAP64(value);
}

// As the bytes stand in memory, whatever number that is.
static inline uint32_t Raw32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t Raw64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline void Write16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void Write32(uint8_t *at, uint32_t value)
{
    Write16(at, value >> 16);
    Write16(at + 2, value);
}

static inline uint32_t Least(uint32_t left, uint32_t right) { return left < right ? left : right; }

#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#if defined(_M_ARM64)
#define COMPILER_FENCE() __dmb(_ARM64_BARRIER_ISH)
#define PREFETCH(at) __prefetch(at)
#else
#define COMPILER_FENCE() _ReadWriteBarrier()
#define PREFETCH(at) _mm_prefetch((const char *)(at), _MM_HINT_T0)
#endif
#define NOINLINE __declspec(noinline)
#define ALWAYS_INLINE __forceinline
static inline void *LoadPointer(void *const *at)
{
    void *value = *(void *const volatile *)at;
    COMPILER_FENCE();
    return value;
}
static inline void StorePointer(void **at, void *value)
{
    COMPILER_FENCE();
    *(void *volatile *)at = value;
}
static inline uint64_t Load64(const uint64_t *at) { return *(const volatile uint64_t *)at; }
static inline void Store64(uint64_t *at, uint64_t value) { *(volatile uint64_t *)at = value; }
static inline uint64_t LoadAcquire64(const uint64_t *at)
{
    uint64_t value = *(const volatile uint64_t *)at;
    COMPILER_FENCE();
    return value;
}
static inline void StoreRelease64(uint64_t *at, uint64_t value)
{
    COMPILER_FENCE();
    *(volatile uint64_t *)at = value;
}
static inline uint32_t Load32(const uint32_t *at) { return *(const volatile uint32_t *)at; }
static inline void Store32(uint32_t *at, uint32_t value) { *(volatile uint32_t *)at = value; }
static inline uint32_t LoadAcquire32(const uint32_t *at)
{
    uint32_t value = *(const volatile uint32_t *)at;
    COMPILER_FENCE();
    return value;
}
static inline void StoreRelease32(uint32_t *at, uint32_t value)
{
    COMPILER_FENCE();
    *(volatile uint32_t *)at = value;
}
static inline uint32_t LowestBit(uint32_t mask)
{
    unsigned long number;
    _BitScanForward(&number, mask);
    return number;
}
static inline void Add64(uint64_t *at, uint64_t value) { _InterlockedExchangeAdd64((volatile __int64 *)at, (__int64)value); }
static inline uint32_t Add32(uint32_t *at, uint32_t value)
{
    return (uint32_t)_InterlockedExchangeAdd((volatile int *)at, (int)value) + value;
}
static inline uint64_t FetchAdd64(uint64_t *at, uint64_t value)
{
    return (uint64_t)_InterlockedExchangeAdd64((volatile __int64 *)at, (__int64)value);
}
static inline bool CompareExchange64(uint64_t *at, uint64_t *expected, uint64_t value)
{
    uint64_t seen = (uint64_t)_InterlockedCompareExchange64((volatile __int64 *)at, (__int64)value, (__int64)*expected);
    bool isDone = seen == *expected;
    *expected = seen;
    return isDone;
}
static inline void ExchangeFull64(uint64_t *at, uint64_t value) { _InterlockedExchange64((volatile __int64 *)at, (__int64)value); }
#else
#define PREFETCH(at) __builtin_prefetch(at)
#define NOINLINE __attribute__((noinline))
#define ALWAYS_INLINE inline __attribute__((always_inline))
static inline void *LoadPointer(void *const *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
static inline void StorePointer(void **at, void *value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }
static inline uint64_t Load64(const uint64_t *at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }
static inline void Store64(uint64_t *at, uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }
static inline uint64_t LoadAcquire64(const uint64_t *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
static inline void StoreRelease64(uint64_t *at, uint64_t value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }
static inline uint32_t Load32(const uint32_t *at) { return __atomic_load_n(at, __ATOMIC_RELAXED); }
static inline void Store32(uint32_t *at, uint32_t value) { __atomic_store_n(at, value, __ATOMIC_RELAXED); }
static inline uint32_t LoadAcquire32(const uint32_t *at) { return __atomic_load_n(at, __ATOMIC_ACQUIRE); }
static inline void StoreRelease32(uint32_t *at, uint32_t value) { __atomic_store_n(at, value, __ATOMIC_RELEASE); }
// Its number; the mask is not 0.
static inline uint32_t LowestBit(uint32_t mask) { return (uint32_t)__builtin_ctz(mask); }
static inline void Add64(uint64_t *at, uint64_t value) { (void)__atomic_fetch_add(at, value, __ATOMIC_RELAXED); }
// The sum.
static inline uint32_t Add32(uint32_t *at, uint32_t value) { return __atomic_add_fetch(at, value, __ATOMIC_ACQ_REL); }
// What was there.
static inline uint64_t FetchAdd64(uint64_t *at, uint64_t value) { return __atomic_fetch_add(at, value, __ATOMIC_ACQ_REL); }
// Where it fails, expected is what is there.
static inline bool CompareExchange64(uint64_t *at, uint64_t *expected, uint64_t value)
{
    return __atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}
// A full barrier as well: what is read afterwards is read after the others can see the value.
static inline void ExchangeFull64(uint64_t *at, uint64_t value) { (void)__atomic_exchange_n(at, value, __ATOMIC_SEQ_CST); }
#endif

#define LOAD(field) LoadPointer((void *const *)&(field))
#define STORE(field, value) StorePointer((void **)&(field), (void *)(value))
#define CONTAINER(pointer, type, field) ((type *)((uint8_t *)(pointer) - offsetof(type, field)))
