#include "filter.h"

// The control device: requests of ipvlan_ioctl.h, and events for the service.

enum { MostWaitingRequests = 16 };

#define WIDE_TEXT(name, text)                 \
    static const WCHAR name##Text[] = text;   \
    static const UNICODE_STRING name = {sizeof(name##Text) - sizeof(WCHAR), sizeof(name##Text), (WCHAR *)name##Text}

WIDE_TEXT(DeviceName, u"\\Device\\IpVlanWin");
WIDE_TEXT(SymbolicName, u"\\DosDevices\\IpVlanWin");
// The system and administrators, nobody else.
WIDE_TEXT(Security, u"D:P(A;;GA;;;SY)(A;;GA;;;BA)");

static KSPIN_LOCK lock; // guards all below
static LIST_ENTRY requests;
static uint32_t requestCount;
static IPVLAN_EVENT events[IPVLAN_MAX_EVENTS];
static uint32_t firstEvent;
static uint32_t eventCount;
static uint32_t lostCount;

static NTSTATUS StatusOf(ControlStatus status)
{
    switch (status) {
    case ControlOk:
        return STATUS_SUCCESS;
    case ControlVersion:
        return STATUS_REVISION_MISMATCH;
    case ControlUnknown:
        return STATUS_INVALID_DEVICE_REQUEST;
    case ControlTooSmall:
        return STATUS_BUFFER_TOO_SMALL;
    case ControlExists:
        return STATUS_OBJECT_NAME_COLLISION;
    case ControlAbsent:
        return STATUS_NOT_FOUND;
    case ControlLimit:
        return STATUS_INSUFFICIENT_RESOURCES;
    case ControlNoMemory:
        return STATUS_NO_MEMORY;
    case ControlInvalid:
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

static NTSTATUS Complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static void CompleteWithEvent(PIRP irp, const IPVLAN_EVENT *event)
{
    memcpy(irp->AssociatedIrp.SystemBuffer, event, sizeof(*event));
    (void)Complete(irp, STATUS_SUCCESS, sizeof(*event));
}

static void Unlink(PLIST_ENTRY entry)
{
    entry->Blink->Flink = entry->Flink;
    entry->Flink->Blink = entry->Blink;
    entry->Flink = entry->Blink = entry;
}

// Under the lock: the next request that is not being cancelled, or NULL. A file of NULL is any.
static PIRP TakeRequest(const FILE_OBJECT *file)
{
    for (PLIST_ENTRY entry = requests.Flink; entry != &requests;) {
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);
        entry = entry->Flink;
        if (file != NULL && IoGetCurrentIrpStackLocation(irp)->FileObject != file)
            continue;
        Unlink(&irp->Tail.Overlay.ListEntry);
        requestCount--;
        if (IoSetCancelRoutine(irp, NULL) != NULL)
            return irp;
        // Its cancel routine runs, and completes it: unlinked it stays harmless.
    }
    return NULL;
}

_IRQL_requires_(DISPATCH_LEVEL) static VOID KMAPI CancelRequest(PDEVICE_OBJECT device, PIRP irp)
{
    KIRQL irql;
    UNREFERENCED_PARAMETER(device);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    KeAcquireSpinLock(&lock, &irql);
    if (irp->Tail.Overlay.ListEntry.Flink != &irp->Tail.Overlay.ListEntry) {
        Unlink(&irp->Tail.Overlay.ListEntry);
        requestCount--;
    }
    KeReleaseSpinLock(&lock, irql);
    (void)Complete(irp, STATUS_CANCELLED, 0);
}

// Under the lock.
static bool TakeEvent(IPVLAN_EVENT *event)
{
    if (eventCount == 0 && lostCount == 0)
        return false;
    if (eventCount > 0) {
        *event = events[firstEvent];
        firstEvent = (firstEvent + 1) % IPVLAN_MAX_EVENTS;
        eventCount--;
        return true;
    }
    *event = (IPVLAN_EVENT){.Kind = IPVLAN_EVENT_LOST, .Count = lostCount};
    event->Header = (IPVLAN_HEADER){.Size = sizeof(*event), .Version = IPVLAN_ABI_VERSION};
    lostCount = 0;
    return true;
}

void EventPost(const IPVLAN_EVENT *posted)
{
    IPVLAN_EVENT event = *posted;
    KIRQL irql;
    event.Header = (IPVLAN_HEADER){.Size = sizeof(event), .Version = IPVLAN_ABI_VERSION};
    KeAcquireSpinLock(&lock, &irql);
    PIRP irp = eventCount == 0 && lostCount == 0 ? TakeRequest(NULL) : NULL;
    if (irp == NULL && eventCount < IPVLAN_MAX_EVENTS && lostCount == 0)
        events[(firstEvent + eventCount++) % IPVLAN_MAX_EVENTS] = event;
    else if (irp == NULL)
        lostCount++;
    KeReleaseSpinLock(&lock, irql);
    if (irp != NULL)
        CompleteWithEvent(irp, &event);
}

static NTSTATUS NextEvent(PIRP irp, FILE_OBJECT *file, uint32_t inputLength, uint32_t outputLength)
{
    IPVLAN_HEADER header;
    IPVLAN_EVENT event;
    KIRQL irql;
    if (inputLength != sizeof(header))
        return Complete(irp, STATUS_INVALID_PARAMETER, 0);
    memcpy(&header, irp->AssociatedIrp.SystemBuffer, sizeof(header));
    if (header.Version != IPVLAN_ABI_VERSION)
        return Complete(irp, STATUS_REVISION_MISMATCH, 0);
    if (header.Size != sizeof(header) || header.Reserved != 0)
        return Complete(irp, STATUS_INVALID_PARAMETER, 0);
    if (outputLength < sizeof(event))
        return Complete(irp, STATUS_BUFFER_TOO_SMALL, 0);
    KeAcquireSpinLock(&lock, &irql);
    // The last handle may have been closed since the request came: its cleanup is over, and would not find this one.
    bool isClosed = LOAD(file->FsContext) == NULL, isFull = requestCount == MostWaitingRequests, isCancelled = false;
    bool hasEvent = !isClosed && TakeEvent(&event);
    if (!hasEvent && !isFull && !isClosed) {
        PLIST_ENTRY entry = &irp->Tail.Overlay.ListEntry;
        entry->Flink = &requests;
        entry->Blink = requests.Blink;
        requests.Blink->Flink = entry;
        requests.Blink = entry;
        requestCount++;
        IoMarkIrpPending(irp);
        (void)IoSetCancelRoutine(irp, CancelRequest);
        // Cancelled before it had a routine: nobody else completes it then.
        if (irp->Cancel && IoSetCancelRoutine(irp, NULL) != NULL) {
            Unlink(entry);
            requestCount--;
            isCancelled = true;
        }
    }
    KeReleaseSpinLock(&lock, irql);
    if (isClosed)
        return Complete(irp, STATUS_CANCELLED, 0);
    if (isFull && !hasEvent)
        return Complete(irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    if (hasEvent) {
        CompleteWithEvent(irp, &event);
        return STATUS_SUCCESS;
    }
    if (isCancelled)
        (void)Complete(irp, STATUS_CANCELLED, 0);
    // Marked pending, so pending is the answer whoever completes it.
    return STATUS_PENDING;
}

_IRQL_requires_(PASSIVE_LEVEL) static NTSTATUS KMAPI DispatchControl(PDEVICE_OBJECT device, PIRP irp)
{
    PIO_STACK_LOCATION location = IoGetCurrentIrpStackLocation(irp);
    uint32_t inputLength = location->Parameters.DeviceIoControl.InputBufferLength;
    uint32_t outputLength = location->Parameters.DeviceIoControl.OutputBufferLength, written = 0;
    uint32_t code = location->Parameters.DeviceIoControl.IoControlCode;
    UNREFERENCED_PARAMETER(device);
    if (location->FileObject == NULL || LOAD(location->FileObject->FsContext) == NULL)
        return Complete(irp, STATUS_INVALID_DEVICE_REQUEST, 0);
    if (code == IOCTL_IPVLAN_NEXT_EVENT)
        return NextEvent(irp, location->FileObject, inputLength, outputLength);
    ControlStatus status =
        ControlExecute(&TheDriver.Control, code, irp->AssociatedIrp.SystemBuffer, inputLength, outputLength, &written);
    return Complete(irp, StatusOf(status), status == ControlOk ? written : 0);
}

_IRQL_requires_(PASSIVE_LEVEL) static NTSTATUS KMAPI DispatchCreate(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    STORE(IoGetCurrentIrpStackLocation(irp)->FileObject->FsContext, &requests);
    return Complete(irp, STATUS_SUCCESS, 0);
}

_IRQL_requires_(PASSIVE_LEVEL) static NTSTATUS KMAPI DispatchCleanup(PDEVICE_OBJECT device, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    PIRP pended;
    UNREFERENCED_PARAMETER(device);
    do {
        KIRQL irql;
        KeAcquireSpinLock(&lock, &irql);
        STORE(file->FsContext, NULL);
        pended = TakeRequest(file);
        KeReleaseSpinLock(&lock, irql);
        if (pended != NULL)
            (void)Complete(pended, STATUS_CANCELLED, 0);
    } while (pended != NULL);
    return Complete(irp, STATUS_SUCCESS, 0);
}

_IRQL_requires_(PASSIVE_LEVEL) static NTSTATUS KMAPI DispatchClose(PDEVICE_OBJECT device, PIRP irp)
{
    UNREFERENCED_PARAMETER(device);
    return Complete(irp, STATUS_SUCCESS, 0);
}

NTSTATUS DeviceCreate(void)
{
    PDRIVER_DISPATCH functions[IRP_MJ_MAXIMUM_FUNCTION + 1] = {
        [IRP_MJ_CREATE] = DispatchCreate,
        [IRP_MJ_CLOSE] = DispatchClose,
        [IRP_MJ_CLEANUP] = DispatchCleanup,
        [IRP_MJ_DEVICE_CONTROL] = DispatchControl,
    };
    NDIS_DEVICE_OBJECT_ATTRIBUTES attributes = {
        .Header = {NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES, NDIS_DEVICE_OBJECT_ATTRIBUTES_REVISION_1,
                   NDIS_SIZEOF_DEVICE_OBJECT_ATTRIBUTES_REVISION_1},
        .DeviceName = (PNDIS_STRING)&DeviceName,
        .SymbolicName = (PNDIS_STRING)&SymbolicName,
        .MajorFunctions = functions,
        .DefaultSDDLString = &Security,
    };
    return NdisRegisterDeviceEx(TheDriver.Handle, &attributes, &TheDriver.Device, &TheDriver.DeviceHandle);
}

// The last handle is closed: nothing is pended any more.
void DeviceDestroy(void) { NdisDeregisterDeviceEx(TheDriver.DeviceHandle); }

void EventsInitialize(void)
{
    requests.Flink = requests.Blink = &requests;
    requestCount = firstEvent = eventCount = lostCount = 0;
}
