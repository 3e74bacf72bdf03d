using System.Globalization;
using System.Text;
using IpVlanWin.Protocol;

namespace IpVlanWin.Cli.Ip.Output;

/// <summary>Link-layer groups in the text and the JSON of ip-maddress(8). Groups of IPv4 and IPv6 only the stacks know.</summary>
internal static class MulticastOutput
{
    public static void Write(Session session, IReadOnlyList<LinkView> views)
    {
        // As there: -4 and -6 leave link-layer groups out.
        if (session.Options.Family != 0)
            views = [];
        if (session.Options.IsJson)
        {
            JsonOutput.Write(session, json =>
            {
                json.WriteStartArray();
                foreach (var one in views.Select(static view => view.Interface))
                {
                    json.WriteStartObject();
                    json.WriteNumber("ifindex", one.Index);
                    json.WriteString("ifname", one.Name);
                    json.WriteStartArray("maddr");
                    foreach (var (group, isStatic) in Groups(one))
                    {
                        json.WriteStartObject();
                        json.WriteString("link", group);
                        if (isStatic)
                            json.WriteString("features", "static");
                        json.WriteEndObject();
                    }
                    json.WriteEndArray();
                    json.WriteEndObject();
                }
                json.WriteEndArray();
            });
            return;
        }
        var text = new StringBuilder();
        foreach (var one in views.Select(static view => view.Interface))
        {
            text.Append(CultureInfo.InvariantCulture, $"{one.Index}:\t{one.Name}\n");
            foreach (var (group, isStatic) in Groups(one))
                text.Append(CultureInfo.InvariantCulture, $"\tlink  {group}{(isStatic ? " static" : "")}\n");
        }
        session.Output.Write(text.ToString());
    }

    /// <summary>Those of the stack first, then the others, joined yet or not.</summary>
    private static IEnumerable<(string Group, bool IsStatic)> Groups(InterfaceRecord one) =>
        one.Multicast.Except(one.StaticMulticast).Select(static group => (group, false)).Concat(one.StaticMulticast.Select(static group => (group, true)));
}
