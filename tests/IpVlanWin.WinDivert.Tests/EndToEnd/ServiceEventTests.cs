using System.Runtime.Versioning;
using IpVlanWin.Protocol;
using static IpVlanWin.WinDivert.Tests.EndToEnd.Talk;

namespace IpVlanWin.WinDivert.Tests.EndToEnd;

/// <summary>Host events that Linux has too, by real netlink, through the whole service.</summary>
[TestClass]
[SupportedOSPlatform("linux")]
public sealed class ServiceEventTests
{
    [TestMethod]
    public void HostEvents_AreFollowed_AndTold()
    {
        using var bed = new DivertBed();
        var folder = RunningService.NewFolder();
        using var service = new RunningService(bed, folder);
        service.Add("ipvl0", null, "bridge", "10.9.1.1/24", "fd0a::1/64");
        End own = new(bed.Host, "10.9.1.1"), wire = new(bed.Wire, DivertBed.WireFour);
        Both(own, wire);
        var events = new List<PortRecord>();
        using var subscription = service.Client.SubscribeAsync(new SubscribeSpec { Ports = true }).Result;
        var listening = subscription.RunAsync(one =>
        {
            if (one is PortEvent changed)
            {
                lock (events)
                    events.Add(changed.Port);
            }
        });

        Do("addr del 10.9.1.1/32 dev ipvl0", "address-lost subject=ipvl0 before=10.9.1.1");
        service.WaitFor(() => bed.Host.AskIp("-o addr show dev ipvl0").Contains("10.9.1.1/32", StringComparison.Ordinal));
        Do("link set ipvl0 name mine", "stand-in-renamed subject=ipvl0 before=ipvl0 after=mine");
        service.WaitFor(() => bed.Host.AskIp("-o link").Contains(" ipvl0:", StringComparison.Ordinal));
        Do("link del ipvl0", "stand-in-lost subject=ipvl0");
        service.WaitFor(() => bed.Host.AskIp("-o addr show dev ipvl0").Contains("fd0a::1/128", StringComparison.Ordinal));
        Do("link set m0 mtu 1400", "master-mtu subject=m0 before=1500 after=1400");
        service.WaitFor(() => service.Get("ipvl0").Mtu == 1400 && bed.Host.AskIp("-o link show dev ipvl0").Contains("mtu 1400", StringComparison.Ordinal), "the stand-in's MTU");
        Do("link set m0 address 02:00:00:00:0a:0b", "after=02:00:00:00:0a:0b");
        Do("link set m0 down", "master-down subject=m0 before=up after=down");
        service.WaitFor(() => service.Port.State == "down");
        Do("link set m0 up", "master-up subject=m0 before=down after=up");
        Do("link set m0 name m9", "master-renamed subject=m0 before=m0 after=m9");
        bed.Host.WaitForLink("m9");
        service.WaitFor(() => service.Port.State == "up");
        Both(own, wire);
        // A switch over the master, and off it again.
        bed.Host.Ip("link add br9 type bridge");
        Do("link set m9 master br9", "m9 is a port of br9");
        service.WaitFor(() => service.Port is { State: "error", Reason: not null }, "the port says why");
        Assert.Contains("take that as the master", service.Port.Reason!);
        Assert.DoesNotContain("10.9.1.1", bed.Host.AskIp("-o addr"));
        bed.Host.Ip("link set m9 nomaster", "link del br9");
        service.WaitFor(() => service.Port.State == "up" && service.IsInUse("ipvl0"), "it comes back by itself");
        Both(own, wire);
        service.WaitFor(() =>
        {
            lock (events)
return events.Exists(static one => one is { Mtu: 1400, Mac: "02:00:00:00:0a:0b" }) && events.Exists(static one => one.State == "error");
        }, "subscribers are told");
        // Its port still has the name that it was made with.
        service.Client.RemoveInterfaceAsync("ipvl0").Wait();
        service.WaitFor(() => !bed.Host.AskIp("-o link").Contains("ipvl0", StringComparison.Ordinal));
        service.Stop();
        Assert.IsTrue(listening.ContinueWith(static _ => { }, TaskScheduler.Default).Wait(TimeSpan.FromSeconds(10)));
        Directory.Delete(folder, recursive: true);

        void Do(string command, string told)
        {
            bed.Host.Ip(command);
            service.WaitForLog(told);
        }
    }
}
