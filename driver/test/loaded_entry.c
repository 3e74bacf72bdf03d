// The driver's entry where the linked image is the driver: each load maps it anew, as Windows does, so nothing of the last run is left.
#include "fake.h"
#include "pe_loader.h"

static LoadedImage image;

NTSTATUS KMAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath);

NTSTATUS KMAPI DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registryPath)
{
    static uint8_t *file;
    static size_t length;
    char error[ImageErrorLength];
    if (file == NULL)
        file = ImageRead(ImagePath(), &length, error);
    FAKE_CHECK(file != NULL, "%s", error);
    // Nothing runs in what was unloaded: whoever kept an address of it ends here.
    ImageUnload(&image);
    FAKE_CHECK(ImageLoad(file, length, &image, error), "%s: %s", ImagePath(), error);
    DRIVER_INITIALIZE *entry = (DRIVER_INITIALIZE *)(uintptr_t)image.Entry;
    return entry(driver, registryPath);
}
