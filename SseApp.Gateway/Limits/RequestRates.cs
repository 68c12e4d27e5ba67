using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Limits;

/// <summary>Rates of opening streams, of publishing and of reading, by client.</summary>
internal sealed class RequestRates(IOptions<LimitsOptions> options, CredentialService credentials, TimeProvider time)
{
    private const string ApiKeyHeader = "X-Api-Key";

    // A publish that does not say how long it is; of a batch more, because it becomes more.
    private const long UnknownEvent = 64 * 1024;
    private const long UnknownBatch = 256 * 1024;

    // What an answer may charge at most; a number beyond it is a mistake.
    private const long MaxSettled = uint.MaxValue;

    private readonly RateTable _connects = new(time);
    private readonly RateTable _events = new(time);
    private readonly RateTable _bytes = new(time);
    private readonly RateTable _reads = new(time);

    /// <summary>Null when the client may open a stream, else when it may try again.</summary>
    public TimeSpan? TryConnect(ClientRequest request) => _connects.TryTake(request.Account, request.Budget.Connects);

    /// <summary>Null when the client may read a topic, else when it may try again.</summary>
    public TimeSpan? TryRead(ClientRequest request) => _reads.TryTake(request.Account, request.Budget.Reads);

    /// <summary>
    /// Null when the client may publish, else when it may try again. What the publish will store nobody knows yet: one event and
    /// the length of its body are charged in advance, so that many at once have a bound, and the rest by <see cref="Settle"/>.
    /// </summary>
    public TimeSpan? TryPublish(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        var budget = request.Budget;
        if (!budget.Events.IsLimited && !budget.StoredBytes.IsLimited)
        {
            return null;
        }

        var publisher = PublisherOf(context, request);
        var bytes = Math.Min(context.Request.ContentLength ?? (context.Request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase) ? UnknownEvent : UnknownBatch), MaxSettled);
        if (_events.TryTake(publisher, budget.Events) is { } untilEvent)
        {
            return untilEvent;
        }

        if (_bytes.TryTake(publisher, budget.StoredBytes, bytes) is { } untilByte)
        {
            _events.Charge(publisher, budget.Events, -1);
            return untilByte;
        }

        request.Charged = (publisher, bytes);
        return null;
    }

    /// <summary>Charges what a publish has stored beyond what was charged in advance.</summary>
    public void Settle(ClientRequest request, long events, long bytes)
    {
        if (request.Charged is { } charged)
        {
            request.Charged = null;
            _events.Charge(charged.Account, request.Budget.Events, Math.Clamp(events, 1, MaxSettled) - 1);
            _bytes.Charge(charged.Account, request.Budget.StoredBytes, Math.Clamp(bytes, 0, MaxSettled) - charged.Bytes);
        }
    }

    private ClientKey PublisherOf(HttpContext context, ClientRequest request)
    {
        // A client that is named has a budget of its own, whomever it speaks for, and so has a principal. Where credentials are checked,
        // one that is not valid is nobody's.
        if (options.Value.PublishClient == PublishClient.Credential && credentials.OpenWarning is not null && request.Account == request.Client)
        {
            var headers = context.Request.Headers;
            var credential = headers.Authorization.Count > 0 ? headers.Authorization.ToString() : headers[ApiKeyHeader].ToString();
            if (credential.Length > 0)
            {
                return ClientKey.OfCredential(credential);
            }
        }

        return request.Account;
    }
}
