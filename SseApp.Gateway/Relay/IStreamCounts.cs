namespace SseApp.Gateway.Relay;

/// <summary>What a stream has carried so far; a feature of its request, for the access log.</summary>
internal interface IStreamCounts
{
    /// <summary>Events sent to the client, or waiting for it.</summary>
    long Events { get; }

    /// <summary>Bytes of them, without chunk frames.</summary>
    long Bytes { get; }
}
