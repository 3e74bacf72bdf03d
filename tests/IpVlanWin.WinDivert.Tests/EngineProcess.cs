namespace IpVlanWin.WinDivert.Tests;
internal static class EngineProcess { public static int Run(string[] args) => args.Length; }
internal static class SafetyNetProcess { public static int Run(string[] args) => args.Length; }
