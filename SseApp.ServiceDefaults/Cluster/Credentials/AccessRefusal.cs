using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.Credentials;

/// <summary>
/// Tells why somebody may not, in the form that its kind of client understands: an EventSource gets a stream that says it and
/// ends, with a time to come back (any other status would end it for ever), everybody else a status (RFC 6750) and problem details.
/// </summary>
internal sealed class AccessRefusal(IAccessCounter counter)
{
    /// <summary>Name of the event.</summary>
    public const string EventName = "stream.unauthorized";

    /// <summary>What to do for who sent no credential.</summary>
    public const string SendOne = "Send 'Authorization: Bearer' with a token or an API key.";

    // A new credential takes a person's sign-in, or a page's renewal.
    private const int MinRetry = 30_000;
    private const int MaxRetry = 60_000;

    // A right that is missing is not there a minute later.
    private const int DeniedRetry = 300_000;

    private const int UnavailableMinRetry = 5_000;
    private const int UnavailableMaxRetry = 15_000;

    public Task WriteAsync(HttpContext context, string reason, string detail, string? topic = null)
    {
        counter.Refused(reason);
        context.Response.Headers.CacheControl = "no-store";
        if (reason == AuthReason.Redis)
        {
            // A gateway may ask another replica.
            context.Response.Headers[StreamHeaders.Refused] = reason;
        }

        if (EventStreams.IsAccepted(context.Request) && IsStream(context.Request))
        {
            return WriteStreamAsync(context, reason, topic);
        }

        return WriteProblemAsync(context, reason, detail, topic);
    }

    /// <summary>A status and problem details, to whoever is no EventSource.</summary>
    public static Task WriteProblemAsync(HttpContext context, string reason, string detail, string? topic = null)
    {
        var status = StatusOf(reason);
        switch (status)
        {
            case StatusCodes.Status401Unauthorized:
                context.Response.Headers.WWWAuthenticate = reason == AuthReason.NoCredentials ? "Bearer" : $"Bearer error=\"invalid_token\", error_description=\"{reason}\"";
                break;
            case StatusCodes.Status403Forbidden when reason == AuthReason.ForeignOrigin:
                // No other credential would help.
                break;
            case StatusCodes.Status403Forbidden:
                context.Response.Headers.WWWAuthenticate = "Bearer error=\"insufficient_scope\"";
                break;
            default:
                EventStreams.SetRetryAfter(context.Response, RetryOf(reason));
                break;
        }

        return TypedResults.Problem(detail, title: TitleOf(reason, status), statusCode: status, extensions: Members(reason, topic)).ExecuteAsync(context);
    }

    /// <summary>A topic that no grant of the credential matches; who sent none is asked for one first.</summary>
    public Task WriteDeniedAsync(HttpContext context, Principal principal, string topic) => principal.Kind == CredentialKind.None
        ? WriteAsync(context, AuthReason.NoCredentials, $"The topic '{topic}' is not open to everybody. {SendOne}")
        : WriteAsync(context, AuthReason.TopicDenied, NoGrantFor(topic), topic);

    /// <summary>What is said of a credential that has no pattern for a topic.</summary>
    public static string NoGrantFor(string topic) => $"No grant of this credential matches the topic '{topic}'. GET /whoami?topic={topic} says what it may.";

    public static int StatusOf(string reason) => reason switch
    {
        AuthReason.TopicDenied or AuthReason.ForeignOrigin or AuthReason.InsufficientScope => StatusCodes.Status403Forbidden,
        AuthReason.Unavailable or AuthReason.Redis => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status401Unauthorized,
    };

    /// <summary>Tells it to an EventSource, which comes back by itself when that can help.</summary>
    public static Task WriteStreamAsync(HttpContext context, string reason, string? topic = null)
    {
        var retry = RetryOf(reason);
        return reason is AuthReason.Unavailable or AuthReason.Redis
            ? EventStreams.WriteUnavailableAsync(context, reason, retry)
            : EventStreams.WriteEndAsync(context, EventStreams.OnlyEvent(context.Request.Headers, retry, Unauthorized(reason, topic, retry)));
    }

    /// <summary>The last event of a stream, without an id: the client has one.</summary>
    /// <param name="reason">An <see cref="AuthReason"/>.</param>
    /// <param name="topic">The denied one.</param>
    /// <param name="retryMilliseconds">When the client is to come back.</param>
    public static string Unauthorized(string reason, string? topic, int retryMilliseconds)
    {
        // A topic has no character that JSON escapes; see TopicName.
        var named = topic is null ? "" : $",\"topic\":\"{topic}\"";
        return string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            event: {{EventName}}
            data: {"reason":"{{reason}}"{{named}},"retryAfterMs":{{retryMilliseconds}}}


            """);
    }

    private static bool IsStream(HttpRequest request) => HttpMethods.IsGet(request.Method) && EventStreams.IsPath(request.Path.Value);

    private static int RetryOf(string reason) => reason switch
    {
        AuthReason.TopicDenied or AuthReason.ForeignOrigin => DeniedRetry,
        AuthReason.Unavailable or AuthReason.Redis => Random.Shared.Next(UnavailableMinRetry, UnavailableMaxRetry),
        _ => NextRetryMilliseconds(),
    };

    /// <summary>When a client comes back that needs a new credential first.</summary>
    public static int NextRetryMilliseconds() => Random.Shared.Next(MinRetry, MaxRetry);

    private static string TitleOf(string reason, int status) => status switch
    {
        StatusCodes.Status403Forbidden when reason == AuthReason.ForeignOrigin => "The request is not allowed.",
        StatusCodes.Status403Forbidden => "The credential does not give this right.",
        StatusCodes.Status503ServiceUnavailable => "The credential cannot be verified now.",
        _ => "A valid credential is needed.",
    };

    private static KeyValuePair<string, object?>[] Members(string reason, string? topic) =>
        topic is null ? [new("reason", reason)] : [new("reason", reason), new("topic", topic)];
}

/// <summary>Counts refusals in the metrics of the service.</summary>
internal interface IAccessCounter
{
    /// <param name="reason">An <see cref="AuthReason"/>.</param>
    void Refused(string reason);
}
