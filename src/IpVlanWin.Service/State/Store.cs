using System.Collections.Immutable;
using IpVlanWin.Datapath;
using IpVlanWin.Engine.Ipvlan;
using IpVlanWin.Engine.Wire;
using IpVlanWin.Protocol;
using Microsoft.Data.Sqlite;

namespace IpVlanWin.Service.State;

/// <summary>The file is there and is not what this service wrote.</summary>
internal sealed class DamagedStoreException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>
/// The state's SQLite file. Locked for this process alone; what <see cref="Commit"/> wrote is on the disk when it returns. Used by one
/// thread at a time.
/// </summary>
internal sealed class Store : IDisposable
{
    // https://www.sqlite.org/rescode.html
    private const int Busy = 5, ReadOnly = 8, IoError = 10, Corrupt = 11, Full = 13, CannotOpen = 14, NotADatabase = 26;

    private readonly SqliteConnection _connection;

    private Store(SqliteConnection connection, int schema, Model model, long nextId) =>
        (_connection, SchemaVersion, Loaded, NextId) = (connection, schema, model, nextId);

    /// <summary>The schema's version.</summary>
    public int SchemaVersion { get; }

    /// <summary>What the file held when it was opened.</summary>
    public Model Loaded { get; }

    /// <summary>Number of the next interface, when the file was opened.</summary>
    public long NextId { get; }

    /// <summary>Opens or makes the file, checks it, brings its schema forward and reads it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="migrations">The schema, as <see cref="Schema.Migrations"/>.</param>
    /// <param name="isKnown">It was written before: without tables it has lost everything.</param>
    /// <exception cref="DamagedStoreException">The file is damaged.</exception>
    /// <exception cref="StateException">Locked by another process, of a newer schema, or not to be opened.</exception>
    public static Store Open(string path, IReadOnlyList<string> migrations, bool isKnown = false)
    {
        // A lock that is held is held for good: another service. One second covers one that is just ending.
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        try
        {
            connection.Open();
            // The mode must be set before the first access; then no other process sees the file and no shared memory is needed.
            Run(connection, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
            if (Scalar(connection, "PRAGMA quick_check(1)") is not "ok")
                throw new DamagedStoreException("its contents contradict each other");
            var schema = Migrate(connection, migrations, path, isKnown);
            var (model, nextId) = Load(connection);
            return new Store(connection, schema, model, nextId);
        }
        catch (SqliteException fault)
        {
            connection.Dispose();
            throw Explain(fault, path);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Writes a transaction; durable when this returns.</summary>
    /// <exception cref="ControlException">not-stored: nothing was written.</exception>
    public void Commit(StateChange change)
    {
        try
        {
            using var transaction = _connection.BeginTransaction();
            Write(transaction, change);
            transaction.Commit();
        }
        catch (SqliteException fault)
        {
            throw ErrorCode.NotStored.With(fault.SqliteErrorCode switch
            {
                Full => "the disk is full",
                ReadOnly => "the state folder is read-only",
                IoError => "the disk refuses to write",
                _ => fault.Message,
            });
        }
    }

    /// <summary>What ports have put on the host.</summary>
    public IReadOnlyList<HostThing> LoadHostThings()
    {
        var things = new List<HostThing>();
        if (Scalar(_connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'host_things'") is 0L)
            return things;
        ReadRows(_connection, "SELECT port, key, value FROM host_things ORDER BY port, key", row => things.Add(new HostThing(row.GetString(0), row.GetString(1), row.GetString(2))));
        return things;
    }

    /// <summary>Writes and crosses out what is on the host; durable when this returns.</summary>
    /// <exception cref="IOException">It cannot be stored: nothing was written.</exception>
    public void CommitHostThings(IEnumerable<HostThing> written, IEnumerable<HostThing> crossedOut)
    {
        try
        {
            using var transaction = _connection.BeginTransaction();
            using var put = Command(transaction, "INSERT INTO host_things (port, key, value) VALUES ($a, $b, $c) ON CONFLICT (port, key) DO UPDATE SET value = excluded.value");
            foreach (var thing in written)
                Execute(put, thing.Port, thing.Key, thing.Value);
            using var remove = Command(transaction, "DELETE FROM host_things WHERE port = $a AND key = $b");
            foreach (var thing in crossedOut)
                Execute(remove, thing.Port, thing.Key);
            transaction.Commit();
        }
        catch (SqliteException fault)
        {
            throw new IOException($"what is put on the host could not be written down, so it is not put there: {fault.Message}", fault);
        }
    }

    /// <summary>Copies the file as it is at this moment (SQLite's online backup).</summary>
    /// <exception cref="SqliteException">It cannot be written.</exception>
    public void CopyTo(string path)
    {
        using var target = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 1 }.ToString());
        target.Open();
        _connection.BackupDatabase(target);
        // One plain file, without a log beside it.
        Run(target, "PRAGMA synchronous = FULL; PRAGMA journal_mode = DELETE;");
    }

    public void Dispose() => _connection.Dispose();

    private static int Migrate(SqliteConnection connection, IReadOnlyList<string> migrations, string path, bool isKnown)
    {
        var present = (int)(long)Scalar(connection, "PRAGMA user_version")!;
        if (present > migrations.Count)
        {
            throw new StateException(
                $"{path} was written by a newer version (schema {present}; this one knows up to {migrations.Count}); install that version again, or move the file away to begin without interfaces");
        }
        if (present < 0 || (present == 0 && (long)Scalar(connection, "SELECT count(*) FROM sqlite_schema")! != 0))
            throw new DamagedStoreException("it is a database of something else");
        // Where its log is lost before the first checkpoint, what remains is a sound database without tables.
        if (present == 0 && isKnown)
            throw new DamagedStoreException("it is empty");
        for (; present < migrations.Count; present++)
        {
            using var transaction = connection.BeginTransaction();
            Run(connection, migrations[present] + $"; PRAGMA user_version = {present + 1};", transaction);
            transaction.Commit();
        }
        return present;
    }

    private static (Model Model, long NextId) Load(SqliteConnection connection)
    {
        try
        {
            var ports = Model.Empty.Ports.ToBuilder();
            ReadRows(connection, "SELECT p.master, p.mode, p.flag, p.datapath, p.version, (SELECT count(*) FROM interfaces i WHERE i.master = p.master) FROM ports p", row =>
                ports.Add(row.GetString(0), new DesiredPort(
                    row.GetString(0), Checked.Mode(row.GetString(1)), Checked.Flag(row.GetString(2)), Checked.Datapath(row.GetString(3)), row.GetInt32(5), row.GetInt64(4))));
            var addresses = new Dictionary<long, List<L3Prefix>>();
            ReadRows(connection, "SELECT interface, address, length FROM addresses ORDER BY interface, place", row =>
            {
                if (!addresses.TryGetValue(row.GetInt64(0), out var list))
                    addresses.Add(row.GetInt64(0), list = []);
                list.Add(new L3Prefix(L3Address.Parse(row.GetString(1)), row.GetInt32(2)));
            });
            var groups = new Dictionary<long, List<MacAddress>>();
            ReadRows(connection, "SELECT interface, mac FROM multicast_groups ORDER BY interface, place", row =>
            {
                if (!groups.TryGetValue(row.GetInt64(0), out var list))
                    groups.Add(row.GetInt64(0), list = []);
                list.Add(Checked.Group(row.GetString(1)));
            });
            var interfaces = Model.Empty.Interfaces.ToBuilder();
            var owners = Model.Empty.Owners.ToBuilder();
            ReadRows(connection, "SELECT id, name, master, namespace, mtu, is_up, version FROM interfaces", row =>
            {
                var own = addresses.GetValueOrDefault(row.GetInt64(0)) ?? [];
                var one = new DesiredInterface(
                    row.GetInt64(0), Checked.Name(row.GetString(1)), row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3),
                    row.IsDBNull(4) ? null : row.GetInt32(4), row.GetInt64(5) != 0, [.. own],
                    [.. groups.GetValueOrDefault(row.GetInt64(0)) ?? []], row.GetInt64(6));
                interfaces.Add(one.Name, one);
                foreach (var prefix in own)
                    owners.Add(new AddressKey(one.Master, prefix.Address), one.Name);
            });
            var version = (long)Scalar(connection, "SELECT value FROM meta WHERE key = 'version'")!;
            var nextId = (long)Scalar(connection, "SELECT value FROM meta WHERE key = 'next_id'")!;
            return (new Model(version, ports.ToImmutable(), interfaces.ToImmutable(), owners.ToImmutable()), nextId);
        }
        catch (Exception fault) when (fault is ControlException or FormatException or ArgumentException or NullReferenceException or InvalidCastException)
        {
            throw new DamagedStoreException("it holds a value that this service never writes: " + fault.Message, fault);
        }
    }

    private static void Write(SqliteTransaction transaction, StateChange change)
    {
        // Whatever was touched is taken out first and put in again: so names may change places within one transaction.
        using var remove = Command(transaction, "DELETE FROM interfaces WHERE id = $a");
        foreach (var id in change.TouchedInterfaces.Keys)
            Execute(remove, id);
        using var putPort = Command(transaction, """
            INSERT INTO ports (master, mode, flag, datapath, version) VALUES ($a, $b, $c, $d, $e)
            ON CONFLICT (master) DO UPDATE SET mode = excluded.mode, flag = excluded.flag, datapath = excluded.datapath, version = excluded.version
            """);
        using var removePort = Command(transaction, "DELETE FROM ports WHERE master = $a");
        foreach (var master in change.TouchedPorts)
        {
            if (change.Port(master) is { } port)
                Execute(putPort, master, port.Mode.Word(), port.Flag.Word(), port.Datapath, port.Version);
            else
                Execute(removePort, master);
        }
        using var put = Command(transaction, "INSERT INTO interfaces (id, name, master, namespace, mtu, is_up, version) VALUES ($a, $b, $c, $d, $e, $f, $g)");
        using var putAddress = Command(transaction, "INSERT INTO addresses (interface, place, master, address, length) VALUES ($a, $b, $c, $d, $e)");
        using var putGroup = Command(transaction, "INSERT INTO multicast_groups (interface, place, mac) VALUES ($a, $b, $c)");
        foreach (var (id, name) in change.TouchedInterfaces)
        {
            // A number whose name somebody else has by now was removed later in the same transaction.
            if (name is null || change.Interface(name) is not { } present || present.Id != id)
                continue;
            Execute(put, id, name, present.Master, present.Namespace, present.IpMtu, present.IsUp ? 1 : 0, present.Version);
            for (var i = 0; i < present.Addresses.Length; i++)
                Execute(putAddress, id, i, present.Master, present.Addresses[i].Address.ToString(), present.Addresses[i].Length);
            for (var i = 0; i < present.Groups.Length; i++)
                Execute(putGroup, id, i, present.Groups[i].ToString());
        }
        using var meta = Command(transaction, "UPDATE meta SET value = $b WHERE key = $a");
        Execute(meta, "version", change.Version);
        Execute(meta, "next_id", change.NextId);
    }

    private static Exception Explain(SqliteException fault, string path) => fault.SqliteErrorCode switch
    {
        Corrupt or NotADatabase => new DamagedStoreException("it is damaged: " + fault.Message, fault),
        Busy => new StateException($"{path} is in use by another process; end the other service first", fault),
        Full => new StateException($"{path} cannot be opened, because the disk is full", fault),
        CannotOpen or ReadOnly or IoError => new StateException($"{path} cannot be opened for writing: {fault.Message}", fault),
        // SQL that does not fit: tables are not as the schema's version says.
        _ => new DamagedStoreException("it is not as its schema says: " + fault.Message, fault),
    };

    private static SqliteCommand Command(SqliteTransaction transaction, string text)
    {
        var command = transaction.Connection!.CreateCommand();
        (command.CommandText, command.Transaction) = (text, transaction);
        return command;
    }

    /// <summary>Fills $a, $b ... in order.</summary>
    private static void Execute(SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (command.Parameters.Count <= i)
                command.Parameters.Add(new SqliteParameter { ParameterName = "$" + (char)('a' + i) });
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }
        command.ExecuteNonQuery();
    }

    private static void Run(SqliteConnection connection, string text, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = (text, transaction);
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar();
    }

    private static void ReadRows(SqliteConnection connection, string text, Action<SqliteDataReader> take)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        using var reader = command.ExecuteReader();
        while (reader.Read())
            take(reader);
    }
}
