namespace IpVlanWin.Cli.Tests.Ip;

/// <summary>`ipvlan maddress` in the text and the JSON of ip-maddress(8).</summary>
[TestClass]
public sealed class MulticastLineTests
{
    [TestMethod]
    public async Task Groups_are_added_shown_and_deleted()
    {
        await using var bed = new IpBed();
        bed.Do("-b -", "link add link eth0 ipvl0 type ipvlan mode l2\nlink add link eth0 ipvl1 type ipvlan");
        bed.Do("maddr add 33:33:00:00:00:AB dev ipvl0");
        bed.Do("m a 1:0:5e:0:0:fb dev ipvl0");
        Assert.AreEqual("1:\tipvl0\n\tlink  33:33:00:00:00:ab static\n\tlink  01:00:5e:00:00:fb static\n2:\tipvl1\n", bed.Do("maddr"));
        Assert.AreEqual("""[{"ifindex":1,"ifname":"ipvl0","maddr":[{"link":"33:33:00:00:00:ab","features":"static"},{"link":"01:00:5e:00:00:fb","features":"static"}]}]""" + "\n", bed.Do("-j maddress show dev ipvl0"));
        Assert.AreEqual("", bed.Do("-6 maddr show ipvl0"), "groups of IPv4 and IPv6 are the stacks' own");
        bed.Do("maddr del 33:33:00:00:00:ab dev ipvl0");
        Assert.AreEqual("1:\tipvl0\n\tlink  01:00:5e:00:00:fb static\n", bed.Do("maddress list ipvl0"));
    }
}
