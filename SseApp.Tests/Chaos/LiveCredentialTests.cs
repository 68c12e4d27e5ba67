using System.Net.Http.Headers;
using SseApp.ServiceDefaults.Cluster.Credentials;

namespace SseApp.Tests.Chaos;

/// <summary>
/// Three thousand streams over a gateway, under a steady numbered publish, whose tokens end, are renewed, are taken back, and lose the key that
/// signed them; while a replica drains, and while Redis hangs.
/// </summary>
public sealed class LiveCredentialTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Class = 1_000;
    private const int AtOnce = 250;
    private const string RevokedUser = "revoked";
    private const string UserRevokedLater = "later";

    // Long enough for a warning and for all of the spread; the later ones have less, because the test has to wait for them.
    private static readonly TimeSpan s_firstLife = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_nextLife = TimeSpan.FromSeconds(11);
    private static readonly TimeSpan s_shortestLife = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_revoked = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_rotated = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(400);

    private readonly RedisServer _redis = new();
    private readonly List<TokenStream> _streams = [];
    private readonly long _started = Stopwatch.GetTimestamp();

    // When the tokens of the class end that are made now.
    private DateTimeOffset _classEnds;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [LongFact]
    public async Task Streams_end_with_their_tokens_and_nobody_else_does_in_the_middle_of_a_drain_and_while_Redis_hangs()
    {
        await using var issuer = await JwksServer.StartAsync();
        issuer.AddKey("old", "k1");
        issuer.AddKey("kept", "k2");
        await using var cluster = await ServiceCluster.StartAsync(_redis, new ServiceClusterOptions
        {
            Settings = [.. issuer.Settings, .. Tokens.Settings.Select(setting => (setting.Key.Replace(":0:", ":1:", StringComparison.Ordinal), setting.Value))],
        });
        var gateway = cluster.Gateway.Address;
        using var publisher = new HttpClient { BaseAddress = gateway, Timeout = Timeout.InfiniteTimeSpan };
        publisher.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Tokens.Make(publish: ["live.*"], sub: "publisher"));
        using NumberedTopic first = new("live.a", publisher), second = new("live.b", publisher);
        Say("started");

        var revokedToken = Lasting(RevokedUser);
        var revoked = await OpenAsync(i => i == 0 ? revokedToken : Lasting(RevokedUser), Class);
        var rotated = await OpenAsync(i => new(issuer.Token("old", change: Claims($"o{i}")), long.MaxValue), Class / 2);
        var staying = await OpenAsync(i => new(issuer.Token("kept", change: Claims($"k{i}")), long.MaxValue), Class / 4);
        var revokedLater = await OpenAsync(i => Lasting(UserRevokedLater), Class / 4);
        _classEnds = TimeProvider.System.GetUtcNow() + s_firstLife;
        var ending = await OpenAsync(i => Short($"e{i}"), Class, renews: true);
        _classEnds += s_nextLife;
        Say("open");
        using var stopping = new CancellationTokenSource();
        var publishing = Task.WhenAll(PublishAsync(first, stopping.Token), PublishAsync(second, stopping.Token));
        try
        {
            // A key leaves the set: its streams end while all that follows goes on.
            issuer.RemoveKey("old");
            issuer.AddKey("new", "k3");
            var rotation = EndAsync(rotated, s_rotated, "the streams of the old key to end");

            // What is taken back ends, and nothing else.
            using var operators = OperatorAccess.Client(cluster.Gateway.Admin);
            await RevokeAsync(RevokedUser, revoked);
            Assert.All([.. staying, .. revokedLater, .. ending], stream => Assert.True(stream.IsStreaming, "A stream of somebody else has ended, too."));
            Say("revoked");

            // A class of tokens ends: everybody is back with another one.
            await Eventually.Async(() => ending.TrueForAll(stream => stream.Expired > 0 && stream.IsStreaming), s_limit, "the class to go on with other tokens");
            _classEnds += s_nextLife;
            Say("renewed");

            // A replica drains in the middle of that.
            await Eventually.Async(() => ending.Exists(stream => stream.Expired > 1), s_limit, "the second tokens to begin to end");
            var drained = cluster.Replicas[0];
            Say("drain begins");
            drained.Process.Terminate();
            await RevokeAsync(UserRevokedLater, revokedLater);
            Say("revoked in the drain");
            await drained.Process.WaitForExitAsync().WaitAsync(s_limit, TimeProvider.System, Cancellation);
            Say("drain over");
            var secondEnded = Stopwatch.GetTimestamp() + Stopwatch.Frequency;
            await Eventually.Async(() => ending.TrueForAll(stream => stream.Token.Ends > secondEnded && stream.IsStreaming), s_limit, "the class to go on with third tokens");
            await Eventually.Async(() => staying.TrueForAll(stream => stream.IsStreaming && stream.Replica != drained.Name), s_limit, "the streams of the drained replica to go on elsewhere");
            Say("renewed in the drain");

            // Redis hangs: tokens end all the same, and what was revoked stays so.
            var leaving = ending.GetRange(0, Class / 2);
            leaving.ForEach(stream => stream.Renews = false);
            _redis.Freeze();
            try
            {
                using var refused = await operators.PostAsync("/admin/revocations", new StringContent("""{"jti":"another"}"""), Cancellation);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                await StaysRevokedAsync();
                await Eventually.Async(() => leaving.TrueForAll(stream => !stream.IsStreaming), s_limit, "the streams to end with their tokens while Redis hangs");
                await StaysRevokedAsync();
                Assert.All(staying, stream => Assert.True(stream.IsStreaming, "A stream ended because Redis hangs."));
                Say("ended without Redis");
            }
            finally
            {
                _redis.Thaw();
            }

            await rotation;
            Say("rotated");
            List<TokenStream> living = [.. staying, .. ending.Except(leaving)];
            await Eventually.Async(() => living.TrueForAll(stream => stream.IsStreaming), s_limit, "everybody else to go on");
            Say("Redis is back");
            await stopping.CancelAsync();
            await publishing;
            await Eventually.Async(() => living.TrueForAll(stream => stream.HasAll), s_limit, "the last events to come");
            Say("finished");
            await Task.WhenAll(_streams.Select(stream => stream.DisposeAsync().AsTask()));

            var faults = living.SelectMany(stream => stream.Faults(all: true)).Concat(_streams.Except(living).SelectMany(stream => stream.Faults(all: false)))
                .Concat(living.Concat(leaving).Where(stream => stream.KeptOut > 0).Select(_ => "was kept out, and its token had neither ended nor been taken back"))
                .Concat(_streams.Where(stream => stream.Cut > 0).Select(stream => $"was cut {stream.Cut} times"))
                .ToArray();
            Assert.True(faults.Length == 0, $"{faults.Length} faults; the first: a stream {string.Join("; a stream ", faults.Take(5))}");

            // They were made together, and did not end in one moment.
            var early = ending.ConvertAll(stream => stream.Early[0]);
            output.WriteLine($"the first tokens' streams ended so many seconds before them: {string.Join(", ", early.GroupBy(Math.Floor).OrderByDescending(second => second.Key).Select(second => $"{second.Key}: {second.Count()}"))}");
            Assert.True(early.GroupBy(Math.Floor).Count() > 2, "A class of tokens ended in one moment.");

            async Task RevokeAsync(string user, List<TokenStream> streams)
            {
                using var answer = await operators.PostAsync("/admin/revocations", new StringContent($$"""{"sub":"{{user}}"}"""), Cancellation);
                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
                await EndAsync(streams, s_revoked, $"the streams of {user} to end");
            }

            async Task StaysRevokedAsync()
            {
                foreach (var server in cluster.Replicas.Skip(1).Append(cluster.Gateway))
                {
                    using var client = new HttpClient { BaseAddress = server.Address };
                    client.DefaultRequestHeaders.TryAddWithoutValidation("Cookie", $"{SessionCookie.Name}={revokedToken.Text}");
                    await using var stream = await SseReader.OpenAsync(client, "/events?topic=live.a");
                    var told = await stream.NextAsync();
                    Assert.Equal((AccessRefusal.EventName, true), (told?.Type, told?.Data.Contains(AuthReason.TokenRevoked, StringComparison.Ordinal)));
                    Assert.Null(await stream.NextAsync());
                }
            }
        }
        finally
        {
            await stopping.CancelAsync();
        }

        async Task<List<TokenStream>> OpenAsync(Func<int, LiveToken> token, int count, bool renews = false)
        {
            var opened = new List<TokenStream>();
            while (opened.Count < count)
            {
                var i = opened.Count;
                // Those of two topics are not served by the bytes that all of one topic share.
                opened.Add(TokenStream.Open(gateway, i % 4 == 0 ? [first, second] : [first], () => token(i), renews));
                _streams.Add(opened[^1]);
                if (opened.Count % AtOnce == 0)
                {
                    await Eventually.Async(() => opened.TrueForAll(stream => stream.Opened > 0), s_limit, "the streams to open");
                }
            }

            return opened;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_streams.Select(stream => stream.DisposeAsync().AsTask()));
        await _redis.DisposeAsync();
    }

    private static LiveToken Lasting(string user) => new(Tokens.Make(sub: user, change: Claims(user)), long.MaxValue);

    /// <summary>Of the class; who comes too late for its end has one that ends later.</summary>
    private LiveToken Short(string user)
    {
        var now = TimeProvider.System.GetUtcNow();
        return LiveToken.Until(_classEnds > now + s_shortestLife ? _classEnds : now + s_nextLife, end => Tokens.Make(sub: user, change: claims =>
        {
            Claims(user)(claims);
            end(claims);
        }));
    }

    private static Action<Dictionary<string, object>> Claims(string user) => claims =>
    {
        claims["sub"] = user;
        claims[TokenClaims.DefaultSubscribe] = new[] { "live.*" };
    };

    private static Task EndAsync(List<TokenStream> streams, TimeSpan promise, string what) =>
        Eventually.Async(() => streams.TrueForAll(stream => stream.KeptOut > 0 && !stream.IsStreaming), promise, what);

    private static async Task PublishAsync(NumberedTopic topic, CancellationToken stopped)
    {
        using var pace = new PeriodicTimer(s_pace, TimeProvider.System);
        while (!stopped.IsCancellationRequested)
        {
            await topic.PublishAsync(CancellationToken.None);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }

    private void Say(string what) => output.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"{Stopwatch.GetElapsedTime(_started).TotalSeconds,5:0.0} s {what}: {_streams.Count(stream => stream.IsStreaming)} of {_streams.Count} stream, {_streams.Sum(stream => stream.Opened)} opened, {_streams.Sum(stream => stream.Expired)} expired, {_streams.Sum(stream => stream.KeptOut)} kept out, {_streams.Sum(stream => stream.Cut)} cut"));
}
