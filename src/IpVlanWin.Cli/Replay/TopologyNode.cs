using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace IpVlanWin.Cli.Replay;

/// <summary>One value of a topology file with its JSON path, so that what is wrong with it can be told.</summary>
internal readonly struct TopologyNode(string file, string path, JsonElement json)
{
    private readonly JsonElement _json = json;

    /// <summary>It is an object with all of the first keys, and no others than these and the second ones.</summary>
    public void CheckKeys(IReadOnlyList<string> required, IReadOnlyList<string> optional)
    {
        if (_json.ValueKind != JsonValueKind.Object)
            Fail("an object");
        foreach (var property in _json.EnumerateObject())
        {
            if (!required.Contains(property.Name) && !optional.Contains(property.Name))
                Refuse($"unknown key '{property.Name}'; keys are {string.Join(", ", required.Concat(optional))}");
        }
        foreach (var key in required)
        {
            if (!_json.TryGetProperty(key, out _))
                Refuse($"key '{key}' is missing; required are {string.Join(", ", required)}");
        }
    }

    /// <summary>The value of a key that is there.</summary>
    public TopologyNode Child(string key) => Child(key, _json.GetProperty(key));

    public string Text(string key) => Child(key).AsText();

    public string AsText()
    {
        if (_json.ValueKind != JsonValueKind.String)
            Fail("a string");
        return _json.GetString()!;
    }

    public int Integer(string key)
    {
        var child = Child(key);
        var value = 0;
        if (child._json.ValueKind != JsonValueKind.Number || !child._json.TryGetInt32(out value))
            child.Fail("an integer");
        return value;
    }

    public bool Truth(string key, bool absent)
    {
        if (!_json.TryGetProperty(key, out var value))
            return absent;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Child(key, value).Fail("true or false");
        return value.GetBoolean();
    }

    /// <summary>The items of a list; of one that is missing, none.</summary>
    public IReadOnlyList<T> List<T>(string key, Func<TopologyNode, T> read)
    {
        if (!_json.TryGetProperty(key, out var value))
            return [];
        var list = Child(key, value);
        if (value.ValueKind != JsonValueKind.Array)
            list.Fail("a list");
        var items = new List<T>(value.GetArrayLength());
        foreach (var item in value.EnumerateArray())
            items.Add(read(new TopologyNode(file, string.Create(CultureInfo.InvariantCulture, $"{list.Path}[{items.Count}]"), item)));
        return items;
    }

    private string Path => path;

    private TopologyNode Child(string key, JsonElement value) => new(file, path.Length == 0 ? key : $"{path}.{key}", value);

    [DoesNotReturn]
    private void Fail(string legal)
    {
        const int MostShown = 40;
        var got = _json.GetRawText().ReplaceLineEndings(" ");
        Refuse($"{(got.Length <= MostShown ? got : got[..MostShown] + "...")} must be {legal}");
    }

    [DoesNotReturn]
    private void Refuse(string fault) => throw CommandException.Refused(path.Length == 0 ? $"{file}: {fault}" : $"{file}: {path}: {fault}");
}
