using System.Reflection;

namespace IpVlanWin.WinDivert.Tests;

/// <summary>The tests that need no stack but a script's queues, without a test host: how the Windows build runs them under Wine.</summary>
internal static class ScriptedRun
{
    private static readonly Type[] s_classes = [typeof(ImitationTests), typeof(DivertedTrafficTests), typeof(PacketDecisionTests), typeof(HostEventTests)];

    /// <summary>Prints what fails and "N passed, N failed, N skipped". Returns 0 where none fails and some pass.</summary>
    public static int Run()
    {
        int passed = 0, failed = 0, skipped = 0;
        foreach (var type in s_classes)
        {
            foreach (var method in type.GetMethods().Where(static method => method.GetCustomAttribute<TestMethodAttribute>() is not null))
            {
                var rows = method.GetCustomAttributes<DataRowAttribute>().Select(static row => row.Data).DefaultIfEmpty(null);
                foreach (var row in rows)
                {
                    var name = $"{type.Name}.{method.Name}({(row is null ? "" : string.Join(", ", row))})";
                    switch (Outcome(type, method, row))
                    {
                        case null:
                            passed++;
                            break;
                        case AssertInconclusiveException reason:
                            skipped++;
                            Console.WriteLine($"skipped: {name}: {reason.Message}");
                            break;
                        case var fault:
                            failed++;
                            Console.WriteLine($"failed: {name}: {fault}");
                            break;
                    }
                }
            }
        }
        Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
        return failed == 0 && passed > 0 ? 0 : 1;
    }

    private static Exception? Outcome(Type type, MethodInfo method, object?[]? row)
    {
        try
        {
            if (method.Invoke(Activator.CreateInstance(type), row) is Task task)
                task.GetAwaiter().GetResult();
            return null;
        }
        catch (TargetInvocationException fault)
        {
            return fault.InnerException ?? fault;
        }
        // Whatever a test throws is its outcome.
#pragma warning disable CA1031
        catch (Exception fault)
#pragma warning restore CA1031
        {
            return fault;
        }
    }
}
