namespace SseApp.Gateway.AccessLog;

internal interface IAccessLogTarget : IDisposable
{
    /// <exception cref="IOException">The lines could not be written.</exception>
    /// <exception cref="UnauthorizedAccessException">They may not be written.</exception>
    ValueTask WriteAsync(ReadOnlyMemory<byte> lines, CancellationToken cancellationToken);
}
