using SseApp.Events.FanOut;
using SseApp.Events.Http;
using SseApp.Events.Log;
using SseApp.Events.Publishing;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Events.Streams;

/// <summary><c>POST /tickets</c>: a URL that opens one stream of these topics, for pages whose <c>EventSource</c> has neither header nor cookie.</summary>
internal sealed class TicketEndpoint(
    TicketStore store, CredentialService credentials, AccessRefusal access, RequestBody bodies, RequestBudget budget, TimeProvider time, IOptions<StreamingOptions> options)
{
    private const string NotValid = "The ticket's topics are not valid.";

    // A character of a name may be escaped with six.
    private const int BytesOfTopic = 1_300;

    private static readonly TimeSpan s_later = TimeSpan.FromSeconds(30);

    private readonly int _maxTopics = options.Value.MaxTopics;
    private readonly int _maxBytes = 1_024 + (BytesOfTopic * options.Value.MaxTopics);

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (BodyFormat.Refuse(context) is { } format)
        {
            return format;
        }

        using var memory = budget.OpenSmall();
        var (body, fault) = await bodies.ReadAsync(context.Request, _maxBytes, memory);
        if (fault != BodyFault.None)
        {
            return fault == BodyFault.TooLarge
                ? Problems.TooLarge($"The body has at most {_maxBytes} bytes: the topics of one stream.")
                : Problems.Busy(context, "Other requests hold the memory for the body. Try again after the time in Retry-After.");
        }

        var (topics, rule) = Read(body.Span);
        if (topics is null)
        {
            return Problems.BadRequest(NotValid, rule!);
        }

        var principal = Caller.Of(context);
        if (credentials.DeniedOf(principal, topics.Names) is { } denied)
        {
            await access.WriteDeniedAsync(context, principal, denied);
            return TypedResults.Empty;
        }

        if (principal.IsEnding(time.GetUtcNow()))
        {
            await access.WriteAsync(context, AuthReason.TokenExpired, "The token has expired.");
            return TypedResults.Empty;
        }

        try
        {
            return await store.MakeAsync(principal, topics.Names, context.RequestAborted) is { } made
                ? TypedResults.Json(new TicketMade(made.Text, Ticket.UrlOf(made.Text, topics.Names), made.EndsAt), TicketAnswerJsonContext.Default.TicketMade, statusCode: StatusCodes.Status201Created)
                : Problems.TooMany(
                    context,
                    "The credential has as many tickets as it may have (Tickets:MaxPerToken, Tickets:MaxPerApiKey). Those that are not used, and those whose streams ended, are over within minutes.",
                    "tickets",
                    s_later);
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception) && !context.RequestAborted.IsCancellationRequested)
        {
            return Problems.RedisUnavailable(context, "Redis, which has the tickets, does not answer. Try again after the time in Retry-After.");
        }
    }

    private (TopicSet? Topics, string? Rule) Read(ReadOnlySpan<byte> body)
    {
        string?[]? topics;
        try
        {
            topics = JsonSerializer.Deserialize(body, TicketAnswerJsonContext.Default.TicketRequest)?.Topics;
        }
        catch (JsonException)
        {
            topics = null;
        }

        if (topics is not { Length: > 0 })
        {
            return (null, """Send {"topics":["news","prices"]}: the topics of one stream.""");
        }

        if (!Array.TrueForAll(topics, topic => topic is not null && TopicName.IsValid(topic)))
        {
            return (null, TopicName.Rule);
        }

        var set = new TopicSet(topics!);
        return set.Count <= _maxTopics ? (set, null) : (null, string.Create(CultureInfo.InvariantCulture, $"A stream has at most {_maxTopics} topics."));
    }
}

internal sealed record TicketRequest(string?[]? Topics);

/// <summary>Answer of <c>POST /tickets</c>.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="Url">What an <c>EventSource</c> opens with it, from the root of the gateway.</param>
/// <param name="ExpiresAt">Its end, if it is in use until then.</param>
internal sealed record TicketMade(string Ticket, string Url, DateTimeOffset ExpiresAt);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(TicketRequest))]
[JsonSerializable(typeof(TicketMade))]
internal sealed partial class TicketAnswerJsonContext : JsonSerializerContext;
