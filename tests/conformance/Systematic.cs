namespace IpVlanWin.Conformance;
internal static class Systematic { public static IEnumerable<Draft> All() => []; }
