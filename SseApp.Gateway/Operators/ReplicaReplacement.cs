using SseApp.Gateway.Replicas;

namespace SseApp.Gateway.Operators;

/// <summary>Replaces the process of one replica, and waits until nobody misses it.</summary>
internal sealed class ReplicaReplacement(ReplicaDirectory directory, RedisReplicaCommands commands, IOptions<ReloadOptions> options, TimeProvider time)
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_obeyLimit = TimeSpan.FromSeconds(10);

    // Tabs are closed all the time; the last stream of thousands need not return.
    private const double Returned = 0.99;
    private const int TooFewToJudge = 20;

    private readonly ReloadOptions _options = options.Value;

    /// <summary>Sends the command and waits for the successor.</summary>
    /// <exception cref="ReloadFailedException">It did not come in time.</exception>
    public async Task RestartAsync(ReplicaRecord replica, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var before = directory.Replicas.Select(record => (record.Id, record.StartedAt)).ToHashSet();
        await commands.SendAsync(ReplicaCommand.To(replica, ReplicaCommandKind.Restart), cancellationToken);
        if (!await UntilAsync(() => !directory.Replicas.Any(record => IsSame(record, replica) && record.State == ReplicaState.Ready), s_obeyLimit, cancellationToken))
        {
            throw new ReloadFailedException($"Replica {replica.Id} did not begin to drain within {s_obeyLimit.TotalSeconds:0} s; see its log.");
        }

        var limit = _options.ReplicaTimeout - time.GetElapsedTime(started);
        if (!await UntilAsync(() => HasSuccessor(replica, before) && !directory.Replicas.Any(record => IsSame(record, replica)), limit, cancellationToken))
        {
            throw new ReloadFailedException(string.Create(
                CultureInfo.InvariantCulture,
                $"No successor of replica {replica.Id} was ready within {_options.ReplicaTimeout.TotalSeconds:0} s (Reload:ReplicaTimeout). Its log says why, if it was started; what runs the replicas must start one that exits."));
        }
    }

    /// <summary>Waits for the streams to be open again.</summary>
    /// <param name="replica">As it was before its restart.</param>
    /// <param name="streams">Streams of the whole cluster before its restart.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ReloadFailedException">So few reconnected that the new process may be the reason.</exception>
    public async Task StreamsBackAsync(ReplicaRecord replica, int streams, CancellationToken cancellationToken)
    {
        var wanted = streams - ((1 - Returned) * replica.Connections);
        if (await UntilAsync(() => Streams() >= wanted, _options.StreamsTimeout, cancellationToken))
        {
            return;
        }

        var missing = streams - Streams();
        if (replica.Connections >= TooFewToJudge && missing > replica.Connections * (1 - _options.MinReturned))
        {
            throw new ReloadFailedException(string.Create(
                CultureInfo.InvariantCulture,
                $"{missing} of the {replica.Connections} streams of replica {replica.Id} did not reconnect within {_options.StreamsTimeout.TotalSeconds:0} s (Reload:StreamsTimeout, Reload:MinReturned). See whether the new process takes streams before you reload the rest."));
        }
    }

    /// <summary>Streams of the whole cluster, as of the replicas' last heartbeats.</summary>
    public int Streams() => directory.Replicas.Sum(record => record.Connections);

    private static bool IsSame(ReplicaRecord record, ReplicaRecord replica) =>
        string.Equals(record.Id, replica.Id, StringComparison.Ordinal) && record.StartedAt == replica.StartedAt;

    // A process that was there before is none: it only resumes what it did.
    private bool HasSuccessor(ReplicaRecord replica, HashSet<(string Id, DateTimeOffset StartedAt)> before) =>
        directory.Replicas.Any(record => record.State == ReplicaState.Ready && !IsSame(record, replica) && !before.Contains((record.Id, record.StartedAt)));

    private async Task<bool> UntilAsync(Func<bool> condition, TimeSpan limit, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (!condition())
        {
            if (time.GetElapsedTime(started) >= limit)
            {
                return false;
            }

            await Task.Delay(s_poll, time, cancellationToken);
        }

        return true;
    }
}

/// <summary>The reload must not go on; the message is for the operator.</summary>
internal sealed class ReloadFailedException(string message) : Exception(message);
