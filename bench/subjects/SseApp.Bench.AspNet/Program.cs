using SseApp.Bench.AspNet;

if (args is ["--bare"])
{
    await BareServer.RunAsync([]);
    return;
}

if (args is ["--proxy", var address])
{
    await PlainProxy.RunAsync(address);
    return;
}

var builder = WebApplication.CreateBuilder(args);
// As all servers here have it; by default the queue of handshakes holds 512.
builder.WebHost.UseSockets(sockets => sockets.Backlog = 4096);
var app = builder.Build();
var topics = new TopicStreams();
app.MapGet("/events", (string topic, CancellationToken cancellationToken) =>
    TypedResults.ServerSentEvents(topics.SubscribeAsync(topic, cancellationToken)));
app.MapPost("/publish", async (string topic, HttpRequest request) =>
{
    using var reader = new StreamReader(request.Body);
    topics.Publish(topic, await reader.ReadToEndAsync());
    return TypedResults.Created();
});
await app.RunAsync();
