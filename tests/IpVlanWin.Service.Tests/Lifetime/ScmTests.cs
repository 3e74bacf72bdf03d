using System.Runtime.InteropServices;
using System.Text;
using IpVlanWin.Service.Lifetime;
using IpVlanWin.Service.Lifetime.Windows;

namespace IpVlanWin.Service.Tests.Lifetime;

/// <summary>What of the Windows service lifetime is pure. The calls themselves run under Wine in tests/wine.</summary>
[TestClass]
public sealed class ScmTests
{
    /// <summary>winsvc.h on 64-bit Windows.</summary>
    [TestMethod]
    public unsafe void Structures_are_as_the_header_has_them()
    {
        Assert.AreEqual((16, 0, 8), (sizeof(ServiceTableEntry), At<ServiceTableEntry>("Name"), At<ServiceTableEntry>("Main")));
        Assert.AreEqual(28, sizeof(ServiceStatus));
        Assert.AreEqual("0 4 8 12 16 20 24", Offsets<ServiceStatus>("ServiceType", "CurrentState", "ControlsAccepted", "Win32ExitCode", "ServiceSpecificExitCode", "CheckPoint", "WaitHint"));
        Assert.AreEqual((36, "0 28 32"), (sizeof(ServiceStatusProcess), Offsets<ServiceStatusProcess>("Status", "ProcessId", "ServiceFlags")));
        Assert.AreEqual(64, sizeof(QueryServiceConfig));
        Assert.AreEqual("0 4 8 16 24 32 40 48 56", Offsets<QueryServiceConfig>(
            "ServiceType", "StartType", "ErrorControl", "BinaryPathName", "LoadOrderGroup", "TagId", "Dependencies", "ServiceStartName", "DisplayName"));
        Assert.AreEqual((8, "0 4"), (sizeof(ServiceAction), Offsets<ServiceAction>("Type", "DelayMilliseconds")));
        Assert.AreEqual((40, "0 8 16 24 32"), (sizeof(ServiceFailureActions), Offsets<ServiceFailureActions>("ResetPeriodSeconds", "RebootMessage", "Command", "Count", "Actions")));
        Assert.AreEqual((8, "0"), (sizeof(ServiceText), Offsets<ServiceText>("Text")));
    }

    /// <summary>winsvc.h, winnt.h, winerror.h.</summary>
    [TestMethod]
    [System.Runtime.Versioning.SupportedOSPlatform("windows")]
    public void Constants_are_those_of_the_headers()
    {
        foreach (var (expected, value) in ((long, long)[])
        [
            (1, NativeMethods.SC_MANAGER_CONNECT), (2, NativeMethods.SC_MANAGER_CREATE_SERVICE), (1, NativeMethods.SERVICE_QUERY_CONFIG),
            (2, NativeMethods.SERVICE_CHANGE_CONFIG), (4, NativeMethods.SERVICE_QUERY_STATUS), (16, NativeMethods.SERVICE_START),
            (32, NativeMethods.SERVICE_STOP), (0x10000, NativeMethods.DELETE), (2, NativeMethods.SERVICE_AUTO_START),
            (1, NativeMethods.SERVICE_ERROR_NORMAL), (0xffffffff, NativeMethods.SERVICE_NO_CHANGE), (1, NativeMethods.SERVICE_CONFIG_DESCRIPTION),
            (2, NativeMethods.SERVICE_CONFIG_FAILURE_ACTIONS), (4, NativeMethods.SERVICE_CONFIG_FAILURE_ACTIONS_FLAG),
            (5, NativeMethods.SERVICE_CONFIG_SERVICE_SID_INFO), (6, NativeMethods.SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO),
            (7, NativeMethods.SERVICE_CONFIG_PRESHUTDOWN_INFO), (1, NativeMethods.SC_ACTION_RESTART),
            (1, NativeMethods.SERVICE_SID_TYPE_UNRESTRICTED), (0, NativeMethods.SC_STATUS_PROCESS_INFO), (1, NativeMethods.EVENTLOG_ERROR_TYPE),
            (2, NativeMethods.EVENTLOG_WARNING_TYPE), (4, NativeMethods.EVENTLOG_INFORMATION_TYPE),
            (122, WindowsError.InsufficientBuffer), (124, WindowsError.InvalidLevel), (120, WindowsError.CallNotImplemented),
            (1056, WindowsError.ServiceAlreadyRunning), (1060, WindowsError.ServiceDoesNotExist), (1062, WindowsError.ServiceNotActive),
            (1063, WindowsError.FailedServiceControllerConnect), (1066, WindowsError.ServiceSpecific), (1072, WindowsError.ServiceMarkedForDelete),
            (1073, WindowsError.ServiceExists),
        ])
            Assert.AreEqual(expected, value);
    }

    [TestMethod]
    public void Life_goes_one_way()
    {
        var status = new ScmStatus();
        Assert.AreEqual((ScmStatus.StartPending, 1u, 0u), (status.Current.CurrentState, status.Current.CheckPoint, status.Current.ControlsAccepted));
        Assert.IsTrue(status.Progress(TimeSpan.FromSeconds(7)));
        Assert.AreEqual((2u, 7000u), (status.Current.CheckPoint, status.Current.WaitHint));
        Assert.IsTrue(status.Run());
        Assert.AreEqual(
            (ScmStatus.Running, ScmStatus.AcceptStop | ScmStatus.AcceptShutdown | ScmStatus.AcceptPreshutdown, 0u, 0u),
            (status.Current.CurrentState, status.Current.ControlsAccepted, status.Current.CheckPoint, status.Current.WaitHint));
        Assert.IsFalse(status.Progress(TimeSpan.FromSeconds(7)), "nothing is pending");
        Assert.IsFalse(status.Run());
        Assert.IsTrue(status.Stop());
        Assert.IsFalse(status.Stop());
        Assert.IsFalse(status.Run());
        Assert.IsTrue(status.Progress(TimeSpan.FromSeconds(7)));
        Assert.AreEqual((ScmStatus.StopPending, 2u, 0u), (status.Current.CurrentState, status.Current.CheckPoint, status.Current.ControlsAccepted));
        status.End(ExitStatus.Ok);
        Assert.AreEqual((ScmStatus.Stopped, 0u, 0u), (status.Current.CurrentState, status.Current.Win32ExitCode, status.Current.CheckPoint));
        Assert.IsFalse(status.Progress(TimeSpan.FromSeconds(7)), "nothing is told after the end");
        Assert.IsFalse(status.Stop());
    }

    [TestMethod]
    public void Failure_has_a_specific_exit_code()
    {
        var status = new ScmStatus();
        status.End(ExitStatus.Refused);
        Assert.AreEqual((ScmStatus.Stopped, 1066u, 2u), (status.Current.CurrentState, status.Current.Win32ExitCode, status.Current.ServiceSpecificExitCode));
    }

    [TestMethod]
    [DataRow(ScmStatus.ControlStop, 0u, true)]
    [DataRow(ScmStatus.ControlShutdown, 0u, true)]
    [DataRow(ScmStatus.ControlPreshutdown, 0u, true)]
    [DataRow(ScmStatus.ControlInterrogate, 0u, false)]
    [DataRow(2u, 120u, false)]
    [DataRow(200u, 120u, false)]
    public void Control_is_judged(uint control, uint answer, bool isStop)
    {
        Assert.AreEqual(answer, ScmStatus.Judge(control, out var asksToStop));
        Assert.AreEqual(isStop, asksToStop);
    }

    [TestMethod]
    public void Refusal_names_the_code_and_keeps_it()
    {
        var fault = WindowsError.Refusal(WindowsError.AccessDenied, "start service IpVlanWin");
        Assert.AreEqual("cannot start service IpVlanWin: ERROR_ACCESS_DENIED (5); use an elevated prompt (Run as administrator)", fault.Message);
        Assert.AreEqual((5, "ERROR_ACCESS_DENIED"), (fault.NativeCode, fault.NativeName));
        Assert.AreEqual("cannot start service IpVlanWin: error 4711 (4711)", WindowsError.Refusal(4711, "start service IpVlanWin").Message);
    }

    [TestMethod]
    [DataRow("a", "\"p p\" a")]
    [DataRow("a b", "\"p p\" \"a b\"")]
    [DataRow("", "\"p p\" \"\"")]
    [DataRow("a\"b", "\"p p\" \"a\\\"b\"")]
    [DataRow("C:\\a b\\", "\"p p\" \"C:\\a b\\\\\"")]
    [DataRow("C:\\a\\", "\"p p\" C:\\a\\")]
    [DataRow("a\\\"b", "\"p p\" \"a\\\\\\\"b\"")]
    public void Command_line_is_quoted(string argument, string text) => Assert.AreEqual(text, CommandLineText.Join("p p", [argument]));

    [TestMethod]
    public void Command_line_comes_apart_as_it_was_put_together()
    {
        var seed = Environment.TickCount;
        Console.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 2000; round++)
        {
            var arguments = Enumerable.Range(0, random.Next(4)).Select(_ => new string(random.GetItems<char>(@"a\"" b", random.Next(8)))).ToArray();
            CollectionAssert.AreEqual(arguments, Split(CommandLineText.Join(@"C:\Program Files\x.exe", arguments)), string.Join('|', arguments));
        }
    }

    [TestMethod]
    public void Event_numbers_are_those_that_the_message_file_has()
    {
        Assert.HasCount(EventNumbers.All.Count, EventNumbers.All.Values.Distinct().ToArray());
        Assert.IsTrue(EventNumbers.All.Values.Append(EventNumbers.Other).All(static number => number is >= 1 and <= 1000));
        Assert.AreEqual((1u, EventNumbers.Other), (EventNumbers.Of("started"), EventNumbers.Of("never-heard")));
        Assert.IsTrue(EventNumbers.IsWritten(LogLevel.Info, "started"));
        Assert.IsFalse(EventNumbers.IsWritten(LogLevel.Info, "changed"));
        Assert.IsTrue(EventNumbers.IsWritten(LogLevel.Warning, "never-heard"));
    }

    /// <summary>The rules of CommandLineToArgvW, for arguments after the program's name.</summary>
    private static string[] Split(string text)
    {
        var all = new List<string>();
        for (var i = text.IndexOf('"', 1) + 1; i < text.Length;)
        {
            while (i < text.Length && text[i] == ' ')
                i++;
            var one = new StringBuilder();
            var isQuoted = false;
            for (; i < text.Length && (isQuoted || text[i] != ' ');)
            {
                var slashes = 0;
                for (; i < text.Length && text[i] == '\\'; i++)
                    slashes++;
                if (i < text.Length && text[i] == '"')
                {
                    one.Append('\\', slashes / 2);
                    if (slashes % 2 == 1)
                        one.Append('"');
                    else
                        isQuoted = !isQuoted;
                    i++;
                }
                else
                {
                    one.Append('\\', slashes);
                    if (i < text.Length && (isQuoted || text[i] != ' '))
                        one.Append(text[i++]);
                }
            }
            all.Add(one.ToString());
        }
        return [.. all];
    }

    private static int At<T>(string field) => (int)Marshal.OffsetOf<T>(field);

    private static string Offsets<T>(params string[] fields) => string.Join(' ', fields.Select(At<T>));
}
