namespace IpVlanWin.Service.Tests.Lifetime;

[TestClass]
public sealed class ServiceLogTests
{
    [TestMethod]
    public void Lines_below_the_level_are_left_out()
    {
        var text = new StringWriter();
        var also = new List<(LogLevel, string, string)>();
        var log = new ServiceLog(text, new FixedTime()) { Least = LogLevel.Warning, Also = (level, name, line) => also.Add((level, name, line)) };
        log.Info("a", "nothing");
        log.Warning("b", "two words", ("key", 5), ("path", "C:\\x y"));
        log.Error("c", "x");
        Assert.AreEqual("2026-01-02T03:04:05.000Z warning b key=5 path=\"C:\\\\x y\" text=\"two words\"\n2026-01-02T03:04:05.000Z error c text=x\n", text.ToString().ReplaceLineEndings("\n"));
        CollectionAssert.AreEqual(new[] { (LogLevel.Warning, "b", "b key=5 path=\"C:\\\\x y\" text=\"two words\""), (LogLevel.Error, "c", "c text=x") }, also);
    }

    [TestMethod]
    public void Journal_has_priorities_and_no_times()
    {
        var text = new StringWriter();
        var log = new ServiceLog(text) { IsJournal = true };
        log.Info("a", "x");
        log.Warning("b", "x");
        log.Error("c", "one\nline");
        Assert.AreEqual("<6>info a text=x\n<4>warning b text=x\n<3>error c text=\"one line\"\n", text.ToString().ReplaceLineEndings("\n"));
    }

    private sealed class FixedTime : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    }
}
