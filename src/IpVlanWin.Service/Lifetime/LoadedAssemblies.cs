using System.Reflection;

namespace IpVlanWin.Service.Lifetime;

/// <summary>
/// Loads all that the program refers to. The runtime loads an assembly when code that needs it is first compiled; where descriptors have
/// run out at that moment, it cannot, and ends the process. Loaded beforehand, the service outlives that.
/// </summary>
internal static class LoadedAssemblies
{
    /// <summary>Loads everything that is referred to, directly or not.</summary>
    /// <returns>How many there are.</returns>
    public static int Load()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        // The second is what the runtime itself asks for, to write a stack trace.
        var left = new Stack<Assembly>([typeof(LoadedAssemblies).Assembly, Assembly.Load("System.Diagnostics.StackTrace")]);
        while (left.TryPop(out var assembly))
        {
            foreach (var reference in assembly.GetReferencedAssemblies())
            {
                if (!seen.Add(reference.FullName))
                    continue;
                try
                {
                    left.Push(Assembly.Load(reference));
                }
                catch (Exception fault) when (fault is FileNotFoundException or FileLoadException)
                {
                    // References of another system or framework are never followed by code that runs here.
                }
            }
        }
        return seen.Count;
    }
}
