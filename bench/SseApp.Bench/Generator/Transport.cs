namespace SseApp.Bench.Generator;

/// <summary>How clients speak to a server.</summary>
internal enum Transport
{
    /// <summary>HTTP/1.1 without TLS.</summary>
    Plain,

    /// <summary>HTTP/1.1 over TLS 1.3.</summary>
    Tls,

    /// <summary>HTTP/2 over TLS 1.3: each client has a connection of its own, as browsers of different users do. Publishers speak HTTP/1.1.</summary>
    H2,
}
