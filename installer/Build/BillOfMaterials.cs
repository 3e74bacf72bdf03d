using System.Text.Json;
using System.Text.Json.Nodes;

namespace IpVlanWin.InstallerBuild;

/// <summary>
/// The software bill of materials: CycloneDX 1.6 as JSON (cyclonedx.org/docs/1.6/json), from the .deps.json files of what is published.
/// By hand: no CycloneDX or SPDX tool is in the registries that this builds from.
/// </summary>
internal static class BillOfMaterials
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true, NewLine = "\n" };

    public static string Write(string output, Version version, IEnumerable<string> folders)
    {
        var packages = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var path in folders.SelectMany(folder => Directory.EnumerateFiles(folder, "*.deps.json", SearchOption.AllDirectories)))
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path));
            foreach (var library in document.RootElement.GetProperty("libraries").EnumerateObject())
            {
                if (library.Value.GetProperty("type").GetString() is not "project")
                    packages[library.Name] = library.Value.TryGetProperty("sha512", out var sum) ? sum.GetString() : null;
            }
        }
        var components = new JsonArray();
        foreach (var (name, sum) in packages)
        {
            var parts = name.Split('/');
            var id = parts[0].StartsWith("runtimepack.", StringComparison.Ordinal) ? parts[0]["runtimepack.".Length..] : parts[0];
            var component = new JsonObject
            {
                ["type"] = "library", ["bom-ref"] = $"pkg:nuget/{id}@{parts[1]}", ["name"] = id, ["version"] = parts[1], ["purl"] = $"pkg:nuget/{id}@{parts[1]}",
            };
            if (sum?.StartsWith("sha512-", StringComparison.Ordinal) == true)
                component["hashes"] = new JsonArray(new JsonObject { ["alg"] = "SHA-512", ["content"] = Convert.ToHexStringLower(Convert.FromBase64String(sum["sha512-".Length..])) });
            components.Add(component);
        }
        var bill = new JsonObject
        {
            ["bomFormat"] = "CycloneDX", ["specVersion"] = "1.6", ["version"] = 1,
            ["metadata"] = new JsonObject
            {
                ["component"] = new JsonObject
                {
                    ["type"] = "application", ["bom-ref"] = "ipvlanwin", ["name"] = "IpVlanWin", ["version"] = version.ToString(3),
                    ["licenses"] = new JsonArray(new JsonObject { ["license"] = new JsonObject { ["id"] = "MIT" } }),
                },
            },
            ["components"] = components,
        };
        var target = Path.Combine(output, $"IpVlanWin-{version.ToString(3)}-x64.cdx.json");
        File.WriteAllText(target, bill.ToJsonString(s_indented) + "\n");
        return target;
    }
}
