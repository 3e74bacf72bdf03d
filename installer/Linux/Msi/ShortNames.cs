using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace WixSharp.Msi;

/// <summary>8.3 names beside the long ones, as column FileName wants them (Microsoft Learn, "Filename"): unique within a folder, the same in every build.</summary>
internal sealed class ShortNames
{
    private const string Forbidden = "+,;=[] .";

    private readonly HashSet<string> _taken = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>"short|long", or the name alone where it is short.</summary>
    public string Of(string name)
    {
        var dot = name.LastIndexOf('.');
        var stem = dot > 0 ? name[..dot] : name;
        var extension = dot > 0 ? name[(dot + 1)..] : "";
        if (IsShort(stem, 8) && (dot <= 0 || IsShort(extension, 3)) && _taken.Add(name))
            return name;
        var left = Clean(stem);
        var right = extension.Length > 0 ? "." + Clean(extension)[..Math.Min(3, Clean(extension).Length)] : "";
        for (var number = 1; ; number++)
        {
            var tail = "~" + number.ToString(CultureInfo.InvariantCulture);
            var candidate = left[..Math.Min(left.Length, 8 - tail.Length)] + tail + right;
            if (_taken.Add(candidate))
                return candidate + "|" + name;
        }
    }

    private static bool IsShort(string part, int most) => part.Length is > 0 && part.Length <= most && !part.Any(character => Forbidden.Contains(character, StringComparison.Ordinal));

    private static string Clean(string part) =>
        new string([.. part.Where(character => !Forbidden.Contains(character, StringComparison.Ordinal) && character < 0x7f)]).ToUpperInvariant() is { Length: > 0 } clean ? clean : "X";
}
