namespace SseApp.Tests.Chaos;

/// <summary>250 numbered publishes a second over 20 topics, and subscribers of two topics each, through the gateway.</summary>
internal sealed class ChaosLoad : IAsyncDisposable
{
    private const int Topics = 20;
    private const int DefaultSubscribers = 200;

    private static int s_loads;

    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(80);
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly HttpClient _publishing;
    private readonly HttpClient _streaming;
    private readonly CancellationTokenSource _stopping = new();
    private readonly NumberedTopic[] _topics;
    private readonly List<Subscriber> _subscribers;
    private Task _published = Task.CompletedTask;

    private ChaosLoad(Uri gateway, int subscribers, NetworkHost? host, HttpStatusCode? alsoRepeated)
    {
        _publishing = Client();
        _streaming = Client();

        // Loads that follow each other on one cluster have topics of their own.
        var load = Interlocked.Increment(ref s_loads);
        _topics = [.. Enumerable.Range(0, Topics).Select(i => new NumberedTopic(string.Create(CultureInfo.InvariantCulture, $"load{load}.t{i:00}"), _publishing, alsoRepeated))];

        // i and 7 i + 3 are never equal modulo 20, so each has two topics, and the same number of subscribers.
        _subscribers = [.. Enumerable.Range(0, subscribers).Select(i => new Subscriber(_streaming, i, [_topics[i % Topics], _topics[((7 * i) + 3) % Topics]]))];

        HttpClient Client() => new(host?.Handler() ?? new SocketsHttpHandler()) { BaseAddress = gateway, Timeout = Timeout.InfiniteTimeSpan };
    }

    public IReadOnlyList<NumberedTopic> NumberedTopics => _topics;

    /// <summary>Streams opened so far, by all subscribers together.</summary>
    public int Opened => _subscribers.Sum(subscriber => subscriber.Source.Opened);

    private int Acknowledged => _topics.Sum(topic => topic.Count);

    /// <summary>Opens all streams, then begins to publish.</summary>
    /// <param name="gateway">Where all requests go.</param>
    /// <param name="subscribers">How many streams.</param>
    /// <param name="host">Where publishers and subscribers are; null: here.</param>
    /// <param name="alsoRepeated">See <see cref="NumberedTopic"/>.</param>
    public static async Task<ChaosLoad> StartAsync(Uri gateway, int subscribers = DefaultSubscribers, NetworkHost? host = null, HttpStatusCode? alsoRepeated = null)
    {
        var load = new ChaosLoad(gateway, subscribers, host, alsoRepeated);
        await Eventually.Async(
            () => load._subscribers.TrueForAll(subscriber => subscriber.Source.Opened > 0 || subscriber.Source.Closed is not null), s_limit, "all streams to open");
        load._published = Task.WhenAll(load._topics.Select(load.PublishAsync));
        return load;
    }

    /// <summary>Publishes so far that were not answered with an acknowledgement, and were repeated.</summary>
    public int Repeated => _topics.Sum(topic => topic.Repeated);

    /// <summary>More subscribers, who begin with the oldest event there is.</summary>
    public void JoinEarliest(int subscribers)
    {
        for (var i = 0; i < subscribers; i++)
        {
            var index = _subscribers.Count;
            _subscribers.Add(new Subscriber(_streaming, index, [_topics[index % Topics], _topics[((7 * index) + 3) % Topics]], "&lastEventId=earliest"));
        }
    }

    /// <summary>The first subscribers are away until <see cref="ComeBack"/>.</summary>
    public async Task LeaveAsync(int subscribers)
    {
        foreach (var subscriber in _subscribers[..subscribers])
        {
            await subscriber.LeaveAsync();
        }
    }

    public void ComeBack(int subscribers) => _subscribers[..subscribers].ForEach(subscriber => subscriber.ComeBack());

    /// <summary>The subscriber that has opened the fewest streams.</summary>
    public int LeastOpened => _subscribers.Min(subscriber => subscriber.Source.Opened);

    /// <summary>Subscribers that this replica serves, or was the last to serve.</summary>
    public int ServedBy(string replica) => _subscribers.Count(subscriber => subscriber.Source.Replica == replica);

    /// <summary>Waits until so many more events are acknowledged.</summary>
    public async Task AcknowledgedAsync(int more)
    {
        var target = Acknowledged + more;
        await Eventually.Async(
            () => Acknowledged >= target || _published.IsFaulted, s_limit, $"{target} acknowledged events");
        if (_published.IsFaulted)
        {
            await _published;
        }
    }

    /// <summary>Ends publishing, waits until everybody has the last event of each topic, and closes all streams.</summary>
    public async Task FinishAsync()
    {
        await _stopping.CancelAsync();
        await _published;
        try
        {
            await Eventually.Async(
                () => _subscribers.TrueForAll(subscriber => subscriber.Lacking is null || subscriber.Source.Closed is not null), s_limit, "the last events to come");
        }
        catch (TimeoutException exception)
        {
            var lacking = _subscribers.Where(subscriber => subscriber.Lacking is not null).ToArray();
            throw new TimeoutException(
                $"{exception.Message} {lacking.Length} subscribers miss some, the first one {lacking[0].Lacking!.Last + 1} of {lacking[0].Lacking!.Topic.Count} of "
                + $"{lacking[0].Lacking!.Topic.Name}; it was served by {lacking[0].Source.Replica}, opened {lacking[0].Source.Opened} and was refused {lacking[0].Source.Refused} times.",
                exception);
        }

        foreach (var subscriber in _subscribers)
        {
            await subscriber.DisposeAsync();
        }
    }

    /// <summary>Nobody was closed for ever, and nobody's receipt has a fault.</summary>
    public void AssertFaultless(Func<Receipt, string?> findFault)
    {
        var faults = _subscribers.Where(subscriber => subscriber.Source.Closed is not null).Select(subscriber => $"Closed for ever: {subscriber.Source.Closed}")
            .Concat(_subscribers.SelectMany(subscriber => subscriber.Receipts).Select(findFault).OfType<string>())
            .ToArray();
        Assert.True(faults.Length == 0, $"{faults.Length} faults; the first: {string.Join(" ", faults.Take(5))}");
    }

    /// <summary>The delay in milliseconds that so large a share of the deliveries stayed under; after <see cref="FinishAsync"/>.</summary>
    public double Delay(double share, long from, long to)
    {
        var delays = _subscribers.SelectMany(subscriber => subscriber.Receipts).SelectMany(receipt => receipt.Delays(from, to)).Order().ToArray();
        return delays[(int)(share * (delays.Length - 1))];
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        foreach (var subscriber in _subscribers)
        {
            await subscriber.DisposeAsync();
        }

        await _published.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Array.ForEach(_topics, topic => topic.Dispose());
        _streaming.Dispose();
        _publishing.Dispose();
        _stopping.Dispose();
    }

    private async Task PublishAsync(NumberedTopic topic)
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!_stopping.IsCancellationRequested)
        {
            await topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
