namespace SseApp.Gateway.Requests;

internal enum RequestKind
{
    Other,

    /// <summary>The answer may be an event stream and must be forwarded as one.</summary>
    Stream,
    Publish,

    /// <summary>The state of a topic, or its history.</summary>
    Read,
}

/// <summary>
/// What a request is and who sent it. A feature of every request, made by the first middleware, so that all that follow
/// agree and none of them reads path and headers again.
/// </summary>
internal sealed class ClientRequest(RequestKind kind, bool acceptsEventStream)
{
    public RequestKind Kind => kind;

    public bool IsStream => kind == RequestKind.Stream;

    public bool IsPublish => kind == RequestKind.Publish;

    public bool IsRead => kind == RequestKind.Read;

    /// <summary>An EventSource, or a client that says the same of itself; see <see cref="EventStreams.IsAccepted"/>.</summary>
    public bool AcceptsEventStream => acceptsEventStream;

    /// <summary>The client's address, for balancing; unknown until the headers of the proxies before the gateway have been read.</summary>
    public ClientKey Client { get; set; }

    /// <summary>What limits are counted by: the client that configuration names for the address, or the principal of a valid credential, or the address.</summary>
    public ClientKey Account { get; set; }

    /// <summary>What the <see cref="Account"/> may have.</summary>
    public ClientBudget Budget { get; set; } = ClientBudget.Unlimited;

    /// <summary>Sent by this gateway's canary: nobody's budget and no number is about it.</summary>
    public bool IsCanary { get; set; }

    /// <summary>The client has more of something than it may, whatever status it is told so with.</summary>
    public bool IsRefused { get; set; }

    /// <summary>A stream of a client.</summary>
    public bool CountsAsStream => IsStream && !IsCanary;

    /// <summary>What a publish that was let through was charged in advance, until it is known what it stored.</summary>
    public PublishCharge? Charged { get; set; }

    /// <summary>A publish to a replica that streams lines in and results out; known when its route is.</summary>
    public bool IsPublishStream { get; set; }

    /// <summary>Ends the attempt at a replica of a publish; streams have a lifetime of their own.</summary>
    public CancellationToken AttemptEnded { get; set; }

    /// <summary>It is a stream whose replica broke off, and was counted as such.</summary>
    public bool IsCountedAsLost { get; set; }

    /// <summary>The hash that balancing places the client by, from the moment when it is first needed.</summary>
    public ulong? Hash { get; set; }

    /// <summary>Requests of these methods need no body.</summary>
    public static bool IsBodiless(HttpRequest request) => HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    public static ClientRequest Of(HttpContext context) => context.Features.GetRequiredFeature<ClientRequest>();

    public static ClientRequest Classify(HttpContext context)
    {
        var accepts = EventStreams.IsAccepted(context.Request);
        // A history is no stream, whatever its client accepts.
        var kind = PublishRequests.IsPublish(context.Request) ? RequestKind.Publish
            : ReadRequests.IsRead(context.Request) ? RequestKind.Read
            : accepts || EventStreams.IsPath(context.Request.Path.Value) ? RequestKind.Stream
            : RequestKind.Other;
        var request = new ClientRequest(kind, accepts);
        context.Features.Set(request);
        return request;
    }
}

/// <param name="Account">Who pays.</param>
/// <param name="Events">The most that it can store.</param>
/// <param name="Bytes">The most that these can take.</param>
/// <param name="Body">The length of its body.</param>
/// <param name="IsBatch">Whether it may be many events.</param>
internal sealed record PublishCharge(ClientKey Account, long Events, long Bytes, long Body, bool IsBatch)
{
    /// <summary>What the account had left, in events and bytes, before it was charged.</summary>
    public (long Events, long Bytes) Left { get; init; }
}

internal static class ClientRequestExtensions
{
    /// <summary>Classifies every request. The first middleware of all.</summary>
    public static void UseClientRequest(this IApplicationBuilder app) => app.Use(static (context, next) =>
    {
        ClientRequest.Classify(context);
        return next(context);
    });
}
