using StackExchange.Redis;

namespace SseApp.Events.Log;

/// <summary>
/// Sends requests to one server in their order, one call at a time: those that come while a call is under way go
/// together in the next one. Nothing waits while the server is idle, and the busier it is, the fewer calls it gets.
/// </summary>
internal sealed class AppendQueue(Func<AppendRequest[], Task<RedisResult[]>> call, Action<AppendRequest, RedisResult> answer)
{
    // A call blocks the server for its whole length: about half a millisecond.
    private const int MaxEvents = 128;
    private const int MaxBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<AppendRequest> _waiting = new();
    private bool _busy;

    public void Add(AppendRequest request)
    {
        lock (_gate)
        {
            _waiting.Enqueue(request);
            if (_busy)
            {
                return;
            }

            _busy = true;
        }

        _ = RunAsync();
    }

    /// <summary>One call and its answers.</summary>
    public async Task SendAsync(params AppendRequest[] requests) => Complete(requests, await CallAsync(requests));

    private async Task RunAsync()
    {
        AppendRequest[] answered = [];
        Outcome outcome = default;
        while (true)
        {
            // What waited for a server that did not answer in time is not kept waiting for as long again.
            var next = Take(everything: outcome.Failure is RedisTimeoutException);
            var calling = next.Length == 0 || outcome.Failure is RedisTimeoutException ? null : CallAsync(next);
            // The server works on the next call while these are answered.
            Complete(answered, outcome);
            if (calling is null)
            {
                Complete(next, new Outcome(null, new RedisException("Redis did not answer an earlier call; this one was not sent.")));
                if (next.Length == 0)
                {
                    return;
                }

                (answered, outcome) = ([], default);
                continue;
            }

            (answered, outcome) = (next, await calling);
        }
    }

    private AppendRequest[] Take(bool everything)
    {
        lock (_gate)
        {
            var count = 0;
            long bytes = 0;
            foreach (var request in _waiting)
            {
                bytes += request.Block.Length;
                if (!everything && (count == MaxEvents || (count > 0 && bytes > MaxBytes)))
                {
                    break;
                }

                count++;
            }

            _busy = count > 0;
            var taken = new AppendRequest[count];
            for (var i = 0; i < count; i++)
            {
                taken[i] = _waiting.Dequeue();
            }

            return taken;
        }
    }

    private async Task<Outcome> CallAsync(AppendRequest[] requests)
    {
        try
        {
            return new Outcome(await call(requests), null);
        }
#pragma warning disable CA1031 // Each publisher gets the exception.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return new Outcome(null, exception);
        }
    }

    private void Complete(AppendRequest[] requests, in Outcome outcome)
    {
        for (var i = 0; i < requests.Length; i++)
        {
            if (outcome.Answers is { } answers && i < answers.Length)
            {
                Answer(requests[i], answers[i]);
            }
            else
            {
                requests[i].TrySetException(outcome.Failure ?? new RedisException("The script publish.lua answered too little."));
            }
        }
    }

    private void Answer(AppendRequest request, RedisResult result)
    {
        try
        {
            answer(request, result);
        }
#pragma warning disable CA1031 // The publisher gets it; a queue that ended here would keep all others waiting for ever.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            request.TrySetException(exception);
        }
    }

    private readonly record struct Outcome(RedisResult[]? Answers, Exception? Failure);
}
