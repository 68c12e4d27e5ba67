using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Hosting;
using SseApp.Events;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Lifetime;

namespace SseApp.Tests.Infrastructure;

/// <summary>The whole Events service in this process, on Kestrel and a free port.</summary>
public sealed class EventsHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private bool _stopped;

    private EventsHost(WebApplication app, Uri[] addresses, string prefix)
    {
        Prefix = prefix;
        _app = app;
        Addresses = addresses;
        Client = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 10_000 }) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(15) };
        Operator = new HttpClient(new ClusterKey.Handler(Get<ReplicaIdentity>().Id, RequestPurpose.Operator)) { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(15) };
        Admin = OperatorAccess.Client(new Uri(Get<AdminListener>().Addresses.FirstOrDefault("http://there.is.none.test")));
    }

    /// <summary>Prefix of its keys.</summary>
    public string Prefix { get; }

    /// <summary>The one that <see cref="Client"/> uses.</summary>
    public Uri Address => Addresses[0];

    /// <summary>One, unless the settings have endpoints for Kestrel: then these, ordered by their names.</summary>
    public IReadOnlyList<Uri> Addresses { get; }

    public HttpClient Client { get; }

    /// <summary>Sends what operators ask for, as gateways do.</summary>
    public HttpClient Operator { get; }
    /// <summary>An operator's, with the key.</summary>
    public HttpClient Admin { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a replica whose keys are its own unless <paramref name="prefix"/> joins it to another one.</summary>
    public static async Task<EventsHost> StartAsync(BackplaneServer server, string? prefix = null, params (string Key, string Value)[] settings)
    {
        await server.RequireAsync();
        return await StartAsync(server.ConnectionString, prefix, settings);
    }

    public static async Task<EventsHost> StartAsync(string connectionString, string? prefix = null, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { ApplicationName = "SseApp.Events", EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        HostDeath.Watch(builder, "replica");
        if (Array.Exists(settings, setting => setting.Key.StartsWith("Logging:", StringComparison.Ordinal)))
        {
            builder.Logging.AddFakeLogging();
        }

        builder.WebHost.UseUrls("http://127.0.0.1:0");
        prefix ??= Guid.NewGuid().ToString("N");
        builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>(StringComparer.Ordinal)
            {
                ["ConnectionStrings:redis"] = connectionString,
                ["Cluster:KeyPrefix"] = prefix,
                ["Drain:Window"] = "00:00:00",
                [ClusterKey.Setting] = ClusterKey.Text,
            });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.AddEvents();
        var app = builder.Build();
        app.MapEvents();
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<AdminListener>().Without(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses);
        return new EventsHost(app, [.. addresses.Select(address => new Uri(address))], prefix);
    }

    /// <summary>Opens a stream and reads its <c>stream.open</c>.</summary>
    public async Task<SseReader> SubscribeAsync(params string[] topics)
    {
        var reader = await OpenAsync(topics);
        await reader.OpenedAsync();
        return reader;
    }

    public Task<SseReader> OpenAsync(params string[] topics) =>
        SseReader.OpenAsync(Client, "/events?" + string.Join('&', topics.Select(topic => "topic=" + Uri.EscapeDataString(topic))));

    /// <summary>Opens a stream as an EventSource that reconnects with its last id.</summary>
    public Task<SseReader> ResumeAsync(string? lastEventId, params string[] topics) =>
        SseReader.OpenAsync(Client, "/events?" + string.Join('&', topics.Select(topic => "topic=" + Uri.EscapeDataString(topic))), lastEventId);

    public async Task<HttpResponseMessage> PublishAsync(string topic, string data, string query = "", string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/topics/{Uri.EscapeDataString(topic)}/events{query}")
        {
            Content = new StringContent(data),
        };
        if (idempotencyKey is not null)
        {
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        }

        return await Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public MetricCollector<long> Collect(string metric) =>
        new(Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), "SseApp", metric);

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    /// <summary>Runs until the service ends itself; answers with the exit code of its process.</summary>
    public async Task<int> RunToEndAsync()
    {
        await _app.WaitForShutdownAsync();
        _stopped = true;
        return Get<ServiceExit>().Code;
    }

    public async Task StopAsync()
    {
        if (!_stopped)
        {
            _stopped = true;
            await _app.StopAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        Operator.Dispose();
        Admin.Dispose();
        await StopAsync();
        await _app.DisposeAsync();
    }
}
