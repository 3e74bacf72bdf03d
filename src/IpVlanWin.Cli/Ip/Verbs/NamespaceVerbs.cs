using System.Runtime.Versioning;
using IpVlanWin.Cli.Ip.Grammar;
using IpVlanWin.Cli.Ip.Output;
using IpVlanWin.HostNetwork.Linux;

namespace IpVlanWin.Cli.Ip.Verbs;

/// <summary>ipvlan netns: on Linux as ip-netns(8), with the same names under /run/netns.</summary>
internal static class NamespaceVerbs
{
    private const string MadeByContainer = "on Windows a namespace is a network compartment: it comes and goes with its container";

    public static Task List(Words words, Session session)
    {
        if (!session.IsLinux)
            throw CommandException.Refused("on Windows a namespace is a network compartment: Get-NetCompartment lists them, and ipvlan link show the interfaces in each");
        var names = NetworkNamespace.List();
        if (session.Options.IsJson)
        {
            JsonOutput.Write(session, json =>
            {
                json.WriteStartArray();
                foreach (var name in names)
                {
                    json.WriteStartObject();
                    json.WriteString("name", name);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            });
            return Task.CompletedTask;
        }
        foreach (var name in names)
            session.Output.WriteLine(name);
        return Task.CompletedTask;
    }

    public static Task Add(Words words, Session session)
    {
        if (!session.IsLinux)
            throw CommandException.Refused(MadeByContainer);
        NetworkNamespace.Create(words.Required("name")).Dispose();
        return Task.CompletedTask;
    }

    public static Task Delete(Words words, Session session)
    {
        if (!session.IsLinux)
            throw CommandException.Refused(MadeByContainer);
        NetworkNamespace.Delete(words.Required("name"));
        return Task.CompletedTask;
    }

    /// <summary>Does not come back: the command takes this process's place.</summary>
    public static Task Execute(Words words, Session session)
    {
        if (!session.IsLinux)
            throw CommandException.Refused("on Windows a command cannot be moved into a compartment: run it in the container, for example docker exec NAME COMMAND");
        if (session.IsBatch)
            throw CommandException.Refused("\"netns exec\" takes this process's place, so it cannot stand in a batch");
        session.Output.Flush();
        NetworkNamespace.Execute(words.Required("name"), words.Rest);
        return Task.CompletedTask;
    }

    /// <summary>A socket in a namespace.</summary>
    /// <param name="name">Null for the namespace this runs in.</param>
    [SupportedOSPlatform("linux")]
    public static RouteNetlink OpenNetlink(string? name)
    {
        if (name is null)
            return RouteNetlink.Open();
        using var space = name == Kinds.HostNamespace ? NetworkNamespace.OpenProcess(1) : NetworkNamespace.Open(name);
        return RouteNetlink.Open(space);
    }
}
