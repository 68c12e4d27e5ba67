using SseApp.Gateway.Clients;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Gateway.Limits;

/// <summary>Rates of opening streams, of publishing and of reading, by client.</summary>
internal sealed class RequestRates(IOptions<LimitsOptions> options, CredentialService credentials, TimeProvider time)
{
    private const string ApiKeyHeader = "X-Api-Key";

    // A publish that does not say how long it is.
    private const long UnknownEvent = 64 * 1024;
    private const long UnknownBatch = 256 * 1024;

    /// <summary>The shortest that the name of a topic can be in a batch: <c>"a",</c></summary>
    public const int BytesOfTopic = 4;

    /// <summary>What a byte of a batch can become: a line end the start of a line, in each of an item's topics.</summary>
    public const int MaxGrowthOfBatch = 64 * MaxGrowth / 2;

    private const int MaxGrowth = 7;

    // What a replica takes at most.
    private const long MaxBatch = 16 * 1024 * 1024;

    // Nobody waits for long for what others of the same client do.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    // What an answer may charge at most; a number beyond it is a mistake.
    private const long MaxSettled = uint.MaxValue;

    private readonly RateTable _connects = new(time);
    private readonly RateTable _events = new(time);
    private readonly RateTable _bytes = new(time);
    private readonly RateTable _reads = new(time);
    private readonly RateTable _readBytes = new(time);
    private readonly OpenPublishes _open = new();

    /// <summary>Null when the client may open a stream, else when it may try again.</summary>
    public TimeSpan? TryConnect(ClientRequest request) => _connects.TryTake(request.Account, request.Budget.Connects);

    /// <summary>Null when the client may read a topic, else when it may try again.</summary>
    public TimeSpan? TryRead(ClientRequest request) =>
        _readBytes.TryTake(request.Account, request.Budget.ReadBytes, 0) ?? _reads.TryTake(request.Account, request.Budget.Reads);

    /// <summary>Charges what an answer has turned out to be; it is paid back before the next read.</summary>
    public void ChargeRead(ClientRequest request, long bytes) => _readBytes.Charge(request.Account, request.Budget.ReadBytes, bytes);

    /// <summary>
    /// Null when the client may publish, else when it may try again. What the publish will store nobody knows yet: all that it
    /// could is charged in advance, so that any number at once has the bound of one, and what it did not store is given back by
    /// <see cref="Settle"/>. Until then others of the client wait for a moment: it is charged more than most of them store.
    /// </summary>
    public ValueTask<TimeSpan?> TryPublishAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        if (!request.Budget.Events.IsLimited && !request.Budget.StoredBytes.IsLimited)
        {
            return default;
        }

        var charge = ChargeOf(context, PublisherOf(context, request));
        return TryCharge(request, charge, mayWait: true, out var next) is { } wait ? WaitAsync(context, request, charge, wait, next) : default;
    }

    /// <summary>What holds a publish that streams to its client's rate; null where there is none.</summary>
    public PublishMeter? Meter(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        return request.Budget.Events.IsLimited || request.Budget.StoredBytes.IsLimited
            ? new PublishMeter(this, PublisherOf(context, request), request.Budget, _open, time)
            : null;
    }

    /// <summary>Charges an account for a part of a publish; negative numbers are given back.</summary>
    public void Charge(ClientKey account, ClientBudget budget, long events, long bytes)
    {
        _events.Charge(account, budget.Events, Math.Min(events, MaxSettled));
        _bytes.Charge(account, budget.StoredBytes, Math.Min(bytes, MaxSettled));
    }

    /// <summary>Charges an account if it has anything left. Null when it was charged, else when it may try again.</summary>
    public TimeSpan? TryTake(ClientKey account, ClientBudget budget, long events, long bytes)
    {
        if (_events.TryTake(account, budget.Events, events) is { } untilEvent)
        {
            return untilEvent;
        }

        if (_bytes.TryTake(account, budget.StoredBytes, bytes) is { } untilByte)
        {
            _events.Charge(account, budget.Events, -events);
            return untilByte;
        }

        return null;
    }

    /// <summary>Charges what a publish has stored instead of what it could have.</summary>
    public void Settle(ClientRequest request, long events, long bytes)
    {
        if (request.Charged is { } charged)
        {
            request.Charged = null;
            _events.Charge(charged.Account, request.Budget.Events, Math.Clamp(events, 1, MaxSettled) - charged.Events);
            _bytes.Charge(charged.Account, request.Budget.StoredBytes, Math.Clamp(bytes, 0, MaxSettled) - charged.Bytes);
            _open.Leave(charged.Account, charged.IsBatch);
        }
    }

    /// <summary>
    /// Settles a publish that ended without a word of what it stored. It has cost an event and its body, unless somebody may
    /// have stored all of it: who leaves before the answer does not publish for nothing.
    /// </summary>
    public void End(HttpContext context, ClientRequest request)
    {
        if (request.Charged is not { } charged)
        {
            return;
        }

        var isUnknown = context.RequestAborted.IsCancellationRequested
            || context.Response.StatusCode is StatusCodes.Status500InternalServerError or StatusCodes.Status502BadGateway or StatusCodes.Status504GatewayTimeout;
        Settle(request, isUnknown ? charged.Events : 1, isUnknown ? charged.Bytes : charged.Body);
    }

    /// <param name="request">Of the client.</param>
    /// <param name="charge">What its publish could store.</param>
    /// <param name="mayWait">Whether a batch waits for others that may give back what it could need: its replica stores only what is left.</param>
    /// <param name="next">When that is too much: ends when the next of the client's publishes is over; null if there is none.</param>
    private TimeSpan? TryCharge(ClientRequest request, PublishCharge charge, bool mayWait, out TaskCompletionSource? next)
    {
        // At once: one that has taken its room and is not counted yet would be waited for by nobody.
        lock (_open.Gate)
        {
            if (charge.IsBatch)
            {
                var left = (Events: _events.Left(charge.Account, request.Budget.Events), Bytes: _bytes.Left(charge.Account, request.Budget.StoredBytes));
                if (mayWait && (left.Events < charge.Events || left.Bytes < charge.Bytes) && _open.HasBatch(charge.Account))
                {
                    next = _open.NextOf(charge.Account);
                    return TimeSpan.Zero;
                }

                charge = charge with { Left = left };
            }

            if (TryTake(charge.Account, request.Budget, charge.Events, charge.Bytes) is { } wait)
            {
                next = _open.NextOf(charge.Account);
                return wait;
            }

            _open.Enter(charge.Account, charge.IsBatch);
            request.Charged = charge;
            next = null;
            return null;
        }
    }

    private async ValueTask<TimeSpan?> WaitAsync(HttpContext context, ClientRequest request, PublishCharge charge, TimeSpan wait, TaskCompletionSource? next)
    {
        var began = time.GetTimestamp();
        while (next is not null && s_patience - time.GetElapsedTime(began) is { Ticks: > 0 } left)
        {
            await next.Task.WaitAsync(left, time, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (context.RequestAborted.IsCancellationRequested)
            {
                return wait;
            }

            if (TryCharge(request, charge, mayWait: true, out next) is null)
            {
                return null;
            }
        }

        return TryCharge(request, charge, mayWait: false, out _);
    }

    private static PublishCharge ChargeOf(HttpContext context, ClientKey publisher)
    {
        var isBatch = !context.Request.Path.StartsWithSegments("/topics", StringComparison.OrdinalIgnoreCase);
        var body = Math.Min(context.Request.ContentLength ?? (isBatch ? UnknownBatch : UnknownEvent), MaxSettled);
        return isBatch
            ? new PublishCharge(publisher, 1 + (body / BytesOfTopic), Math.Max(body, Math.Min(body * MaxGrowthOfBatch, MaxBatch)), body, IsBatch: true)
            : new PublishCharge(publisher, 1, body * MaxGrowth, body, IsBatch: false);
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
