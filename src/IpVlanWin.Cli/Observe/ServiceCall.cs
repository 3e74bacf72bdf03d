using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Observe;

/// <summary>Calls of the service by a verb; what it refuses becomes one line and an exit status.</summary>
internal static class ServiceCall
{
    /// <summary>The service does not answer.</summary>
    public const int Unreachable = 3;

    private const int Refused = 2;

    public static async Task<int> RunAsync(string? pipeName, TextWriter errors, Func<ControlClient, Task<int>> call)
    {
        try
        {
            using var client = new ControlClient(pipeName);
            return await call(client).ConfigureAwait(false);
        }
        catch (ControlException fault)
        {
            await errors.WriteLineAsync($"ipvlan: {fault.Message}").ConfigureAwait(false);
            return fault.Code == ErrorCode.ServiceUnreachable ? Unreachable : Refused;
        }
    }
}
