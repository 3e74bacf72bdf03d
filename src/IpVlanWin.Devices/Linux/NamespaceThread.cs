using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace IpVlanWin.Devices.Linux;

/// <summary>
/// Runs a call inside a network namespace. setns(2) is per thread, so the thread is made for the call and ends after it, never to
/// serve anything else from the wrong namespace; descriptors opened there work from any thread.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class NamespaceThread
{
    /// <param name="networkNamespace">An open descriptor of the namespace; null for the caller's own, without a thread.</param>
    /// <param name="call">What to run.</param>
    /// <exception cref="LinuxDeviceException">The namespace cannot be entered.</exception>
    public static T Run<T>(SafeHandle? networkNamespace, Func<T> call)
    {
        if (networkNamespace is null)
            return call();
        T result = default!;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                if (NativeMethods.SetNamespace(networkNamespace, NativeMethods.NetworkNamespace) != 0)
                    LinuxDeviceException.Throw(Marshal.GetLastSystemError(), "cannot enter the network namespace");
                result = call();
            }
            // Carried over to the caller, whatever it is.
#pragma warning disable CA1031
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        { IsBackground = true, Name = "namespace" };
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result;
    }
}
