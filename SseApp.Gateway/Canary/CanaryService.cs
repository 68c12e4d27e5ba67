using System.Net.ServerSentEvents;
using System.Text;
using SseApp.ServiceDefaults.Cluster.WarmUp;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Canary;

/// <summary>
/// Publishes an event a second and reads it, both through the gateway's own public address: its listener, the relay, a replica, Redis, and
/// back. Its stream reconnects with its position, whoever ends it.
/// </summary>
internal sealed partial class CanaryService(
    CanaryIdentity identity, CanaryMetrics metrics, IOptions<CanaryOptions> options, IHostApplicationLifetime application, TimeProvider time, ILogger<CanaryService> logger)
    : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_silence = TimeSpan.FromMinutes(1);

    private const int MaxReason = 300;
    private static readonly string[] s_reasons = ["reason", "title"];

    private readonly CanaryLedger _ledger = new(options.Value.LostAfter, time);
    private readonly string _events = $"{EventStreams.Path}?topic={Uri.EscapeDataString(identity.Topic)}";
    private readonly string _topic = $"/topics/{Uri.EscapeDataString(identity.Topic)}/events";
    private string? _last;
    private volatile bool _wasOpen;
    private int _untold;
    private long? _toldAt;
    private string? _publishTrouble;
    private string? _streamTrouble;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Before everything else that is open ends: its own end is nobody's loss.
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken, application.ApplicationStopping);
        metrics.Begin();
        try
        {
            await application.StartedAsync(ending.Token);
            if (identity.FindTarget() is not { } target)
            {
                LogNowhere(CanaryOptions.SectionName, nameof(CanaryOptions.Enabled));
                return;
            }

            using var handler = target.CreateHandler();
            using var client = new HttpClient(handler) { BaseAddress = new Uri($"{target.Scheme}://{identity.Host}"), Timeout = Timeout.InfiniteTimeSpan };
            await Task.WhenAll(ReadAsync(client, target, ending.Token), PublishAsync(client, target, ending.Token));
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The gateway stops.
        }
    }

    private async Task PublishAsync(HttpClient client, OwnAddress target, CancellationToken ending)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        while (await timer.WaitForNextTickAsync(ending))
        {
            Count(_ledger.Tick(metrics.IsLive));
            // What is published before the first stream is open is for nobody.
            if (_wasOpen && !_ledger.IsFull)
            {
                await PublishOneAsync(client, target, ending);
            }
        }
    }

    private async Task PublishOneAsync(HttpClient client, OwnAddress target, CancellationToken ending)
    {
        var number = _ledger.Begin();
        var trouble = "";
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ending);
            limit.CancelAfter(s_limit);
            using var request = Request(HttpMethod.Post, _topic, client);
            request.Content = new StringContent(number.ToString(CultureInfo.InvariantCulture), Encoding.UTF8, "text/plain");
            using var response = await client.SendAsync(request, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                _ledger.Stored(number);
                metrics.Published(isStored: true);
                Clear(ref _publishTrouble);
                return;
            }

            trouble = await ReadTroubleAsync(response, limit.Token);
        }
#pragma warning disable CA1031 // Whatever it is, it is counted and told; a canary must not end a gateway with all its streams.
        catch (Exception exception) when (!ending.IsCancellationRequested)
#pragma warning restore CA1031
        {
            trouble = exception.Message;
        }

        // It may have been stored all the same, and is welcome then.
        metrics.Published(isStored: false);
        Report(target, ref _publishTrouble, trouble);
    }

    private async Task ReadAsync(HttpClient client, OwnAddress target, CancellationToken ending)
    {
        while (true)
        {
            using var turn = CancellationTokenSource.CreateLinkedTokenSource(ending);
            string? trouble = null;
            try
            {
                trouble = await ReadStreamAsync(client, turn, ending);
            }
#pragma warning disable CA1031 // As above.
            catch (Exception exception) when (!ending.IsCancellationRequested)
#pragma warning restore CA1031
            {
                trouble = exception.Message;
            }
            finally
            {
                metrics.Open(false);
            }

            // The end of its turn is its own wish. A stream that ends by itself comes back as any other does, and that is no trouble.
            if (!turn.IsCancellationRequested)
            {
                if (trouble is not null)
                {
                    Report(target, ref _streamTrouble, trouble);
                }

                await Task.Delay(s_interval, time, ending);
            }

            ending.ThrowIfCancellationRequested();
        }
    }

    /// <returns>Why the stream could not be had, or null.</returns>
    private async Task<string?> ReadStreamAsync(HttpClient client, CancellationTokenSource turn, CancellationToken ending)
    {
        using var request = Request(HttpMethod.Get, _events, client);
        request.Headers.Accept.ParseAdd(EventStreams.ContentType);
        if (_last is not null)
        {
            request.Headers.TryAddWithoutValidation("Last-Event-ID", _last);
        }

        using var opening = CancellationTokenSource.CreateLinkedTokenSource(ending);
        opening.CancelAfter(s_limit);
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, opening.Token);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return await ReadTroubleAsync(response, opening.Token);
        }

        turn.CancelAfter(options.Value.StreamFor);
        string? trouble = null;
        await using var body = await response.Content.ReadAsStreamAsync(ending);
        var parser = SseParser.Create(body);
        await foreach (var item in parser.EnumerateAsync(turn.Token))
        {
            switch (item.EventType)
            {
                case "stream.open":
                    _wasOpen = true;
                    metrics.Open(true);
                    Clear(ref _streamTrouble);
                    break;
                case "stream.gap":
                    LogGap(item.Data);
                    _ledger.Gap();
                    metrics.Gap();
                    break;
                case SseParser.EventTypeDefault:
                    Receive(item.Data);
                    break;
                default:
                    // stream.unavailable and its like: the stream ends behind it.
                    trouble = $"{item.EventType} {ReasonOf(item.Data)}";
                    break;
            }

            if (!string.IsNullOrEmpty(parser.LastEventId))
            {
                _last = parser.LastEventId;
            }
        }

        return trouble;
    }

    private void Receive(string data)
    {
        var (arrival, latency) = long.TryParse(data, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? _ledger.Receive(number) : (CanaryArrival.Foreign, default);
        metrics.Received(arrival, latency);
        if (arrival != CanaryArrival.InOrder)
        {
            LogStrange(number, arrival);
        }
    }

    private void Count(int lost)
    {
        metrics.Lost(lost);
        _untold += lost;
        if (_untold > 0 && (_toldAt is not { } toldAt || time.GetElapsedTime(toldAt) >= s_silence))
        {
            LogLost(_untold, options.Value.LostAfter.TotalSeconds);
            (_untold, _toldAt) = (0, time.GetTimestamp());
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path, HttpClient client)
    {
        var request = OwnRequests.Create(client, method, path);
        identity.Sign(request);
        return request;
    }

    private static async Task<string> ReadTroubleAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var body = await response.Content.ReadAsStringAsync(cancellation);
        return $"status {(int)response.StatusCode} {ReasonOf(body)}";
    }

    // Without what differs each time: the time to wait, and the id of the trace.
    private static string ReasonOf(string answer)
    {
        try
        {
            using var json = JsonDocument.Parse(answer);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in s_reasons)
                {
                    if (json.RootElement.TryGetProperty(member, out var reason) && reason.ValueKind == JsonValueKind.String)
                    {
                        return LoggedText.OneLine(reason.GetString()!, MaxReason);
                    }
                }
            }
        }
        catch (JsonException)
        {
            // As another server in between may answer.
        }

        return LoggedText.OneLine(answer, MaxReason);
    }

    // Once for each reason in a row of what it publishes, and of what it reads, and once when both are over.
    private void Report(OwnAddress target, ref string? last, string trouble)
    {
        if (!string.Equals(Interlocked.Exchange(ref last, trouble), trouble, StringComparison.Ordinal))
        {
            LogTrouble(target.Address, trouble);
        }
    }

    // Each is over when what it was about succeeds: a publish that is stored says nothing of the stream.
    private void Clear(ref string? mine)
    {
        if (Interlocked.Exchange(ref mine, null) is not null && Volatile.Read(ref _publishTrouble) is null && Volatile.Read(ref _streamTrouble) is null)
        {
            LogBack();
        }
    }

    [LoggerMessage(LogLevel.Warning, "There is no canary: this gateway listens on nothing that it can connect to itself. {Section}:{Setting} false is silent about it.")]
    private partial void LogNowhere(string section, string setting);

    [LoggerMessage(LogLevel.Warning, "The canary cannot do its round through {Address}, and tries again each second: {Trouble}")]
    private partial void LogTrouble(string address, string trouble);

    [LoggerMessage(LogLevel.Information, "The canary does its round again.")]
    private partial void LogBack();

    [LoggerMessage(LogLevel.Error, "The canary has lost {Lost} events: they were acknowledged, and have not arrived for {Seconds} s. This is told once a minute at most.")]
    private partial void LogLost(int lost, double seconds);

    [LoggerMessage(LogLevel.Warning, "A gap was reported to the canary: {Gap}")]
    private partial void LogGap(string gap);

    [LoggerMessage(LogLevel.Warning, "Event {Number} of the canary arrived as {Arrival}.")]
    private partial void LogStrange(long number, CanaryArrival arrival);
}
