using System.Diagnostics;
using System.Text.Json;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Metrics;
using IpVlanWin.Service.Reconcile;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Control;

/// <summary>One message in, its answer out. The changes of a message are one transaction; its questions see them made.</summary>
internal sealed class Dispatcher(Methods methods, DesiredState state, Reconciler reconciler, ServiceLog log, Telemetry? telemetry = null)
{
    // What one refusal at most needs, kept free for every request that is still to be answered.
    private const int Reserve = 900;

    /// <summary>Does what a message asks for.</summary>
    /// <returns>The answer, or null where none is wanted.</returns>
    public MessageWriter? Handle(RpcMessage message, Session session)
    {
        var started = Stopwatch.GetTimestamp();
        using var activity = Telemetry.Activities.StartActivity("ipvlan.rpc", ActivityKind.Server);
        var requests = message.Requests;
        var found = new Method?[requests.Count];
        var outcomes = new object?[requests.Count];
        var changes = new Action<StateChange>?[requests.Count];
        var refused = -1;
        for (var i = 0; i < requests.Count; i++)
        {
            outcomes[i] = Guard(requests[i].Method, () =>
            {
                if (requests[i].Fault is { } fault)
                    throw fault;
                found[i] = methods.Find(requests[i].Method, session);
                changes[i] = found[i]!.Prepare?.Invoke(requests[i].Arguments, session);
                return null;
            });
            if (outcomes[i] is not null && refused < 0)
                refused = i;
        }
        if (changes.Any(static change => change is not null))
            Commit(requests, changes, outcomes, refused);
        var answer = Answer(requests, found, outcomes, message.IsBatch, session);
        Measure(message.IsBatch ? "batch" : found[0]?.Name ?? "_OTHER", outcomes, started, activity);
        return answer;
    }

    private void Measure(string method, object?[] outcomes, long started, Activity? activity)
    {
        var error = outcomes.OfType<ControlException>().FirstOrDefault()?.Code;
        telemetry?.Answered(method, error, started);
        if (activity is null)
            return;
        activity.DisplayName = method;
        activity.SetTag("rpc.system.name", "jsonrpc").SetTag("rpc.method", method);
        if (error is not null)
            activity.SetTag("error.type", error.Name).SetStatus(ActivityStatusCode.Error);
    }

    private void Commit(IReadOnlyList<RpcRequest> requests, Action<StateChange>?[] changes, object?[] outcomes, int refused)
    {
        object? done = null;
        if (refused < 0)
        {
            var at = -1;
            done = Guard("change", () =>
            {
                var model = state.Change(transaction =>
                {
                    for (at = 0; at < changes.Length; at++)
                        changes[at]?.Invoke(transaction);
                });
                reconciler.Run(full: false);
                return new ChangeReply { Version = model.Version };
            });
            // Past the end: it was the store that refused, and so all of them.
            if (done is ControlException fault && at < changes.Length)
                outcomes[refused = at] = fault;
        }
        for (var i = 0; i < changes.Length; i++)
        {
            if (changes[i] is null || i == refused)
                continue;
            outcomes[i] ??= refused < 0 ? done : ErrorCode.BatchRefused.With(refused + 1, ((ControlException)outcomes[refused]!).Code.Name);
        }
        if (done is ChangeReply)
            log.Info("changed", "stored", ("requests", requests.Count), ("version", ((ChangeReply)done).Version));
    }

    private MessageWriter? Answer(IReadOnlyList<RpcRequest> requests, Method?[] found, object?[] outcomes, bool isBatch, Session session)
    {
        var answer = new MessageWriter();
        var written = 0;
        var tooLong = ErrorCode.LimitReached.With($"{MessageReader.MaxMessage} bytes of an answer; ask for less at once");
        var isFull = false;
        for (var i = 0; i < requests.Count; i++)
        {
            // Once an answer did not fit, the questions after it are not done: a batch of them costs no more than one answer does.
            var outcome = outcomes[i] ??= isFull ? tooLong : Guard(requests[i].Method, () => found[i]!.Ask!(requests[i].Arguments, session));
            if (requests[i].IsNotification)
                continue;
            var one = Write(requests[i].Id, outcome!);
            if (answer.Length + one.Length + 2 > MessageReader.MaxMessage - (Reserve * (requests.Count - 1 - i)))
            {
                isFull = true;
                one = Write(requests[i].Id, tooLong);
            }
            if (isBatch)
                answer.Append(new ArraySegment<byte>([written == 0 ? (byte)'[' : (byte)',']));
            answer.Append(one.Body);
            written++;
        }
        if (written == 0)
            return null;
        if (isBatch)
            answer.Append(new ArraySegment<byte>([(byte)']']));
        return answer;
    }

    private static MessageWriter Write(JsonElement id, object outcome)
    {
        var writer = new MessageWriter();
        using var json = writer.BeginJson();
        if (outcome is ControlException error)
            RpcText.WriteError(json, id, error);
        else
            RpcText.WriteResult(json, id, outcome);
        json.Flush();
        return writer;
    }

    /// <summary>A refusal becomes the outcome. A fault of ours is told to the log in full and to the client in short.</summary>
    private object? Guard(string method, Func<object?> body)
    {
        try
        {
            return body();
        }
        catch (ControlException refusal)
        {
            return refusal;
        }
        catch (Exception fault)
        {
            log.Error("request-failed", fault.ToString(), ("method", method));
            return ErrorCode.InternalError.With(fault.GetType().Name);
        }
    }
}
