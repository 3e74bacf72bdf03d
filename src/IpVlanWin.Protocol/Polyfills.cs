#if NETSTANDARD2_0
namespace System.Runtime.CompilerServices;

/// <summary>What the compiler asks for to allow init accessors.</summary>
internal static class IsExternalInit;
#else
// Whoever was compiled against the netstandard2.0 build, as the cmdlets are, finds the init accessors of this one too.
[assembly: System.Runtime.CompilerServices.TypeForwardedTo(typeof(System.Runtime.CompilerServices.IsExternalInit))]
#endif
