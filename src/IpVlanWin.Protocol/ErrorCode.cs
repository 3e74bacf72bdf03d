using System.Globalization;

namespace IpVlanWin.Protocol;

/// <summary>
/// One kind of refusal: a code that never changes, the Linux errno where there is one, and a sentence that says what to do. This table is
/// the only place where they are written.
/// </summary>
public sealed class ErrorCode
{
    private const int LongestArgument = 80;

    private static readonly List<ErrorCode> s_all = [];

    /// <summary>The master is not an adapter of this host.</summary>
    public static readonly ErrorCode MasterNotFound = new(-32001, "master-not-found", "ENODEV", "there is no adapter \"{0}\"; give the name or index of an adapter of this host");

    /// <summary>The master is not Ethernet.</summary>
    public static readonly ErrorCode MasterNotEthernet = new(-32002, "master-not-ethernet", "EINVAL", "adapter \"{0}\" is not Ethernet; a master must be an Ethernet adapter");

    /// <summary>Another interface has the name.</summary>
    public static readonly ErrorCode NameInUse = new(-32003, "name-in-use", "EEXIST", "the name \"{0}\" is in use; choose another");

    /// <summary>Another interface of the port has the address.</summary>
    public static readonly ErrorCode AddressInUse = new(-32004, "address-in-use", "EADDRINUSE", "address {0} belongs to interface \"{1}\"; remove it there first");

    /// <summary>The data path cannot do it.</summary>
    public static readonly ErrorCode ModeNotSupported = new(-32005, "mode-not-supported", "ENOTSUP", "data path {0} cannot do {1}; {2} could");

    /// <summary>Private and vepa at once.</summary>
    public static readonly ErrorCode FlagConflict = new(-32006, "flag-conflict", "EINVAL", "private and vepa exclude each other; give one of bridge, private or vepa");

    /// <summary>The interface has the address.</summary>
    public static readonly ErrorCode AddressExists = new(-32007, "address-exists", "EEXIST", "interface \"{0}\" has address {1} already");

    /// <summary>The interface does not have the address with that prefix length.</summary>
    public static readonly ErrorCode AddressAbsent = new(-32008, "address-absent", "EADDRNOTAVAIL", "interface \"{0}\" has no address {1}; address and prefix length must both be as they were added");

    /// <summary>The interface is no member of the group.</summary>
    public static readonly ErrorCode GroupAbsent = new(-32009, "group-absent", "ENOENT", "interface \"{0}\" is not a member of group {1}");

    /// <summary>Interfaces have the master's MAC.</summary>
    public static readonly ErrorCode MacNotSettable = new(-32010, "mac-not-settable", "ENOTSUP", "interface \"{0}\" has the MAC of its master and no other; set it on the master");

    /// <summary>The interface or its master is down.</summary>
    public static readonly ErrorCode LinkDown = new(-32011, "link-down", "ENETDOWN", "\"{0}\" is down; set it up first");

    /// <summary>A bound of the product.</summary>
    public static readonly ErrorCode LimitReached = new(-32012, "limit-reached", "EBUSY", "the limit of {0} is reached");

    /// <summary>The caller may not.</summary>
    public static readonly ErrorCode AccessDenied = new(-32013, "access-denied", "EPERM", "{0} needs administrator rights");

    /// <summary>No port or interface of that name.</summary>
    public static readonly ErrorCode NotFound = new(-32014, "not-found", null, "there is no {0} \"{1}\"");

    /// <summary>An argument outside its legal values; the number is JSON-RPC's for invalid params.</summary>
    public static readonly ErrorCode BadArgument = new(-32602, "bad-argument", null, "argument of \"{0}\" must be {1}");

    /// <summary>Somebody else changed it in between.</summary>
    public static readonly ErrorCode Conflict = new(-32015, "conflict", null, "\"{0}\" is at version {1} and not {2}; read it again and repeat the change");

    /// <summary>Another request of the same batch was refused, so none was done.</summary>
    public static readonly ErrorCode BatchRefused = new(-32016, "batch-refused", null, "nothing of this batch was done, because request {0} was refused ({1})");

    /// <summary>The state cannot be kept: the disk is full, the file is locked or read-only.</summary>
    public static readonly ErrorCode NotStored = new(-32017, "not-stored", "EIO", "the change was not made, because it could not be stored: {0}");

    /// <summary>Nobody answers on the pipe. Made by clients only.</summary>
    public static readonly ErrorCode ServiceUnreachable = new(-32018, "service-unreachable", null, "the service does not answer on {0} ({1}); start it with: ipvlan service start");

    /// <summary>No answer in time. Made by clients only.</summary>
    public static readonly ErrorCode TimedOut = new(-32019, "timed-out", "ETIMEDOUT", "{0} was not answered within {1} s; whether it was done is not known");

    /// <summary>Cancelled by the client before it began.</summary>
    public static readonly ErrorCode Cancelled = new(-32800, "cancelled", "ECANCELED", "the request was cancelled before it was done");

    /// <summary>Not JSON, or not a frame.</summary>
    public static readonly ErrorCode ParseError = new(-32700, "parse-error", null, "the message is not understood: {0}");

    /// <summary>JSON, but no request.</summary>
    public static readonly ErrorCode InvalidRequest = new(-32600, "invalid-request", null, "this is not a JSON-RPC 2.0 request: {0}");

    /// <summary>No such method.</summary>
    public static readonly ErrorCode UnknownMethod = new(-32601, "unknown-method", null, "there is no method \"{0}\"; legal are {1}");

    /// <summary>A fault of the service, written to its log.</summary>
    public static readonly ErrorCode InternalError = new(-32603, "internal-error", null, "the service failed ({0}); its log says more");

    private ErrorCode(int number, string name, string? errno, string sentence)
    {
        (Number, Name, Errno, Sentence) = (number, name, errno, sentence);
        s_all.Add(this);
    }

    /// <summary>All codes.</summary>
    public static IReadOnlyList<ErrorCode> All => s_all;

    /// <summary>JSON-RPC's number for it.</summary>
    public int Number { get; }

    /// <summary>The stable code, such as address-in-use.</summary>
    public string Name { get; }

    /// <summary>Name of the Linux errno, or null.</summary>
    public string? Errno { get; }

    /// <summary>The sentence, with places for what it speaks of.</summary>
    public string Sentence { get; }

    /// <summary>The code of that name, or null.</summary>
    public static ErrorCode? Find(string? name) => s_all.Find(code => code.Name == name);

    /// <summary>The error with what it speaks of in place. Arguments are cut to 80 characters, so a sentence stays one line.</summary>
    public ControlException With(params object[] arguments)
    {
        var texts = new object[arguments.Length];
        for (var i = 0; i < texts.Length; i++)
            texts[i] = Line(Convert.ToString(arguments[i], CultureInfo.InvariantCulture) ?? "", i == 0 ? LongestArgument : 8 * LongestArgument);
        return new ControlException(this, string.Format(CultureInfo.InvariantCulture, Sentence, texts));
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static string Line(string text, int most)
    {
        var characters = text.ToCharArray(0, Math.Min(text.Length, most));
        for (var i = 0; i < characters.Length; i++)
        {
            // Also halves of a surrogate pair, which a cut may leave.
            if (char.IsControl(characters[i]) || char.IsSurrogate(characters[i]))
                characters[i] = '?';
        }
        return new string(characters) + (text.Length > most ? "..." : "");
    }
}
