using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Reflection;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Balancing;
using SseApp.Gateway.Operators;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;
using StackExchange.Redis;

namespace SseApp.Gateway.LiveState;

/// <summary>
/// Looks at the cluster once a second, keeps the history, and makes the frames that viewers are sent. While nobody looks there is
/// a point a second and nothing else: no frame, no question to Redis or to a replica.
/// </summary>
internal sealed partial class LiveStateService(
    ClusterSampler sampler,
    ClusterHistory history,
    ReplicaDashboard dashboard,
    ReplicaDirectory directory,
    LoadLedger ledger,
    AlertEngine alerts,
    IOptions<AlertsOptions> alertOptions,
    OperatorAudit audit,
    IServiceProvider services,
    IOptions<LiveStateOptions> options,
    TimeProvider time,
    ILogger<LiveStateService> logger) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_reloadLimit = TimeSpan.FromSeconds(2);
    private static readonly DateTimeOffset s_startedAt = new(Process.GetCurrentProcess().StartTime.ToUniversalTime());
    private static readonly string s_version = typeof(LiveStateService).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly Lock _gate = new();
    private ClusterPoint? _point;
    private long _number;
    private int _viewers;
    private ReloadStatus? _reload;
    private LiveFrame? _frame;
    private (AlertBook Book, byte[] Block) _alerts;
    private (ImmutableArray<OperatorAction> Recent, byte[] Block) _actions;
    private (ReloadStatus? Status, byte[]? Block) _reloaded;

    /// <summary>The newest frame. Only for who has entered.</summary>
    public LiveFrame Frame
    {
        get
        {
            lock (_gate)
            {
                return _frame!;
            }
        }
    }

    /// <summary>Counts a viewer in; <see cref="Leave"/> counts it out.</summary>
    /// <returns>False when there are as many as may be.</returns>
    public bool TryEnter()
    {
        lock (_gate)
        {
            if (_viewers >= options.Value.MaxViewers)
            {
                return false;
            }

            _viewers++;
            if (_viewers == 1)
            {
                Publish();
            }

            return true;
        }
    }

    public void Leave()
    {
        lock (_gate)
        {
            _viewers--;
        }
    }

    /// <summary>The state as one JSON object, for who asks once.</summary>
    public ReadOnlyMemory<byte> Snapshot()
    {
        lock (_gate)
        {
            var buffer = new ArrayBufferWriter<byte>();
            WriteState(buffer);
            return buffer.WrittenMemory;
        }
    }

    /// <summary>The block with the history, and the number of its last point.</summary>
    public (byte[] Block, long Last) History()
    {
        var (json, last) = history.Write();
        return (Block("history", json), last);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(SampleAsync(stoppingToken), FollowReloadAsync(stoppingToken));

    private async Task SampleAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            do
            {
                try
                {
                    lock (_gate)
                    {
                        _point = sampler.Take();
                        _number = history.Add(_point);
                        if (_viewers > 0)
                        {
                            Publish();
                        }
                    }
                }
#pragma warning disable CA1031 // A picture of the streams must not end them, whatever is wrong with it.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    LogFailed(exception);
                }
            }
            while (await timer.WaitForNextTickAsync(cancellationToken));
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }

    // By itself, because Redis may take its time.
    private async Task FollowReloadAsync(CancellationToken cancellationToken)
    {
        // A gateway without a connection to Redis reloads nothing.
        if (services.GetService<IConnectionMultiplexer>() is null)
        {
            return;
        }

        var reload = services.GetRequiredService<RollingReload>();
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken))
            {
                if (Volatile.Read(ref _viewers) == 0)
                {
                    continue;
                }

                try
                {
                    Volatile.Write(ref _reload, await reload.ReadAsync(cancellationToken).WaitAsync(s_reloadLimit, time, cancellationToken));
                }
                catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
                {
                    // What was known stays; that Redis is away is said by the registry.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops.
        }
    }

    private void Publish()
    {
        var buffer = new ArrayBufferWriter<byte>();
        WriteState(buffer);
        var replaced = _frame;
        _frame = new LiveFrame(_number, Block("state", buffer.WrittenSpan, _number), Alerts(), Actions(), Reload());
        replaced?.Replace();
    }

    private void WriteState(ArrayBufferWriter<byte> buffer)
    {
        var point = _point ?? sampler.Take();
        var open = point.Replicas.ToDictionary(replica => replica.Id, replica => replica.Streams, StringComparer.Ordinal);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WritePropertyName("gateway"u8);
        JsonSerializer.Serialize(
            json,
            new LiveGateway($"{Environment.MachineName}-{Environment.ProcessId}", s_version, s_startedAt, ledger.TotalStreams, _viewers),
            JsonSerializerOptions.Web);
        json.WriteString("registry"u8, directory.IsRegistryUnavailable ? "unavailable" : directory.IsRegistryUnsettled ? "returning" : "available");
        json.WritePropertyName("list"u8);
        JsonSerializer.Serialize(json, dashboard.All().Select(view => Live(view, open)), JsonSerializerOptions.Web);
        var ids = open.Keys.ToArray();
        ClusterHistory.Write(json, ids);
        json.WritePropertyName("point"u8);
        point.Write(json, id => Array.IndexOf(ids, id));
        json.WriteEndObject();
    }

    private LiveReplica Live(ReplicaView view, Dictionary<string, int> open)
    {
        var rates = sampler.RatesOf(view.Id);
        return new LiveReplica(view)
        {
            Open = open.GetValueOrDefault(view.Id),
            Published = rates is null ? null : Math.Round(rates.Published, 2),
            Delivered = rates is null ? null : Math.Round(rates.Delivered, 2),
        };
    }

    private byte[] Alerts()
    {
        var book = alerts.Book;
        if (!ReferenceEquals(book, _alerts.Book))
        {
            var block = Block("alerts", JsonSerializer.SerializeToUtf8Bytes(AlertList.Of(book, alertOptions.Value), JsonSerializerOptions.Web));
            // The book is written anew at each evaluation.
            _alerts = (book, _alerts.Block is { } known && known.AsSpan().SequenceEqual(block) ? known : block);
        }

        return _alerts.Block;
    }

    private byte[] Actions()
    {
        var recent = audit.Recent;
        if (_actions.Block is null || recent != _actions.Recent)
        {
            _actions = (recent, Block("actions", JsonSerializer.SerializeToUtf8Bytes(recent, JsonSerializerOptions.Web)));
        }

        return _actions.Block;
    }

    private byte[] Reload()
    {
        var status = Volatile.Read(ref _reload);
        if (_reloaded.Block is not { } known || !ReferenceEquals(status, _reloaded.Status))
        {
            known = Block("reload", JsonSerializer.SerializeToUtf8Bytes(status!, ReloadJsonContext.Default.ReloadStatus));
            _reloaded = (status, _reloaded.Block is { } before && before.AsSpan().SequenceEqual(known) ? before : known);
        }

        return _reloaded.Block!;
    }

    private static byte[] Block(string type, ReadOnlySpan<byte> json, long? number = null) =>
    [
        .. number is { } id ? System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"id: {id}\n")) : [],
        .. "event: "u8, .. System.Text.Encoding.ASCII.GetBytes(type), .. "\ndata: "u8, .. json, .. "\n\n"u8,
    ];

    [LoggerMessage(LogLevel.Warning, "The state of the cluster could not be taken for the console; it is tried again in a second.")]
    private partial void LogFailed(Exception exception);
}
