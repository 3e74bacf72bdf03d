using System.Globalization;

namespace IpVlanWin.Service.State;

/// <summary>Copies of the store: the last few, and the last of each of the last seven days.</summary>
internal sealed class Backups
{
    private const int KeptOfLast = 5;
    private const int KeptDays = 7;
    private const string TimeFormat = "yyyyMMdd'T'HHmmssfff'Z'";
    private const string Prefix = "state-";
    private const string Suffix = ".db";
    private const string Unfinished = ".new";

    private readonly string _folder;
    private readonly TimeProvider _time;

    public Backups(string stateFolder, TimeProvider time)
    {
        (_folder, _time) = (Path.Combine(stateFolder, "backups"), time);
        StateFolder.Prepare(_folder);
    }

    /// <summary>Paths, newest first.</summary>
    public IReadOnlyList<string> NewestFirst =>
        [.. Directory.EnumerateFiles(_folder, Prefix + "*" + Suffix).Where(static path => TimeOf(path) is not null).OrderByDescending(TimeOf)];

    /// <summary>Makes one and drops those that are too old.</summary>
    /// <exception cref="Microsoft.Data.Sqlite.SqliteException">It cannot be written.</exception>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Make(Store store)
    {
        DeleteUnfinished();
        var path = Path.Combine(_folder, Prefix + _time.GetUtcNow().ToString(TimeFormat, CultureInfo.InvariantCulture) + Suffix);
        try
        {
            store.CopyTo(path + Unfinished);
            File.Move(path + Unfinished, path, overwrite: true);
        }
        catch
        {
            // On a full disk it would take the room that the next change needs.
            DeleteUnfinished();
            throw;
        }
        foreach (var old in Superfluous(NewestFirst, _time.GetUtcNow()))
            File.Delete(old);
    }

    internal static IEnumerable<string> Superfluous(IReadOnlyList<string> newestFirst, DateTimeOffset now)
    {
        var days = new HashSet<DateTime>();
        for (var i = 0; i < newestFirst.Count; i++)
        {
            var time = TimeOf(newestFirst[i])!.Value;
            var isLastOfDay = days.Add(time.UtcDateTime.Date);
            if (i >= KeptOfLast && (!isLastOfDay || now - time > TimeSpan.FromDays(KeptDays)))
                yield return newestFirst[i];
        }
    }

    private void DeleteUnfinished()
    {
        foreach (var left in Directory.EnumerateFiles(_folder, "*" + Unfinished + "*"))
            File.Delete(left);
    }

    private static DateTimeOffset? TimeOf(string path) =>
        DateTimeOffset.TryParseExact(
            Path.GetFileNameWithoutExtension(path)[Prefix.Length..], TimeFormat, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time) ? time : null;
}
