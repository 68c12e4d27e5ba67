using System.Security.Cryptography;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.LiveState;

/// <summary>
/// <c>GET /admin/state</c>: the cluster's state, each second, as an event stream; once, as JSON, for who does not ask for a stream.
/// A viewer that reads slowly is sent the newest frame and a whole history, and one that does not read at all is left.
/// </summary>
internal sealed class LiveStateEndpoint(
    LiveStateService state, RefusalWriter refusals, CredentialService credentials, IHostApplicationLifetime lifetime, IOptions<RefusalOptions> retry, TimeProvider time)
{
    private static readonly TimeSpan s_writeLimit = TimeSpan.FromSeconds(10);

    public Task HandleAsync(HttpContext context)
    {
        if (!ClientRequest.Of(context).AcceptsEventStream)
        {
            return TypedResults.Bytes(state.Snapshot(), "application/json; charset=utf-8").ExecuteAsync(context);
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            return refusals.WriteAsync(context, Refusal.Stopping);
        }

        return HttpMethods.IsHead(context.Request.Method) ? Prepare(context)
            : state.TryEnter() ? StreamAsync(context)
            : refusals.WriteAsync(context, Refusal.Viewers);
    }

    private static Task Prepare(HttpContext context)
    {
        LongResponse.Begin(context);
        EventStreams.Prepare(context);
        return Task.CompletedTask;
    }

    private async Task StreamAsync(HttpContext context)
    {
        try
        {
            await Prepare(context);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            try
            {
                await SendAsync(context, ending.Token);
            }
            catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
            {
                await WriteAsync(context, EventStreams.Unavailable(context.Request.Headers, Refusal.Stopping.Reason, RetryMs()));
            }
        }
        catch (OperationCanceledException)
        {
            // The viewer has left.
        }
        catch (TimeoutException)
        {
            context.Abort();
        }
        finally
        {
            state.Leave();
        }
    }

    private async Task SendAsync(HttpContext context, CancellationToken ending)
    {
        // A token that opened the stream may end, or be taken back, while it lasts; the key of the process does not.
        var principal = context.Features.GetRequiredFeature<OperatorRequest>().Principal;
        await WriteAsync(context, System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {RetryMs()}\n\n")));
        var (sent, frame) = (-1L, (LiveFrame?)null);
        while (true)
        {
            if (principal is not null && credentials.VerifyAgain(principal).Reason is { } reason)
            {
                var retryMs = AccessRefusal.NextRetryMilliseconds();
                await WriteAsync(context, EventStreams.OnlyEvent(context.Request.Headers, retryMs, AccessRefusal.Unauthorized(reason, null, retryMs)));
                return;
            }

            var next = state.Frame;
            if (sent < 0 || next.Number > sent + 1)
            {
                var (history, last) = state.History();
                await WriteAsync(context, history);
                sent = last;
            }

            await WriteAsync(context, next.State);
            foreach (var (block, before) in new[] { (next.Alerts, frame?.Alerts), (next.Actions, frame?.Actions), (next.Reload, frame?.Reload) })
            {
                if (!ReferenceEquals(block, before))
                {
                    await WriteAsync(context, block);
                }
            }

            (frame, sent) = (next, Math.Max(sent, next.Number));
            await frame.Next.WaitAsync(ending);
        }
    }

    private async Task WriteAsync(HttpContext context, byte[] block) =>
        await context.Response.Body.WriteAsync(block, context.RequestAborted).AsTask().WaitAsync(s_writeLimit, time, context.RequestAborted);

    private int RetryMs() => RandomNumberGenerator.GetInt32((int)retry.Value.MinRetry.TotalMilliseconds, (int)retry.Value.MaxRetry.TotalMilliseconds + 1);
}
