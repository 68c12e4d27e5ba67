namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>Whether anything of HTTP has come on a connection; a feature of it for who asked for that when it was accepted.</summary>
internal sealed class ConnectionBegin
{
    private volatile UnfinishedInput? _input;

    /// <summary>The first byte has come; over TLS, of what is in it once the handshake is over.</summary>
    public bool HasByte => _input is { Received: > 0 };

    /// <summary>From here on it is read here: first from the socket, then from within TLS.</summary>
    public void ReadFrom(UnfinishedInput input) => _input = input;
}
