using System;
using System.Buffers.Binary;
using System.Reflection.PortableExecutable;
using System.Security.Cryptography;

namespace WixSharp.Msi;

/// <summary>What Windows Installer compares before it replaces a file: a version where the file has one, else a hash of its content.</summary>
internal static class FileFacts
{
    // VS_FIXEDFILEINFO (Microsoft Learn): dwSignature, dwStrucVersion, dwFileVersionMS, dwFileVersionLS.
    private const uint FixedInfoSignature = 0xfeef04bd;
    private const uint FixedInfoVersion = 0x00010000;

    /// <summary>The version of an executable's version resource as "1.2.3.4", or null.</summary>
    public static string Version(string path)
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
            var bytes = resources.GetContent(0, Math.Min(resources.Length, header.ResourceTableDirectory.Size)).AsSpan();
            // The structure begins at a multiple of four.
            for (var at = 0; at + 16 <= bytes.Length; at += 4)
            {
                if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) != FixedInfoSignature || BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 4)..]) != FixedInfoVersion)
                    continue;
                var (high, low) = (BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 8)..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[(at + 12)..]));
                return FormattableString.Invariant($"{high >> 16}.{high & 0xffff}.{low >> 16}.{low & 0xffff}");
            }
            return null;
        }
        catch (BadImageFormatException fault)
        {
            throw new SetupException($"{path} begins like an executable and is none: {fault.Message}");
        }
    }

    /// <summary>The four numbers of table MsiFileHash: the MD5 of the content, little-endian (MsiGetFileHash).</summary>
    public static int[] Hash(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
#pragma warning disable CA5351 // Windows Installer's choice; nothing is secured by it.
        var hash = MD5.HashData(stream);
#pragma warning restore CA5351
        var parts = new int[4];
        for (var i = 0; i < parts.Length; i++)
            parts[i] = BinaryPrimitives.ReadInt32LittleEndian(hash.AsSpan(4 * i));
        return parts;
    }
}
