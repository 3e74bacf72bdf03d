using System.Runtime.InteropServices;

namespace IpVlanWin.HostNetwork.Windows;

// computenetwork.h. Each returns an HRESULT; texts come from CoTaskMemAlloc.
internal static unsafe partial class NativeMethods
{
    private const string ComputeNetworkDll = "computenetwork.dll";

    [LibraryImport(ComputeNetworkDll, StringMarshalling = StringMarshalling.Utf16)]
    public static partial uint HcnEnumerateNamespaces(string query, out nint namespaces, out nint errorRecord);

    [LibraryImport(ComputeNetworkDll)]
    public static partial uint HcnOpenNamespace(in Guid id, out ComputeNamespaceHandle handle, out nint errorRecord);

    [LibraryImport(ComputeNetworkDll, StringMarshalling = StringMarshalling.Utf16)]
    public static partial uint HcnQueryNamespaceProperties(ComputeNamespaceHandle handle, string query, out nint properties, out nint errorRecord);

    [LibraryImport(ComputeNetworkDll)]
    public static partial uint HcnCloseNamespace(nint handle);
}
