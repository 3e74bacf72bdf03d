using System.IO.Pipes;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using IpVlanWin.Datapath.Filter;
using IpVlanWin.HostNetwork.Windows;
using Microsoft.Win32;

namespace IpVlanWin.Cli.HostCare;

/// <summary>Reads a Windows host, changing nothing. Of adapters, those that data path filter has are judged.</summary>
[SupportedOSPlatform("windows")]
internal static class WindowsFacts
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <param name="about">What is known already.</param>
    /// <param name="pipe">The service's pipe, without \\.\pipe\.</param>
    /// <param name="serviceName">Its name in the service manager.</param>
    public static HostFacts Read(HostFacts about, string pipe, string? serviceName) => about with
    {
        SystemVersion = Environment.OSVersion.Version,
        Architecture = RuntimeInformation.OSArchitecture.ToString(),
        MissingRights = IsElevated() ? [] : ["administrator rights"],
        ServiceManagerState = ServiceManagerState(serviceName),
        Pipe = about.Service is null ? null : ReadPipe(pipe),
        StateFolder = ReadFolder(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "IpVlanWin")),
        Filter = ReadFilter(about.FilterMasters),
    };

    /// <summary>The state in what `ipvlansvc status` writes, or why there is none.</summary>
    internal static string StateOf(int exitStatus, string output, string errors)
    {
        const string Key = "state: ";
        var line = output.Split('\n').Select(static line => line.TrimEnd('\r')).FirstOrDefault(static line => line.StartsWith(Key, StringComparison.Ordinal));
        if (exitStatus == 0 && line is not null)
            return line[Key.Length..];
        return errors.Contains("ERROR_SERVICE_DOES_NOT_EXIST", StringComparison.Ordinal) ? "not installed" : "not to be asked: " + errors.Trim();
    }

    private static string? ServiceManagerState(string? serviceName)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        return SiblingProgram.Find() is not { } program ? null
            : StateOf(SiblingProgram.Run(program, serviceName is null ? ["status"] : ["status", "--service-name", serviceName], output, errors), output.ToString(), errors.ToString());
    }

    private static FilterFacts ReadFilter(IReadOnlyList<string> masters)
    {
        // The service's name in driver/inf/ipvlan.inf.
        using var key = Registry.LocalMachine.OpenSubKey(@"SYSTEM\CurrentControlSet\Services\ipvlan");
        if (key is null)
            return new FilterFacts([.. masters.Select(static name => new FilterMasterFacts(name))]) { IsInstalled = false };
        using var host = WindowsStandInHost.Open();
        return FilterFacts.Read(masters, host, () => (FilterLook.Open(), host));
    }

    private static bool IsElevated()
    {
        using var identity = WindowsIdentity.GetCurrent();
        return new WindowsPrincipal(identity).IsInRole(WindowsBuiltInRole.Administrator);
    }

    private static ClosedThing? ReadPipe(string name)
    {
        using var pipe = new NamedPipeClientStream(".", name, PipeDirection.InOut, PipeOptions.None, TokenImpersonationLevel.Identification);
        try
        {
            pipe.Connect(s_patience);
            var security = pipe.GetAccessControl();
            return new ClosedThing($@"\\.\pipe\{name}", security.GetSecurityDescriptorSddlForm(AccessControlSections.Access), RefusesTheNetworkFirst(security));
        }
        catch (Exception fault) when (fault is IOException or TimeoutException or UnauthorizedAccessException)
        {
            // Gone in the meantime; that it does not answer is told elsewhere.
            return null;
        }
    }

    private static ClosedThing? ReadFolder(string path)
    {
        var folder = new DirectoryInfo(path);
        try
        {
            if (!folder.Exists)
                return null;
            var security = folder.GetAccessControl(AccessControlSections.Access);
            return new ClosedThing(path, security.GetSecurityDescriptorSddlForm(AccessControlSections.Access), IsForAdministratorsAlone(security));
        }
        catch (UnauthorizedAccessException)
        {
            // Closed to this user, who is no administrator: as it should be.
            return new ClosedThing(path, "no access", IsClosed: true);
        }
    }

    private static bool RefusesTheNetworkFirst(PipeSecurity security)
    {
        var acl = new RawSecurityDescriptor(security.GetSecurityDescriptorBinaryForm(), 0).DiscretionaryAcl;
        return acl is { Count: > 0 } && acl[0] is CommonAce { AceQualifier: AceQualifier.AccessDenied } first && first.SecurityIdentifier.IsWellKnown(WellKnownSidType.NetworkSid);
    }

    private static bool IsForAdministratorsAlone(DirectorySecurity security) =>
        security.AreAccessRulesProtected && security.GetAccessRules(includeExplicit: true, includeInherited: true, typeof(SecurityIdentifier)).Cast<FileSystemAccessRule>().All(static rule =>
            rule.AccessControlType == AccessControlType.Deny || (rule.IdentityReference is SecurityIdentifier sid &&
                (sid.IsWellKnown(WellKnownSidType.LocalSystemSid) || sid.IsWellKnown(WellKnownSidType.BuiltinAdministratorsSid))));
}
