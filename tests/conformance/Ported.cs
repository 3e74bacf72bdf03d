namespace IpVlanWin.Conformance;
internal static class Ported { public static IEnumerable<Draft> All() => []; }
