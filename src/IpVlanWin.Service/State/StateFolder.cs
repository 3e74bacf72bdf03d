using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;

namespace IpVlanWin.Service.State;

/// <summary>Where the state is kept; nobody but the service and administrators gets in.</summary>
internal static class StateFolder
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>%ProgramData%\IpVlanWin; on Linux $STATE_DIRECTORY, else the XDG state folder.</summary>
    public static string Default()
    {
        if (OperatingSystem.IsWindows())
            return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.CommonApplicationData), "IpVlanWin");
        // systemd.exec(5): several folders are separated by colons.
        if (Environment.GetEnvironmentVariable("STATE_DIRECTORY") is { Length: > 0 } given)
            return given.Split(':')[0];
        var state = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        // The XDG specification wants relative paths ignored.
        if (string.IsNullOrEmpty(state) || !Path.IsPathRooted(state))
            state = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return Path.Combine(state, "ipvlanwin");
    }

    /// <summary>Makes the folder, or closes to others one that is there.</summary>
    /// <exception cref="StateException">It cannot be made or closed.</exception>
    public static void Prepare(string path)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                PrepareWindows(path);
                return;
            }
            Directory.CreateDirectory(path, OwnerOnly);
            File.SetUnixFileMode(path, OwnerOnly);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StateException($"the state folder {path} cannot be used: {fault.Message}; give another with --state", fault);
        }
    }

    /// <summary>Removes the folder with all that is in it; the service must not run. False where there is none.</summary>
    /// <exception cref="StateException">It holds neither state nor settings, or cannot be removed.</exception>
    public static bool Remove(string path)
    {
        try
        {
            if (!Directory.Exists(path))
                return false;
            if (!File.Exists(Path.Combine(path, "state.db")) && !File.Exists(Path.Combine(path, Lifetime.SettingsFile.FileName)) && Directory.EnumerateFileSystemEntries(path).Any())
                throw new StateException($"{path} holds neither state nor settings and is not removed; give the state's folder with --state");
            Directory.Delete(path, recursive: true);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new StateException($"{path} cannot be removed: {fault.Message}; stop the service first", fault);
        }
    }

    [SupportedOSPlatform("windows")]
    private static void PrepareWindows(string path)
    {
        using var identity = WindowsIdentity.GetCurrent();
        var user = identity.User!;
        var isAdministrator = new WindowsPrincipal(identity).IsInRole(WindowsBuiltInRole.Administrator);
        var folder = new DirectoryInfo(path);
        // Users may make folders under ProgramData: one of theirs may hold what they put there, and its owner can always open it to himself again.
        if (folder.Exists && isAdministrator && folder.GetAccessControl(AccessControlSections.Owner).GetOwner(typeof(SecurityIdentifier)) is SecurityIdentifier owner
            && owner != user && !owner.IsWellKnown(WellKnownSidType.LocalSystemSid) && !owner.IsWellKnown(WellKnownSidType.BuiltinAdministratorsSid))
        {
            throw new StateException($"the state folder {path} belongs to {owner} and not to administrators; move it away, or give another with --state");
        }
        var security = new DirectorySecurity();
        // Protected, full for SYSTEM and Administrators, inherited by files and folders.
        security.SetSecurityDescriptorSddlForm("D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", AccessControlSections.Access);
        if (!isAdministrator)
        {
            // A user who tries the service out keeps access to his own folder.
            security.AddAccessRule(new FileSystemAccessRule(
                user, FileSystemRights.FullControl,
                InheritanceFlags.ContainerInherit | InheritanceFlags.ObjectInherit, PropagationFlags.None, AccessControlType.Allow));
        }
        if (folder.Exists)
            folder.SetAccessControl(security);
        else
            folder.Create(security);
    }
}
