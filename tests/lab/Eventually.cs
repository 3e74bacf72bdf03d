using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace IpVlanWin.Lab.Tests;

/// <summary>Waits for conditions: generous, because machines are busy, and over at once when they hold.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(5);

    public static void Holds(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "", Func<string>? describe = null)
    {
        for (var clock = Stopwatch.StartNew(); !condition(); Thread.Sleep(s_between))
        {
            if (clock.Elapsed > Patience)
                Assert.Fail($"not within {Patience.TotalSeconds} s: {what} {describe?.Invoke()}");
        }
    }

    /// <summary>Waits for a value other than null.</summary>
    public static T Gives<T>(Func<T?> question, [CallerArgumentExpression(nameof(question))] string what = "")
        where T : class
    {
        T? answer = null;
        Holds(() => (answer = question()) is not null, what);
        return answer!;
    }
}
