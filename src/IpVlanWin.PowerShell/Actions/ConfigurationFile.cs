using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>Files that people name. What is wrong with one is a bad-argument.</summary>
internal static class ConfigurationFile
{
    // Of the generated records, so no reflection; indented, because people read and compare it.
    private static readonly JsonTypeInfo<StateDocument> s_type =
        (JsonTypeInfo<StateDocument>)new JsonSerializerOptions(ProtocolJson.Plain.Options) { WriteIndented = true }.GetTypeInfo(typeof(StateDocument));

    /// <summary>Reads a document.</summary>
    /// <exception cref="ControlException">bad-argument: it cannot be read, or is no document; names the place.</exception>
    public static StateDocument Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(path), s_type) ?? throw new JsonException("it is null");
        }
        catch (JsonException fault)
        {
            var place = fault.LineNumber is { } line ? $"; {path} is not at line {line + 1} ({fault.Path})" : $"; {path} is not";
            throw ErrorCode.BadArgument.With("Path", "a document as Export-IpVlanConfiguration writes it" + place);
        }
        catch (Exception fault) when (IsOfFile(fault))
        {
            throw ErrorCode.BadArgument.With("Path", "a file that can be read: " + fault.Message);
        }
    }

    /// <summary>Writes a document: the file is there whole or not at all.</summary>
    /// <exception cref="ControlException">bad-argument: it is there already, or cannot be written.</exception>
    public static void Write(string path, StateDocument document, bool replaces)
    {
        var half = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
        try
        {
            using (var stream = Create(half, replaces: false))
                JsonSerializer.Serialize(stream, document, s_type);
            if (replaces)
                File.Delete(path);
            if (File.Exists(path))
                throw Exists(path);
            File.Move(half, path);
        }
        catch (Exception fault) when (IsOfFile(fault))
        {
            throw ErrorCode.BadArgument.With("Path", "a file that can be written: " + fault.Message);
        }
        finally
        {
            if (File.Exists(half))
                File.Delete(half);
        }
    }

    /// <summary>Begins a file that others may read meanwhile.</summary>
    /// <exception cref="ControlException">bad-argument: it is there already, or cannot be written.</exception>
    public static FileStream Create(string path, bool replaces)
    {
        try
        {
            return new FileStream(path, replaces ? FileMode.Create : FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete);
        }
        catch (IOException) when (!replaces && File.Exists(path))
        {
            throw Exists(path);
        }
        catch (Exception fault) when (IsOfFile(fault))
        {
            throw ErrorCode.BadArgument.With("Path", "a file that can be written: " + fault.Message);
        }
    }

    private static ControlException Exists(string path) => ErrorCode.BadArgument.With("Path", $"a new file, or -Force given; {path} is there already");

    private static bool IsOfFile(Exception fault) => fault is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException;
}
