namespace IpVlanWin.Service.Control;

/// <summary>What a client may do.</summary>
internal enum Access
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Ask.</summary>
    Read,

    /// <summary>Ask and change.</summary>
    Full,
}
