using System.Management.Automation;
using IpVlanWin.PowerShell.Actions;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Cmdlets;

/// <summary>What all cmdlets share: the way to the service, refusals as error records, and that they can be stopped.</summary>
public abstract class IpVlanCmdlet : PSCmdlet, IDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private ServiceLink? _link;

    private protected ServiceLink Link => _link ??= new ServiceLink(new ControlClient(), ShouldProcess, _stopping.Token);

    /// <inheritdoc/>
    protected override void StopProcessing() => _stopping.Cancel();

    /// <summary>Ends the connection. PowerShell calls it when the pipeline ends.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Ends the connection.</summary>
    /// <param name="disposing">Not by a finalizer.</param>
    protected virtual void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        _link?.Dispose();
        _stopping.Dispose();
    }

    /// <summary>Does one thing. A refusal is written as an error, and the next thing is done; without a service there is no next thing.</summary>
    private protected void Attempt(object? target, Action body)
    {
        try
        {
            body();
        }
        catch (ControlException refusal) when (refusal.Code == ErrorCode.ServiceUnreachable)
        {
            ThrowTerminatingError(ErrorRecords.Of(refusal, target));
        }
        catch (ControlException refusal)
        {
            WriteError(ErrorRecords.Of(refusal, target));
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            throw new PipelineStoppedException();
        }
    }

    /// <summary>Writes what there is; null is nothing.</summary>
    private protected void Give(object? found)
    {
        if (found is not null)
            WriteObject(found, enumerateCollection: true);
    }

    private protected static NameFilter Filter(string text) =>
        WildcardPattern.ContainsWildcardCharacters(text)
            ? new NameFilter(text, new WildcardPattern(text, WildcardOptions.IgnoreCase).IsMatch)
            : new NameFilter(text);

    /// <summary>The path in the file system of what the user names.</summary>
    private protected string FilePath(string path) => GetUnresolvedProviderPathFromPSPath(path);
}
