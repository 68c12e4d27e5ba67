using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using SseApp.AppHost.Operations;

namespace SseApp.Tests.EndToEnd;

/// <summary>
/// The whole AppHost on real processes: embedded Redis, three replicas, the gateway on a free port. Nothing is restarted:
/// what a test killed stays dead until the test starts it.
/// </summary>
public class ClusterFixture : IAsyncDisposable
{
    public const int Replicas = 3;

    // Each service comes up through "dotnet run", seconds of processor time: with twenty programs a core it took four minutes.
    private static readonly TimeSpan s_startLimit = TimeSpan.FromMinutes(6);

    private readonly CancellationTokenSource _stopped = new();
    private readonly ConcurrentDictionary<string, ResourceEvent> _latest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Id, DateTime? At), int> _exits = new();
    private DistributedApplication? _app;
    private WebhookReceiver? _webhook;
    private Task _watch = Task.CompletedTask;
    private Task? _started;

    public DistributedApplication App => _app ?? throw new InvalidOperationException("The cluster has not started.");

    /// <summary>Gets the gateway's alerts, from its first second on and without a pause between two of the same key.</summary>
    internal WebhookReceiver Webhook => _webhook ?? throw new InvalidOperationException("The cluster has not started.");

    public Uri Gateway => App.GetEndpoint("gateway", "http");

    /// <summary>The gateway's listener for operators.</summary>
    public Uri Operators => App.GetEndpoint("gateway", "admin");

    /// <summary>What operators of the cluster know.</summary>
    public string OperatorKey => App.Services.GetRequiredService<OperatorListeners>().Key.Text;

    /// <summary>A client that is operator.</summary>
    public HttpClient OperatorClient(TimeSpan? timeout = null) => OperatorAccess.Client(Operators, OperatorKey, timeout);

    /// <summary>The latest state of each Events replica, by its resource id.</summary>
    public IReadOnlyDictionary<string, CustomResourceSnapshot> EventsReplicas => Instances("events");

    /// <summary>The latest state of each instance of a resource, by its resource id.</summary>
    public IReadOnlyDictionary<string, CustomResourceSnapshot> Instances(string resource) =>
        _latest.Where(entry => entry.Value.Resource.Name == resource).ToDictionary(entry => entry.Key, entry => entry.Value.Snapshot, StringComparer.Ordinal);

    /// <summary>How the processes of one replica ended so far.</summary>
    public IReadOnlyList<int> ExitCodes(string id) => [.. _exits.Where(exit => exit.Key.Id == id).OrderBy(exit => exit.Key.At).Select(exit => exit.Value)];

    /// <summary>Starts the cluster for the first test that asks: xunit makes the fixture for tests that this tier does not run, too.</summary>
    public Task RequireAsync() => _started ??= StartAsync();

    private async Task StartAsync()
    {
        _webhook = await WebhookReceiver.StartAsync();
        using var limit = new CancellationTokenSource(s_startLimit);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.SseApp_AppHost>(
            ["--Cluster:GatewayPort=0", "--Backplane:Mode=Garnet", .. Arguments], limit.Token);
        builder.CreateResourceBuilder<ProjectResource>("gateway")
            .WithEnvironment("Alerts__WebhookUrl", _webhook.Url)
            .WithEnvironment("Alerts__Format", "Json")
            .WithEnvironment("Alerts__StartupGrace", "00:00:00")
            .WithEnvironment("Alerts__MinInterval", "00:00:00");
        Configure(builder);
        _app = await builder.BuildAsync(limit.Token);
        _watch = WatchAsync(_stopped.Token);
        await _app.StartAsync(limit.Token);
        try
        {
            await _app.ResourceNotifications.WaitForResourceHealthyAsync("gateway", limit.Token);
            await Eventually.Async(
                () => EventsReplicas.Count(replica => replica.Value.HealthStatus == HealthStatus.Healthy) == Replicas, s_startLimit, $"{Replicas} healthy replicas; {Describe()}");
        }
        catch (OperationCanceledException exception) when (limit.IsCancellationRequested)
        {
            throw new TimeoutException($"The gateway was not healthy within {s_startLimit}. Resources: {Describe()}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        if (_webhook is not null)
        {
            await _webhook.DisposeAsync();
        }

        await _stopped.CancelAsync();
        await _watch;
        _stopped.Dispose();
        await CleanUpAsync();
    }

    /// <summary>Every resource with its state, for the message of a wait that failed.</summary>
    public string Describe() => string.Join("; ", _latest.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry =>
        $"{entry.Key}: {entry.Value.Snapshot.State?.Text}, {entry.Value.Snapshot.HealthStatus}, exit code {entry.Value.Snapshot.ExitCode}"));

    /// <summary>Switches of the AppHost.</summary>
    protected virtual IEnumerable<string> Arguments => ["--Restart:Enabled=false"];

    /// <summary>Called when the cluster has ended.</summary>
    protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    /// <summary>Changes the model before it is built.</summary>
    protected virtual void Configure(IDistributedApplicationTestingBuilder builder)
    {
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var change in App.ResourceNotifications.WatchAsync(cancellationToken))
            {
                _latest[change.ResourceId] = change;
                if (change.Snapshot is { ExitCode: { } code, State.Text: { } state } && (state == KnownResourceStates.Exited || state == KnownResourceStates.Finished))
                {
                    _exits[(change.ResourceId, change.Snapshot.StopTimeStamp)] = code;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The fixture is going away.
        }
    }
}
