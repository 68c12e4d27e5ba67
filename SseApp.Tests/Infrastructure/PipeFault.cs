namespace SseApp.Tests.Infrastructure;

/// <summary>What a <see cref="TcpPipe"/> does to a connection instead of passing all bytes.</summary>
internal enum PipeFault
{
    None,

    /// <summary>Nothing listens.</summary>
    Refuse,

    /// <summary>Accepts, reads, and never answers.</summary>
    Silent,

    /// <summary>Answers a second and a half late.</summary>
    Slow,

    /// <summary>Reset when the server begins to answer.</summary>
    CutBeforeHeaders,

    /// <summary>Reset within the first line of the answer.</summary>
    CutInHeaders,

    /// <summary>Reset in the middle of an event.</summary>
    CutInEvent,
}
