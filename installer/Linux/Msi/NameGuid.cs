using System;
using System.Security.Cryptography;
using System.Text;

namespace WixSharp.Msi;

/// <summary>Guids made from names, so that the same setup has the same ones in every build (RFC 9562, section 5.5, version 5).</summary>
public static class NameGuid
{
    /// <summary>The guid of a name within a namespace.</summary>
    public static Guid Create(Guid space, string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var input = new byte[16 + bytes.Length];
        space.TryWriteBytes(input, bigEndian: true, out _);
        bytes.CopyTo(input, 16);
#pragma warning disable CA5350 // The RFC names SHA-1; nothing is secured by it.
        var hash = SHA1.HashData(input).AsSpan(0, 16);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash, bigEndian: true);
    }

    /// <summary>As Windows Installer writes it: braces, upper case.</summary>
    internal static string Text(Guid guid) => guid.ToString("B").ToUpperInvariant();
}
