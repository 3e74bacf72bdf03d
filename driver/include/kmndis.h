// The part of NDIS 6.30 that the filter uses: see kmdef.h. The tail of a NET_BUFFER_LIST depends on NDIS: its size is never used.
#pragma once

#include "kmdef.h"

#ifdef IPVLAN_WDK
#include <ndis.h>
#else

typedef PVOID NDIS_HANDLE;
typedef NTSTATUS NDIS_STATUS;
typedef ULONG NDIS_OID, NDIS_PORT_NUMBER, NET_IFINDEX;
typedef UNICODE_STRING NDIS_STRING, *PNDIS_STRING;

typedef struct _NDIS_OBJECT_HEADER {
    UCHAR Type;
    UCHAR Revision;
    USHORT Size;
} NDIS_OBJECT_HEADER;

enum {
    NDIS_OBJECT_TYPE_DEFAULT = 128,
    NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES = 133,
    NDIS_OBJECT_TYPE_FILTER_DRIVER_CHARACTERISTICS = 139,
    NDIS_OBJECT_TYPE_FILTER_PARTIAL_CHARACTERISTICS = 140,
    NDIS_OBJECT_TYPE_FILTER_ATTRIBUTES = 141,
    NDIS_OBJECT_TYPE_OID_REQUEST = 150,
    NDIS_OBJECT_TYPE_STATUS_INDICATION = 152,
    NDIS_FILTER_CHARACTERISTICS_REVISION_2 = 2,
    NDIS_SIZEOF_FILTER_DRIVER_CHARACTERISTICS_REVISION_2 = 224,
    NDIS_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1 = 1,
    NDIS_SIZEOF_FILTER_PARTIAL_CHARACTERISTICS_REVISION_1 = 48,
    NDIS_FILTER_ATTRIBUTES_REVISION_1 = 1,
    NDIS_SIZEOF_FILTER_ATTRIBUTES_REVISION_1 = 8,
    NDIS_OID_REQUEST_REVISION_1 = 1,
    NDIS_SIZEOF_OID_REQUEST_REVISION_1 = 236,
    NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 = 1,
    NDIS_SIZEOF_NET_BUFFER_LIST_POOL_PARAMETERS_REVISION_1 = 16,
    NDIS_DEVICE_OBJECT_ATTRIBUTES_REVISION_1 = 1,
    NDIS_SIZEOF_DEVICE_OBJECT_ATTRIBUTES_REVISION_1 = 56,
    NDIS_STATUS_INDICATION_REVISION_1 = 1,
    NDIS_SIZEOF_STATUS_INDICATION_REVISION_1 = 112,
    NDIS_STATISTICS_INFO_REVISION_1 = 1,
    NDIS_SIZEOF_STATISTICS_INFO_REVISION_1 = 152,
    NDIS_LINK_STATE_REVISION_1 = 1,
    NDIS_SIZEOF_LINK_STATE_REVISION_1 = 40,
    NDIS_FILTER_MAJOR_VERSION = 6,
    NDIS_FILTER_MINOR_VERSION = 30,
    NDIS_DEFAULT_PORT_NUMBER = 0,
};

enum {
    NDIS_SEND_FLAGS_DISPATCH_LEVEL = 1,
    NDIS_SEND_COMPLETE_FLAGS_DISPATCH_LEVEL = 1,
    NDIS_RECEIVE_FLAGS_DISPATCH_LEVEL = 1,
    NDIS_RECEIVE_FLAGS_RESOURCES = 2,
    NDIS_RETURN_FLAGS_DISPATCH_LEVEL = 1,
    NDIS_NBL_FLAGS_IS_LOOPBACK_PACKET = 32768,
    NdisMedium802_3 = 0,
    TcpIpChecksumNetBufferListInfo = 0,
    TcpLargeSendNetBufferListInfo = 2,
    Ieee8021QNetBufferListInfo = 4,
    NetBufferListFrameType = 7,
    NetBufferListHashValue = 8,
    NetBufferListHashInfo = 9,
    NetBufferListFilteringInfo = 14,
    SwitchForwardingDetail = 19,
    VirtualSubnetInfo = 20,
    TcpRecvSegCoalesceInfo = 22,
    RscTcpTimestampDelta = 23,
    MaxNetBufferListInfo = 24,
};

#define NDIS_STATUS_SUCCESS ((NDIS_STATUS)0)
#define NDIS_STATUS_PENDING ((NDIS_STATUS)0x103)
#define NDIS_STATUS_LINK_STATE ((NDIS_STATUS)0x40010017)
#define NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG ((NDIS_STATUS)0x40020006)
#define NDIS_STATUS_FAILURE ((NDIS_STATUS)0xC0000001)
#define NDIS_STATUS_INVALID_PARAMETER ((NDIS_STATUS)0xC000000D)
#define NDIS_STATUS_RESOURCES ((NDIS_STATUS)0xC000009A)
#define NDIS_STATUS_NOT_SUPPORTED ((NDIS_STATUS)0xC00000BB)
#define NDIS_STATUS_MEDIA_DISCONNECTED ((NDIS_STATUS)0xC023001F)
#define NDIS_STATUS_MULTICAST_FULL ((NDIS_STATUS)0xC0010009)
#define NDIS_STATUS_REQUEST_ABORTED ((NDIS_STATUS)0xC001000C)
#define NDIS_STATUS_INVALID_PACKET ((NDIS_STATUS)0xC001000F)
#define NDIS_STATUS_INVALID_LENGTH ((NDIS_STATUS)0xC0010014)
#define NDIS_STATUS_PAUSED ((NDIS_STATUS)0xC023002A)

enum {
    OID_GEN_CURRENT_PACKET_FILTER = 0x0001010E,
    OID_GEN_STATISTICS = 0x00020106,
    OID_802_3_CURRENT_ADDRESS = 0x01010102,
    OID_802_3_MULTICAST_LIST = 0x01010103,
    OID_802_3_ADD_MULTICAST_ADDRESS = 0x01010208,
    OID_802_3_DELETE_MULTICAST_ADDRESS = 0x01010209,
};
#define OID_TCP_OFFLOAD_CURRENT_CONFIG 0xFC01020Bu
#define OID_TCP_OFFLOAD_PARAMETERS 0xFC01020Cu
#define OID_TCP_OFFLOAD_HARDWARE_CAPABILITIES 0xFC01020Du

enum {
    NDIS_PACKET_TYPE_DIRECTED = 1,
    NDIS_PACKET_TYPE_MULTICAST = 2,
    NDIS_PACKET_TYPE_ALL_MULTICAST = 4,
    NDIS_PACKET_TYPE_BROADCAST = 8,
    NDIS_PACKET_TYPE_PROMISCUOUS = 32,
};

enum { NdisRequestQueryInformation = 0, NdisRequestSetInformation = 1, NdisRequestQueryStatistics = 2, NdisRequestMethod = 12 };
enum { MediaConnectStateUnknown = 0, MediaConnectStateConnected = 1, MediaConnectStateDisconnected = 2 };
enum { NdisDeviceStateD0 = 1 };
enum { NetEventSetPower = 0, NdisDevicePnPEventSurpriseRemoved = 2 };

typedef struct _NET_BUFFER {
    struct _NET_BUFFER *Next;
    PMDL CurrentMdl;
    ULONG CurrentMdlOffset;
    ULONG Reserved0;
    union {
        ULONG DataLength;
        SIZE_T stDataLength;
    };
    PMDL MdlChain;
    ULONG DataOffset;
    ULONG Reserved1;
    USHORT ChecksumBias;
    USHORT Reserved;
    ULONG Reserved2;
    NDIS_HANDLE NdisPoolHandle;
    PVOID NdisReserved[2];
    PVOID ProtocolReserved[6];
    PVOID MiniportReserved[4];
    UINT64 DataPhysicalAddress;
    PVOID SharedMemoryInfo;
} NET_BUFFER, *PNET_BUFFER;

C_ASSERT(sizeof(NET_BUFFER) == 176 && offsetof(NET_BUFFER, DataLength) == 24 && offsetof(NET_BUFFER, MdlChain) == 32);
C_ASSERT(offsetof(NET_BUFFER, DataOffset) == 40 && offsetof(NET_BUFFER, NdisPoolHandle) == 56 && offsetof(NET_BUFFER, MiniportReserved) == 128);

typedef struct _NET_BUFFER_LIST_CONTEXT {
    struct _NET_BUFFER_LIST_CONTEXT *Next;
    USHORT Size;
    USHORT Offset;
    ULONG Reserved;
    UCHAR ContextData[];
} NET_BUFFER_LIST_CONTEXT;

typedef struct _NET_BUFFER_LIST {
    struct _NET_BUFFER_LIST *Next;
    PNET_BUFFER FirstNetBuffer;
    NET_BUFFER_LIST_CONTEXT *Context;
    struct _NET_BUFFER_LIST *ParentNetBufferList;
    NDIS_HANDLE NdisPoolHandle;
    PVOID Alignment;
    PVOID NdisReserved[2];
    PVOID ProtocolReserved[4];
    PVOID MiniportReserved[2];
    PVOID Scratch;
    NDIS_HANDLE SourceHandle;
    ULONG NblFlags;
    LONG ChildRefCount;
    ULONG Flags;
    NDIS_STATUS Status;
    PVOID NetBufferListInfo[MaxNetBufferListInfo];
} NET_BUFFER_LIST, *PNET_BUFFER_LIST;

C_ASSERT(offsetof(NET_BUFFER_LIST, NdisPoolHandle) == 32 && offsetof(NET_BUFFER_LIST, NdisReserved) == 48);
C_ASSERT(offsetof(NET_BUFFER_LIST, SourceHandle) == 120 && offsetof(NET_BUFFER_LIST, NblFlags) == 128);
C_ASSERT(offsetof(NET_BUFFER_LIST, Status) == 140 && offsetof(NET_BUFFER_LIST, NetBufferListInfo) == 144);
C_ASSERT(offsetof(NET_BUFFER_LIST_CONTEXT, Offset) == 10 && offsetof(NET_BUFFER_LIST_CONTEXT, ContextData) == 16);

#define NET_BUFFER_LIST_NEXT_NBL(list) ((list)->Next)
#define NET_BUFFER_LIST_FIRST_NB(list) ((list)->FirstNetBuffer)
#define NET_BUFFER_LIST_STATUS(list) ((list)->Status)
#define NET_BUFFER_LIST_INFO(list, id) ((list)->NetBufferListInfo[id])
#define NET_BUFFER_LIST_CONTEXT_DATA_START(list) ((PUCHAR)((list)->Context) + sizeof(NET_BUFFER_LIST_CONTEXT) + (list)->Context->Offset)
#define NET_BUFFER_NEXT_NB(buffer) ((buffer)->Next)
#define NET_BUFFER_CURRENT_MDL(buffer) ((buffer)->CurrentMdl)
#define NET_BUFFER_CURRENT_MDL_OFFSET(buffer) ((buffer)->CurrentMdlOffset)
#define NET_BUFFER_DATA_LENGTH(buffer) ((buffer)->DataLength)

typedef struct _NET_BUFFER_LIST_POOL_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    UCHAR ProtocolId;
    BOOLEAN fAllocateNetBuffer;
    USHORT ContextSize;
    ULONG PoolTag;
    ULONG DataSize;
} NET_BUFFER_LIST_POOL_PARAMETERS;

C_ASSERT(sizeof(NET_BUFFER_LIST_POOL_PARAMETERS) == 16);

typedef struct _NDIS_FILTER_ATTRIBUTES {
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;
} NDIS_FILTER_ATTRIBUTES;

typedef struct _NDIS_FILTER_PAUSE_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    ULONG Flags;
    ULONG PauseReason;
} NDIS_FILTER_PAUSE_PARAMETERS, *PNDIS_FILTER_PAUSE_PARAMETERS;

typedef struct _NDIS_RESTART_ATTRIBUTES {
    struct _NDIS_RESTART_ATTRIBUTES *Next;
    NDIS_OID Oid;
    ULONG DataLength;
    UINT64 Data[2]; // MEMORY_ALLOCATION_ALIGNMENT
} NDIS_RESTART_ATTRIBUTES, *PNDIS_RESTART_ATTRIBUTES;

C_ASSERT(offsetof(NDIS_RESTART_ATTRIBUTES, Data) == 16);
enum { OID_GEN_MINIPORT_RESTART_ATTRIBUTES = 0x0001021D };

// The beginning of NDIS_RESTART_GENERAL_ATTRIBUTES.
typedef struct _NDIS_RESTART_GENERAL_ATTRIBUTES {
    NDIS_OBJECT_HEADER Header;
    ULONG MtuSize;
    ULONG64 MaxXmitLinkSpeed;
    ULONG64 MaxRcvLinkSpeed;
    ULONG64 Opaque[8];
} NDIS_RESTART_GENERAL_ATTRIBUTES, *PNDIS_RESTART_GENERAL_ATTRIBUTES;

C_ASSERT(sizeof(NDIS_RESTART_GENERAL_ATTRIBUTES) == 88 && offsetof(NDIS_RESTART_GENERAL_ATTRIBUTES, MtuSize) == 4);

typedef struct _NDIS_FILTER_RESTART_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    int MiniportMediaType;
    int MiniportPhysicalMediaType;
    PNDIS_RESTART_ATTRIBUTES RestartAttributes;
    NET_IFINDEX LowerIfIndex;
    UINT64 LowerIfNetLuid;
    ULONG Flags;
} NDIS_FILTER_RESTART_PARAMETERS, *PNDIS_FILTER_RESTART_PARAMETERS;

C_ASSERT(sizeof(NDIS_FILTER_RESTART_PARAMETERS) == 48 && offsetof(NDIS_FILTER_RESTART_PARAMETERS, RestartAttributes) == 16);

typedef union _NET_LUID_LH {
    ULONG64 Value;
} NET_LUID;

typedef struct _NDIS_FILTER_ATTACH_PARAMETERS {
    NDIS_OBJECT_HEADER Header;
    NET_IFINDEX IfIndex;
    NET_LUID NetLuid;
    PNDIS_STRING FilterModuleGuidName;
    NET_IFINDEX BaseMiniportIfIndex;
    PNDIS_STRING BaseMiniportInstanceName;
    PNDIS_STRING BaseMiniportName;
    int MediaConnectState;
    int MediaDuplexState;
    ULONG64 XmitLinkSpeed;
    ULONG64 RcvLinkSpeed;
    int MiniportMediaType;
    int MiniportPhysicalMediaType;
    NDIS_HANDLE MiniportMediaSpecificAttributes;
    PVOID DefaultOffloadConfiguration;
    USHORT MacAddressLength;
    UCHAR CurrentMacAddress[32];
    NET_LUID BaseMiniportNetLuid;
    NET_IFINDEX LowerIfIndex;
    NET_LUID LowerIfNetLuid;
    ULONG Flags;
    PVOID Opaque[7];
} NDIS_FILTER_ATTACH_PARAMETERS, *PNDIS_FILTER_ATTACH_PARAMETERS;

C_ASSERT(sizeof(NDIS_FILTER_ATTACH_PARAMETERS) == 224 && offsetof(NDIS_FILTER_ATTACH_PARAMETERS, MediaConnectState) == 48);
C_ASSERT(offsetof(NDIS_FILTER_ATTACH_PARAMETERS, MiniportMediaType) == 72 && offsetof(NDIS_FILTER_ATTACH_PARAMETERS, MacAddressLength) == 96);
C_ASSERT(offsetof(NDIS_FILTER_ATTACH_PARAMETERS, BaseMiniportNetLuid) == 136);

typedef struct _NDIS_OID_REQUEST {
    NDIS_OBJECT_HEADER Header;
    int RequestType;
    NDIS_PORT_NUMBER PortNumber;
    UINT Timeout;
    PVOID RequestId;
    NDIS_HANDLE RequestHandle;
    union {
        struct {
            NDIS_OID Oid;
            PVOID InformationBuffer;
            UINT InformationBufferLength;
            UINT BytesWritten;
            UINT BytesNeeded;
        } QUERY_INFORMATION;
        struct {
            NDIS_OID Oid;
            PVOID InformationBuffer;
            UINT InformationBufferLength;
            UINT BytesRead;
            UINT BytesNeeded;
        } SET_INFORMATION;
        struct {
            NDIS_OID Oid;
            PVOID InformationBuffer;
            ULONG InputBufferLength;
            ULONG OutputBufferLength;
            ULONG MethodId;
            UINT BytesWritten;
            UINT BytesRead;
            UINT BytesNeeded;
        } METHOD_INFORMATION;
    } DATA;
    UCHAR NdisReserved[128];
    UCHAR MiniportReserved[16];
    UCHAR SourceReserved[16];
    UCHAR SupportedRevision;
    UCHAR Reserved1;
    USHORT Reserved2;
} NDIS_OID_REQUEST, *PNDIS_OID_REQUEST;

C_ASSERT(sizeof(NDIS_OID_REQUEST) == 240 && offsetof(NDIS_OID_REQUEST, DATA) == 32 && offsetof(NDIS_OID_REQUEST, NdisReserved) == 72);
C_ASSERT(offsetof(NDIS_OID_REQUEST, SourceReserved) == 216);

typedef struct _NDIS_STATUS_INDICATION {
    NDIS_OBJECT_HEADER Header;
    NDIS_HANDLE SourceHandle;
    NDIS_PORT_NUMBER PortNumber;
    NDIS_STATUS StatusCode;
    ULONG Flags;
    NDIS_HANDLE DestinationHandle;
    PVOID RequestId;
    PVOID StatusBuffer;
    ULONG StatusBufferSize;
    GUID Guid;
    PVOID NdisReserved[4];
} NDIS_STATUS_INDICATION, *PNDIS_STATUS_INDICATION;

C_ASSERT(sizeof(NDIS_STATUS_INDICATION) == 112 && offsetof(NDIS_STATUS_INDICATION, StatusBuffer) == 48);

typedef struct _NDIS_LINK_STATE {
    NDIS_OBJECT_HEADER Header;
    int MediaConnectState;
    int MediaDuplexState;
    ULONG64 XmitLinkSpeed;
    ULONG64 RcvLinkSpeed;
    int PauseFunctions;
    ULONG AutoNegotiationFlags;
} NDIS_LINK_STATE, *PNDIS_LINK_STATE;

C_ASSERT(sizeof(NDIS_LINK_STATE) == 40 && offsetof(NDIS_LINK_STATE, XmitLinkSpeed) == 16);

typedef struct _NDIS_STATISTICS_INFO {
    NDIS_OBJECT_HEADER Header;
    ULONG SupportedStatistics;
    ULONG64 ifInDiscards;
    ULONG64 ifInErrors;
    ULONG64 ifHCInOctets;
    ULONG64 ifHCInUcastPkts;
    ULONG64 ifHCInMulticastPkts;
    ULONG64 ifHCInBroadcastPkts;
    ULONG64 ifHCOutOctets;
    ULONG64 ifHCOutUcastPkts;
    ULONG64 ifHCOutMulticastPkts;
    ULONG64 ifHCOutBroadcastPkts;
    ULONG64 ifOutErrors;
    ULONG64 ifOutDiscards;
    ULONG64 Opaque[6];
} NDIS_STATISTICS_INFO;

C_ASSERT(sizeof(NDIS_STATISTICS_INFO) == 152 && offsetof(NDIS_STATISTICS_INFO, ifOutDiscards) == 96);

typedef struct _NET_PNP_EVENT_NOTIFICATION {
    NDIS_OBJECT_HEADER Header;
    NDIS_PORT_NUMBER PortNumber;
    struct {
        int NetEvent;
        PVOID Buffer;
        ULONG BufferLength;
        ULONG_PTR Opaque[16];
    } NetPnPEvent;
    ULONG Flags;
} NET_PNP_EVENT_NOTIFICATION, *PNET_PNP_EVENT_NOTIFICATION;

typedef struct _NET_DEVICE_PNP_EVENT {
    NDIS_OBJECT_HEADER Header;
    NDIS_PORT_NUMBER PortNumber;
    int DevicePnPEvent;
    PVOID InformationBuffer;
    ULONG InformationBufferLength;
    UCHAR NdisReserved[16];
} NET_DEVICE_PNP_EVENT, *PNET_DEVICE_PNP_EVENT;

C_ASSERT(sizeof(NET_PNP_EVENT_NOTIFICATION) == 168 && sizeof(NET_DEVICE_PNP_EVENT) == 48);

typedef struct _NDIS_DEVICE_OBJECT_ATTRIBUTES {
    NDIS_OBJECT_HEADER Header;
    PNDIS_STRING DeviceName;
    PNDIS_STRING SymbolicName;
    PDRIVER_DISPATCH *MajorFunctions;
    ULONG ExtensionSize;
    PCUNICODE_STRING DefaultSDDLString;
    LPCGUID DeviceClassGuid;
} NDIS_DEVICE_OBJECT_ATTRIBUTES;

C_ASSERT(sizeof(NDIS_DEVICE_OBJECT_ATTRIBUTES) == 56);

#include "kmndis_calls.h"

#endif
