using System.Collections.Concurrent;
using System.Management.Automation;
using System.Reflection;
using IpVlanWin.PowerShell.Actions;

namespace IpVlanWin.PowerShell;

/// <summary>
/// Finds the assemblies this module needs in its folder Dependencies. Other modules bring other versions of the same ones (System.Text.Json
/// above all), Windows PowerShell has none, and PowerShell 7 those of its own .NET, which may be older. So ours lie where neither PowerShell
/// looks, answer only what this module asks for, and are loaded with LoadFile, which keeps them apart: in a load context of their own on
/// .NET, without context on .NET Framework. Where PowerShell's own version is new enough, .NET takes that one before it asks here.
/// </summary>
public sealed class ModuleLoading : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private static readonly Assembly s_module = typeof(ModuleLoading).Assembly;
    private static readonly ConcurrentDictionary<string, Assembly> s_loaded = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>PowerShell has loaded the module's assembly, and has not looked at a cmdlet yet.</summary>
    public void OnImport() => AppDomain.CurrentDomain.AssemblyResolve += Resolve;

    /// <summary>The module goes: captures would have nobody left to stop them.</summary>
    /// <param name="psModuleInfo">The module.</param>
    public void OnRemove(PSModuleInfo psModuleInfo)
    {
        StopCaptures();
        AppDomain.CurrentDomain.AssemblyResolve -= Resolve;
    }

    // A method of its own: what it speaks of is loaded only when it is called.
    private static void StopCaptures() => CaptureActions.EndAll();

    private static Assembly? Resolve(object? sender, ResolveEventArgs asked)
    {
        if (asked.RequestingAssembly is not { } requesting || (requesting != s_module && !s_loaded.Values.Contains(requesting)))
            return null;
        var wanted = new AssemblyName(asked.Name);
        var path = Path.Combine(Path.GetDirectoryName(s_module.Location)!, "Dependencies", wanted.Name + ".dll");
        if (!File.Exists(path) || AssemblyName.GetAssemblyName(path).Version < wanted.Version)
            return null;
        return s_loaded.GetOrAdd(wanted.Name!, _ => Assembly.LoadFile(path));
    }
}
