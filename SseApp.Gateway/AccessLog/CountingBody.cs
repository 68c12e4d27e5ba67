using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.Gateway.AccessLog;

/// <summary>The response's body with its traffic counted. Nothing is buffered or copied.</summary>
internal sealed class CountingBody(IHttpResponseBodyFeature body, ResponseTraffic traffic) : IHttpResponseBodyFeature
{
    /// <summary>The body itself, for code that reports its traffic by its own.</summary>
    public IHttpResponseBodyFeature Inner => body;

    public Stream Stream => field ??= new CountingStream(body.Stream, traffic);

    public PipeWriter Writer => field ??= new CountingWriter(body.Writer, traffic);

    public void DisableBuffering() => body.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => body.StartAsync(cancellationToken);

    public Task CompleteAsync() => body.CompleteAsync();

    public async Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
    {
        await body.SendFileAsync(path, offset, count, cancellationToken);
        traffic.Add(count ?? (new FileInfo(path).Length - offset));
    }
}
