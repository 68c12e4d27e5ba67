using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.Gateway.Streams;

/// <summary>A response's body with a <see cref="WholeWriteStream"/>, which is what forwarders write to.</summary>
internal sealed class WholeWriteBody(IHttpResponseBodyFeature body, StreamLifetime lifetime, TimeSpan limit) : IHttpResponseBodyFeature
{
    public Stream Stream => field ??= new WholeWriteStream(body.Stream, lifetime, limit);

    public PipeWriter Writer => body.Writer;

    public void DisableBuffering() => body.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => body.StartAsync(cancellationToken);

    public Task CompleteAsync() => body.CompleteAsync();

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        body.SendFileAsync(path, offset, count, cancellationToken);
}
