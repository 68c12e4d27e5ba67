using SseApp.Gateway.Health;
using SseApp.Gateway.Refusals;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Signing;
using Yarp.ReverseProxy;

namespace SseApp.Gateway.Alerts;

/// <summary>
/// One evaluation after the other: looks at the cluster, asks the rules, writes what they find into the book of all
/// gateways, and sends the notices that fell to this one. While Redis is unavailable it goes on with its own copy of the book.
/// </summary>
internal sealed partial class AlertEngine(
    ReplicaDirectory directory,
    IProxyStateLookup proxy,
    IRestartLedger ledger,
    IAlertStore store,
    IEnumerable<IAlertRule> rules,
    AlertSender sender,
    RefusalTotal refusals,
    ForgedRecords forged,
    IOptions<AlertsOptions> options,
    TimeProvider time,
    ILogger<AlertEngine> logger,
    RedisMemory? memory = null)
{
    // Evaluations that may be missed before a condition counts as over.
    private const int MissedEvaluations = 5;
    private const int MaxWriteAttempts = 5;

    private static readonly TimeSpan s_ledgerLimit = TimeSpan.FromSeconds(2);

    private readonly string _gateway = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}";
    private readonly long _startedAt = time.GetTimestamp();
    private readonly IAlertRule[] _rules = [.. rules];
    private readonly Dictionary<string, Sending> _sending = new(StringComparer.Ordinal);
    private readonly List<AlertOutcome> _outcomes = [];
    private IReadOnlyList<RestartRecord> _restarts = [];
    private AlertBook _book = new();
    private bool _alone;

    /// <summary>The book as of the last evaluation.</summary>
    public AlertBook Book => Volatile.Read(ref _book);

    public async Task EvaluateAsync(CancellationToken cancellationToken)
    {
        CollectOutcomes();
        await ReadRestartsAsync(cancellationToken);
        var notices = await WriteAsync(cancellationToken);
        foreach (var notice in notices)
        {
            _sending[notice.Alert.Key] = new Sending(notice, sender.SendAsync(notice, cancellationToken));
        }
    }

    /// <summary>Lets the notices that are under way arrive, and writes that they did, so that nobody sends them again.</summary>
    public async Task FinishAsync(TimeSpan limit)
    {
        var sending = Task.WhenAll(_sending.Values.Select(sending => sending.Task));
        await sending.WaitAsync(limit, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        CollectOutcomes();
        if (_outcomes.Count > 0)
        {
            await WriteAsync(CancellationToken.None);
        }
    }

    private void CollectOutcomes()
    {
        foreach (var (key, sending) in _sending.Where(sending => sending.Value.Task.IsCompleted).ToArray())
        {
            _sending.Remove(key);
            if (sending.Task.IsCompletedSuccessfully)
            {
                _outcomes.Add(new AlertOutcome(key, sending.Notice.State, sending.Notice.Alert.Since));
            }
            else if (sending.Task.Exception is { } exception)
            {
                // The claim runs out, and the notice is sent again.
                LogSendFailed(key, exception);
            }
        }
    }

    private async Task ReadRestartsAsync(CancellationToken cancellationToken)
    {
        // While Redis is unavailable the last known ones stay; asking would only cost time.
        if (!directory.IsRegistryUnavailable)
        {
            try
            {
                _restarts = await ledger.ReadAsync(cancellationToken).WaitAsync(s_ledgerLimit, time, cancellationToken);
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
            {
                LogLedgerFailed(exception);
            }
        }
    }

    private async Task<IReadOnlyList<AlertNotice>> WriteAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<AlertCondition>? conditions = null;
        try
        {
            for (var attempt = 0; attempt < MaxWriteAttempts; attempt++)
            {
                var (shared, version, now) = await store.ReadAsync(cancellationToken);
                var before = shared ?? new AlertBook();
                if (_alone || shared is null)
                {
                    // What was written while Redis was unavailable, or before it lost the book.
                    before = before.Merge(_book);
                }

                conditions ??= Evaluate(before, now);
                var after = before.Apply(View(conditions, now), out var notices);
                if (ReferenceEquals(after, shared) || await store.TryWriteAsync(after, version, cancellationToken))
                {
                    _alone = false;
                    Keep(after);
                    return notices;
                }
            }

            LogContended(MaxWriteAttempts);
            return [];
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            _alone = true;
            var now = time.GetUtcNow();
            conditions ??= Evaluate(_book, now);
            Keep(_book.Apply(View(conditions, now), out var notices));
            return notices;
        }
    }

    private void Keep(AlertBook book)
    {
        Volatile.Write(ref _book, book);
        _outcomes.Clear();
    }

    private bool IsStarting => time.GetElapsedTime(_startedAt) < options.Value.StartupGrace;

    private AlertView View(IReadOnlyList<AlertCondition> conditions, DateTimeOffset now) => new()
    {
        Gateway = _gateway,
        Now = now,
        IsStarting = IsStarting,
        Conditions = conditions,
        Outcomes = _outcomes,
        InFlight = _sending.Keys.ToHashSet(StringComparer.Ordinal),
        ConfirmFor = options.Value.EvaluateEvery * MissedEvaluations,
        MinInterval = options.Value.MinInterval,
    };

    private IReadOnlyList<AlertCondition> Evaluate(AlertBook known, DateTimeOffset now)
    {
        // Who left is read after who is there: a replica that leaves in between counts as present, not as lost.
        var replicas = directory.Replicas;
        var snapshot = new ClusterSnapshot
        {
            Uptime = time.GetElapsedTime(_startedAt),
            Now = now,
            IsStarting = IsStarting,
            Replicas = replicas,
            Left = directory.Left(),
            RegistryUnavailable = directory.IsRegistryUnavailable,
            RegistryUnsettled = directory.IsRegistryUnsettled,
            RedisMemory = memory?.Reading,
            RedisIsFilling = memory?.IsFilling == true,
            RedisIsFull = memory?.IsFull == true,
            Ready = proxy.CountReadyReplicas(),
            Restarts = _restarts,
            Refused = refusals.Value,
            Forged = forged.Total,
            Known = known.Active,
        };
        return [.. _rules.SelectMany(rule => rule.Evaluate(snapshot))];
    }

    [LoggerMessage(LogLevel.Debug, "The restart ledger could not be read.")]
    private partial void LogLedgerFailed(Exception exception);

    [LoggerMessage(LogLevel.Debug, "The alerts changed {Attempts} times while this gateway wrote its own; they are written at the next evaluation.")]
    private partial void LogContended(int attempts);

    [LoggerMessage(LogLevel.Error, "Sending the notice of alert {Key} failed; the next attempt follows.")]
    private partial void LogSendFailed(string key, Exception exception);

    private sealed record Sending(AlertNotice Notice, Task Task);
}
