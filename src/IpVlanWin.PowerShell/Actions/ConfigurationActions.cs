using IpVlanWin.Protocol;

namespace IpVlanWin.PowerShell.Actions;

/// <summary>The whole configuration as one document.</summary>
internal sealed class ConfigurationActions(ServiceLink link)
{
    /// <summary>Writes the running configuration to a file; false where the user said no.</summary>
    /// <exception cref="ControlException">bad-argument: the file is there already, or cannot be written.</exception>
    public bool Export(string path, bool replaces)
    {
        if (!link.MayChange(path, "write the configuration"))
            return false;
        ConfigurationFile.Write(path, link.Ask(client => client.ExportStateAsync(link.Cancellation)), replaces);
        return true;
    }

    /// <summary>Puts a file in the place of the running configuration, or changes nothing. What the service is afterwards; null where the user said no.</summary>
    /// <exception cref="ControlException">bad-argument: the file is no document; else what its parts are refused for.</exception>
    public ServiceRecord? Import(string path)
    {
        var document = ConfigurationFile.Read(path);
        if (!link.MayChange("all ports and interfaces", $"replace by {document.Ports.Count} ports with {document.Ports.Sum(static port => port.Interfaces.Count)} interfaces from {path}"))
            return null;
        link.Ask(client => client.ImportStateAsync(document, link.Cancellation));
        return link.Ask(client => client.GetServiceAsync(link.Cancellation));
    }

    /// <summary>Lets the service judge a file as an import would, changing nothing. It stops at the first fault.</summary>
    /// <exception cref="ControlException">The service could not be asked.</exception>
    public IReadOnlyList<ConfigurationFinding> Test(string path)
    {
        try
        {
            var document = ConfigurationFile.Read(path);
            link.Ask(client => client.CheckStateAsync(document, link.Cancellation));
            return [];
        }
        catch (ControlException fault) when (fault.Code != ErrorCode.ServiceUnreachable && fault.Code != ErrorCode.TimedOut && fault.Code != ErrorCode.AccessDenied)
        {
            return [new ConfigurationFinding(path, fault.Code.Name, fault.Message)];
        }
    }

    /// <summary>What of the running configuration is not as it was asked for.</summary>
    public IReadOnlyList<ConfigurationFinding> Test()
    {
        var found = new List<ConfigurationFinding>();
        if (link.Ask(client => client.GetServiceAsync(link.Cancellation)).Recovery is { } recovery)
            found.Add(new ConfigurationFinding("service", "recovered", recovery));
        foreach (var port in new PortActions(link).Find(null))
        {
            if (port.State != "up")
                found.Add(new ConfigurationFinding($"port {port.Master}", port.State, port.Reason ?? "its master is down"));
        }
        foreach (var one in new InterfaceActions(link).Find(null, null))
        {
            if (one.State != one.Admin)
                found.Add(new ConfigurationFinding($"interface {one.Name}", one.State, one.Reason ?? $"it was set {one.Admin} and is {one.State}, as its master is"));
            foreach (var address in one.Addresses.Where(static address => address.State != "preferred"))
                found.Add(new ConfigurationFinding($"address {address.Prefix} of {one.Name}", address.State, address.State == "duplicate" ? "another host or the port has it" : "it is not in use yet"));
        }
        return found;
    }
}
