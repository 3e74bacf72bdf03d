using System.Runtime.Versioning;
using System.Security.Principal;
using System.Text.Json;

namespace IpVlanWin.Service.Lifetime;

/// <summary>appsettings.json beside the state: one flat object; comments are allowed, an unknown key is not.</summary>
internal static class SettingsFile
{
    public const string FileName = "appsettings.json";

    private const int LongestFile = 64 * 1024;

    private static readonly JsonDocumentOptions s_json = new()
    {
        CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 4, AllowDuplicateProperties = false,
    };

    /// <summary>The options with what the folder's file says; a missing file says nothing.</summary>
    /// <exception cref="SettingsException">It cannot be read, is not what it should be, or others may write to it.</exception>
    public static ServiceOptions Read(string folder, ServiceOptions options)
    {
        var path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path))
                return options;
            RequireTrusted(path);
            if (new FileInfo(path).Length > LongestFile)
                throw new SettingsException($"{path} must be at most {LongestFile} bytes long");
            return Parse(File.ReadAllText(path), path, options);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException($"{path} cannot be read: {fault.Message}", fault);
        }
    }

    internal static ServiceOptions Parse(string text, string path, ServiceOptions options)
    {
        try
        {
            using var document = JsonDocument.Parse(text, s_json);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new SettingsException($"{path} must hold one object with {Keys}");
            foreach (var entry in document.RootElement.EnumerateObject())
            {
                var setting = Setting.All.FirstOrDefault(one => one.Key == entry.Name)
                    ?? throw new SettingsException($"{path}: unknown key \"{entry.Name}\": must be {Keys}");
                var value = entry.Value.ValueKind switch
                {
                    JsonValueKind.String => entry.Value.GetString()!,
                    JsonValueKind.Number => entry.Value.GetRawText(),
                    _ => throw new SettingsException($"{path}: \"{entry.Name}\" must be {setting.Legal}"),
                };
                options = setting.Apply(options, value) ?? throw new SettingsException($"{path}: \"{entry.Name}\" must be {setting.Legal}");
            }
            return options;
        }
        catch (JsonException fault)
        {
            throw new SettingsException($"{path} is not JSON: {fault.Message}", fault);
        }
    }

    private static string Keys => string.Join(", ", Setting.All.SkipLast(1).Select(static one => one.Key)) + " or " + Setting.All[^1].Key;

    /// <summary>Whoever can write the file can make a privileged service do things: so it must be its own.</summary>
    private static void RequireTrusted(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            if (!IsOwnerTrusted(path))
                throw new SettingsException($"{path} must be owned by SYSTEM, Administrators or the service's own user");
        }
        else if ((File.GetUnixFileMode(path) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw new SettingsException($"{path} must not be writable by group or others: chmod go-w {path}");
        }
    }

    [SupportedOSPlatform("windows")]
    private static bool IsOwnerTrusted(string path)
    {
        using var self = WindowsIdentity.GetCurrent();
        return new FileInfo(path).GetAccessControl().GetOwner(typeof(SecurityIdentifier)) is SecurityIdentifier owner
            && (owner.IsWellKnown(WellKnownSidType.LocalSystemSid) || owner.IsWellKnown(WellKnownSidType.BuiltinAdministratorsSid) || owner == self.User);
    }
}
