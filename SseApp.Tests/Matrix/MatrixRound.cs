using System.Runtime.ExceptionServices;

namespace SseApp.Tests.Matrix;

/// <summary>
/// All clients of the matrix at once, each on a stream of its own, through everything that happens to a stream: on one cluster,
/// so that the starts and the waits cost as much for all as for one. A client that fails, or is not there, is left out of what
/// follows.
/// </summary>
public sealed class MatrixRound : IAsyncLifetime
{
    private const int Replicas = 2;

    /// <summary>Its EventSource does nothing any more when its connection was cut, whoever is at the other end.</summary>
    private const string OnlyAfterAnEnd = "undici";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private static readonly ServiceClusterOptions s_options = new()
    {
        Replicas = Replicas,
        Settings = [("Cors:Origins:0", "*"), ("Drain:Window", "00:00:00.500"), ("Streaming:HeartbeatInterval", "00:00:00.200")],
    };

    private readonly SharedCluster _shared = new();
    private readonly ConcurrentDictionary<string, Exception> _failures = new(StringComparer.Ordinal);
    private Task? _round;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The round, for the first test that asks; then fails, or skips, as the client did.</summary>
    internal async Task PassedAsync(string name, IEnumerable<string> all)
    {
        await (_round ??= RunAsync([.. all]));
        if (_failures.TryGetValue(name, out var failure))
        {
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _shared.DisposeAsync();

    private async Task RunAsync(string[] names)
    {
        var cluster = await _shared.WholeAsync(s_options);
        using var http = new HttpClient { BaseAddress = cluster.Gateway.Address };
        using var operators = OperatorAccess.Client(cluster.Gateway.Admin, timeout: TimeSpan.FromSeconds(100));
        var seats = names.Select(name => new Seat(name, cluster.Gateway.Address)).ToArray();
        var packages = new Lazy<Task<string>>(MatrixClient.RequirePackagesAsync);
        var browser = new Lazy<Task<MatrixBrowser>>(() => BrowseAsync(seats, packages.Value));
        try
        {
            await EachAsync(seats, async seat =>
            {
                seat.Client = await MatrixClient.OpenAsync(seat.Name, seat.Stream, () => packages.Value, () => browser.Value);
                await SeenAsync(seat, "stream.open", 1);
                await TellAsync(http, seat);
            });
            await EachAsync(seats, seat => BeatAsync(http, seat));
            await EachAsync(seats, seat => CutAsync(http, operators, seat));
            foreach (var replica in cluster.Replicas)
            {
                await using (await DrainAsync(operators, replica.Name))
                {
                    await EachAsync(seats, seat => MovedAsync(http, seat, replica.Name));
                }

                await ReadyAsync(cluster);
            }

            await using (await DrainAsync(operators, [.. cluster.Replicas.Select(replica => replica.Name)]))
            {
                await EachAsync(seats, seat => UntilAsync(seat, () => seat.Seen.Any(seen => seen.Type is "stream.unavailable" or MatrixClient.Refused), "a refusal"));
            }

            await EachAsync(seats, async seat =>
            {
                await TellAsync(http, seat);
                AssertWhole(seat);
            });
        }
        finally
        {
            foreach (var seat in seats)
            {
                await seat.DisposeAsync();
            }

            if (browser.IsValueCreated && browser.Value.IsCompletedSuccessfully)
            {
                await (await browser.Value).DisposeAsync();
            }
        }
    }

    /// <summary>The browser's own client needs no package, and is there without npm, too.</summary>
    private static async Task<MatrixBrowser> BrowseAsync(IEnumerable<Seat> seats, Task<string> packages)
    {
        await ((Task)packages).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        var fetched = packages.IsCompletedSuccessfully;
        var streams = seats.Where(seat => seat.Name == MatrixBrowser.Native || (fetched && MatrixBrowser.Has(seat.Name)))
            .ToDictionary(seat => seat.Name, seat => seat.Stream, StringComparer.Ordinal);
        return await MatrixBrowser.OpenAsync(streams, fetched ? await packages : "");
    }

    /// <summary>All clients that have not failed, at the same time.</summary>
    private Task EachAsync(IEnumerable<Seat> seats, Func<Seat, Task> step) => Task.WhenAll(seats.Where(seat => !_failures.ContainsKey(seat.Name)).Select(async seat =>
    {
        try
        {
            await step(seat);
        }
#pragma warning disable CA1031 // The test of this client throws it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failures[seat.Name] = exception;
        }
    }));

    /// <summary>When another stream of the topic had several heartbeats, this one had some.</summary>
    private static async Task BeatAsync(HttpClient http, Seat seat)
    {
        using (var other = await StreamClient.OpenAsync(http, seat.Path))
        {
            var bytes = Encoding.UTF8.GetByteCount(await other.ReadUntilAsync("}\n\n"));
            await other.ReadBytesAsync(bytes + 6);
        }

        await TellAsync(http, seat);
    }

    private static async Task CutAsync(HttpClient http, HttpClient operators, Seat seat)
    {
        var opened = seat.Count("stream.open");
        if (seat.Name == OnlyAfterAnEnd)
        {
            await CommandAsync(operators, $"/admin/connections/{seat.Opened("connection")}/disconnect");
            await TellAsync(http, seat);
        }
        else
        {
            seat.Pipe.Break(PipeFault.Refuse);
            await TellAsync(http, seat, seat.Pipe.Mend);
        }

        await SeenAsync(seat, "stream.open", opened + 1);
    }

    /// <summary>A client of this replica is on the other one now; one that was there has stayed.</summary>
    private static async Task MovedAsync(HttpClient http, Seat seat, string drained)
    {
        await UntilAsync(seat, () => seat.Opened("replica") != drained, $"a stream elsewhere than at {drained}");
        await TellAsync(http, seat);
    }

    private static void AssertWhole(Seat seat)
    {
        Assert.Equal(Enumerable.Range(0, seat.Told).Select(number => $"{number}"), seat.Seen.Where(seen => seen.Type == "message").Select(seen => seen.Data));
        Assert.DoesNotContain(seat.Seen, seen => seen.Data.Length == 0);
        Assert.DoesNotContain(seat.Seen, seen => seen.Type == "stream.gap");
        // At the start, after the cut, and after at least one of the drains, wherever it was.
        var opened = seat.Seen.Where(seen => seen.Type == "stream.open").ToArray();
        Assert.Equal(Replicas, opened.Select(seen => JsonElement.Parse(seen.Data).GetProperty("replica").GetString()).Distinct().Count());
        Assert.All(opened.Skip(1), seen => Assert.True(JsonElement.Parse(seen.Data).GetProperty("resumed").GetBoolean(), seen.Data));
    }

    private static Task SeenAsync(Seat seat, string type, int count) => UntilAsync(seat, () => seat.Count(type) >= count, $"{count} of {type}");

    private static async Task UntilAsync(Seat seat, Func<bool> condition, string what)
    {
        try
        {
            await Eventually.Async(condition, s_limit, $"{what}, by {seat.Name}");
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"{exception.Message} Seen: {string.Join("; ", seat.Seen)}. It printed: {seat.Client?.Tail()}", exception);
        }
    }

    /// <summary>
    /// Publishes the next number, and waits until the client has it. A refusal of the gateway, which knows of the end of a drain a
    /// moment later, stores nothing.
    /// </summary>
    private static async Task TellAsync(HttpClient http, Seat seat, Action? stored = null)
    {
        await Eventually.Async(
            async () =>
            {
                using var answer = await http.PostAsync($"/topics/{seat.Topic}/events", new StringContent($"{seat.Told}"), Cancellation);
                return answer.StatusCode == HttpStatusCode.Created;
            },
            s_limit,
            $"event {seat.Told} for {seat.Name} to be stored");
        seat.Told++;
        stored?.Invoke();
        await SeenAsync(seat, "message", seat.Told);
    }

    private static Task ReadyAsync(ServiceCluster cluster) => Eventually.Async(
        async () => (await cluster.ListAsync()).Count(replica => replica.GetProperty("state").GetString() == "ready") == Replicas, s_limit, "both replicas to take streams again");

    /// <summary>Drains these replicas until it is disposed of.</summary>
    private static async Task<Undrain> DrainAsync(HttpClient http, params string[] replicas)
    {
        foreach (var replica in replicas)
        {
            await CommandAsync(http, $"/admin/replicas/{replica}/drain?force=true");
        }

        return new Undrain(http, replicas);
    }

    private static async Task CommandAsync(HttpClient http, string path)
    {
        using var answer = await http.PostAsync(path, null, Cancellation);
        answer.EnsureSuccessStatusCode();
    }

    private sealed class Undrain(HttpClient http, string[] replicas) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            foreach (var replica in replicas)
            {
                await CommandAsync(http, $"/admin/replicas/{replica}/undrain");
            }
        }
    }

    /// <summary>One client's place in the round.</summary>
    private sealed class Seat(string name, Uri gateway) : IAsyncDisposable
    {
        public string Name => name;

        public TcpPipe Pipe { get; } = new() { Target = gateway };

        public string Topic { get; } = $"matrix-{Guid.NewGuid():N}";

        public string Path => $"/events?topic={Topic}";

        public Uri Stream => new(Pipe.Address, Path);

        public MatrixClient? Client { get; set; }

        /// <summary>Events published so far: their data are the numbers below it.</summary>
        public int Told { get; set; }

        public IReadOnlyList<SseEvent> Seen => Client?.Seen ?? [];

        public int Count(string type) => Seen.Count(seen => seen.Type == type);

        /// <summary>What the stream that it opened last says of itself.</summary>
        public string Opened(string member) => JsonElement.Parse(Seen.Last(seen => seen.Type == "stream.open").Data).GetProperty(member).GetString()!;

        public async ValueTask DisposeAsync()
        {
            if (Client is not null)
            {
                await Client.DisposeAsync();
            }

            await Pipe.DisposeAsync();
        }
    }
}
