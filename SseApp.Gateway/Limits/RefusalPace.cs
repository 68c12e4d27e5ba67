using Microsoft.AspNetCore.Connections.Features;
using SseApp.Gateway.Clients;
using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.Gateway.Telemetry;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Gateway.Limits;

/// <summary>
/// Lets a client that is refused again and again wait for each further refusal, as <c>limit_req</c> of nginx and the tarpit of HAProxy do.
/// Who asks at full speed waits for an answer before it asks again, so that it asks, and costs, less. What is served never waits for
/// this, nor do the first refusals of a client. See docs/decisions/0041.
/// </summary>
internal sealed class RefusalPace(ClientTable clients, IHostApplicationLifetime lifetime, GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>Refusals that wait at once, of all clients: each is a request with its connection.</summary>
    public const int MaxWaiting = 4 * 1024;

    // As many as a client has connections; over HTTP/2 it could have a hundred on each.
    private const int MaxWaitingOfClient = 256;

    /// <summary>What a refusal waits at most: no client takes that for an answer that will not come.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(1);

    // Who sends much before it is refused costs more than others, the next time: the body has to be read, by whoever refuses it or after the answer.
    private const long BytesOfToken = 64 * 1024;
    private const long UnknownBody = 1024 * 1024;

    private readonly RateTable _refusals = new(time);
    private readonly ClientCounts _waitingOf = new();
    private int _waiting;

    /// <summary>Refusals that wait now.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Ends when the response may begin.</summary>
    public Task BeginAsync(HttpContext context)
    {
        var request = ClientRequest.Of(context);
        if (!IsRefusal(context, request))
        {
            return Task.CompletedTask;
        }

        if (request.Account == default)
        {
            // Refused before anybody asked who sent it.
            clients.Identify(request, context.Connection.RemoteIpAddress);
        }

        var wait = _refusals.Reserve(request.Account, request.Budget.Refusals, 1 + (BodyOf(context.Request) / BytesOfToken), Longest);
        if (wait <= TimeSpan.Zero || lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return Task.CompletedTask;
        }

        metrics.RefusalsDelayed.Add(1);
        return WaitAsync(context, request.Account, wait);
    }

    private static bool IsRefusal(HttpContext context, ClientRequest request) =>
        (request.IsRefused || context.Response.StatusCode is >= StatusCodes.Status400BadRequest and < StatusCodes.Status500InternalServerError)
        && !request.IsCanary
        // Other services' answers are none of our limits; and operators have a limit of their own.
        && !IsOfOtherService(context)
        && !AdminListener.Took(context);

    private static long BodyOf(HttpRequest request) => request.ContentLength ?? (request.Headers.TransferEncoding.Count > 0 ? UnknownBody : 0);

    private static bool IsOfOtherService(HttpContext context) =>
        context.Features.Get<IReverseProxyFeature>() is { ProxiedDestination: not null } proxied
        && proxied.Route.Config.ClusterId != ReplicaDirectory.ClusterId;

    private async Task WaitAsync(HttpContext context, ClientKey client, TimeSpan wait)
    {
        if (!TryEnter(client))
        {
            // It has more under way than may wait: what it asks for next costs it a connection.
            context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            return;
        }

        try
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await Task.Delay(wait, time, over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            _waitingOf.Remove(client, MaxWaitingOfClient);
        }
    }

    private bool TryEnter(ClientKey client)
    {
        if (Interlocked.Increment(ref _waiting) <= MaxWaiting && _waitingOf.TryAdd(client, MaxWaitingOfClient))
        {
            return true;
        }

        Interlocked.Decrement(ref _waiting);
        return false;
    }
}

/// <summary>Asks <see cref="RefusalPace"/> when a response begins, whoever made it. Outside all that answers.</summary>
internal sealed class RefusalPaceMiddleware
{
    private readonly RequestDelegate _next;
    private readonly Func<object, Task> _begin;

    public RefusalPaceMiddleware(RequestDelegate next, RefusalPace pace)
    {
        _next = next;
        _begin = state => pace.BeginAsync((HttpContext)state);
    }

    public Task InvokeAsync(HttpContext context)
    {
        context.Response.OnStarting(_begin, context);
        return _next(context);
    }
}
