namespace IpVlanWin.Service.State;

/// <summary>The store's schema. Only append: a store is brought forward from whatever version it has.</summary>
internal static class Schema
{
    /// <summary>Entry n brings version n to n + 1.</summary>
    public static readonly string[] Migrations =
    [
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
        INSERT INTO meta (key, value) VALUES ('version', 0), ('next_id', 1);
        CREATE TABLE ports (
            master TEXT PRIMARY KEY,
            mode TEXT NOT NULL CHECK (mode IN ('l2', 'l3', 'l3s')),
            flag TEXT NOT NULL CHECK (flag IN ('bridge', 'private', 'vepa')),
            datapath TEXT NOT NULL,
            version INTEGER NOT NULL) STRICT;
        CREATE TABLE interfaces (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            master TEXT NOT NULL REFERENCES ports (master),
            namespace TEXT,
            mtu INTEGER,
            is_up INTEGER NOT NULL CHECK (is_up IN (0, 1)),
            version INTEGER NOT NULL) STRICT;
        CREATE INDEX interfaces_by_master ON interfaces (master);
        CREATE TABLE addresses (
            interface INTEGER NOT NULL REFERENCES interfaces (id) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            master TEXT NOT NULL,
            address TEXT NOT NULL,
            length INTEGER NOT NULL,
            PRIMARY KEY (interface, place),
            UNIQUE (master, address)) STRICT, WITHOUT ROWID;
        """,
        """
        CREATE TABLE multicast_groups (
            interface INTEGER NOT NULL REFERENCES interfaces (id) ON DELETE CASCADE,
            place INTEGER NOT NULL,
            mac TEXT NOT NULL,
            PRIMARY KEY (interface, place),
            UNIQUE (interface, mac)) STRICT, WITHOUT ROWID;
        """,
        // What ports have put on the host; it outlives the port until it is undone, so it refers to none.
        """
        CREATE TABLE host_things (
            port TEXT NOT NULL,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (port, key)) STRICT, WITHOUT ROWID;
        """,
    ];
}
