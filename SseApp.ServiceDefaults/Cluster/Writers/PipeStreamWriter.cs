using System.IO.Pipelines;

namespace SseApp.ServiceDefaults.Cluster.Writers;

/// <summary>Writes through the response's pipe: works for every protocol version, TLS, and behind any middleware.</summary>
internal sealed class PipeStreamWriter(HttpContext context) : IStreamWriter
{
    private readonly PipeWriter _pipe = context.Response.BodyWriter;

    public ValueTask<bool> SendAsync(SendBuffer buffer)
    {
        _pipe.Write(buffer.Payload);
        var flush = _pipe.FlushAsync(CancellationToken.None);
        return flush.IsCompletedSuccessfully ? new ValueTask<bool>(IsOpen(flush.Result)) : AwaitAsync(flush);
    }

    public void Abort() => context.Abort();

    private static async ValueTask<bool> AwaitAsync(ValueTask<FlushResult> flush) => IsOpen(await flush);

    private static bool IsOpen(FlushResult result) => !result.IsCompleted && !result.IsCanceled;
}
