using System.IO.Pipelines;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Http.Features;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Throws away the bodies of requests that were answered before anybody read them, all together at a bounded pace. The server
/// does it as fast as a client can send, so that whoever is over every limit still takes a core or more by being refused. The
/// client has its answer by then, and is told to make another connection for its next request. Over HTTP/2 and HTTP/3 the server tells the client to stop.
/// </summary>
internal sealed class UnreadBodies(RequestDelegate next, UnreadBodyPace pace)
{
    // What is read away before anybody notices.
    private const int Small = 64 * 1024;

    /// <summary>Whether all of the body has come and was read.</summary>
    /// <exception cref="InvalidOperationException">Somebody is reading it.</exception>
    /// <exception cref="IOException">The body is wrong.</exception>
    public static bool IsWhole(PipeReader reader)
    {
        if (!reader.TryRead(out var read))
        {
            return false;
        }

        var whole = read is { IsCompleted: true, Buffer.IsEmpty: true };
        reader.AdvanceTo(read.Buffer.Start);
        return whole;
    }

    public async Task InvokeAsync(HttpContext context)
    {
        // The server's own, whatever is put in their place on the way.
        var reader = BareAnswers.OwnsConnection(context.Request) && context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true }
            ? context.Features.Get<IRequestBodyPipeFeature>()?.Reader
            : null;
        if (reader is not null && context.Request.ContentLength is null or > Small)
        {
            // A gateway would send the next client's request on this connection, where it waits for this body.
            BareAnswers.CloseAfter(context, StatusCodes.Status400BadRequest);
        }

        await next(context);
        if (reader is not null && !context.RequestAborted.IsCancellationRequested)
        {
            await DiscardAsync(context, reader);
        }
    }

    private async Task DiscardAsync(HttpContext context, PipeReader reader)
    {
        try
        {
            if (!IsWhole(reader))
            {
                await context.Response.CompleteAsync();
                await pace.DiscardAsync(context, reader);
            }
        }
        catch (BadHttpRequestException exception) when (exception.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            // The server reads no more of it, and would end the connection while the client sends.
            context.Features.Get<ClientConnection>()?.Linger();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException or OperationCanceledException)
        {
            // The body is wrong, or its client is gone, or somebody still reads it: the server ends the connection.
        }
    }
}

/// <summary>How fast bodies that nobody wants are read, over all connections of the process.</summary>
internal sealed class UnreadBodyPace(TimeProvider time) : IDisposable
{
    // A tenth of what one core reads and forgets (measured: 375 MB/s), and more than most clients can send.
    private const int KiBPerSecond = 32 * 1024;
    private const int Burst = 4 * 1024;
    private const int Unit = 1024;

    private static readonly TimeSpan s_period = TimeSpan.FromMilliseconds(10);

    // As long as the server itself takes at most.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    private readonly TokenBucketRateLimiter _bucket = new(new TokenBucketRateLimiterOptions
    {
        TokenLimit = Burst,
        TokensPerPeriod = (int)(KiBPerSecond * s_period.TotalSeconds),
        ReplenishmentPeriod = s_period,
        QueueLimit = int.MaxValue,
    });

    /// <summary>Reads the rest of the body, and ends a connection whose body does not end in time.</summary>
    public async Task DiscardAsync(HttpContext context, PipeReader reader)
    {
        if (!await DiscardAsync(reader, long.MaxValue, context.RequestAborted))
        {
            context.Abort();
        }
    }

    /// <summary>Reads until there is no more, or so many bytes have come.</summary>
    /// <returns>False if that was not in time.</returns>
    /// <exception cref="OperationCanceledException">It is <paramref name="over"/>.</exception>
    public async Task<bool> DiscardAsync(PipeReader reader, long length, CancellationToken over)
    {
        using var late = new CancellationTokenSource(s_limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(late.Token, over);
        try
        {
            while (length > 0)
            {
                var read = await reader.ReadAsync(end.Token);
                length -= read.Buffer.Length;
                using var lease = await _bucket.AcquireAsync(Math.Min((int)Math.Min(read.Buffer.Length, int.MaxValue) / Unit, Burst), end.Token);
                reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            return true;
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _bucket.Dispose();
}
