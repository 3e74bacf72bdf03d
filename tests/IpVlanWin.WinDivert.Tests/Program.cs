using IpVlanWin.WinDivert.Tests;

// Started by the tests that kill it.
return args switch
{
    ["engine", .. var rest] => EngineProcess.Run(rest),
    ["safety-net", .. var rest] => SafetyNetProcess.Run(rest),
    _ => 1,
};
