using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.Events.Replicas;

/// <summary>Obeys operators' commands: at once when announced, at the next heartbeat when the announcement was lost.</summary>
internal sealed partial class CommandListener(
    RedisReplicaCommands commands,
    ReplicaIdentity identity,
    DrainState drain,
    ServiceExit exit,
    ForgedRecords forged,
    IOptions<ReplicaRegistryOptions> options,
    TimeProvider time,
    ILogger<CommandListener> logger) : BackgroundService
{
    // Both ways bring the same command, one after the other.
    private static readonly TimeSpan s_crossing = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // Those that were obeyed, for as long as their signatures could count.
    private readonly Dictionary<string, long> _obeyed = new(StringComparer.Ordinal);
    private string? _last;
    private bool _failing;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(RepeatAsync(FollowAsync, stoppingToken), RepeatAsync(ReadAsync, stoppingToken));

    private async Task RepeatAsync(Func<CancellationToken, Task> take, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await take(stoppingToken);
                _failing = false;
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                if (!_failing)
                {
                    _failing = true;
                    LogFailed(exception);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(options.Value.HeartbeatInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task FollowAsync(CancellationToken stoppingToken)
    {
        await foreach (var command in commands.WatchAsync(identity.Id, stoppingToken))
        {
            Obey(command);
        }
    }

    private async Task ReadAsync(CancellationToken stoppingToken)
    {
        if (await commands.ReadAsync(identity.Id, stoppingToken) is { } command)
        {
            Obey(command);
        }
    }

    private void Obey(ReplicaCommand command)
    {
        // Both ways bring the same command; held for its whole length so that an older one cannot overtake.
        lock (_gate)
        {
            if (command.StartedAt != identity.StartedAt || string.Equals(command.Id, _last, StringComparison.Ordinal))
            {
                return;
            }

            if (_obeyed.TryGetValue(command.Id, out var at))
            {
                if (time.GetElapsedTime(at) > s_crossing)
                {
                    forged.Add(ForgedKind.Command, command.Id, "it was sent again");
                }

                return;
            }

            foreach (var (id, _) in _obeyed.Where(obeyed => time.GetElapsedTime(obeyed.Value) > 2 * RecordSignature.Lifetime).ToArray())
            {
                _obeyed.Remove(id);
            }

            _obeyed[command.Id] = time.GetTimestamp();
            _last = command.Id;
            LogCommand(command.Kind);
            switch (command.Kind)
            {
                case ReplicaCommandKind.Drain:
                    drain.Begin();
                    break;
                case ReplicaCommandKind.Undrain:
                    drain.End();
                    break;
                case ReplicaCommandKind.Restart:
                    exit.Request(ExitCodes.Restart);
                    break;
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "An operator asked for: {Kind}.")]
    private partial void LogCommand(ReplicaCommandKind kind);

    [LoggerMessage(LogLevel.Debug, "Operators' commands cannot be read; the next attempt is with the next heartbeat.")]
    private partial void LogFailed(Exception exception);
}
