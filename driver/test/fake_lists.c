#include "fake.h"
#include "guarded.h"

// Net buffer lists, net buffers and MDLs. A list's state hangs at NdisReserved[0], a word of NDIS's own.

enum { PoolMagic = 0x706f6f6c };

typedef struct Pool {
    uint32_t Magic;
    uint16_t ContextSize;
    int64_t Lists; // not freed yet
} Pool;

typedef struct WholeList {
    NET_BUFFER_LIST List;
    NET_BUFFER Buffer;
    FakeListState State;
    _Alignas(16) uint8_t Context[sizeof(NET_BUFFER_LIST_CONTEXT) + 64];
} WholeList;

FakeListState *FakeStateOf(PNET_BUFFER_LIST list) { return list->NdisReserved[0]; }

NDIS_HANDLE KMAPI NdisAllocateNetBufferListPool(NDIS_HANDLE handle, NET_BUFFER_LIST_POOL_PARAMETERS *parameters)
{
    (void)handle;
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(parameters->Header.Type == NDIS_OBJECT_TYPE_DEFAULT && parameters->Header.Size == 16, "NET_BUFFER_LIST_POOL_PARAMETERS: Header", "header");
    FAKE_RULE(parameters->fAllocateNetBuffer && parameters->DataSize == 0, "NdisAllocateNetBufferAndNetBufferList: Remarks: fAllocateNetBuffer, no DataSize", "parameters");
    FAKE_RULE(parameters->ContextSize % 16 == 0, "NET_BUFFER_LIST_POOL_PARAMETERS: ContextSize: a multiple of MEMORY_ALLOCATION_ALIGNMENT", "context size");
    FAKE_RULE(parameters->PoolTag != 0, "NET_BUFFER_LIST_POOL_PARAMETERS: PoolTag", "tag");
    if (FakeAllocationFails())
        return NULL;
    Pool *pool = calloc(1, sizeof(Pool));
    *pool = (Pool){.Magic = PoolMagic, .ContextSize = parameters->ContextSize};
    FakeAddLive(1);
    return pool;
}

VOID KMAPI NdisFreeNetBufferListPool(NDIS_HANDLE handle)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(((Pool *)handle)->Magic == PoolMagic, "NdisFreeNetBufferListPool: PoolHandle", "no pool");
    FAKE_RULE(__atomic_load_n(&((Pool *)handle)->Lists, __ATOMIC_ACQUIRE) == 0, "NdisFreeNetBufferListPool: Remarks: free the lists first", "lists of the pool are left");
    FakeAddLive(-1);
    free(handle);
}

static WholeList *NewList(PMDL mdl, uint32_t offset, uint32_t length, uint16_t contextSize)
{
    WholeList *whole = calloc(1, sizeof(WholeList));
    // Out-of-band words of a new list are not zero by promise.
    for (int i = 0; i < MaxNetBufferListInfo; i++)
        whole->List.NetBufferListInfo[i] = (PVOID)(uintptr_t)0xa5a5a5a5;
    whole->List.FirstNetBuffer = &whole->Buffer;
    whole->List.NdisReserved[0] = &whole->State;
    whole->List.Context = (NET_BUFFER_LIST_CONTEXT *)(void *)whole->Context;
    whole->List.Context->Size = contextSize;
    whole->Buffer.MdlChain = whole->Buffer.CurrentMdl = mdl;
    whole->Buffer.DataOffset = whole->Buffer.CurrentMdlOffset = offset;
    whole->Buffer.DataLength = length;
    return whole;
}

PNET_BUFFER_LIST KMAPI NdisAllocateNetBufferAndNetBufferList(NDIS_HANDLE handle, USHORT contextSize, USHORT contextBackFill, PMDL mdl,
                                                             ULONG offset, SIZE_T length)
{
    Pool *pool = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(pool->Magic == PoolMagic, "NdisAllocateNetBufferAndNetBufferList: PoolHandle", "no pool");
    FAKE_CHECK(contextSize == 0 && contextBackFill == 0, "no context space beyond the pool's");
    FAKE_RULE(mdl != NULL && offset + length <= mdl->ByteCount, "NdisAllocateNetBufferAndNetBufferList: MdlChain, DataOffset, DataLength", "data beyond the MDL");
    if (FakeAllocationFails())
        return NULL;
    WholeList *whole = NewList(mdl, offset, (uint32_t)length, pool->ContextSize);
    whole->List.NdisPoolHandle = pool;
    (void)__atomic_fetch_add(&pool->Lists, 1, __ATOMIC_ACQ_REL);
    whole->State = (FakeListState){.Holder = HeldByFilter, .Origin = FromFilter};
    FakeAddLive(1);
    return &whole->List;
}

VOID KMAPI NdisFreeNetBufferList(PNET_BUFFER_LIST list)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FakeListState *state = FakeStateOf(list);
    FAKE_RULE(state->Origin == FromFilter, "NdisFreeNetBufferList: who allocated it frees it", "freed a list of somebody else's");
    FAKE_RULE(state->Holder == HeldByFilter, "Sending Data from a Filter Driver: a list is NDIS's until it is completed or returned", "freed a list that is not with the filter");
    (void)__atomic_fetch_sub(&((Pool *)list->NdisPoolHandle)->Lists, 1, __ATOMIC_ACQ_REL);
    FakeAddLive(-1);
    free(CONTAINING_RECORD(list, WholeList, List));
}

PMDL KMAPI NdisAllocateMdl(NDIS_HANDLE handle, PVOID address, UINT length)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(handle != NULL && address != NULL && length > 0, "NdisAllocateMdl: Parameters", "parameters");
    if (FakeAllocationFails())
        return NULL;
    PMDL mdl = calloc(1, sizeof(MDL));
    mdl->MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
    mdl->MappedSystemVa = address;
    mdl->ByteCount = length;
    FakeAddLive(1);
    return mdl;
}

VOID KMAPI NdisFreeMdl(PMDL mdl)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FakeAddLive(-1);
    free(mdl);
}

// Maps on first use; may fail for lack of page table entries.
PVOID KMAPI MmMapLockedPagesSpecifyCache(PMDL mdl, CHAR mode, int cache, PVOID address, ULONG bugCheck, ULONG priority)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_CHECK(mode == KernelMode && cache == MmCached && address == NULL && !bugCheck, "parameters");
    FAKE_RULE((priority & (ULONG)MdlMappingNoExecute) != 0, "MmGetSystemAddressForMdlSafe: Priority: MdlMappingNoExecute", "an executable mapping");
    if (FakeAllocationFails())
        return NULL;
    mdl->MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    mdl->MappedSystemVa = mdl->StartVa;
    return mdl->MappedSystemVa;
}

// Every piece ends where its memory ends, so that a sanitizer sees a byte too many; the first begins behind some back-fill. Half of them
// are not mapped yet.
static PMDL MakePieces(const FakeFrame *frame, uint32_t offset)
{
    PMDL first = NULL, *link = &first;
    uint32_t pieces = frame->Pieces == 0 ? 1 : frame->Pieces, done = 0;
    for (uint32_t i = 0; i < pieces; i++) {
        uint32_t length = i + 1 == pieces ? frame->Length - done : (frame->Length - done) / 2;
        uint32_t before = i == 0 ? offset : 0;
        uint8_t *bytes = GuardedAllocate(before + length);
        PMDL mdl = calloc(1, sizeof(MDL));
        memset(bytes, 0xa5, before);
        if (length > 0)
            memcpy(bytes + before, frame->Bytes + done, length);
        mdl->ByteCount = before + length;
        mdl->StartVa = bytes;
        if (i % 2 == 0) {
            mdl->MdlFlags = MDL_MAPPED_TO_SYSTEM_VA;
            mdl->MappedSystemVa = bytes;
        }
        *link = mdl;
        link = &mdl->Next;
        done += length;
    }
    return first;
}

PNET_BUFFER_LIST FakeMakeList(const FakeFrame *frame)
{
    enum { BackFill = 6 };
    WholeList *whole = NewList(MakePieces(frame, BackFill), BackFill, frame->Length, 0);
    PNET_BUFFER *link = &whole->Buffer.Next;
    for (int i = 0; i < MaxNetBufferListInfo; i++)
        whole->List.NetBufferListInfo[i] = NULL;
    whole->List.NetBufferListInfo[Ieee8021QNetBufferListInfo] = (PVOID)(uintptr_t)frame->TagInfo;
    whole->List.NetBufferListInfo[TcpIpChecksumNetBufferListInfo] = (PVOID)(uintptr_t)frame->Checksum;
    whole->List.NetBufferListInfo[TcpLargeSendNetBufferListInfo] = (PVOID)(uintptr_t)frame->LargeSend;
    whole->List.NetBufferListInfo[TcpRecvSegCoalesceInfo] = (PVOID)(uintptr_t)frame->Coalesced;
    for (const FakeFrame *more = frame->Next; more != NULL; more = more->Next) {
        PNET_BUFFER buffer = calloc(1, sizeof(NET_BUFFER));
        buffer->MdlChain = buffer->CurrentMdl = MakePieces(more, BackFill);
        buffer->DataOffset = buffer->CurrentMdlOffset = BackFill;
        buffer->DataLength = more->Length;
        *link = buffer;
        link = &buffer->Next;
    }
    FakeAddLive(1);
    return &whole->List;
}

void FakeFreeList(PNET_BUFFER_LIST list)
{
    WholeList *whole = CONTAINING_RECORD(list, WholeList, List);
    FAKE_CHECK(whole->State.Origin != FromFilter && whole->State.Holder == HeldByNobody, "a test's list is still with somebody");
    for (PNET_BUFFER buffer = list->FirstNetBuffer; buffer != NULL;) {
        PNET_BUFFER next = buffer->Next;
        for (PMDL mdl = buffer->MdlChain; mdl != NULL;) {
            PMDL after = mdl->Next;
            GuardedFree(mdl->StartVa);
            free(mdl);
            mdl = after;
        }
        if (buffer != &whole->Buffer)
            free(buffer);
        buffer = next;
    }
    FakeAddLive(-1);
    free(whole);
}

static const uint8_t *AddressOf(PMDL mdl)
{
    return mdl->MappedSystemVa != NULL ? mdl->MappedSystemVa : mdl->StartVa;
}

uint8_t *FakeRead(PNET_BUFFER buffer, uint32_t *length)
{
    *length = buffer->DataLength;
    uint8_t *bytes = malloc(*length + 1u);
    uint32_t offset = buffer->CurrentMdlOffset, done = 0;
    for (PMDL mdl = buffer->CurrentMdl; done < *length; mdl = mdl->Next) {
        if (mdl == NULL) {
            *length = done; // a test's, that promises more than there is
            break;
        }
        uint32_t part = mdl->ByteCount - offset < *length - done ? mdl->ByteCount - offset : *length - done;
        memcpy(bytes + done, AddressOf(mdl) + offset, part);
        done += part;
        offset = 0;
    }
    return bytes;
}

uint64_t FakeHash(PNET_BUFFER_LIST list)
{
    uint64_t hash = 14695981039346656037u;
    for (PNET_BUFFER buffer = list->FirstNetBuffer; buffer != NULL; buffer = buffer->Next) {
        uint32_t length;
        uint8_t *bytes = FakeRead(buffer, &length);
        for (uint32_t i = 0; i < length; i++)
            hash = (hash ^ bytes[i]) * 1099511628211u;
        free(bytes);
    }
    return hash;
}
