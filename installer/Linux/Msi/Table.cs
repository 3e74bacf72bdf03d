using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

namespace WixSharp.Msi;

/// <summary>
/// A table of an MSI as text (IDT, "Importing and exporting", Microsoft Learn): tab-separated, CRLF; a line of names, a line of types, a
/// line with the table's name and its keys, then the rows. A type is s (text), l (localizable text) or i (number) and a width; upper case
/// may be null.
/// </summary>
internal sealed class Table
{
    private readonly (string Name, string Type)[] _columns;
    private readonly int _keys;
    private readonly List<object[]> _rows = [];
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);

    /// <param name="name">Its name.</param>
    /// <param name="keys">Number of leading columns that are its primary key.</param>
    /// <param name="columns">"Name type", one each.</param>
    public Table(string name, int keys, params string[] columns)
    {
        Name = name;
        _keys = keys;
        _columns = [.. columns.Select(column => (column.Split(' ')[0], column.Split(' ')[1]))];
    }

    public string Name { get; }

    public IReadOnlyList<object[]> Rows => _rows;

    /// <summary>Adds a row; null stands for an empty cell.</summary>
    /// <exception cref="SetupException">A cell does not fit its column, or the key is there already.</exception>
    public void Add(params object[] cells)
    {
        if (cells.Length != _columns.Length)
            throw new SetupException($"table {Name} has {_columns.Length} columns, a row has {cells.Length}");
        for (var i = 0; i < cells.Length; i++)
            Check(_columns[i].Name, _columns[i].Type, cells[i]);
        if (!_seen.Add(string.Join('\t', cells.Take(_keys))))
            throw new SetupException($"table {Name} has two rows \"{string.Join(", ", cells.Take(_keys))}\"");
        _rows.Add(cells);
    }

    /// <summary>Writes it to a folder as NAME.idt.</summary>
    public string Write(string folder)
    {
        var text = new StringBuilder();
        Line(text, _columns.Select(column => column.Name));
        Line(text, _columns.Select(column => column.Type));
        Line(text, _columns.Take(_keys).Select(column => column.Name).Prepend(Name));
        foreach (var row in _rows.OrderBy(row => string.Join('\t', row.Take(_keys)), StringComparer.Ordinal))
            Line(text, row.Select(cell => Convert.ToString(cell, CultureInfo.InvariantCulture) ?? ""));
        var path = Path.Combine(folder, Name + ".idt");
        System.IO.File.WriteAllText(path, text.ToString(), Encoding.ASCII);
        return path;
    }

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.AppendJoin('\t', cells).Append("\r\n");

    private void Check(string column, string type, object cell)
    {
        var width = int.Parse(type.AsSpan(1), CultureInfo.InvariantCulture);
        switch (cell)
        {
            case null or "" when char.IsLower(type[0]) && type is not ("l0" or "s0"):
                throw new SetupException($"{Name}.{column} must not be empty");
            case null:
                break;
            case string value when char.ToLowerInvariant(type[0]) is 's' or 'l':
                if (width > 0 && value.Length > width)
                    throw new SetupException($"{Name}.{column} holds {width} characters; \"{value}\" has {value.Length}");
                if (value.Any(character => character is < ' ' or > '~'))
                    throw new SetupException($"{Name}.{column} holds printable ASCII only; \"{value}\" has something else");
                break;
            case int value when char.ToLowerInvariant(type[0]) == 'i':
                if (width == 2 && value is < short.MinValue + 1 or > short.MaxValue && width == 2)
                    throw new SetupException($"{Name}.{column} holds 16 bits; {value} does not fit");
                break;
            default:
                throw new SetupException($"{Name}.{column} cannot hold {cell} ({cell.GetType().Name})");
        }
    }
}
