#include "filter.h"

// Requests of the protocols above: passed down as clones. Packet filters and multicast
// lists of a master are remembered, and told its miniport as part of the union.

// In the clone's SourceReserved.
typedef struct CloneNote {
    PNDIS_OID_REQUEST Original;
} CloneNote;

C_ASSERT(sizeof(CloneNote) <= sizeof(((NDIS_OID_REQUEST *)0)->SourceReserved));

static CloneNote *NoteOf(PNDIS_OID_REQUEST clone) { return (CloneNote *)(PVOID)clone->SourceReserved; }

static bool IsQuery(const NDIS_OID_REQUEST *request)
{
    return request->RequestType == NdisRequestQueryInformation || request->RequestType == NdisRequestQueryStatistics;
}

static NDIS_STATUS Answer(PNDIS_OID_REQUEST request, const void *value, uint32_t length)
{
    request->DATA.QUERY_INFORMATION.BytesNeeded = length;
    request->DATA.QUERY_INFORMATION.BytesWritten = 0;
    if (request->DATA.QUERY_INFORMATION.InformationBufferLength < length)
        return NDIS_STATUS_INVALID_LENGTH;
    if (length > 0)
        memcpy(request->DATA.QUERY_INFORMATION.InformationBuffer, value, length);
    request->DATA.QUERY_INFORMATION.BytesWritten = length;
    return NDIS_STATUS_SUCCESS;
}

// The miniport below a stand-in sees nothing of its traffic.
static NDIS_STATUS AnswerStatistics(const VirtualInterface *member, PNDIS_OID_REQUEST request)
{
    InterfaceCounters counters = InterfaceReadCounters(member);
    NDIS_STATISTICS_INFO statistics = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NDIS_STATISTICS_INFO_REVISION_1, NDIS_SIZEOF_STATISTICS_INFO_REVISION_1},
        .SupportedStatistics = 0x7fffff, // every field is right, most of the others because nothing else ever happens
        .ifInErrors = counters.RxErrors,
        .ifHCInOctets = counters.RxBytes,
        .ifHCInUcastPkts = counters.RxPackets - counters.Multicast,
        .ifHCInMulticastPkts = counters.Multicast,
        .ifHCOutOctets = counters.TxBytes,
        .ifHCOutUcastPkts = counters.TxPackets,
        .ifOutDiscards = counters.TxDropped,
    };
    return Answer(request, &statistics, sizeof(statistics));
}

// A stand-in offloads nothing, now or ever: the words behind the header are zero.
static NDIS_STATUS AnswerOffload(const Module *standIn, PNDIS_OID_REQUEST request)
{
    uint32_t length = standIn->OffloadHeader.Size;
    request->DATA.QUERY_INFORMATION.BytesNeeded = length;
    request->DATA.QUERY_INFORMATION.BytesWritten = 0;
    if (length < sizeof(NDIS_OBJECT_HEADER))
        return NDIS_STATUS_NOT_SUPPORTED;
    if (request->DATA.QUERY_INFORMATION.InformationBufferLength < length)
        return NDIS_STATUS_INVALID_LENGTH;
    memset(request->DATA.QUERY_INFORMATION.InformationBuffer, 0, length);
    memcpy(request->DATA.QUERY_INFORMATION.InformationBuffer, &standIn->OffloadHeader, sizeof(NDIS_OBJECT_HEADER));
    request->DATA.QUERY_INFORMATION.BytesWritten = length;
    return NDIS_STATUS_SUCCESS;
}

// Under the core's lock; the value of a set request that was read by NDIS to be as long as it says.
static NDIS_STATUS Remember(Module *module, const NDIS_OID_REQUEST *request)
{
    const uint8_t *value = request->DATA.SET_INFORMATION.InformationBuffer;
    uint32_t length = request->DATA.SET_INFORMATION.InformationBufferLength, at = 0;
    switch (request->DATA.SET_INFORMATION.Oid) {
    case OID_GEN_CURRENT_PACKET_FILTER:
        if (length < sizeof(uint32_t))
            return NDIS_STATUS_INVALID_LENGTH;
        memcpy(&module->HostFilter, value, sizeof(uint32_t));
        break;
    case OID_802_3_MULTICAST_LIST:
        if (length % MacLength != 0)
            return NDIS_STATUS_INVALID_LENGTH;
        if (length > sizeof(module->HostMacs))
            return NDIS_STATUS_MULTICAST_FULL;
        if (length > 0)
            memcpy(module->HostMacs, value, length);
        module->HostMacCount = length / MacLength;
        break;
    default:
        if (length != MacLength)
            return NDIS_STATUS_INVALID_LENGTH;
        while (at < module->HostMacCount && memcmp(module->HostMacs + (size_t)at * MacLength, value, MacLength) != 0)
            at++;
        if (request->DATA.SET_INFORMATION.Oid == OID_802_3_ADD_MULTICAST_ADDRESS) {
            if (at == IPVLAN_MAX_GROUPS)
                return NDIS_STATUS_MULTICAST_FULL;
            memcpy(module->HostMacs + (size_t)at * MacLength, value, MacLength);
            module->HostMacCount += at == module->HostMacCount;
        } else if (at < module->HostMacCount) {
            module->HostMacCount--;
            memmove(module->HostMacs + (size_t)at * MacLength, module->HostMacs + (size_t)module->HostMacCount * MacLength, MacLength);
        }
        break;
    }
    return ApplyReception(module) == PortOk ? NDIS_STATUS_SUCCESS : NDIS_STATUS_RESOURCES;
}

static bool IsReception(const NDIS_OID_REQUEST *request)
{
    NDIS_OID oid = request->DATA.SET_INFORMATION.Oid;
    return oid == OID_GEN_CURRENT_PACKET_FILTER || oid == OID_802_3_MULTICAST_LIST || oid == OID_802_3_ADD_MULTICAST_ADDRESS ||
           oid == OID_802_3_DELETE_MULTICAST_ADDRESS;
}

// True: the request is answered here.
static bool Inspect(Module *module, PNDIS_OID_REQUEST request, NDIS_STATUS *status, uint64_t *changedMaster, bool *isUnion)
{
    NDIS_OID oid = request->DATA.QUERY_INFORMATION.Oid;
    bool isDone = false;
    CoreLock();
    VirtualInterface *member = module->Interface;
    bool hasRole = member != NULL || module->Port != NULL;
    if (request->RequestType == NdisRequestSetInformation && IsReception(request)) {
        *status = Remember(module, request);
        isDone = *status != NDIS_STATUS_SUCCESS;
        *changedMaster = member != NULL ? member->Port->Luid : 0;
        *isUnion = module->Port != NULL;
    } else if (IsQuery(request) && member != NULL && oid == OID_GEN_STATISTICS) {
        *status = AnswerStatistics(member, request);
        isDone = true;
    } else if (IsQuery(request) && member != NULL && (oid == OID_TCP_OFFLOAD_CURRENT_CONFIG || oid == OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES)) {
        *status = AnswerOffload(module, request);
        isDone = true;
    } else if (request->RequestType == NdisRequestSetInformation && member != NULL && oid == OID_TCP_OFFLOAD_PARAMETERS) {
        *status = NDIS_STATUS_NOT_SUPPORTED;
        isDone = true;
    } else if (IsQuery(request) && hasRole && oid == OID_GEN_CURRENT_PACKET_FILTER) {
        *status = Answer(request, &module->HostFilter, sizeof(module->HostFilter));
        isDone = true;
    } else if (IsQuery(request) && hasRole && oid == OID_802_3_MULTICAST_LIST) {
        *status = Answer(request, module->HostMacs, module->HostMacCount * MacLength);
        isDone = true;
    }
    CoreUnlock();
    return isDone;
}

_IRQL_requires_max_(DISPATCH_LEVEL) NDIS_STATUS KMAPI FilterOidRequest(NDIS_HANDLE context, PNDIS_OID_REQUEST request)
{
    Module *module = context;
    NDIS_STATUS status = NDIS_STATUS_SUCCESS;
    uint64_t changedMaster = 0;
    bool isUnion = false;
    PNDIS_OID_REQUEST clone;
    if (Inspect(module, request, &status, &changedMaster, &isUnion))
        return status;
    if (changedMaster != 0)
        OwnRequestUpdate(changedMaster);
    if (isUnion) {
        // What the miniport gets is the union, by a request of our own; the host's is done as soon as it is remembered.
        OwnRequestUpdate(module->Luid);
        request->DATA.SET_INFORMATION.BytesRead = request->DATA.SET_INFORMATION.InformationBufferLength;
        return NDIS_STATUS_SUCCESS;
    }
    status = NdisAllocateCloneOidRequest(module->Handle, request, PoolTag, &clone);
    if (status != NDIS_STATUS_SUCCESS)
        return status;
    *NoteOf(clone) = (CloneNote){.Original = request};
    clone->RequestId = request->RequestId;
    status = NdisFOidRequest(module->Handle, clone);
    if (status != NDIS_STATUS_PENDING)
        FilterOidRequestComplete(context, clone, status);
    return NDIS_STATUS_PENDING;
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterOidRequestComplete(NDIS_HANDLE context, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    Module *module = context;
    if (OwnRequestComplete(module, request, status))
        return;
    PNDIS_OID_REQUEST original = NoteOf(request)->Original;
    switch (original->RequestType) {
    case NdisRequestMethod:
        original->DATA.METHOD_INFORMATION.OutputBufferLength = request->DATA.METHOD_INFORMATION.OutputBufferLength;
        original->DATA.METHOD_INFORMATION.BytesRead = request->DATA.METHOD_INFORMATION.BytesRead;
        original->DATA.METHOD_INFORMATION.BytesNeeded = request->DATA.METHOD_INFORMATION.BytesNeeded;
        original->DATA.METHOD_INFORMATION.BytesWritten = request->DATA.METHOD_INFORMATION.BytesWritten;
        break;
    case NdisRequestSetInformation:
        original->DATA.SET_INFORMATION.BytesRead = request->DATA.SET_INFORMATION.BytesRead;
        original->DATA.SET_INFORMATION.BytesNeeded = request->DATA.SET_INFORMATION.BytesNeeded;
        break;
    default:
        original->DATA.QUERY_INFORMATION.BytesWritten = request->DATA.QUERY_INFORMATION.BytesWritten;
        original->DATA.QUERY_INFORMATION.BytesNeeded = request->DATA.QUERY_INFORMATION.BytesNeeded;
        break;
    }
    NdisFreeCloneOidRequest(module->Handle, request);
    NdisFOidRequestComplete(module->Handle, original, status);
}

_IRQL_requires_max_(DISPATCH_LEVEL) VOID KMAPI FilterCancelOidRequest(NDIS_HANDLE context, PVOID requestId)
{
    // Clones carry their originals' ids.
    NdisFCancelOidRequest(((Module *)context)->Handle, requestId);
}
