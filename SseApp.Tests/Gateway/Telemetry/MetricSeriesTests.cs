using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Gateway.Telemetry;

// The platform's meters are those of the whole process: other tests' requests would add series of theirs.
[Collection<RunsAlone>]
public sealed class MetricSeriesTests(RedisServer redis) : EdgeTest(redis)
{
    private static readonly string[] s_methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

    [Theory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public Task A_thousand_requests_that_are_all_different_make_no_more_series_than_a_few(string service) => CheckAsync(service, 1_000);

    [LongTheory]
    [InlineData("gateway")]
    [InlineData("replica")]
    public Task Ten_thousand_requests_that_are_all_different_make_no_more_series_than_a_few(string service) => CheckAsync(service, 10_000);

    private async Task CheckAsync(string service, int count)
    {
        // Every host, so that nothing is refused at the door.
        var (gateway, replica) = await StartAsync(settings: ("Hosts:Allowed:0", "*"));
        var (client, admin) = service == "gateway" ? (gateway.Client, gateway.Admin) : (replica.Client, replica.Admin);

        // Every kind once: method, unknown methods, path.
        for (var i = 0; i < s_methods.Length * 6 * 11; i++)
        {
            await SendAsync(client, i);
        }

        var before = await SeriesAsync(admin);
        await Parallel.ForAsync(1_000, 1_000 + count, new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancellation }, async (i, _) => await SendAsync(client, i));
        var after = await SeriesAsync(admin);

        // The runtime counts exceptions by their types, whoever throws them; a client has series of its own for a connection that
        // ended and for a request that waited for one, by method, and a look-up of a name one for how it went. They come when they
        // come, and are few.
        var more = after.Except(before, StringComparer.Ordinal).ToArray();
        Assert.DoesNotContain(more, line => !line.StartsWith("dotnet_", StringComparison.Ordinal) && !line.StartsWith("http_client_", StringComparison.Ordinal)
            && !line.StartsWith("dns_", StringComparison.Ordinal));
        Assert.InRange(more.Length, 0, 400);
        Assert.DoesNotContain(after, line => line.Contains("server_address", StringComparison.Ordinal) || line.Contains("server_port", StringComparison.Ordinal)
            || line.Contains("peer_address", StringComparison.Ordinal) || line.Contains("evil", StringComparison.Ordinal));
        // What is useful is still there.
        Assert.True(
            after.Any(line => line.StartsWith("http_server_request_duration_seconds_count", StringComparison.Ordinal) && line.Contains("http_response_status_code", StringComparison.Ordinal)),
            string.Join('\n', after.Where(line => line.StartsWith("http_server", StringComparison.Ordinal) && !line.Contains("_bucket", StringComparison.Ordinal))));
    }

    private static async Task SendAsync(HttpClient client, int i)
    {
        var method = i % 11 == 10 ? new HttpMethod($"M{i}") : new HttpMethod(s_methods[i % s_methods.Length]);
        var path = (i / s_methods.Length % 6) switch
        {
            0 => $"/topics/t{i}",
            1 => $"/topics/t{i}/events?event=e{i}",
            2 => $"/nothing/{i}",
            3 => $"/publish?q{i}={i}",
            4 => $"/admin/{i}",
            _ => $"/topics/t{i}?x={i}",
        };
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Host = $"h{i}.evil.example";
        request.Headers.TryAddWithoutValidation("Accept", $"text/x-{i}, */*");
        request.Headers.TryAddWithoutValidation("User-Agent", $"a{i}");
        request.Headers.TryAddWithoutValidation("X-Forwarded-For", $"192.0.2.{i % 250}");
        if (method == HttpMethod.Post)
        {
            request.Content = new StringContent($"b{i}");
        }

        using var response = await client.SendAsync(request, Cancellation);
    }

    /// <summary>Names and labels, without values; a histogram's buckets count as one.</summary>
    private static async Task<string[]> SeriesAsync(HttpClient client)
    {
        var text = await client.GetStringAsync("/metrics", Cancellation);
        return [.. text.Split('\n').Where(line => line is [not '#', ..]).Select(line => line[..(line.LastIndexOf('}') is var end and >= 0 ? end + 1 : line.IndexOf(' ', StringComparison.Ordinal))]).Distinct(StringComparer.Ordinal)];
    }
}
