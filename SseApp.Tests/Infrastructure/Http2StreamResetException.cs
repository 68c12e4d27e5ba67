namespace SseApp.Tests.Infrastructure;

/// <summary>The server reset a stream.</summary>
internal sealed class Http2StreamResetException(int code) : IOException($"The stream was reset with code {code}.");
