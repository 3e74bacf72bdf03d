using System.Linq;
namespace WixSharp.Msi;

/// <summary>The setup's own actions (Microsoft Learn, "Custom action types"): programs of the setup itself, and properties set.</summary>
internal sealed class ActionBuilder(Project project, Schema schema, Sequences sequences)
{
    private const int ProgramOfSetup = 18;
    private const int SetProperty = 51;
    private const int IgnoreResult = 0x40;
    private const int IsRollback = 0x100;
    private const int IsCommit = 0x200;
    private const int IsDeferred = 0x400;
    private const int AsSystem = 0x800;

    public void Build()
    {
        foreach (var action in project.Actions)
        {
            var condition = action.Condition?.ToString();
            if (action is SetPropertyAction set)
            {
                schema.CustomAction.Add(set.KnownId, SetProperty, set.PropName, set.Value, null);
                Place(action, condition);
                continue;
            }
            var run = (InstalledFileAction)action;
            schema.CustomAction.Add(run.KnownId, ProgramOfSetup | Bits(run), FileKey(run, run.Key), run.Args, null);
            Place(run, condition);
            if (run.Rollback is null)
                continue;
            if (run.Execute != Execute.deferred)
                throw new SetupException($"action {run.KnownId}: only a deferred action has a rollback");
            var rollback = run.KnownId + "_Rollback";
            schema.CustomAction.Add(rollback, ProgramOfSetup | IsRollback | Bits(run), FileKey(run, run.Rollback), run.RollbackArg, null);
            // Before what it takes back: rollback runs in the opposite order from the point of failure.
            foreach (var sequence in run.Sequence.ToString().Split('|'))
                sequences.Place(sequence, rollback, condition, after: false, run.KnownId);
        }
    }

    private static int Bits(InstalledFileAction action)
    {
        var bits = action.Execute switch
        {
            Execute.immediate => 0,
            Execute.deferred => IsDeferred,
            Execute.rollback => IsDeferred | IsRollback,
            _ => IsDeferred | IsCommit,
        };
        if (bits != 0 && action.Impersonate == false)
            bits |= AsSystem;
        return bits | action.Return switch
        {
            Return.check => 0,
            Return.ignore => IgnoreResult,
            _ => throw new SetupException($"action {action.KnownId}: Return must be check or ignore"),
        };
    }

    private string FileKey(InstalledFileAction action, string key) =>
        project.Dirs.SelectMany(dir => dir.WithAllBelow()).SelectMany(dir => dir.Files).Any(file => file.Id == key)
            ? key
            : throw new SetupException($"action {action.KnownId} runs file \"{key}\", which the setup does not have");

    private void Place(Action action, string condition)
    {
        foreach (var sequence in action.Sequence.ToString().Split('|'))
            sequences.Place(sequence, action.KnownId, condition, action.When == When.After, action.Step.ToString());
    }
}
