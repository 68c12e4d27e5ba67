using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;

namespace SseApp.Bench.AspNet;

/// <summary>
/// What no publish on this server can do without: Kestrel reads a POST, sends its body to the one stream of the topic, if there is one, and answers. No
/// routing, no log, no queue. Only one publish of a topic may be under way.
/// </summary>
internal sealed class BareServer
{
    private static readonly byte[] s_open = "event: open\ndata: open\n\n"u8.ToArray();

    private readonly ConcurrentDictionary<string, PipeWriter> _streams = new(StringComparer.Ordinal);

    public static Task RunAsync(string[] args)
    {
        var builder = WebApplication.CreateSlimBuilder(args);
        var app = builder.Build();
        var server = new BareServer();
        app.Run(server.HandleAsync);
        return app.RunAsync();
    }

    private Task HandleAsync(HttpContext context) => context.Request.Method == HttpMethods.Post ? PublishAsync(context) : StreamAsync(context);

    private async Task PublishAsync(HttpContext context)
    {
        var body = context.Request.BodyReader;
        ReadResult read;
        while (!(read = await body.ReadAsync(context.RequestAborted)).IsCompleted)
        {
            body.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        if (_streams.TryGetValue(Topic(context), out var stream))
        {
            stream.Write("data: "u8);
            foreach (var segment in read.Buffer)
            {
                stream.Write(segment.Span);
            }

            stream.Write("\n\n"u8);
            await stream.FlushAsync(context.RequestAborted);
        }

        body.AdvanceTo(read.Buffer.End);
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.ContentLength = 0;
    }

    private async Task StreamAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        var stream = context.Response.BodyWriter;
        stream.Write(s_open);
        await stream.FlushAsync(context.RequestAborted);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = context.RequestAborted.Register(ended.SetResult);
        _streams[Topic(context)] = stream;
        await ended.Task;
        _streams.TryRemove(Topic(context), out _);
    }

    private static string Topic(HttpContext context) => context.Request.QueryString.Value?["?topic=".Length..] ?? "";
}
