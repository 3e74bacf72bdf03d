using System;
using System.Collections.Generic;
using System.Linq;

namespace WixSharp.Msi;

/// <summary>
/// The order of a setup's actions: the standard ones with their suggested numbers (Microsoft Learn, "Suggested InstallExecuteSequence"),
/// and the setup's own before or after them.
/// </summary>
internal sealed class Sequences
{
    private static readonly (string Action, int Number)[] s_ui =
    [
        ("FindRelatedProducts", 25), ("AppSearch", 50), ("LaunchConditions", 100), ("ValidateProductID", 700), ("CostInitialize", 800), ("FileCost", 900),
        ("CostFinalize", 1000), ("MigrateFeatureStates", 1200), ("ExecuteAction", 1300),
    ];

    private static readonly (string Action, int Number)[] s_execute =
    [
        ("FindRelatedProducts", 25), ("AppSearch", 50), ("LaunchConditions", 100), ("ValidateProductID", 700), ("CostInitialize", 800), ("FileCost", 900),
        ("CostFinalize", 1000), ("MigrateFeatureStates", 1200), ("InstallValidate", 1400), ("InstallInitialize", 1500), ("ProcessComponents", 1600),
        ("UnpublishFeatures", 1800), ("StopServices", 1900), ("DeleteServices", 2000), ("RemoveRegistryValues", 2600), ("RemoveEnvironmentStrings", 3300),
        ("RemoveFiles", 3500), ("RemoveFolders", 3600), ("CreateFolders", 3700), ("InstallFiles", 4000), ("WriteRegistryValues", 5000),
        ("WriteEnvironmentStrings", 5200), ("InstallServices", 5800), ("StartServices", 5900), ("RegisterUser", 6000), ("RegisterProduct", 6100),
        ("PublishFeatures", 6300), ("PublishProduct", 6400), ("InstallExecute", 6500), ("InstallFinalize", 6600),
    ];

    // As the wix tool writes them.
    private static readonly Dictionary<string, string> s_conditions = new(StringComparer.Ordinal)
    {
        ["StopServices"] = "VersionNT", ["DeleteServices"] = "VersionNT", ["InstallServices"] = "VersionNT", ["StartServices"] = "VersionNT",
        ["InstallExecute"] = "NOT Installed",
    };

    private static readonly (string Action, int Number)[] s_adminExecute =
    [
        ("CostInitialize", 800), ("FileCost", 900), ("CostFinalize", 1000), ("InstallValidate", 1400), ("InstallInitialize", 1500),
        ("InstallAdminPackage", 3900), ("InstallFiles", 4000), ("InstallFinalize", 6600),
    ];

    private static readonly (string Action, int Number)[] s_adminUi = [("CostInitialize", 800), ("FileCost", 900), ("CostFinalize", 1000), ("ExecuteAction", 1300)];

    private static readonly (string Action, int Number)[] s_advertise =
    [
        ("CostInitialize", 800), ("CostFinalize", 1000), ("InstallValidate", 1400), ("InstallInitialize", 1500), ("PublishFeatures", 6300),
        ("PublishProduct", 6400), ("InstallFinalize", 6600),
    ];

    private readonly Dictionary<string, SortedDictionary<int, (string Action, string Condition)>> _own = new(StringComparer.Ordinal)
    {
        ["InstallExecuteSequence"] = Start(s_execute),
        ["InstallUISequence"] = Start(s_ui),
    };

    /// <summary>Places an action at the nearest free number.</summary>
    /// <exception cref="SetupException">The sequence or the step is not known, or there is no number left.</exception>
    public void Place(string sequence, string action, string condition, bool after, string step)
    {
        if (!_own.TryGetValue(sequence, out var placed))
            throw new SetupException($"action {action} cannot be in sequence {sequence}; it can be in {string.Join(", ", _own.Keys)}");
        var anchor = placed.Where(entry => entry.Value.Action == step).Select(entry => (int?)entry.Key).FirstOrDefault()
            ?? throw new SetupException($"action {action} is placed at {step}, which is not in {sequence}; there are {string.Join(", ", placed.Values.Select(entry => entry.Action))}");
        var number = anchor;
        do
            number += after ? 1 : -1;
        while (placed.TryGetValue(number, out var there) && !IsStandard(sequence, there.Action));
        if (number <= 0 || placed.ContainsKey(number))
            throw new SetupException($"there is no number left for action {action} at {step}");
        placed.Add(number, (action, condition));
    }

    public void Write(Schema schema)
    {
        Write(schema.InstallExecuteSequence, _own["InstallExecuteSequence"]);
        Write(schema.InstallUISequence, _own["InstallUISequence"]);
        Write(schema.AdminExecuteSequence, Start(s_adminExecute));
        Write(schema.AdminUISequence, Start(s_adminUi));
        Write(schema.AdvtExecuteSequence, Start(s_advertise));
    }

    private static bool IsStandard(string sequence, string action) =>
        (sequence == "InstallUISequence" ? s_ui : s_execute).Any(entry => entry.Action == action);

    private static SortedDictionary<int, (string, string)> Start((string Action, int Number)[] actions) =>
        new(actions.ToDictionary(entry => entry.Number, entry => (entry.Action, s_conditions.GetValueOrDefault(entry.Action))));

    private static void Write(Table table, SortedDictionary<int, (string Action, string Condition)> placed)
    {
        foreach (var (number, (action, condition)) in placed)
            table.Add(action, condition, number);
    }
}
