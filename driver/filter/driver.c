#include "filter.h"

Driver TheDriver;

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD FilterUnload;

#define WIDE_TEXT(name, text)                 \
    static const WCHAR name##Text[] = text;   \
    static const UNICODE_STRING name = {sizeof(name##Text) - sizeof(WCHAR), sizeof(name##Text), (WCHAR *)name##Text}

WIDE_TEXT(FriendlyName, u"IpVlanWin filter");
WIDE_TEXT(UniqueName, u"{9C3F2A61-5E0B-4C57-9B1D-7A0E6D1F4B28}"); // NetCfgInstanceId of the INF
WIDE_TEXT(ServiceName, u"ipvlan");

static NDIS_STATUS RegisterFilter(PDRIVER_OBJECT driver)
{
    NDIS_FILTER_DRIVER_CHARACTERISTICS characteristics = {
        .Header = {NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS, NDIS_FILTER_CHARACTERISTICS_REVISION_2,
                   NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2},
        .MajorNdisVersion = NDIS_FILTER_MAJOR_VERSION,
        .MinorNdisVersion = NDIS_FILTER_MINOR_VERSION,
        .MajorDriverVersion = 1,
        .FriendlyName = FriendlyName,
        .UniqueName = UniqueName,
        .ServiceName = ServiceName,
        .SetFilterModuleOptionsHandler = FilterSetModuleOptions,
        .AttachHandler = FilterAttach,
        .DetachHandler = FilterDetach,
        .RestartHandler = FilterRestart,
        .PauseHandler = FilterPause,
        .SendNetBufferListsHandler = FilterSend,
        .SendNetBufferListsCompleteHandler = FilterSendComplete,
        .CancelSendNetBufferListsHandler = FilterCancelSend,
        .ReceiveNetBufferListsHandler = FilterReceive,
        .ReturnNetBufferListsHandler = FilterReturn,
        .OidRequestHandler = FilterOidRequest,
        .OidRequestCompleteHandler = FilterOidRequestComplete,
        .CancelOidRequestHandler = FilterCancelOidRequest,
        .DevicePnPEventNotifyHandler = FilterDevicePnPEventNotify,
        .NetPnPEventHandler = FilterNetPnPEvent,
        .StatusHandler = FilterStatus,
    };
    // NDIS may attach to adapters before this returns: everything else is ready by now.
    return NdisFRegisterFilterDriver(driver, NULL, &characteristics, &TheDriver.Handle);
}

static NTSTATUS AllocateListPool(void)
{
    NET_BUFFER_LIST_POOL_PARAMETERS parameters = {
        .Header = {NDIS_OBJECT_TYPE_DEFAULT, NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1,
                   NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1},
        .fAllocateNetBuffer = TRUE,
        .ContextSize = 16, // the packet
        .PoolTag = PoolTag,
    };
    TheDriver.ListPool = NdisAllocateNetBufferListPool(NULL, &parameters);
    return TheDriver.ListPool == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

_IRQL_requires_(PASSIVE_LEVEL) NTSTATUS KMAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    UNREFERENCED_PARAMETER(registryPath);
    // Not secret enough against an insider, and none is: addresses come from administrators.
    uint64_t seed = Now() * 0x9E3779B97F4A7C15u ^ (uint64_t)(uintptr_t)driver;
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
    memset(&TheDriver, 0, sizeof(TheDriver));
    if (!ControlInitialize(&TheDriver.Control, &ModuleHooks, seed, KeQueryMaximumProcessorCountEx(ALL_PROCESSOR_GROUPS)))
        return status;
    EventsInitialize();
    PendingInitialize();
    if (!QueuesInitialize())
        goto destroy_control;
    status = AllocateListPool();
    if (status != STATUS_SUCCESS)
        goto destroy_queues;
    driver->DriverUnload = FilterUnload;
    status = RegisterFilter(driver);
    if (status != STATUS_SUCCESS)
        goto free_list_pool;
    status = DeviceCreate();
    if (status != STATUS_SUCCESS)
        goto deregister_filter;
    return STATUS_SUCCESS;

deregister_filter:
    NdisFDeregisterFilterDriver(TheDriver.Handle);
free_list_pool:
    NdisFreeNetBufferListPool(TheDriver.ListPool);
destroy_queues:
    QueuesDestroy();
destroy_control:
    PendingDestroy();
    ControlDestroy(&TheDriver.Control);
    return status;
}

_IRQL_requires_(PASSIVE_LEVEL) static VOID KMAPI FilterUnload(PDRIVER_OBJECT driver)
{
    UNREFERENCED_PARAMETER(driver);
    DeviceDestroy();
    // Detaches from every adapter; returns when the last module is gone.
    NdisFDeregisterFilterDriver(TheDriver.Handle);
    QueuesDestroy();
    PendingDestroy();
    ControlDestroy(&TheDriver.Control);
    NdisFreeNetBufferListPool(TheDriver.ListPool);
}
