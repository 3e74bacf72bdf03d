// The part of WDM that the filter uses, declared from the public documentation and held to measured layouts by the assertions below.
// Structures end where the filter's use of them ends only where the system allocates them. With IPVLAN_WDK the real headers stand in.
#pragma once

#ifdef IPVLAN_WDK
#include <ntddk.h>
#define KMAPI
#else

#include <stddef.h>
#include <stdint.h>

typedef void VOID;
typedef unsigned char UCHAR, BOOLEAN, KIRQL, *PUCHAR;
typedef char CCHAR, CHAR;
typedef unsigned short USHORT;
typedef short CSHORT;
typedef int LONG, NTSTATUS;
typedef unsigned int ULONG, UINT, *PULONG;
typedef int64_t LONGLONG;
typedef uint64_t ULONG64, ULONGLONG, ULONG_PTR, SIZE_T, KSPIN_LOCK, *PKSPIN_LOCK;
typedef uint64_t UINT64;
typedef uint16_t WCHAR;
typedef void *PVOID, *HANDLE;

#define TRUE 1
#define FALSE 0
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#define UNREFERENCED_PARAMETER(name) ((void)(name))
#define CONTAINING_RECORD(address, type, field) ((type *)((char *)(address) - offsetof(type, field)))
#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

// Annotations (style: IRQL and ownership on every function).
#define _IRQL_requires_max_(irql)
#define _IRQL_requires_(irql)
#define _IRQL_requires_same_

#if defined(KM_LOADED)
#define KMAPI __attribute__((ms_abi))
#else
#define KMAPI
#endif
#if defined(_WIN32)
#define KMIMPORT __declspec(dllimport)
#else
#define KMIMPORT
#endif

enum { PASSIVE_LEVEL = 0, APC_LEVEL = 1, DISPATCH_LEVEL = 2 };

#define STATUS_SUCCESS ((NTSTATUS)0)
#define STATUS_PENDING ((NTSTATUS)0x103)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xC0000001)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xC000000D)
#define STATUS_INVALID_DEVICE_REQUEST ((NTSTATUS)0xC0000010)
#define STATUS_NO_MEMORY ((NTSTATUS)0xC0000017)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xC0000023)
#define STATUS_OBJECT_NAME_COLLISION ((NTSTATUS)0xC0000035)
#define STATUS_REVISION_MISMATCH ((NTSTATUS)0xC0000059)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xC00000BB)
#define STATUS_CANCELLED ((NTSTATUS)0xC0000120)
#define STATUS_NOT_FOUND ((NTSTATUS)0xC0000225)

typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    WCHAR *Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _GUID {
    ULONG Data1;
    USHORT Data2;
    USHORT Data3;
    UCHAR Data4[8];
} GUID;
typedef const GUID *LPCGUID;

typedef struct _MDL {
    struct _MDL *Next;
    CSHORT Size;
    CSHORT MdlFlags;
    PVOID Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
} MDL, *PMDL;

C_ASSERT(sizeof(MDL) == 48 && offsetof(MDL, MappedSystemVa) == 24 && offsetof(MDL, ByteCount) == 40);

enum { MDL_MAPPED_TO_SYSTEM_VA = 1, MDL_SOURCE_IS_NONPAGED_POOL = 4 };
enum { LowPagePriority = 0, NormalPagePriority = 16, MdlMappingNoExecute = 0x40000000 };
enum { KernelMode = 0, MmCached = 1, NonPagedPoolNx = 512, Executive = 0, NotificationEvent = 0, IO_NO_INCREMENT = 0 };

#define ALL_PROCESSOR_GROUPS 0xffff

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

struct _KDPC;
typedef VOID KMAPI KDEFERRED_ROUTINE(struct _KDPC *dpc, PVOID context, PVOID argument1, PVOID argument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;

typedef struct _KDPC {
    UINT64 OpaqueTarget;
    PVOID DpcListEntry;
    ULONG_PTR ProcessorHistory;
    PKDEFERRED_ROUTINE DeferredRoutine;
    PVOID DeferredContext;
    PVOID SystemArgument1;
    PVOID SystemArgument2;
    PVOID DpcData;
} KDPC, *PKDPC;

C_ASSERT(sizeof(KDPC) == 64 && offsetof(KDPC, DeferredRoutine) == 24);

typedef struct _KEVENT {
    UINT64 Opaque[3];
} KEVENT, *PKEVENT;

typedef struct _KTIMER {
    UINT64 Opaque[8];
} KTIMER, *PKTIMER;

C_ASSERT(sizeof(KEVENT) == 24 && sizeof(KTIMER) == 64);

enum { IRP_MJ_CREATE = 0, IRP_MJ_CLOSE = 2, IRP_MJ_DEVICE_CONTROL = 14, IRP_MJ_CLEANUP = 18, IRP_MJ_MAXIMUM_FUNCTION = 27 };
enum { SL_PENDING_RETURNED = 1 };

struct _IRP;
struct _DEVICE_OBJECT;
struct _DRIVER_OBJECT;

typedef NTSTATUS KMAPI DRIVER_DISPATCH(struct _DEVICE_OBJECT *device, struct _IRP *irp);
typedef DRIVER_DISPATCH *PDRIVER_DISPATCH;
typedef VOID KMAPI DRIVER_CANCEL(struct _DEVICE_OBJECT *device, struct _IRP *irp);
typedef DRIVER_CANCEL *PDRIVER_CANCEL;
typedef VOID KMAPI DRIVER_UNLOAD(struct _DRIVER_OBJECT *driver);
typedef NTSTATUS KMAPI DRIVER_INITIALIZE(struct _DRIVER_OBJECT *driver, PUNICODE_STRING registryPath);

typedef struct _DEVICE_OBJECT {
    CSHORT Type;
    USHORT Size;
    LONG ReferenceCount;
    struct _DRIVER_OBJECT *DriverObject;
    UCHAR Opaque[320];
} DEVICE_OBJECT, *PDEVICE_OBJECT;

typedef struct _DRIVER_OBJECT {
    CSHORT Type;
    CSHORT Size;
    PDEVICE_OBJECT DeviceObject;
    UCHAR Opaque[88];
    DRIVER_UNLOAD *DriverUnload;
    PDRIVER_DISPATCH MajorFunction[IRP_MJ_MAXIMUM_FUNCTION + 1];
} DRIVER_OBJECT, *PDRIVER_OBJECT;

C_ASSERT(sizeof(DEVICE_OBJECT) == 336 && sizeof(DRIVER_OBJECT) == 336);
C_ASSERT(offsetof(DRIVER_OBJECT, DriverUnload) == 104 && offsetof(DRIVER_OBJECT, MajorFunction) == 112);

typedef struct _FILE_OBJECT {
    CSHORT Type;
    CSHORT Size;
    UCHAR Opaque1[20];
    PVOID FsContext;
    UCHAR Opaque2[184];
} FILE_OBJECT, *PFILE_OBJECT;

C_ASSERT(sizeof(FILE_OBJECT) == 216 && offsetof(FILE_OBJECT, FsContext) == 24);

typedef struct _IO_STACK_LOCATION {
    UCHAR MajorFunction;
    UCHAR MinorFunction;
    UCHAR Flags;
    UCHAR Control;
    union {
        struct {
            ULONG OutputBufferLength;
            ULONG Align1;
            ULONG InputBufferLength;
            ULONG Align2;
            ULONG IoControlCode;
            ULONG Align3;
            PVOID Type3InputBuffer;
        } DeviceIoControl;
    } Parameters;
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT FileObject;
    PVOID CompletionRoutine;
    PVOID Context;
} IO_STACK_LOCATION, *PIO_STACK_LOCATION;

C_ASSERT(sizeof(IO_STACK_LOCATION) == 72 && offsetof(IO_STACK_LOCATION, Parameters.DeviceIoControl.InputBufferLength) == 16);
C_ASSERT(offsetof(IO_STACK_LOCATION, Parameters.DeviceIoControl.IoControlCode) == 24 && offsetof(IO_STACK_LOCATION, FileObject) == 48);

typedef struct _IRP {
    CSHORT Type;
    USHORT Size;
    PMDL MdlAddress;
    ULONG Flags;
    union {
        PVOID SystemBuffer;
    } AssociatedIrp;
    LIST_ENTRY ThreadListEntry;
    struct {
        union {
            NTSTATUS Status;
            PVOID Pointer;
        };
        ULONG_PTR Information;
    } IoStatus;
    CHAR RequestorMode;
    BOOLEAN PendingReturned;
    CHAR StackCount;
    CHAR CurrentLocation;
    BOOLEAN Cancel;
    KIRQL CancelIrql;
    UCHAR Opaque1[34];
    PVOID CancelRoutine;
    PVOID UserBuffer;
    union {
        struct {
            PVOID DriverContext[4];
            PVOID Thread;
            PVOID AuxiliaryBuffer;
            LIST_ENTRY ListEntry;
            PIO_STACK_LOCATION CurrentStackLocation;
            PFILE_OBJECT OriginalFileObject;
            PVOID Opaque;
        } Overlay;
    } Tail;
} IRP, *PIRP;

C_ASSERT(sizeof(IRP) == 208 && offsetof(IRP, AssociatedIrp) == 24 && offsetof(IRP, IoStatus) == 48 && offsetof(IRP, Cancel) == 68);
C_ASSERT(offsetof(IRP, CancelRoutine) == 104 && offsetof(IRP, Tail) == 120 && offsetof(IRP, Tail.Overlay.CurrentStackLocation) == 184);

#define IoGetCurrentIrpStackLocation(irp) ((irp)->Tail.Overlay.CurrentStackLocation)
#define IoMarkIrpPending(irp) (IoGetCurrentIrpStackLocation(irp)->Control |= SL_PENDING_RETURNED)
#define IoCompleteRequest(irp, boost) IofCompleteRequest(irp, boost)
#define IoSetCancelRoutine(irp, routine) \
    ((PDRIVER_CANCEL)__atomic_exchange_n(&(irp)->CancelRoutine, (PVOID)(routine), __ATOMIC_SEQ_CST))
#define KeAcquireSpinLock(lock, irql) (*(irql) = KeAcquireSpinLockRaiseToDpc(lock))
#define MmGetSystemAddressForMdlSafe(mdl, priority)                                       \
    (((mdl)->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL)) != 0     \
         ? (mdl)->MappedSystemVa                                                          \
         : MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE, priority))

#define KM_WDM_IMPORTS(X)                                                                                                       \
    X(PVOID, ExAllocatePoolWithTag, (int type, SIZE_T bytes, ULONG tag))                                                        \
    X(VOID, ExFreePoolWithTag, (PVOID block, ULONG tag))                                                                        \
    X(KIRQL, KeAcquireSpinLockRaiseToDpc, (PKSPIN_LOCK lock))                                                                   \
    X(VOID, KeReleaseSpinLock, (PKSPIN_LOCK lock, KIRQL irql))                                                                  \
    X(VOID, KeInitializeDpc, (PKDPC dpc, PKDEFERRED_ROUTINE routine, PVOID context))                                            \
    X(NTSTATUS, KeSetTargetProcessorDpcEx, (PKDPC dpc, PPROCESSOR_NUMBER number))                                               \
    X(NTSTATUS, KeGetProcessorNumberFromIndex, (ULONG index, PPROCESSOR_NUMBER number))                                         \
    X(BOOLEAN, KeInsertQueueDpc, (PKDPC dpc, PVOID argument1, PVOID argument2))                                                 \
    X(VOID, KeFlushQueuedDpcs, (VOID))                                                                                          \
    X(VOID, KeInitializeTimer, (PKTIMER timer))                                                                                 \
    X(BOOLEAN, KeSetTimer, (PKTIMER timer, LARGE_INTEGER due, PKDPC dpc))                                                       \
    X(BOOLEAN, KeCancelTimer, (PKTIMER timer))                                                                                  \
    X(VOID, KeInitializeEvent, (PKEVENT event, int type, BOOLEAN state))                                                        \
    X(VOID, KeClearEvent, (PKEVENT event))                                                                                      \
    X(LONG, KeSetEvent, (PKEVENT event, LONG increment, BOOLEAN wait))                                                          \
    X(NTSTATUS, KeWaitForSingleObject, (PVOID object, int reason, CHAR mode, BOOLEAN alertable, PLARGE_INTEGER timeout))        \
    X(ULONG, KeQueryMaximumProcessorCountEx, (USHORT group))                                                                    \
    X(ULONG, KeGetCurrentProcessorNumberEx, (PPROCESSOR_NUMBER number))                                                         \
    X(ULONGLONG, KeQueryUnbiasedInterruptTime, (VOID))                                                                          \
    X(PVOID, MmMapLockedPagesSpecifyCache, (PMDL mdl, CHAR mode, int cache, PVOID address, ULONG bugCheck, ULONG priority))     \
    X(VOID, IofCompleteRequest, (PIRP irp, CCHAR boost))                                                                        \
    X(VOID, IoReleaseCancelSpinLock, (KIRQL irql))

#define KM_DECLARE(result, name, parameters) KMIMPORT result KMAPI name parameters;
KM_WDM_IMPORTS(KM_DECLARE)

#endif
