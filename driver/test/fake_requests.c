#include "fake.h"

// OID requests, status indications and PnP.

static NDIS_STATUS MiniportRequest(FakeAdapter *adapter, PNDIS_OID_REQUEST request)
{
    bool isSet = request->RequestType == NdisRequestSetInformation;
    void *buffer = request->DATA.QUERY_INFORMATION.InformationBuffer;
    uint32_t length = request->DATA.QUERY_INFORMATION.InformationBufferLength;
    (void)__atomic_fetch_add(&adapter->MiniportRequests, 1, __ATOMIC_RELAXED);
    switch (request->DATA.QUERY_INFORMATION.Oid) {
    case OID_GEN_CURRENT_PACKET_FILTER:
        if (length < sizeof(uint32_t))
            return NDIS_STATUS_INVALID_LENGTH;
        if (isSet)
            memcpy(&adapter->Filter, buffer, sizeof(uint32_t));
        else
            memcpy(buffer, &adapter->Filter, sizeof(uint32_t));
        break;
    case OID_802_3_MULTICAST_LIST:
        if (!isSet)
            return NDIS_STATUS_NOT_SUPPORTED;
        if (length > sizeof(adapter->Macs) || (adapter->MostMacs != 0 && length / 6 > adapter->MostMacs))
            return NDIS_STATUS_MULTICAST_FULL;
        if (length > 0)
            memcpy(adapter->Macs, buffer, length);
        adapter->MacBytes = length;
        break;
    case OID_GEN_STATISTICS:
        if (length < sizeof(NDIS_STATISTICS_INFO))
            return NDIS_STATUS_INVALID_LENGTH;
        memset(buffer, 0, sizeof(NDIS_STATISTICS_INFO));
        break;
    default:
        if (request->RequestType != NdisRequestMethod)
            return NDIS_STATUS_NOT_SUPPORTED;
        request->DATA.METHOD_INFORMATION.BytesWritten = 3;
        return NDIS_STATUS_SUCCESS;
    }
    // BytesWritten and BytesRead share a place.
    request->DATA.QUERY_INFORMATION.BytesWritten = length;
    return NDIS_STATUS_SUCCESS;
}

NDIS_STATUS KMAPI NdisFOidRequest(NDIS_HANDLE handle, PNDIS_OID_REQUEST request)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(request->Header.Type == NDIS_OBJECT_TYPE_OID_REQUEST && request->Header.Size == NDIS_SIZEOF_OID_REQUEST_REVISION_1, "NDIS_OID_REQUEST: Header", "header");
    FAKE_RULE(request != __atomic_load_n(&adapter->Asked, __ATOMIC_ACQUIRE), "NdisFOidRequest: Remarks: a protocol's request goes on as a clone", "not a clone");
    if (adapter->PendsRequests && adapter->PendedRequest == NULL) {
        (void)__atomic_fetch_add(&adapter->Requests, 1, __ATOMIC_RELAXED);
        adapter->PendedRequest = request;
        return NDIS_STATUS_PENDING;
    }
    return MiniportRequest(adapter, request);
}

void FakeCompletePended(FakeAdapter *adapter, NDIS_STATUS status)
{
    PNDIS_OID_REQUEST request = adapter->PendedRequest;
    FAKE_CHECK(request != NULL, "nothing is pended");
    adapter->PendedRequest = NULL;
    if (status == NDIS_STATUS_SUCCESS)
        status = MiniportRequest(adapter, request);
    (void)__atomic_fetch_sub(&adapter->Requests, 1, __ATOMIC_RELAXED);
    FakeCharacteristics()->OidRequestCompleteHandler(adapter->Module, request, status);
}

VOID KMAPI NdisFOidRequestComplete(NDIS_HANDLE handle, PNDIS_OID_REQUEST request, NDIS_STATUS status)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(status != NDIS_STATUS_PENDING, "NdisFOidRequestComplete: Status", "completed as pending");
    FAKE_RULE(!adapter->RequestDone && request == adapter->Asked, "NdisFOidRequestComplete: OidRequest: the one that FilterOidRequest pended, once", "completed twice, or another");
    adapter->RequestStatus = status;
    adapter->RequestDone = true;
}

VOID KMAPI NdisFCancelOidRequest(NDIS_HANDLE handle, PVOID requestId)
{
    (void)handle, (void)requestId;
    FAKE_IRQL(DISPATCH_LEVEL);
}

NDIS_STATUS KMAPI NdisAllocateCloneOidRequest(NDIS_HANDLE handle, PNDIS_OID_REQUEST request, UINT tag, PNDIS_OID_REQUEST *clone)
{
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(handle != NULL && tag != 0, "NdisAllocateCloneOidRequest: SourceHandle, PoolTag", "parameters");
    if (FakeAllocationFails())
        return NDIS_STATUS_RESOURCES;
    *clone = malloc(sizeof(NDIS_OID_REQUEST));
    memcpy(*clone, request, sizeof(NDIS_OID_REQUEST));
    FakeAddLive(1);
    return NDIS_STATUS_SUCCESS;
}

VOID KMAPI NdisFreeCloneOidRequest(NDIS_HANDLE handle, PNDIS_OID_REQUEST clone)
{
    (void)handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    FakeAddLive(-1);
    free(clone);
}

NDIS_STATUS FakeRequest(FakeAdapter *adapter, int type, NDIS_OID oid, void *buffer, uint32_t length, uint32_t *written)
{
    NDIS_OID_REQUEST request = {.Header = {NDIS_OBJECT_TYPE_OID_REQUEST, 1, NDIS_SIZEOF_OID_REQUEST_REVISION_1}, .RequestType = type};
    request.DATA.QUERY_INFORMATION.Oid = oid;
    request.DATA.QUERY_INFORMATION.InformationBuffer = buffer;
    request.DATA.QUERY_INFORMATION.InformationBufferLength = length;
    adapter->RequestDone = false;
    __atomic_store_n(&adapter->Asked, &request, __ATOMIC_RELEASE);
    NDIS_STATUS status = FakeCharacteristics()->OidRequestHandler(adapter->Module, &request);
    if (status == NDIS_STATUS_PENDING) {
        if (!adapter->RequestDone)
            FakeCompletePended(adapter, NDIS_STATUS_SUCCESS);
        FAKE_RULE(adapter->RequestDone, "FILTER_OID_REQUEST_COMPLETE: Remarks: completes the original", "a request that is never completed");
        status = adapter->RequestStatus;
    } else {
        FAKE_RULE(!adapter->RequestDone, "FILTER_OID_REQUEST: Return value: NdisFOidRequestComplete after NDIS_STATUS_PENDING only", "completed, and not pended");
    }
    __atomic_store_n(&adapter->Asked, NULL, __ATOMIC_RELEASE);
    if (written != NULL)
        *written = type == NdisRequestMethod ? request.DATA.METHOD_INFORMATION.BytesWritten : request.DATA.QUERY_INFORMATION.BytesWritten;
    return status;
}

VOID KMAPI NdisFIndicateStatus(NDIS_HANDLE handle, PNDIS_STATUS_INDICATION status)
{
    FakeAdapter *adapter = handle;
    FAKE_IRQL(DISPATCH_LEVEL);
    FAKE_RULE(status->Header.Type == NDIS_OBJECT_TYPE_STATUS_INDICATION && status->Header.Size == 112, "NDIS_STATUS_INDICATION: Header", "header");
    (void)__atomic_fetch_add(&adapter->StatusCount, 1, __ATOMIC_RELAXED);
    if (status->StatusCode == NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG)
        (void)__atomic_fetch_add(&adapter->OffloadIndications, 1, __ATOMIC_RELAXED);
    if (adapter->OnStatus != NULL)
        adapter->OnStatus(adapter, status);
}

void FakeIndicateStatus(FakeAdapter *adapter, NDIS_STATUS code, void *buffer, uint32_t length)
{
    NDIS_STATUS_INDICATION status = {
        .Header = {NDIS_OBJECT_TYPE_STATUS_INDICATION, 1, sizeof(status)},
        .SourceHandle = adapter,
        .StatusCode = code,
        .StatusBuffer = buffer,
        .StatusBufferSize = length,
    };
    FakeCharacteristics()->StatusHandler(adapter->Module, &status);
}

void FakeSetLink(FakeAdapter *adapter, bool isConnected)
{
    NDIS_LINK_STATE state = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, 1, sizeof(state)},
        .MediaConnectState = isConnected ? MediaConnectStateConnected : MediaConnectStateDisconnected,
        .XmitLinkSpeed = adapter->Speed,
        .RcvLinkSpeed = adapter->Speed,
    };
    adapter->IsConnected = isConnected;
    FakeIndicateStatus(adapter, NDIS_STATUS_LINK_STATE, &state, sizeof(state));
}

void FakeSetPower(FakeAdapter *adapter, uint32_t state)
{
    NET_PNP_EVENT_NOTIFICATION event = {.NetPnPEvent = {.NetEvent = NetEventSetPower, .Buffer = &state, .BufferLength = sizeof(state)}};
    (void)FakeCharacteristics()->NetPnPEventHandler(adapter->Module, &event);
}

void FakeSurpriseRemove(FakeAdapter *adapter)
{
    NET_DEVICE_PNP_EVENT event = {.DevicePnPEvent = NdisDevicePnPEventSurpriseRemoved};
    FakeCharacteristics()->DevicePnPEventNotifyHandler(adapter->Module, &event);
}

VOID KMAPI NdisFDevicePnPEventNotify(NDIS_HANDLE handle, PNET_DEVICE_PNP_EVENT event)
{
    (void)handle, (void)event;
    FAKE_IRQL(PASSIVE_LEVEL);
}

NDIS_STATUS KMAPI NdisFNetPnPEvent(NDIS_HANDLE handle, PNET_PNP_EVENT_NOTIFICATION event)
{
    (void)handle, (void)event;
    FAKE_IRQL(PASSIVE_LEVEL);
    return NDIS_STATUS_SUCCESS;
}
