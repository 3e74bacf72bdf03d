namespace IpVlanWin.Cli.Replay;

/// <summary>What went wrong with a file, in words that fit behind its name.</summary>
internal static class FileFaults
{
    /// <summary>The exception comes from the file, not from a mistake in here.</summary>
    public static bool IsOfFile(Exception fault) =>
        fault is IOException or UnauthorizedAccessException or NotSupportedException or System.Security.SecurityException or ArgumentException { ParamName: "path" };

    /// <summary>Says what the exception means for the file at a path.</summary>
    public static string Describe(Exception fault, string path) => fault switch
    {
        FileNotFoundException or DirectoryNotFoundException => "no such file or directory",
        _ when path.Length == 0 => "the name is empty",
        UnauthorizedAccessException when Directory.Exists(path) => "it is a directory",
        UnauthorizedAccessException => "permission denied",
        _ => WithoutPath(fault.Message.ReplaceLineEndings(" ")),
    };

    /// <summary>Messages of the runtime end in <c> : 'PATH'</c>; the caller has said which file it is.</summary>
    private static string WithoutPath(string message)
    {
        var end = message.IndexOf(" : '", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}
