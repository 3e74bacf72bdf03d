using System.Text;
using System.Text.Json;

namespace IpVlanWin.Protocol;

// The typed methods, in the order of the contract.
public sealed partial class ControlClient
{
    /// <summary>port.list.</summary>
    public Task<Page<PortRecord>> ListPortsAsync(ListQuery query, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("port.list", query, ProtocolJson.Plain.ListQuery), ProtocolJson.Plain.PagePortRecord, cancellation);

    /// <summary>port.get. not-found.</summary>
    public Task<PortRecord> GetPortAsync(string master, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("port.get", new PortName { Master = master }, ProtocolJson.Plain.PortName), ProtocolJson.Plain.PortRecord, cancellation);

    /// <summary>port.set. not-found, bad-argument, flag-conflict, mode-not-supported, conflict.</summary>
    public Task<ChangeReply> SetPortAsync(PortChange change, CancellationToken cancellation = default) => ChangeAsync(RpcCall.SetPort(change), cancellation);

    /// <summary>interface.add. master-not-found, master-not-ethernet, name-in-use, address-in-use, bad-argument, limit-reached.</summary>
    public Task<ChangeReply> AddInterfaceAsync(InterfaceSpec spec, CancellationToken cancellation = default) => ChangeAsync(RpcCall.AddInterface(spec), cancellation);

    /// <summary>interface.remove. not-found, conflict.</summary>
    public Task<ChangeReply> RemoveInterfaceAsync(string name, CancellationToken cancellation = default) =>
        ChangeAsync(RpcCall.RemoveInterface(new InterfaceName { Name = name }), cancellation);

    /// <summary>interface.set. not-found, name-in-use, bad-argument, conflict.</summary>
    public Task<ChangeReply> SetInterfaceAsync(InterfaceChange change, CancellationToken cancellation = default) => ChangeAsync(RpcCall.SetInterface(change), cancellation);

    /// <summary>interface.list.</summary>
    public Task<Page<InterfaceRecord>> ListInterfacesAsync(ListQuery query, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("interface.list", query, ProtocolJson.Plain.ListQuery), ProtocolJson.Plain.PageInterfaceRecord, cancellation);

    /// <summary>interface.get. not-found.</summary>
    public Task<InterfaceRecord> GetInterfaceAsync(string name, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("interface.get", new InterfaceName { Name = name }, ProtocolJson.Plain.InterfaceName), ProtocolJson.Plain.InterfaceRecord, cancellation);

    /// <summary>address.add. not-found, address-in-use, address-exists, bad-argument.</summary>
    public Task<ChangeReply> AddAddressAsync(AddressSpec spec, CancellationToken cancellation = default) => ChangeAsync(RpcCall.AddAddress(spec), cancellation);

    /// <summary>address.remove. not-found, address-absent, bad-argument.</summary>
    public Task<ChangeReply> RemoveAddressAsync(AddressSpec spec, CancellationToken cancellation = default) => ChangeAsync(RpcCall.RemoveAddress(spec), cancellation);

    /// <summary>address.list.</summary>
    public Task<Page<AddressRecord>> ListAddressesAsync(ListQuery query, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("address.list", query, ProtocolJson.Plain.ListQuery), ProtocolJson.Plain.PageAddressRecord, cancellation);

    /// <summary>multicast.add: what is joined already stays as it is. not-found, bad-argument, limit-reached.</summary>
    public Task<ChangeReply> AddMulticastAsync(GroupSpec spec, CancellationToken cancellation = default) => ChangeAsync(RpcCall.AddMulticast(spec), cancellation);

    /// <summary>multicast.remove. not-found, group-absent, bad-argument.</summary>
    public Task<ChangeReply> RemoveMulticastAsync(GroupSpec spec, CancellationToken cancellation = default) => ChangeAsync(RpcCall.RemoveMulticast(spec), cancellation);

    /// <summary>statistics.get.</summary>
    public Task<Page<StatisticsRecord>> GetStatisticsAsync(ListQuery query, CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("statistics.get", query, ProtocolJson.Plain.ListQuery), ProtocolJson.Plain.PageStatisticsRecord, cancellation);

    /// <summary>statistics.reset: of one interface, or of all. not-found.</summary>
    public Task<ChangeReply> ResetStatisticsAsync(string? name, CancellationToken cancellation = default) =>
        ChangeAsync(RpcCall.Ask("statistics.reset", new InterfaceName { Name = name }, ProtocolJson.Plain.InterfaceName), cancellation);

    /// <summary>state.export: the whole state at one moment.</summary>
    public async Task<StateDocument> ExportStateAsync(CancellationToken cancellation = default)
    {
        var text = new StringBuilder();
        string? cursor = null;
        do
        {
            // Not asked again where the connection was lost: the pieces of one document come over one connection.
            var call = RpcCall.Ask("state.export", new ExportQuery { Cursor = cursor }, ProtocolJson.Plain.ExportQuery);
            var piece = await SendAsync(call, ProtocolJson.Plain.ExportPiece, cancellation).ConfigureAwait(false);
            text.Append(piece.Text);
            cursor = piece.Cursor;
        }
        while (cursor is not null);
        return JsonSerializer.Deserialize(text.ToString(), ProtocolJson.Plain.StateDocument)!;
    }

    /// <summary>state.import: the document replaces the whole state, or nothing changes. bad-argument and what its parts would be refused for.</summary>
    public async Task<ChangeReply> ImportStateAsync(StateDocument document, CancellationToken cancellation = default)
    {
        var last = await SendPiecesAsync(document, cancellation).ConfigureAwait(false);
        return await ChangeAsync(last, cancellation).ConfigureAwait(false);
    }

    /// <summary>Lets the service judge a document as state.import would, changing nothing.</summary>
    /// <exception cref="ControlException">What an import would be refused for.</exception>
    /// <returns>The state's version, unchanged by this.</returns>
    public async Task<ChangeReply> CheckStateAsync(StateDocument document, CancellationToken cancellation = default)
    {
        var last = await SendPiecesAsync(document, cancellation).ConfigureAwait(false);
        // A batch is one transaction, and no interface has a name of two words: the second change undoes the first, if that was legal.
        RpcCall[] calls = [last, RpcCall.RemoveInterface(new InterfaceName { Name = "no interface" })];
        var answers = await SendAsync(calls, isBatch: true, cancellation).ConfigureAwait(false);
        if (answers[0].Error is { } error && error.Code != ErrorCode.BatchRefused)
            throw error;
        return new ChangeReply { Version = (await GetServiceAsync(cancellation).ConfigureAwait(false)).StateVersion };
    }

    /// <summary>Sends a document but for its last piece, which is returned.</summary>
    private async Task<RpcCall> SendPiecesAsync(StateDocument document, CancellationToken cancellation)
    {
        var text = JsonSerializer.Serialize(document, ProtocolJson.Plain.StateDocument);
        for (var start = 0; ;)
        {
            var length = PieceLength(text, start);
            var piece = new ImportPiece { Text = text.Substring(start, length), IsFirst = start == 0, IsLast = start + length == text.Length };
            var call = RpcCall.Ask("state.import", piece, ProtocolJson.Plain.ImportPiece);
            if (piece.IsLast)
                return call;
            await ChangeAsync(call, cancellation).ConfigureAwait(false);
            start += length;
        }
    }

    /// <summary>service.info.</summary>
    public Task<ServiceRecord> GetServiceAsync(CancellationToken cancellation = default) =>
        AskAsync(RpcCall.Ask("service.info", new NoArguments(), ProtocolJson.Plain.NoArguments), ProtocolJson.Plain.ServiceRecord, cancellation);

    /// <summary>All pages of a list, one after the other.</summary>
    /// <param name="list">One of the list methods.</param>
    /// <param name="query">What to ask for; its cursor is ignored.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<IReadOnlyList<T>> AllAsync<T>(
        Func<ListQuery, CancellationToken, Task<Page<T>>> list, ListQuery query, CancellationToken cancellation = default)
    {
        var all = new List<T>();
        string? cursor = null;
        do
        {
            var page = await list(query with { Cursor = cursor }, cancellation).ConfigureAwait(false);
            all.AddRange(page.Items);
            cursor = page.Cursor;
        }
        while (cursor is not null);
        return all;
    }

    /// <summary>How much of a document goes into one message, never half of a surrogate pair.</summary>
    /// <param name="text">The document.</param>
    /// <param name="start">What went before.</param>
    public static int PieceLength(string text, int start)
    {
        // Escaped it may be up to three times as long, and must fit a message.
        const int Most = 256 * 1024;
        var length = Math.Min(Most, text.Length - start);
        return start + length < text.Length && char.IsHighSurrogate(text[start + length - 1]) ? length - 1 : length;
    }

    private Task<ChangeReply> ChangeAsync(RpcCall call, CancellationToken cancellation) => SendAsync(call, ProtocolJson.Plain.ChangeReply, cancellation);
}
