using System.IO.Pipes;
using System.Runtime.Versioning;
using System.Security.Principal;
using System.Text;

namespace IpVlanWin.Wine.Probe;

/// <summary>A client without an administrator's rights.</summary>
[SupportedOSPlatform("windows")]
internal static class UserClient
{
    /// <summary>As a user would who is an administrator with his token cut down (or none): Administrators may only deny.</summary>
    public static int Ask(string name)
    {
        using var token = RestrictedToken.WithoutAdministrators();
        return WindowsIdentity.RunImpersonated(token, () => AskAsUser(name));
    }

    private static int AskAsUser(string name)
    {
        using var identity = WindowsIdentity.GetCurrent();
        if (new WindowsPrincipal(identity).IsInRole(WindowsBuiltInRole.Administrator))
        {
            Console.WriteLine("still an administrator");
            return 3;
        }
        using var pipe = new NamedPipeClientStream(".", name, PipeDirection.InOut, PipeOptions.None, TokenImpersonationLevel.Identification);
        try
        {
            pipe.Connect(5000);
            // Let in: then it may ask, and must not change anything.
            var request = Encoding.ASCII.GetBytes("""{"jsonrpc":"2.0","id":1,"method":"interface.add","params":{"master":"eth0","name":"intruder"}}""");
            pipe.Write([.. Encoding.ASCII.GetBytes($"Content-Length: {request.Length}\r\n\r\n"), .. request]);
            var answer = new byte[4096];
            Console.WriteLine("let in: " + Encoding.UTF8.GetString(answer, 0, pipe.Read(answer)).Split("\r\n\r\n")[^1]);
            return 4;
        }
        catch (UnauthorizedAccessException)
        {
            Console.WriteLine("refused");
            return 0;
        }
    }
}
