using System.IO.Pipes;
using System.Runtime.Versioning;
using System.Security.AccessControl;
using System.Security.Principal;
using System.Text;
using IpVlanWin.Protocol;
using IpVlanWin.Wine.Probe;

// A Windows client of the service, for tests: probe add|list|info|descriptor|unprivileged PIPE [NAME].
if (!OperatingSystem.IsWindows() || args.Length < 2)
{
    Console.Error.WriteLine("usage (on Windows): probe add|list|info|descriptor|unprivileged PIPE [NAME]");
    return 1;
}
try
{
    switch (args[0])
    {
        case "descriptor":
            Console.WriteLine(Descriptor(args[1]));
            return 0;
        case "unprivileged":
            return Unprivileged(args[1]);
        default:
            await TalkAsync(args).ConfigureAwait(false);
            return 0;
    }
}
catch (ControlException fault)
{
    Console.Error.WriteLine($"{fault.Code}: {fault.Message}");
    return 2;
}

static async Task TalkAsync(string[] args)
{
    using var client = new ControlClient(args[1]);
    switch (args[0])
    {
        case "add":
            await client.AddInterfaceAsync(new InterfaceSpec { Master = "eth0", Name = args[2], Admin = "up", Addresses = ["10.0.0.2/24"] }).ConfigureAwait(false);
            break;
        case "list":
            foreach (var one in await ControlClient.AllAsync(client.ListInterfacesAsync, new ListQuery()).ConfigureAwait(false))
                Console.WriteLine($"{one.Name} {one.State} {string.Join(' ', one.Addresses.Select(static address => address.Prefix))}");
            break;
        default:
            var service = await client.GetServiceAsync().ConfigureAwait(false);
            Console.WriteLine($"version {service.Version}, process {service.ProcessId}");
            break;
    }
}

[SupportedOSPlatform("windows")]
static string Descriptor(string name)
{
    using var pipe = new NamedPipeClientStream(".", name, PipeDirection.InOut, PipeOptions.None, TokenImpersonationLevel.Identification);
    pipe.Connect(5000);
    return pipe.GetAccessControl().GetSecurityDescriptorSddlForm(AccessControlSections.Access);
}

// As a user would who is an administrator with his token cut down (or none): Administrators may only deny.
[SupportedOSPlatform("windows")]
static int Unprivileged(string name)
{
    using var token = RestrictedToken.WithoutAdministrators();
    return WindowsIdentity.RunImpersonated(token, () => AskAsUser(name));
}

[SupportedOSPlatform("windows")]
static int AskAsUser(string name)
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
