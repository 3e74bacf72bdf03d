#include "filter.h"

// Frames of ours. A packet that NDIS has is inside its module's gate, so that the module's pause waits for it and for nothing else.

Packet *PacketAllocate(uint32_t length)
{
    Packet *packet = ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(Packet) + (SIZE_T)length, PoolTag);
    if (packet != NULL) {
        *packet = (Packet){0};
        packet->Length = packet->LongestSegment = length;
    }
    return packet;
}

void PacketFree(Packet *packet)
{
    Module *module = packet->Module;
    if (packet->List != NULL)
        NdisFreeNetBufferList(packet->List);
    if (packet->Mdl != NULL)
        NdisFreeMdl(packet->Mdl);
    ExFreePoolWithTag(packet, PoolTag);
    if (module != NULL) {
        Add32(&module->InFlight, (uint32_t)-1);
        ModuleLeave(module);
    }
}

bool PacketAssign(Packet *packet, Module *module)
{
    if (module == NULL || Load32(&module->Away) != 0 || !ModuleEnter(module))
        return false;
    if (Add32(&module->InFlight, 1) > MostPacketsInFlight) {
        Add32(&module->InFlight, (uint32_t)-1);
        ModuleLeave(module);
        return false;
    }
    packet->Module = module;
    return true;
}

static Packet **PacketOf(PNET_BUFFER_LIST list) { return (Packet **)(PVOID)NET_BUFFER_LIST_CONTEXT_DATA_START(list); }

PNET_BUFFER_LIST PacketDress(Packet *packet, bool isReceive)
{
    packet->Mdl = NdisAllocateMdl(packet->Module->Handle, packet->Bytes, packet->Length);
    if (packet->Mdl == NULL)
        return NULL;
    packet->List = NdisAllocateNetBufferAndNetBufferList(TheDriver.ListPool, 0, 0, packet->Mdl, 0, packet->Length);
    if (packet->List == NULL)
        return NULL;
    *PacketOf(packet->List) = packet;
    packet->List->SourceHandle = packet->Module->Handle;
    // Whatever is not meant is zero: no filtering information, no switch detail, no offload still to be done.
    for (uint32_t i = 0; i < MaxNetBufferListInfo; i++)
        NET_BUFFER_LIST_INFO(packet->List, i) = NULL;
    NET_BUFFER_LIST_INFO(packet->List, Ieee8021QNetBufferListInfo) = (PVOID)(uintptr_t)packet->TagInfo;
    if (isReceive) {
        // As it stands in the frame, in network byte order.
        uint16_t type = 0;
        if (packet->Length >= EtherHeaderLength)
            memcpy(&type, packet->Bytes + 12, sizeof(type));
        NET_BUFFER_LIST_INFO(packet->List, NetBufferListFrameType) = (PVOID)(uintptr_t)type;
        NET_BUFFER_LIST_INFO(packet->List, TcpIpChecksumNetBufferListInfo) = (PVOID)(uintptr_t)packet->ChecksumInfo;
        NET_BUFFER_LIST_INFO(packet->List, NetBufferListHashValue) = packet->HashValue;
        NET_BUFFER_LIST_INFO(packet->List, NetBufferListHashInfo) = packet->HashInfo;
    }
    return packet->List;
}

void PacketFreeLists(PNET_BUFFER_LIST lists)
{
    while (lists != NULL) {
        PNET_BUFFER_LIST next = NET_BUFFER_LIST_NEXT_NBL(lists);
        NET_BUFFER_LIST_NEXT_NBL(lists) = NULL;
        PacketFree(*PacketOf(lists));
        lists = next;
    }
}

void ChainAdd(ListChain *chain, PNET_BUFFER_LIST list)
{
    NET_BUFFER_LIST_NEXT_NBL(list) = NULL;
    if (chain->First == NULL)
        chain->First = list;
    else
        NET_BUFFER_LIST_NEXT_NBL(chain->Last) = list;
    chain->Last = list;
    chain->Count++;
}

void PacketSplit(const Module *module, PNET_BUFFER_LIST lists, ListChain *own, ListChain *others)
{
    while (lists != NULL) {
        PNET_BUFFER_LIST next = NET_BUFFER_LIST_NEXT_NBL(lists);
        ChainAdd(lists->SourceHandle == module->Handle ? own : others, lists);
        lists = next;
    }
}
