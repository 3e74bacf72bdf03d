using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;
using System.Text;

namespace WixSharp.Msi;

/// <summary>What Windows Installer compares before it replaces a file: a version where the file has one, else a hash of its content.</summary>
internal static class FileFacts
{
    // VS_FIXEDFILEINFO (Microsoft Learn): dwSignature, dwStrucVersion, dwFileVersionMS, dwFileVersionLS.
    private const uint FixedInfoSignature = 0xfeef04bd;
    private const uint FixedInfoVersion = 0x00010000;

    // "Translation" and its end in UTF-16: the key of the structure Var (Microsoft Learn).
    private static readonly byte[] s_translation = Encoding.Unicode.GetBytes("Translation\0");

    /// <summary>An executable's version as "1.2.3.4" and the numbers of its languages as "1033,1031" ("0" for none), or null where it has no version resource.</summary>
    public static (string Number, string Languages)? Version(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
        Span<byte> magic = stackalloc byte[2];
        if (stream.ReadAtLeast(magic, 2, throwOnEndOfStream: false) < 2 || magic[0] != 'M' || magic[1] != 'Z')
            return null;
        stream.Position = 0;
        try
        {
            using var image = new PEReader(stream);
            if (image.PEHeaders.PEHeader is not { ResourceTableDirectory.Size: > 0 } header)
                return null;
            var resources = image.GetSectionData(header.ResourceTableDirectory.RelativeVirtualAddress);
            return Version(resources.GetContent(0, Math.Min(resources.Length, header.ResourceTableDirectory.Size)).AsSpan());
        }
        catch (BadImageFormatException fault)
        {
            throw new SetupException($"{path} begins like an executable and is none: {fault.Message}");
        }
    }

    /// <summary>The same of an executable's resources.</summary>
    internal static (string Number, string Languages)? Version(ReadOnlySpan<byte> resources)
    {
        // The structure begins at a multiple of four.
        for (var at = 0; at + 16 <= resources.Length; at += 4)
        {
            if (Number(resources, at) != FixedInfoSignature || Number(resources, at + 4) != FixedInfoVersion)
                continue;
            var (high, low) = (Number(resources, at + 8), Number(resources, at + 12));
            return (FormattableString.Invariant($"{high >> 16}.{high & 0xffff}.{low >> 16}.{low & 0xffff}"), Languages(resources, at));
        }
        return null;
    }

    /// <summary>Of each pair of language and code page in Var's value the language; wValueLength is four bytes before the key.</summary>
    private static string Languages(ReadOnlySpan<byte> resources, int from)
    {
        var key = resources[from..].IndexOf(s_translation);
        if (key < 0)
            return "0";
        key += from;
        var value = (key + s_translation.Length + 3) & ~3;
        var end = value + BinaryPrimitives.ReadUInt16LittleEndian(resources[(key - 4)..]);
        var languages = new List<int>();
        for (; value + 4 <= Math.Min(end, resources.Length); value += 4)
            languages.Add(BinaryPrimitives.ReadUInt16LittleEndian(resources[value..]));
        return languages.Count == 0 ? "0" : string.Join(',', languages);
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    /// <summary>The four numbers of table MsiFileHash: the MD5 of the content, little-endian, and of an empty file zeros (MsiGetFileHash).</summary>
    public static int[] Hash(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
        if (stream.Length == 0)
            return new int[4];
#pragma warning disable CA5351 // Windows Installer's choice; nothing is secured by it.
        var hash = MD5.HashData(stream);
#pragma warning restore CA5351
        var parts = new int[4];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = BinaryPrimitives.ReadInt32LittleEndian(hash.AsSpan(4 * i));
        return parts;
    }
}
