using System.Globalization;
using System.Text.Json;

namespace IpVlanWin.Cli.Replay;

/// <summary>
/// Reads a topology file: a JSON object with the keys <c>mode</c>, <c>flag</c>, <c>master</c> and <c>interfaces</c> of a scenario
/// (conformance format, sections 1 and 2). Unlike a scenario's, its keys are checked: one that is not known is a mistake.
/// </summary>
internal static class TopologyFile
{
    /// <summary>Longest interface name, as Linux's IFNAMSIZ - 1.</summary>
    public const int MaxNameLength = 15;

    /// <summary>Names that the outputs of a replay have; an interface's output has the interface's name.</summary>
    public static readonly IReadOnlyList<string> ReservedNames = [EnginePort.WirePlace, EnginePort.HostPlace, ReplayOutput.DroppedPlace];

    /// <exception cref="CommandException">The file cannot be read or is not a topology; values are <see cref="PortSetup"/>'s to check.</exception>
    public static Topology Read(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            using var document = JsonDocument.Parse(file, new JsonDocumentOptions { AllowDuplicateProperties = false });
            var topology = ReadTopology(new TopologyNode(path, "", document.RootElement));
            CheckNames(topology, path);
            return topology;
        }
        catch (JsonException fault)
        {
            throw CommandException.Refused($"{path}: {Position(fault)}not JSON: {JsonFaults.Describe(fault)}", fault);
        }
        catch (Exception fault) when (FileFaults.IsOfFile(fault))
        {
            throw CommandException.Refused($"{path}: cannot be read: {FileFaults.Describe(fault, path)}", fault);
        }
    }

    private static string Position(JsonException fault) => fault.LineNumber is { } line
        ? string.Create(CultureInfo.InvariantCulture, $"line {line + 1}, byte {fault.BytePositionInLine + 1}: ")
        : "";

    private static Topology ReadTopology(TopologyNode root)
    {
        root.CheckKeys(["mode", "flag", "master", "interfaces"], []);
        return new Topology(root.Text("mode"), root.Text("flag"), ReadMaster(root.Child("master")), root.List("interfaces", ReadInterface));
    }

    private static TopologyMaster ReadMaster(TopologyNode master)
    {
        master.CheckKeys(["name", "mac", "mtu"], ["addresses", "routes", "neighbors"]);
        return new TopologyMaster(
            master.Text("name"),
            master.Text("mac"),
            master.Integer("mtu"),
            master.List("addresses", static node => node.AsText()),
            master.List("routes", ReadRoute),
            master.List("neighbors", ReadNeighbor));
    }

    private static TopologyRoute ReadRoute(TopologyNode route)
    {
        route.CheckKeys(["destination", "via"], []);
        return new TopologyRoute(route.Text("destination"), route.Text("via"));
    }

    private static TopologyNeighbor ReadNeighbor(TopologyNode neighbor)
    {
        neighbor.CheckKeys(["address", "mac"], []);
        return new TopologyNeighbor(neighbor.Text("address"), neighbor.Text("mac"));
    }

    private static TopologyInterface ReadInterface(TopologyNode declared)
    {
        declared.CheckKeys(["name"], ["up", "addresses", "multicast", "promiscuous", "allmulti"]);
        return new TopologyInterface(
            declared.Text("name"),
            declared.Truth("up", absent: true),
            declared.List("addresses", static node => node.AsText()),
            declared.List("multicast", static node => node.AsText()),
            declared.Truth("promiscuous", absent: false),
            declared.Truth("allmulti", absent: false));
    }

    /// <summary>Names become file names, so they must be ones everywhere and differ where letter case does not count.</summary>
    private static void CheckNames(Topology topology, string path)
    {
        if (topology.Interfaces.Count == 0)
            throw CommandException.Refused($"{path}: interfaces: at least one interface is needed");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < topology.Interfaces.Count; i++)
        {
            var name = topology.Interfaces[i].Name;
            if (!IsName(name) || ReservedNames.Contains(name, StringComparer.OrdinalIgnoreCase))
                Fail(i, $"'{name}' must be 1 to {MaxNameLength} of a-z, A-Z, 0-9, '.', '_' and '-', begin with a letter or digit, and not be {string.Join(", ", ReservedNames)}");
            if (!names.Add(name))
                Fail(i, $"'{name}' names another interface already; names are unique, whatever their letter case");
        }

        void Fail(int index, string fault) =>
            throw CommandException.Refused(string.Create(CultureInfo.InvariantCulture, $"{path}: interfaces[{index}].name: {fault}"));
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && char.IsAsciiLetterOrDigit(name[0]) &&
        name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-');
}
