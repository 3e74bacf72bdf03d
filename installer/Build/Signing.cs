using System.Diagnostics;

namespace IpVlanWin.InstallerBuild;

/// <summary>Authenticode: signtool on Windows, osslsigncode elsewhere. The certificate's password is read from the environment and never shown.</summary>
internal static class Signing
{
    private const string PasswordVariable = "IPVLANWIN_SIGN_PASSWORD";

    public static void Sign(string certificate, IEnumerable<string> files)
    {
        var password = Environment.GetEnvironmentVariable(PasswordVariable) ?? throw new BuildException($"--sign needs the certificate's password in {PasswordVariable}");
        foreach (var file in files)
        {
            if (OperatingSystem.IsWindows())
            {
                Run("signtool", ["sign", "/fd", "SHA256", "/f", certificate, "/p", password, file]);
                continue;
            }
            var signed = file + ".signed";
            Run("osslsigncode", ["sign", "-h", "sha256", "-pkcs12", certificate, "-pass", password, "-in", file, "-out", signed]);
            File.Move(signed, file, overwrite: true);
        }
    }

    private static void Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new BuildException($"{program} could not sign: exit status {process.ExitCode}");
    }
}
