using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Who sent the last request with a valid credential over a connection. The next one mostly sends the same, in the very text that the
/// server keeps of it for as long, and to hash that costs more than all else that is asked of a credential. Only who it is is
/// remembered: whether it still counts is asked each time.
/// </summary>
/// <param name="header">The whole <c>Authorization</c>.</param>
/// <param name="caller">Who it was found to be.</param>
/// <param name="credentials">What found it.</param>
internal sealed class KnownCaller(string header, Caller caller, CredentialService credentials)
{
    private readonly long _foundAt = credentials.Now;

    public Caller Caller => caller;

    /// <summary>Whether the same was sent once more, and the same service would still say the same of it.</summary>
    public bool IsOf(string sent, CredentialService asked) =>
        ReferenceEquals(asked, credentials)
        && (ReferenceEquals(sent, header) || CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(sent.AsSpan()), MemoryMarshal.AsBytes(header.AsSpan())))
        && credentials.StillLetsIn(caller.Principal!, _foundAt);
}
