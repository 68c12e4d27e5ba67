namespace SseApp.Bench.Generator;

/// <summary>A client's socket, and what TLS knows of it.</summary>
internal abstract class SocketClient
{
    public int Fd { get; set; } = -1;

    /// <summary>Of <see cref="OpenSsl"/>; 0 without TLS.</summary>
    public nint Tls { get; set; }

    /// <summary>TLS is being agreed on.</summary>
    public bool Shaking { get; set; }
}
