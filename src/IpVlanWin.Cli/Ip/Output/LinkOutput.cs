namespace IpVlanWin.Cli.Ip.Output;

/// <summary>Shows interfaces as ip-link(8) and ip-address(8) do.</summary>
internal static class LinkOutput
{
    public static void Write(Session session, IReadOnlyList<LinkView> views, bool isAddress)
    {
        // As there: with -4 or -6 an interface without such an address is not shown.
        if (isAddress && session.Options.Family != 0)
            views = [.. views.Where(static view => view.Addresses.Count > 0)];
        if (session.Options.IsJson)
        {
            JsonOutput.Write(session, json =>
            {
                json.WriteStartArray();
                foreach (var view in views)
                    LinkJson.Write(json, view, session.Options, isAddress);
                json.WriteEndArray();
            });
            return;
        }
        var text = new LinkText(session.Options);
        foreach (var view in views)
            text.Append(view, isAddress);
        session.Output.Write(text.ToString());
    }
}
