namespace IpVlanWin.Conformance;
internal static class Mutants { public static int Run(IReadOnlyList<string> rules, TextWriter output) => 1; }
