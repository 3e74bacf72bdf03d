namespace WixSharp;

public enum Return
{
    asyncNoWait,
    asyncWait,
    check,
    ignore,
}

public enum When
{
    After,
    Before,
}

public enum Execute
{
    commit,
    deferred,
    immediate,
    rollback,
}

/// <summary>A standard action; the actions of a setup are placed before or after one.</summary>
public sealed class Step(string value)
{
    public static readonly Step AppSearch = new("AppSearch");
    public static readonly Step CostInitialize = new("CostInitialize");
    public static readonly Step InstallInitialize = new("InstallInitialize");
    public static readonly Step StopServices = new("StopServices");
    public static readonly Step DeleteServices = new("DeleteServices");
    public static readonly Step RemoveFiles = new("RemoveFiles");
    public static readonly Step RemoveFolders = new("RemoveFolders");
    public static readonly Step CreateFolders = new("CreateFolders");
    public static readonly Step InstallFiles = new("InstallFiles");
    public static readonly Step InstallServices = new("InstallServices");
    public static readonly Step StartServices = new("StartServices");
    public static readonly Step InstallExecute = new("InstallExecute");
    public static readonly Step InstallFinalize = new("InstallFinalize");

    public override string ToString() => value;
}

public sealed class Sequence(string value)
{
    public static readonly Sequence InstallExecuteSequence = new("InstallExecuteSequence");
    public static readonly Sequence InstallUISequence = new("InstallUISequence");

    public override string ToString() => value;

    public static Sequence operator |(Sequence first, Sequence second) => new(first + "|" + second);
}

public abstract class Action : WixEntity
{
    public Execute Execute = Execute.immediate;
    public bool? Impersonate;
    public Sequence Sequence = Sequence.InstallExecuteSequence;
    public Return Return;
    public Step Step;
    public When When;
    public Condition Condition;
    public string Rollback;
    public string RollbackArg;

    private protected Action(Id id, Return returnType, When when, Step step, Condition condition)
    {
        Id = id;
        Return = returnType;
        When = when;
        Step = step;
        Condition = condition;
    }
}

/// <summary>Runs a file of the setup itself.</summary>
public sealed class InstalledFileAction : Action
{
    public string Key;
    public string Args;

    public InstalledFileAction(Id id, string key, string args, Return returnType, When when, Step step, Condition condition)
        : base(id, returnType, when, step, condition)
    {
        Key = key;
        Args = args;
    }

    public InstalledFileAction(Id id, string key, string args, Return returnType, When when, Step step, Condition condition, string rollback, string rollbackArg)
        : this(id, key, args, returnType, when, step, condition)
    {
        Rollback = rollback;
        RollbackArg = rollbackArg;
    }
}

/// <summary>Sets a property.</summary>
public sealed class SetPropertyAction : Action
{
    public string PropName;
    public string Value;

    public SetPropertyAction(Id id, string name, string value, Return returnType, When when, Step step, Condition condition)
        : base(id, returnType, when, step, condition)
    {
        PropName = name;
        Value = value;
    }
}
