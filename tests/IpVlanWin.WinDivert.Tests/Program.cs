using IpVlanWin.WinDivert.Tests;

// Started by the tests that kill it; and by tests/native/wine-run.
return args switch
{
    ["engine", .. var rest] when OperatingSystem.IsLinux() => EngineProcess.Run(rest),
    ["safety-net", .. var rest] when OperatingSystem.IsLinux() => SafetyNetProcess.Run(rest),
    ["scripted"] => ScriptedRun.Run(),
    _ => 1,
};
