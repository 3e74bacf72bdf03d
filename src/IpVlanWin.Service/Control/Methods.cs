using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using IpVlanWin.Protocol;
using IpVlanWin.Service.Observe;
using IpVlanWin.Service.State;

namespace IpVlanWin.Service.Control;

/// <summary>One method: who may call it, and what it is. Exactly one of the last two is there.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Needs">The access it needs.</param>
/// <param name="Prepare">Reads the arguments of a change; what comes back is done within a transaction.</param>
/// <param name="Ask">Answers a question, after the changes of the same message.</param>
internal sealed record Method(string Name, Access Needs, Func<JsonElement, Session, Action<StateChange>>? Prepare, Func<JsonElement, Session, object>? Ask);

/// <summary>The methods of the contract.</summary>
internal sealed class Methods
{
    private readonly DesiredState _state;
    private readonly Views _views;
    private readonly EventHub _hub;
    private readonly ImportRoom _importRoom = new();
    private readonly Dictionary<string, Method> _byName = new(StringComparer.Ordinal);

    public Methods(DesiredState state, Views views, EventHub hub, Captures captures, Tracer tracer)
    {
        (_state, _views, _hub) = (state, views, hub);
        var json = ProtocolJson.Plain;
        Question("port.list", json.ListQuery, (query, _) => _views.ListPorts(query));
        Question("port.get", json.PortName, (name, _) => _views.GetPort(name));
        Change("port.set", json.PortChange, static (transaction, change) => transaction.SetPort(change));
        Change("interface.add", json.InterfaceSpec, static (transaction, spec) => transaction.AddInterface(spec));
        Change("interface.remove", json.InterfaceName, static (transaction, name) => transaction.RemoveInterface(name));
        Change("interface.set", json.InterfaceChange, static (transaction, change) => transaction.SetInterface(change));
        Question("interface.list", json.ListQuery, (query, _) => _views.ListInterfaces(query));
        Question("interface.get", json.InterfaceName, (name, _) => _views.GetInterface(name));
        Change("address.add", json.AddressSpec, static (transaction, spec) => transaction.AddAddress(spec));
        Change("address.remove", json.AddressSpec, static (transaction, spec) => transaction.RemoveAddress(spec));
        Change("multicast.add", json.GroupSpec, static (transaction, spec) => transaction.AddGroup(spec));
        Change("multicast.remove", json.GroupSpec, static (transaction, spec) => transaction.RemoveGroup(spec));
        Question("address.list", json.ListQuery, (query, _) => _views.ListAddresses(query));
        Question("statistics.get", json.ListQuery, (query, _) => _views.ListStatistics(query));
        Question("statistics.reset", json.InterfaceName, ResetStatistics, Access.Full);
        Question("state.export", json.ExportQuery, Export);
        Add(new Method("state.import", Access.Full, Import, null));
        Question("service.info", json.NoArguments, (_, _) => _views.GetService());
        Question("service.subscribe", json.SubscribeSpec, Subscribe);
        Question("capture.start", json.CaptureSpec, captures.Start, Access.Full);
        Question("capture.stop", json.CaptureName, (name, _) => captures.Stop(name), Access.Full);
        Question("trace.start", json.TraceSpec, (spec, _) => tracer.Trace(spec));
    }

    /// <summary>Finds a method and judges the caller before anything else is looked at.</summary>
    /// <exception cref="ControlException">unknown-method, access-denied.</exception>
    public Method Find(string name, Session session)
    {
        if (!_byName.TryGetValue(name, out var method))
            throw ErrorCode.UnknownMethod.With(name, string.Join(", ", _byName.Keys));
        return session.Access >= method.Needs ? method : throw ErrorCode.AccessDenied.With(name);
    }

    private void Add(Method method) => _byName.Add(method.Name, method);

    private void Question<T>(string name, JsonTypeInfo<T> type, Func<T, Session, object> ask, Access needs = Access.Read)
        where T : class, new() => Add(new Method(name, needs, null, (arguments, session) => ask(ProtocolJson.ReadArguments(arguments, type), session)));

    private void Change<T>(string name, JsonTypeInfo<T> type, Action<StateChange, T> change)
        where T : class, new() =>
        Add(new Method(name, Access.Full, (arguments, _) =>
        {
            var read = ProtocolJson.ReadArguments(arguments, type);
            return transaction => change(transaction, read);
        }, null));

    private ChangeReply ResetStatistics(InterfaceName name, Session session)
    {
        _views.ResetStatistics(name.Name);
        return new ChangeReply { Version = _state.Current.Version };
    }

    private SubscribeReply Subscribe(SubscribeSpec spec, Session session)
    {
        if (session.Subscription is not null)
            throw ErrorCode.LimitReached.With("1 subscription of a connection");
        var subscription = _hub.Subscribe(spec, out var version);
        session.Subscription = subscription;
        session.AtEnd.Push(() => _hub.Unsubscribe(subscription));
        return new SubscribeReply { Version = version };
    }

    private ExportPiece Export(ExportQuery query, Session session)
    {
        if (query.Cursor is null)
            session.Export = JsonSerializer.Serialize(_state.Export(), ProtocolJson.Plain.StateDocument);
        var start = 0;
        if (query.Cursor is not null &&
            (session.Export is null || !int.TryParse(query.Cursor, NumberStyles.None, CultureInfo.InvariantCulture, out start) || start >= session.Export.Length))
        {
            throw ErrorCode.BadArgument.With("cursor", "the cursor of the piece before, on the same connection");
        }
        var text = session.Export!;
        var length = ControlClient.PieceLength(text, start);
        var end = start + length;
        if (end == text.Length)
            session.Export = null;
        return new ExportPiece { Text = text.Substring(start, length), Cursor = end == text.Length ? null : end.ToString(CultureInfo.InvariantCulture) };
    }

    private Action<StateChange> Import(JsonElement arguments, Session session)
    {
        var piece = ProtocolJson.ReadArguments(arguments, ProtocolJson.Plain.ImportPiece);
        if (piece.IsFirst)
            session.ForgetImport();
        if (!session.TryImport(piece.Text ?? "", _importRoom))
            throw ErrorCode.LimitReached.With($"{ImportRoom.Most} characters of documents that are being imported");
        if (!piece.IsLast)
            return static _ => { };
        var text = session.TakeImport();
        try
        {
            var document = JsonSerializer.Deserialize(text, ProtocolJson.Plain.StateDocument) ?? new StateDocument();
            return transaction => transaction.Replace(document);
        }
        catch (JsonException fault)
        {
            throw ErrorCode.BadArgument.With("text", $"a state document as state.export gives it; {fault.Path} at line {(fault.LineNumber ?? 0) + 1} is not");
        }
    }
}
