// The filter's entry points and NDIS's: included by kmndis.h.
#pragma once

typedef NDIS_STATUS KMAPI FILTER_ATTACH(NDIS_HANDLE filter, NDIS_HANDLE driverContext, PNDIS_FILTER_ATTACH_PARAMETERS parameters);
typedef VOID KMAPI FILTER_DETACH(NDIS_HANDLE context);
typedef NDIS_STATUS KMAPI FILTER_RESTART(NDIS_HANDLE context, PNDIS_FILTER_RESTART_PARAMETERS parameters);
typedef NDIS_STATUS KMAPI FILTER_PAUSE(NDIS_HANDLE context, PNDIS_FILTER_PAUSE_PARAMETERS parameters);
typedef NDIS_STATUS KMAPI FILTER_SET_MODULE_OPTIONS(NDIS_HANDLE context);
typedef VOID KMAPI FILTER_SEND_NET_BUFFER_LISTS(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags);
typedef VOID KMAPI FILTER_SEND_NET_BUFFER_LISTS_COMPLETE(NDIS_HANDLE context, PNET_BUFFER_LIST lists, ULONG flags);
typedef VOID KMAPI FILTER_CANCEL_SEND_NET_BUFFER_LISTS(NDIS_HANDLE context, PVOID cancelId);
typedef VOID KMAPI FILTER_RECEIVE_NET_BUFFER_LISTS(NDIS_HANDLE context, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags);
typedef VOID KMAPI FILTER_RETURN_NET_BUFFER_LISTS(NDIS_HANDLE context, PNET_BUFFER_LIST lists, ULONG flags);
typedef NDIS_STATUS KMAPI FILTER_OID_REQUEST(NDIS_HANDLE context, PNDIS_OID_REQUEST request);
typedef VOID KMAPI FILTER_OID_REQUEST_COMPLETE(NDIS_HANDLE context, PNDIS_OID_REQUEST request, NDIS_STATUS status);
typedef VOID KMAPI FILTER_CANCEL_OID_REQUEST(NDIS_HANDLE context, PVOID requestId);
typedef VOID KMAPI FILTER_DEVICE_PNP_EVENT_NOTIFY(NDIS_HANDLE context, PNET_DEVICE_PNP_EVENT event);
typedef NDIS_STATUS KMAPI FILTER_NET_PNP_EVENT(NDIS_HANDLE context, PNET_PNP_EVENT_NOTIFICATION event);
typedef VOID KMAPI FILTER_STATUS(NDIS_HANDLE context, PNDIS_STATUS_INDICATION status);

typedef struct _NDIS_FILTER_PARTIAL_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;
    FILTER_SEND_NET_BUFFER_LISTS *SendNetBufferListsHandler;
    FILTER_SEND_NET_BUFFER_LISTS_COMPLETE *SendNetBufferListsCompleteHandler;
    FILTER_CANCEL_SEND_NET_BUFFER_LISTS *CancelSendNetBufferListsHandler;
    FILTER_RECEIVE_NET_BUFFER_LISTS *ReceiveNetBufferListsHandler;
    FILTER_RETURN_NET_BUFFER_LISTS *ReturnNetBufferListsHandler;
} NDIS_FILTER_PARTIAL_CHARACTERISTICS;

typedef struct _NDIS_FILTER_DRIVER_CHARACTERISTICS {
    NDIS_OBJECT_HEADER Header;
    UCHAR MajorNdisVersion;
    UCHAR MinorNdisVersion;
    UCHAR MajorDriverVersion;
    UCHAR MinorDriverVersion;
    ULONG Flags;
    NDIS_STRING FriendlyName;
    NDIS_STRING UniqueName;
    NDIS_STRING ServiceName;
    PVOID SetOptionsHandler;
    FILTER_SET_MODULE_OPTIONS *SetFilterModuleOptionsHandler;
    FILTER_ATTACH *AttachHandler;
    FILTER_DETACH *DetachHandler;
    FILTER_RESTART *RestartHandler;
    FILTER_PAUSE *PauseHandler;
    FILTER_SEND_NET_BUFFER_LISTS *SendNetBufferListsHandler;
    FILTER_SEND_NET_BUFFER_LISTS_COMPLETE *SendNetBufferListsCompleteHandler;
    FILTER_CANCEL_SEND_NET_BUFFER_LISTS *CancelSendNetBufferListsHandler;
    FILTER_RECEIVE_NET_BUFFER_LISTS *ReceiveNetBufferListsHandler;
    FILTER_RETURN_NET_BUFFER_LISTS *ReturnNetBufferListsHandler;
    FILTER_OID_REQUEST *OidRequestHandler;
    FILTER_OID_REQUEST_COMPLETE *OidRequestCompleteHandler;
    FILTER_CANCEL_OID_REQUEST *CancelOidRequestHandler;
    FILTER_DEVICE_PNP_EVENT_NOTIFY *DevicePnPEventNotifyHandler;
    FILTER_NET_PNP_EVENT *NetPnPEventHandler;
    FILTER_STATUS *StatusHandler;
    PVOID DirectOidRequestHandler;
    PVOID DirectOidRequestCompleteHandler;
    PVOID CancelDirectOidRequestHandler;
} NDIS_FILTER_DRIVER_CHARACTERISTICS;

C_ASSERT(sizeof(NDIS_FILTER_PARTIAL_CHARACTERISTICS) == 48 && sizeof(NDIS_FILTER_DRIVER_CHARACTERISTICS) == 224);
C_ASSERT(offsetof(NDIS_FILTER_DRIVER_CHARACTERISTICS, AttachHandler) == 80 && offsetof(NDIS_FILTER_DRIVER_CHARACTERISTICS, StatusHandler) == 192);

typedef struct _NDIS_DRIVER_OPTIONAL_HANDLERS {
    NDIS_OBJECT_HEADER Header;
} NDIS_DRIVER_OPTIONAL_HANDLERS, *PNDIS_DRIVER_OPTIONAL_HANDLERS;

#define KM_NDIS_IMPORTS(X)                                                                                                            \
    X(NDIS_STATUS, NdisFRegisterFilterDriver,                                                                                         \
      (PDRIVER_OBJECT driver, NDIS_HANDLE context, NDIS_FILTER_DRIVER_CHARACTERISTICS * characteristics, NDIS_HANDLE * handle))       \
    X(VOID, NdisFDeregisterFilterDriver, (NDIS_HANDLE driver))                                                                        \
    X(NDIS_STATUS, NdisFSetAttributes, (NDIS_HANDLE filter, NDIS_HANDLE context, NDIS_FILTER_ATTRIBUTES * attributes))                \
    X(NDIS_STATUS, NdisSetOptionalHandlers, (NDIS_HANDLE filter, PNDIS_DRIVER_OPTIONAL_HANDLERS handlers))                            \
    X(NDIS_STATUS, NdisFRestartFilter, (NDIS_HANDLE filter))                                                                          \
    X(VOID, NdisFPauseComplete, (NDIS_HANDLE filter))                                                                                 \
    X(VOID, NdisFSendNetBufferLists, (NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG flags))                \
    X(VOID, NdisFSendNetBufferListsComplete, (NDIS_HANDLE filter, PNET_BUFFER_LIST lists, ULONG flags))                               \
    X(VOID, NdisFCancelSendNetBufferLists, (NDIS_HANDLE filter, PVOID cancelId))                                                      \
    X(VOID, NdisFIndicateReceiveNetBufferLists,                                                                                       \
      (NDIS_HANDLE filter, PNET_BUFFER_LIST lists, NDIS_PORT_NUMBER port, ULONG count, ULONG flags))                                  \
    X(VOID, NdisFReturnNetBufferLists, (NDIS_HANDLE filter, PNET_BUFFER_LIST lists, ULONG flags))                                     \
    X(NDIS_STATUS, NdisFOidRequest, (NDIS_HANDLE filter, PNDIS_OID_REQUEST request))                                                  \
    X(VOID, NdisFOidRequestComplete, (NDIS_HANDLE filter, PNDIS_OID_REQUEST request, NDIS_STATUS status))                             \
    X(VOID, NdisFCancelOidRequest, (NDIS_HANDLE filter, PVOID requestId))                                                             \
    X(VOID, NdisFIndicateStatus, (NDIS_HANDLE filter, PNDIS_STATUS_INDICATION status))                                                \
    X(VOID, NdisFDevicePnPEventNotify, (NDIS_HANDLE filter, PNET_DEVICE_PNP_EVENT event))                                             \
    X(NDIS_STATUS, NdisFNetPnPEvent, (NDIS_HANDLE filter, PNET_PNP_EVENT_NOTIFICATION event))                                         \
    X(NDIS_STATUS, NdisAllocateCloneOidRequest,                                                                                       \
      (NDIS_HANDLE filter, PNDIS_OID_REQUEST request, UINT tag, PNDIS_OID_REQUEST * clone))                                           \
    X(VOID, NdisFreeCloneOidRequest, (NDIS_HANDLE filter, PNDIS_OID_REQUEST clone))                                                   \
    X(NDIS_HANDLE, NdisAllocateNetBufferListPool, (NDIS_HANDLE handle, NET_BUFFER_LIST_POOL_PARAMETERS * parameters))                 \
    X(VOID, NdisFreeNetBufferListPool, (NDIS_HANDLE pool))                                                                            \
    X(PNET_BUFFER_LIST, NdisAllocateNetBufferAndNetBufferList,                                                                        \
      (NDIS_HANDLE pool, USHORT contextSize, USHORT contextBackFill, PMDL mdl, ULONG offset, SIZE_T length))                          \
    X(VOID, NdisFreeNetBufferList, (PNET_BUFFER_LIST list))                                                                           \
    X(PMDL, NdisAllocateMdl, (NDIS_HANDLE handle, PVOID address, UINT length))                                                        \
    X(VOID, NdisFreeMdl, (PMDL mdl))                                                                                                  \
    X(NDIS_STATUS, NdisRegisterDeviceEx,                                                                                              \
      (NDIS_HANDLE handle, NDIS_DEVICE_OBJECT_ATTRIBUTES * attributes, PDEVICE_OBJECT * device, NDIS_HANDLE * deviceHandle))          \
    X(VOID, NdisDeregisterDeviceEx, (NDIS_HANDLE deviceHandle))

KM_NDIS_IMPORTS(KM_DECLARE)
