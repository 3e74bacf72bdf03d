#include "fake.h"
#include "guarded.h"

#include <pthread.h>
#include <sched.h>

// The control device and its requests: METHOD_BUFFERED, one buffer for both directions; IRPs that pend and are cancelled.

static PDRIVER_DISPATCH functions[IRP_MJ_MAXIMUM_FUNCTION + 1];
static DEVICE_OBJECT device;
static bool hasDevice;
static pthread_mutex_t cancelLock = PTHREAD_MUTEX_INITIALIZER;

struct FakePendedControl {
    IRP Irp;
    IO_STACK_LOCATION Location;
    FakeFile *File;
    bool IsCompleted;
    NTSTATUS Returned;
};

bool FakeHasDevice(void) { return hasDevice; }

// All access for the system and administrators, none for others, nothing inherited (Security Descriptor String Format).
static bool IsForAdministrators(const UNICODE_STRING *text)
{
    static const char wanted[] = "D:P(A;;GA;;;SY)(A;;GA;;;BA)";
    bool isSame = text->Length == 2 * (sizeof(wanted) - 1);
    for (uint32_t i = 0; isSame && i < sizeof(wanted) - 1; i++)
        isSame = text->Buffer[i] == (uint16_t)wanted[i];
    return isSame;
}

NDIS_STATUS KMAPI NdisRegisterDeviceEx(NDIS_HANDLE handle, NDIS_DEVICE_OBJECT_ATTRIBUTES *attributes, PDEVICE_OBJECT *object,
                                       NDIS_HANDLE *deviceHandle)
{
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(attributes->Header.Type == NDIS_OBJECT_TYPE_DEVICE_OBJECT_ATTRIBUTES && attributes->Header.Size == 56, "NDIS_DEVICE_OBJECT_ATTRIBUTES: Header", "header");
    FAKE_RULE(attributes->DefaultSDDLString != NULL && IsForAdministrators(attributes->DefaultSDDLString), "NDIS_DEVICE_OBJECT_ATTRIBUTES: DefaultSDDLString: without it every user could open the device", "no security descriptor");
    FAKE_RULE(attributes->DeviceName->Length > 0 && attributes->SymbolicName->Length > 0, "NDIS_DEVICE_OBJECT_ATTRIBUTES: DeviceName, SymbolicName", "no names");
    FAKE_RULE(handle != NULL && !hasDevice, "NdisRegisterDeviceEx: NdisObjectHandle", "registered twice");
    if (FakeAllocationFails())
        return NDIS_STATUS_RESOURCES;
    memcpy(functions, attributes->MajorFunctions, sizeof(functions));
    hasDevice = true;
    *object = &device;
    *deviceHandle = &device;
    FakeAddLive(1);
    return NDIS_STATUS_SUCCESS;
}

VOID KMAPI NdisDeregisterDeviceEx(NDIS_HANDLE handle)
{
    FAKE_IRQL(PASSIVE_LEVEL);
    FAKE_RULE(handle == &device && hasDevice, "NdisDeregisterDeviceEx: NdisDeviceHandle", "no device");
    hasDevice = false;
    FakeAddLive(-1);
}

VOID KMAPI IofCompleteRequest(PIRP irp, CCHAR boost)
{
    (void)boost;
    FAKE_IRQL(DISPATCH_LEVEL);
    FakePendedControl *pended = CONTAINING_RECORD(irp, FakePendedControl, Irp);
    FAKE_RULE(irp->IoStatus.Status != STATUS_PENDING, "IoCompleteRequest: Remarks: never with STATUS_PENDING", "completed as pending");
    FAKE_RULE(__atomic_load_n(&irp->CancelRoutine, __ATOMIC_SEQ_CST) == NULL, "IoSetCancelRoutine: Remarks: cleared before the request is completed", "completed with a cancel routine set");
    FAKE_RULE(!__atomic_exchange_n(&pended->IsCompleted, true, __ATOMIC_ACQ_REL), "IoCompleteRequest: once for a request (bug check 0x44)", "completed twice");
    (void)__atomic_fetch_sub(&pended->File->Pended, 1, __ATOMIC_ACQ_REL);
}

PDRIVER_DISPATCH FakeSetDispatch(UCHAR function, PDRIVER_DISPATCH routine)
{
    PDRIVER_DISPATCH before = functions[function];
    functions[function] = routine;
    return before;
}

VOID KMAPI IoReleaseCancelSpinLock(KIRQL irql)
{
    FAKE_RULE(FakeIrql() == DISPATCH_LEVEL, "IoReleaseCancelSpinLock: Requirements: IRQL", "at IRQL %u", FakeIrql());
    pthread_mutex_unlock(&cancelLock);
    FakeLower(irql);
}

static NTSTATUS Call(FakePendedControl *call, UCHAR function, PFILE_OBJECT file)
{
    call->Location.MajorFunction = function;
    call->Location.FileObject = file;
    call->Irp.Tail.Overlay.CurrentStackLocation = &call->Location;
    call->File = CONTAINING_RECORD(file, FakeFile, Object);
    (void)__atomic_fetch_add(&call->File->Pended, 1, __ATOMIC_ACQ_REL);
    FAKE_CHECK(FakeIrql() == PASSIVE_LEVEL, "a request at IRQL %u", FakeIrql());
    call->Returned = functions[function](&device, &call->Irp);
    bool isPending = (call->Location.Control & SL_PENDING_RETURNED) != 0;
    FAKE_RULE(isPending == (call->Returned == STATUS_PENDING), "IoMarkIrpPending: Remarks: with STATUS_PENDING, and only then", "pending returned and marked must agree");
    FAKE_RULE(isPending || (call->IsCompleted && call->Irp.IoStatus.Status == call->Returned), "Completing IRPs: a dispatch routine returns the status of what it completed", "returned without completing");
    return call->Returned;
}

static void Simple(UCHAR function, FakeFile *file)
{
    FakePendedControl call = {0};
    FAKE_CHECK(Call(&call, function, &file->Object) == STATUS_SUCCESS, "function %u", function);
}

FakeFile *FakeOpen(void)
{
    FakeFile *file = calloc(1, sizeof(FakeFile));
    Simple(IRP_MJ_CREATE, file);
    return file;
}

void FakeCleanup(FakeFile *file) { Simple(IRP_MJ_CLEANUP, file); }

void FakeClose(FakeFile *file)
{
    FakeCleanup(file);
    // Another thread may have taken one just before and complete it still; the close comes after that.
    for (int turn = 0; FakeIsThreaded() && turn < 1000000 && __atomic_load_n(&file->Pended, __ATOMIC_ACQUIRE) != 0; turn++)
        (void)sched_yield();
    FAKE_RULE(__atomic_load_n(&file->Pended, __ATOMIC_ACQUIRE) == 0, "IRP_MJ_CLEANUP: Operation: cancels what is pended for the file", "requests are left behind a cleanup");
    Simple(IRP_MJ_CLOSE, file);
    free(file);
}

static _Thread_local bool cancelsNext;

void FakeCancelNext(void) { cancelsNext = true; }

FakePendedControl *FakeBeginControl(FakeFile *file, uint32_t code, const void *buffer, uint32_t inputLength, uint32_t outputLength)
{
    FakePendedControl *call = calloc(1, sizeof(FakePendedControl));
    uint32_t length = inputLength > outputLength ? inputLength : outputLength;
    // As long as the longer of both, exactly; none at all where both are empty.
    call->Irp.AssociatedIrp.SystemBuffer = length == 0 ? NULL : GuardedAllocate(length);
    if (length > 0) {
        memset(call->Irp.AssociatedIrp.SystemBuffer, 0xa5, length);
        memcpy(call->Irp.AssociatedIrp.SystemBuffer, buffer, inputLength);
    }
    call->Location.Parameters.DeviceIoControl.InputBufferLength = inputLength;
    call->Location.Parameters.DeviceIoControl.OutputBufferLength = outputLength;
    call->Location.Parameters.DeviceIoControl.IoControlCode = code;
    call->Irp.Cancel = cancelsNext;
    cancelsNext = false;
    (void)Call(call, IRP_MJ_DEVICE_CONTROL, &file->Object);
    return call;
}

NTSTATUS FakePendedStatus(FakePendedControl *pended, void *answer, uint32_t *written)
{
    if (!__atomic_load_n(&pended->IsCompleted, __ATOMIC_ACQUIRE))
        return STATUS_PENDING;
    ULONG_PTR information = pended->Irp.IoStatus.Information;
    FAKE_RULE(information <= pended->Location.Parameters.DeviceIoControl.OutputBufferLength, "Buffer Descriptions for I/O Control Codes: METHOD_BUFFERED: OutputBufferLength", "more answered than there is room");
    FAKE_RULE(NT_SUCCESS(pended->Irp.IoStatus.Status) || information == 0, "IO_STATUS_BLOCK: Information: what was transferred", "a refusal with an answer");
    if (information > 0 && answer != NULL)
        memcpy(answer, pended->Irp.AssociatedIrp.SystemBuffer, information);
    if (written != NULL)
        *written = (uint32_t)information;
    return pended->Irp.IoStatus.Status;
}

bool FakeCancelControl(FakePendedControl *pended)
{
    pthread_mutex_lock(&cancelLock);
    KIRQL irql = FakeRaise();
    pended->Irp.Cancel = TRUE;
    PDRIVER_CANCEL routine = IoSetCancelRoutine(&pended->Irp, NULL);
    if (routine == NULL) {
        IoReleaseCancelSpinLock(irql);
        return false;
    }
    pended->Irp.CancelIrql = irql;
    routine(&device, &pended->Irp);
    FAKE_RULE(FakeIrql() == irql, "Implementing a Cancel Routine: it calls IoReleaseCancelSpinLock with the request's CancelIrql", "a cancel routine that does not release its lock");
    return true;
}

void FakeEndControl(FakePendedControl *pended)
{
    FAKE_CHECK(pended->IsCompleted, "still pending");
    if (pended->Irp.AssociatedIrp.SystemBuffer != NULL)
        GuardedFree(pended->Irp.AssociatedIrp.SystemBuffer);
    free(pended);
}

NTSTATUS FakeControl(FakeFile *file, uint32_t code, void *buffer, uint32_t inputLength, uint32_t outputLength, uint32_t *written)
{
    FakePendedControl *call = FakeBeginControl(file, code, buffer, inputLength, outputLength);
    NTSTATUS status = FakePendedStatus(call, buffer, written);
    FAKE_CHECK(status != STATUS_PENDING, "a request that pends");
    FakeEndControl(call);
    return status;
}
