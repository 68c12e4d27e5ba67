using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using SseApp.Tests.ServiceDefaults.Defaults.Http;

namespace SseApp.Tests.Hostile;

/// <summary>A gateway with HTTPS in front of a replica, and an ordinary client of theirs who must notice nothing.</summary>
public abstract class HostileTest(RedisServer redis) : EdgeTest(redis)
{
    private readonly TestCertificate _certificate = new();

    internal async Task<HostileSite> BeginAsync(params (string Key, string Value)[] settings)
    {
        var (gateway, replica) = await StartAsync(settings:
        [
            ("Tls:CertificateFile", _certificate.CertificateFile), ("Tls:KeyFile", _certificate.KeyFile), ("Tls:Urls", "https://127.0.0.1:0"), ("Tls:Redirect", "false"), .. settings,
        ]);
        return Own(await HostileSite.OpenAsync(gateway, replica));
    }

    protected override ValueTask DisposeOwnAsync()
    {
        _certificate.Dispose();
        return default;
    }
}

internal sealed class HostileSite : IAsyncDisposable
{
    private readonly SseReader _stream;
    private readonly MetricCollector<double> _ends;
    private readonly MetricCollector<double> _requests;
    private readonly MetricCollector<long> _refusals;
    private readonly MetricCollector<long> _closed;
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _frames = new(StringComparer.Ordinal);
    private int _published;

    private HostileSite(GatewayHost gateway, EventsHost replica, SseReader stream)
    {
        Gateway = gateway;
        Replica = replica;
        _stream = stream;
        _ends = Collect<double>(gateway.Services, "Microsoft.AspNetCore.Server.Kestrel", "kestrel.connection.duration");
        _requests = Collect<double>(gateway.Services, "Microsoft.AspNetCore.Hosting", "http.server.request.duration");
        _refusals = Collect<long>(gateway.Services, "SseApp", "sse_refusals_total");
        _closed = Collect<long>(gateway.Services, "SseApp", "sse_connections_refused_total");
        // A collector would keep each of them.
        var own = gateway.Services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == "sse_http2_frames_total" && instrument.Meter.Scope == own)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((_, count, tags, _) => _frames.AddOrUpdate((string)tags[0].Value!, count, (_, sum) => sum + count));
        _listener.Start();
    }

    public GatewayHost Gateway { get; }

    public EventsHost Replica { get; }

    public static MetricCollector<T> Collect<T>(IServiceProvider services, string meter, string name)
        where T : struct => new(services.GetRequiredService<IMeterFactory>(), meter, name);

    public static async Task<HostileSite> OpenAsync(GatewayHost gateway, EventsHost replica)
    {
        var stream = await SseReader.OpenAsync(gateway.Client, "/events?topic=beside");
        await stream.OpenedAsync();
        return new HostileSite(gateway, replica, stream);
    }

    /// <summary>Connections that the server has ended for this (<c>kestrel_connection_duration_seconds_count{error_type}</c>).</summary>
    public int Ends(string errorType) => Tagged(_ends, "error.type", errorType);

    /// <summary>Requests that were answered with this (<c>http_server_request_duration_seconds_count{http_response_status_code}</c>).</summary>
    public int Answers(int status) => Tagged(_requests, "http.response.status_code", status);

    /// <summary>Requests that the gateway has refused for this (<c>sse_refusals_total{reason}</c>).</summary>
    public long Refusals(string reason) => Tagged(_refusals, reason);

    /// <summary>Connections that the gateway has closed for this (<c>sse_connections_refused_total{reason}</c>).</summary>
    public long Closed(string reason) => Tagged(_closed, reason);

    /// <summary>Frames of this type that clients have sent over HTTP/2 (<c>sse_http2_frames_total{type}</c>).</summary>
    public long Frames(string type) => _frames.GetValueOrDefault(type);

    /// <summary>For a failure's message: why connections have ended.</summary>
    public string AllEnds => string.Join(", ", _ends.GetMeasurementSnapshot().GroupBy(measured => measured.Tags.GetValueOrDefault("error.type")).Select(group => $"{group.Count()} × {group.Key ?? "none"}"));

    /// <summary>The stream that was open all the time is, and publishes get through.</summary>
    public async Task AssertGoesOnAsync()
    {
        var data = $"{++_published}";
        using var published = await Gateway.Client.PostAsync("/topics/beside/events", new StringContent(data), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Created, published.StatusCode);
        Assert.Equal(data, (await _stream.NextAsync())?.Data);
    }

    public async ValueTask DisposeAsync()
    {
        _ends.Dispose();
        _requests.Dispose();
        _refusals.Dispose();
        _closed.Dispose();
        _listener.Dispose();
        await _stream.DisposeAsync();
    }

    private static long Tagged(MetricCollector<long> collector, string reason) =>
        collector.GetMeasurementSnapshot().Where(measured => Equals(measured.Tags["reason"], reason)).Sum(measured => measured.Value);

    private static int Tagged(MetricCollector<double> collector, string tag, object value) =>
        collector.GetMeasurementSnapshot().Count(measured => Equals(measured.Tags.GetValueOrDefault(tag), value));
}
