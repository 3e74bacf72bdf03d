using System.Globalization;

namespace IpVlanWin.Service.Lifetime.Windows;

/// <summary>What a program of the system answered.</summary>
/// <param name="ExitCode">Its exit code.</param>
/// <param name="Text">What it wrote, in the system's language.</param>
internal readonly record struct ToolResult(int ExitCode, string Text);

/// <summary>What the driver's package needs of the system.</summary>
internal interface IDriverSystem
{
    /// <summary>The driver's service is registered.</summary>
    bool IsRegistered { get; }

    /// <summary>The package's INF files in the system's store (oem*.inf) that hold a text: their names.</summary>
    IReadOnlyList<string> FindPackages(string text);

    /// <summary>Runs a program of the system's own folder to its end.</summary>
    /// <exception cref="WindowsErrorException">It is not there, or does not end.</exception>
    ToolResult Run(string program, IReadOnlyList<string> arguments);
}

/// <summary>
/// The filter driver in the system: put in and taken out by Windows' own netcfg and pnputil, as network filters are
/// (learn.microsoft.com/windows-server/administration/windows-commands/netcfg and windows-hardware/drivers/devtest/pnputil-command-syntax).
/// Both may be repeated.
/// </summary>
internal sealed class DriverPackage(IDriverSystem system)
{
    /// <summary>The component of ipvlan.inf.</summary>
    public const string ComponentId = "ipvlanwin";

    /// <summary>Its NetCfgInstanceId, by which its package is known again in the store.</summary>
    public const string InstanceId = "{9C3F2A61-5E0B-4C57-9B1D-7A0E6D1F4B28}";

    private const string Inf = "ipvlan.inf";

    // netcfgx.h: NETCFG_S_REBOOT. winerror.h: ERROR_SUCCESS_REBOOT_REQUIRED, ERROR_NO_MORE_ITEMS (pnputil: nothing was there to do).
    private const int RebootWanted = 0x4A020, RebootRequired = 3010, NothingThere = 259;

    private static readonly string[] s_files = [Inf, "ipvlan.sys", "ipvlan.cat"];

    /// <summary>Puts the package of a folder in. True where it takes effect with the next restart only.</summary>
    /// <exception cref="WindowsErrorException">The folder has no package, or the system refuses it.</exception>
    public bool Install(string folder)
    {
        if (Array.Find(s_files, file => !File.Exists(Path.Combine(folder, file))) is { } missing)
            throw Refusal($"there is no {missing} in {folder}; give the folder of the driver's package ({string.Join(", ", s_files)}) with --driver", 2);
        var result = system.Run("netcfg.exe", ["-v", "-l", Path.Combine(folder, Inf), "-c", "s", "-i", ComponentId]);
        return result.ExitCode is 0 or RebootWanted ? result.ExitCode != 0 : throw Refused("put in", "netcfg", result);
    }

    /// <summary>Takes it out with its package. Null where it was not there; true where a part of it stays until the next restart.</summary>
    /// <exception cref="WindowsErrorException">The system refuses.</exception>
    public bool? Remove()
    {
        var (wasThere, isLate) = (false, false);
        if (system.IsRegistered)
        {
            var result = system.Run("netcfg.exe", ["-v", "-u", ComponentId]);
            if (result.ExitCode is not (0 or RebootWanted))
                throw Refused("taken out", "netcfg", result);
            (wasThere, isLate) = (true, result.ExitCode == RebootWanted);
        }
        foreach (var package in system.FindPackages(InstanceId))
        {
            var result = system.Run("pnputil.exe", ["/delete-driver", package]);
            if (result.ExitCode is not (0 or RebootRequired or NothingThere))
                throw Refused($"deleted from the store ({package})", "pnputil", result);
            (wasThere, isLate) = (true, isLate || result.ExitCode == RebootRequired);
        }
        return wasThere ? isLate : null;
    }

    private static WindowsErrorException Refused(string what, string program, ToolResult result)
    {
        var told = result.Text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).LastOrDefault();
        var code = result.ExitCode.ToString(result.ExitCode is > 0 and < 0x10000 ? "d" : "x8", CultureInfo.InvariantCulture);
        return Refusal($"the filter driver was not {what}: {program} ended with {code}{(told is null ? "" : $" ({told})")}; %SystemRoot%\\INF\\setupapi.dev.log says more", result.ExitCode);
    }

    private static WindowsErrorException Refusal(string message, int code) => new(message, code, WindowsError.Name(code));
}
