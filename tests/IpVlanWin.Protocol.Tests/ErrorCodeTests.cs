namespace IpVlanWin.Protocol.Tests;

/// <summary>The table of errors is a contract: codes and errno names never change.</summary>
[TestClass]
public sealed class ErrorCodeTests
{
    [TestMethod]
    [DataRow("master-not-found", "ENODEV")]
    [DataRow("master-not-ethernet", "EINVAL")]
    [DataRow("name-in-use", "EEXIST")]
    [DataRow("address-in-use", "EADDRINUSE")]
    [DataRow("mode-not-supported", "ENOTSUP")]
    [DataRow("flag-conflict", "EINVAL")]
    [DataRow("address-exists", "EEXIST")]
    [DataRow("address-absent", "EADDRNOTAVAIL")]
    [DataRow("group-absent", "ENOENT")]
    [DataRow("mac-not-settable", "ENOTSUP")]
    [DataRow("link-down", "ENETDOWN")]
    [DataRow("limit-reached", "EBUSY")]
    [DataRow("access-denied", "EPERM")]
    [DataRow("not-found", null)]
    [DataRow("bad-argument", null)]
    [DataRow("conflict", null)]
    public void Code_has_its_errno(string name, string? errno)
    {
        var code = ErrorCode.Find(name);
        Assert.IsNotNull(code);
        Assert.AreEqual(errno, code.Errno);
    }

    [TestMethod]
    public void Names_and_numbers_are_unique_and_sentences_have_room_for_four()
    {
        Assert.HasCount(ErrorCode.All.Count, ErrorCode.All.Select(code => code.Name).Distinct());
        Assert.HasCount(ErrorCode.All.Count, ErrorCode.All.Select(code => code.Number).Distinct());
        foreach (var code in ErrorCode.All)
        {
            var sentence = code.With("one", "two", "three", "four").Message;
            Assert.IsFalse(sentence.Contains('{', StringComparison.Ordinal) || sentence.EndsWith('.'), sentence);
        }
    }

    [TestMethod]
    public void Hostile_argument_stays_on_one_short_line()
    {
        var sentence = ErrorCode.MasterNotFound.With("a\r\n\u001b[31m" + new string('x', 5000) + "\ud83d").Message;
        Assert.IsFalse(sentence.Any(char.IsControl), sentence);
        Assert.IsLessThan(200, sentence.Length);
    }

    [TestMethod]
    [DataRow("p", null, true, false, "p")]
    [DataRow(@"\\.\pipe\p", null, true, false, "p")]
    [DataRow("/tmp/p", "/run/user/7", false, false, "/tmp/p")]
    [DataRow(null, null, true, false, "ipvlanwin")]
    [DataRow(null, "/run/user/7", false, true, "/run/ipvlanwin/control.sock")]
    [DataRow("", "/run/user/7/", false, false, "/run/user/7/ipvlanwin/control.sock")]
    public void Endpoint_follows_the_contract(string? set, string? runtimeFolder, bool isWindows, bool isRoot, string expected) =>
        Assert.AreEqual(expected, ControlEndpoint.Resolve(set, runtimeFolder, isWindows, isRoot));
}
