using System.Globalization;

namespace IpVlanWin.Service.State;

/// <summary>Opens the store; where it is damaged, keeps it aside and takes the newest good backup.</summary>
internal static class StateRecovery
{
    private const string FileName = "state.db";
    private static readonly string[] s_besides = ["-wal", "-shm", "-journal"];

    /// <summary>The store, and what had to be done for it in one sentence or null.</summary>
    /// <exception cref="StateException">The store cannot be used and is not damaged either.</exception>
    public static (Store Store, string? Recovery) Open(string folder, Backups backups, TimeProvider time, IReadOnlyList<string> migrations)
    {
        var path = Path.Combine(folder, FileName);
        var restoring = path + ".restoring";
        // A recovery was killed between putting the damaged file aside and putting the backup in its place.
        if (File.Exists(restoring) && !File.Exists(path))
            File.Move(restoring, path);
        string what;
        try
        {
            // SQLite takes an empty file for a new store; with backups beside it, it is one that lost everything.
            return (Store.Open(path, migrations, isKnown: File.Exists(path) && backups.NewestFirst.Count > 0), null);
        }
        catch (DamagedStoreException fault)
        {
            what = fault.Message;
        }
        var aside = path + ".damaged-" + time.GetUtcNow().ToString("yyyyMMdd'T'HHmmssfff'Z'", CultureInfo.InvariantCulture);
        foreach (var backup in backups.NewestFirst)
        {
            try
            {
                File.Copy(backup, restoring, overwrite: true);
                using (Store.Open(restoring, migrations, isKnown: true))
                {
                    // Closing it writes its log back: one plain file again.
                }
            }
            catch (DamagedStoreException)
            {
                continue;
            }
            PutAside(path, aside);
            File.Move(restoring, path);
            return (Store.Open(path, migrations), $"the stored state was damaged ({what}) and is kept as {aside}; the backup {backup} is used");
        }
        File.Delete(restoring);
        PutAside(path, aside);
        return (Store.Open(path, migrations), $"the stored state was damaged ({what}) and is kept as {aside}; there is no good backup, so there are no interfaces");
    }

    /// <summary>The log first: it must never meet the backup that takes the file's place.</summary>
    private static void PutAside(string path, string aside)
    {
        foreach (var beside in s_besides)
        {
            if (File.Exists(path + beside))
                File.Move(path + beside, aside + beside);
        }
        if (File.Exists(path))
            File.Move(path, aside);
    }
}
