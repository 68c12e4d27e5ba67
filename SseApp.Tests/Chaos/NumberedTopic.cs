namespace SseApp.Tests.Chaos;

/// <summary>
/// A topic whose events are numbered from 0. An event is published until it is acknowledged, with an idempotency key,
/// before the next one is: acknowledged events have an order.
/// </summary>
/// <param name="name">Of the topic.</param>
/// <param name="client">That publishes.</param>
/// <param name="alsoRepeated">A status after which the publish is repeated, beside those of a service that is not there.</param>
internal sealed class NumberedTopic(string name, HttpClient client, HttpStatusCode? alsoRepeated = null) : IDisposable
{
    // A publisher that waits longer than this takes the try for lost.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<StoredEvent> _stored = [];
    private readonly List<long> _begun = [];
    private int _count;
    private int _repeated;

    public string Name => name;

    /// <summary>Acknowledged events.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Tries of <see cref="PublishAsync"/> that were not acknowledged.</summary>
    public int Repeated => Volatile.Read(ref _repeated);

    /// <summary>Where each number is stored; to be read when nothing is published any more.</summary>
    public IReadOnlyList<StoredEvent> Stored => _stored;

    /// <summary>When publishing each number of <see cref="PublishAsync"/> began; to be read when nothing is published any more.</summary>
    public IReadOnlyList<long> Begun => _begun;

    public async Task PublishAsync(CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            // An event that was begun is brought to its end: it may be stored already.
            StoredEvent? stored;
            _begun.Add(Stopwatch.GetTimestamp());
            while ((stored = await TryPublishAsync(_stored.Count)) is null)
            {
                Interlocked.Increment(ref _repeated);
                await Task.Delay(s_pause, TimeProvider.System, TestContext.Current.CancellationToken);
            }

            Add(stored.Value);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Publishes the next <paramref name="count"/> numbers in one batch of large events.</summary>
    public async Task PublishBatchAsync(int count, int bytes)
    {
        await _turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var padding = new string('x', bytes);
            var lines = Enumerable.Range(_stored.Count, count).Select(number =>
                $$"""{"topic":"{{name}}","data":"{{Data(number)}} {{padding}}","idempotencyKey":"{{Data(number)}}"}""");
            using var answer = await client.PostAsync("/publish", new StringContent(string.Join('\n', lines)), TestContext.Current.CancellationToken);
            var result = await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
            foreach (var item in result.GetProperty("results").EnumerateArray())
            {
                Assert.Equal(201, item.GetProperty("status").GetInt32());
                Add(Parse(item.GetProperty("events")[0]));
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task<StoredEvent?> TryPublishAsync(int number)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_patience);
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/topics/{name}/events") { Content = new StringContent(Data(number)) };
        request.Headers.Add("Idempotency-Key", Data(number));
        try
        {
            using var answer = await client.SendAsync(request, limit.Token);
            if (answer.StatusCode is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout || answer.StatusCode == alsoRepeated)
            {
                return null;
            }

            Assert.True(answer.IsSuccessStatusCode, $"A publish was answered with {answer.StatusCode}: {await answer.Content.ReadAsStringAsync(limit.Token)}");
            return Parse(await answer.Content.ReadFromJsonAsync<JsonElement>(limit.Token));
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException
            || (exception is OperationCanceledException && !TestContext.Current.CancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    private string Data(int number) => string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");

    private void Add(StoredEvent stored)
    {
        _stored.Add(stored);
        Volatile.Write(ref _count, _stored.Count);
    }

    private static StoredEvent Parse(JsonElement stored) =>
        new(stored.GetProperty("epoch").GetString()!, stored.GetProperty("offset").GetInt64());
}

/// <summary>Where an acknowledged event was stored.</summary>
internal readonly record struct StoredEvent(string Epoch, long Offset)
{
    public uint MarkOf(int bits) => new Epoch(ulong.Parse(Epoch, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).Mark(bits);
}
