using System.Net.ServerSentEvents;
using System.Runtime;
using System.Text;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Cluster.WarmUp;

/// <summary>
/// Does once what clients will do: publishes, opens streams, resumes them. Of the CPU time of the first thousand streams of a fresh process
/// nine tenths were the compiler and what is set up at first use, and all of them waited for it.
/// </summary>
internal sealed partial class WarmUpService(
    IWarmUpPath path, WarmUpState state, IOptions<WarmUpOptions> options, IHostApplicationLifetime application, TimeProvider time, ILogger<WarmUpService> logger) : BackgroundService
{
    // Several at once, and several topics and events each: that is other code than one alone.
    private const int Streams = 16;
    private const int Topics = 2;
    private const int Missed = 4;
    private const int Rounds = 2;
    private const int MaxWaits = 20;
    private const string Last = "last";

    // What was called often is compiled once more, beside what goes on; on one core a storm would wait for that.
    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_retry = TimeSpan.FromMilliseconds(200);

    private readonly string[] _topics = [.. Enumerable.Range(0, Topics).Select(number => string.Create(CultureInfo.InvariantCulture, $"{path.Topic}.{number}"))];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await application.StartedAsync(stoppingToken);
            await path.PrepareAsync(stoppingToken);
            using var limit = new CancellationTokenSource(options.Value.Limit, time);
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, limit.Token);
            if (await WarmAsync(ending.Token) is { } reason && !stoppingToken.IsCancellationRequested)
            {
                LogCold(reason);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The service stops.
        }
        finally
        {
            state.Complete();
        }
    }

    /// <summary>Tries until it has worked, or the time is up: what it needs of others may be starting, too.</summary>
    /// <returns>Null, or why it has not.</returns>
    private async Task<string?> WarmAsync(CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        var reason = "it took too long";
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await RunAsync(cancellationToken);
                LogWarm(time.GetElapsedTime(begun).TotalMilliseconds);
                return null;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // What went wrong before, if anything did, says more.
            }
#pragma warning disable CA1031 // Whatever it is: a service that is not warm is as good as one was before, and clients find out what is wrong with it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                reason = exception.Message;
                await Task.Delay(s_retry, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        return reason;
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        if (path.FindAddress() is not { } address)
        {
            return;
        }

        using var handler = address.CreateHandler();
        using var client = new HttpClient(handler) { BaseAddress = new Uri($"{address.Scheme}://{path.Host}"), Timeout = Timeout.InfiniteTimeSpan };
        var ids = new string?[Streams];
        for (var round = 0; round < Rounds; round++)
        {
            ids = await RunAsync(client, ids, cancellationToken);
        }

        // Clients that are here already keep the compiler busy, too.
        using var timer = new PeriodicTimer(s_quiet, time);
        var compiled = 0L;
        for (var waits = 0; waits < MaxWaits && JitInfo.GetCompiledMethodCount() > compiled; waits++)
        {
            compiled = JitInfo.GetCompiledMethodCount();
            await timer.WaitForNextTickAsync(cancellationToken);
        }
    }

    /// <summary>Publishes some events, resumes a stream from each of these ids, and publishes one more.</summary>
    /// <returns>Their ids after it.</returns>
    private async Task<string?[]> RunAsync(HttpClient client, string?[] ids, CancellationToken cancellationToken)
    {
        for (var i = 0; i < Missed; i++)
        {
            await PublishAsync(client, _topics[i % Topics], "missed", cancellationToken);
        }

        // One that fails ends the others, which would wait for what is published last.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var streams = Array.ConvertAll(ids, id => new OwnStream(id));
        var readers = Array.ConvertAll(streams, stream => ReadAsync(client, stream, ending.Token));
        try
        {
            await WhenAllAsync(readers, streams.Select(stream => stream.CaughtUp));
            await PublishAsync(client, _topics[0], Last, ending.Token);
            await Task.WhenAll(readers);
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll(readers).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Array.ConvertAll(streams, stream => stream.Id);
    }

    // Until each has what it missed, or one has failed.
    private static async Task WhenAllAsync(Task[] readers, IEnumerable<Task> caughtUp)
    {
        var all = Task.WhenAll(caughtUp);
        var failed = Task.WhenAny(readers);
        if (await Task.WhenAny(all, failed) == failed)
        {
            await await failed;
        }
    }

    private async Task PublishAsync(HttpClient client, string topic, string data, CancellationToken cancellationToken)
    {
        using var request = Request(HttpMethod.Post, $"/topics/{Uri.EscapeDataString(topic)}/events", client);
        request.Content = new StringContent(data, Encoding.UTF8, "text/plain");
        using var response = await client.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    private async Task ReadAsync(HttpClient client, OwnStream stream, CancellationToken cancellationToken)
    {
        var query = string.Join('&', _topics.Select(topic => $"topic={Uri.EscapeDataString(topic)}"));
        using var request = Request(HttpMethod.Get, $"{EventStreams.Path}?{query}{(stream.Id is null ? "&lastEventId=earliest" : "")}", client);
        request.Headers.Accept.ParseAdd(EventStreams.ContentType);
        if (stream.Id is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", stream.Id);
        }

        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        response.EnsureSuccessStatusCode();
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var parser = SseParser.Create(body);
        var missed = 0;
        await foreach (var item in parser.EnumerateAsync(cancellationToken))
        {
            stream.Id = string.IsNullOrEmpty(parser.LastEventId) ? stream.Id : parser.LastEventId;
            if (item.EventType.StartsWith("stream.un", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{item.EventType} {item.Data}");
            }

            if (item.EventType == SseParser.EventTypeDefault && item.Data == Last)
            {
                return;
            }

            if (item.EventType == SseParser.EventTypeDefault && ++missed == Missed)
            {
                stream.Catch();
            }
        }

        throw new InvalidOperationException("A stream ended.");
    }

    private HttpRequestMessage Request(HttpMethod method, string target, HttpClient client)
    {
        var request = OwnRequests.Create(client, method, target);
        path.Sign(request);
        return request;
    }

    [LoggerMessage(LogLevel.Information, "Warm after {Milliseconds:0} ms of streams to itself.")]
    private partial void LogWarm(double milliseconds);

    [LoggerMessage(LogLevel.Information, "The service could not open streams to itself, so its first clients wait while its code is compiled: {Reason}")]
    private partial void LogCold(string reason);

    private sealed class OwnStream(string? id)
    {
        private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Of the last event; null before the first.</summary>
        public string? Id { get; set; } = id;

        /// <summary>Ends when what it missed has come.</summary>
        public Task CaughtUp => _caughtUp.Task;

        public void Catch() => _caughtUp.TrySetResult();
    }
}
