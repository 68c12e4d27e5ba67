namespace SseApp.ServiceDefaults.Defaults.Descriptors;

/// <summary>Asks the system once a second, and says when descriptors are short, or will be before what the settings promise.</summary>
internal sealed partial class DescriptorWatch(
    DescriptorBudget budget, IEnumerable<DescriptorPromise> promises, TimeProvider time, ILogger<DescriptorWatch> logger) : BackgroundService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!budget.IsLimited)
        {
            return;
        }

        var (tight, checkedPromises) = (false, false);
        using var timer = new PeriodicTimer(s_interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                budget.Sample();
                if (!checkedPromises)
                {
                    // Not before: connections to Redis and what the first requests load take descriptors, too.
                    checkedPromises = true;
                    CheckPromises();
                }

                if (tight != budget.IsTight)
                {
                    tight = budget.IsTight;
                    if (tight)
                    {
                        LogTight(budget.Open, budget.Limit);
                    }
                    else
                    {
                        LogRoom(budget.Open, budget.Limit);
                    }
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The service stops.
        }
    }

    private void CheckPromises()
    {
        foreach (var promise in promises)
        {
            var room = Math.Max(budget.ForStreams, 0) / promise.Each;
            if (promise.Streams > room)
            {
                LogPromise(promise.Setting, promise.Streams, budget.Limit, room, promise.Kind);
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Setting} is {Promised}, but the process may have only {Limit} files open, which is enough for {Room} {Kind}; clients beyond that are asked to come back later. Raise the limit of open files (ulimit -n, LimitNOFILE=, ulimits.nofile) or lower the setting.")]
    private partial void LogPromise(string setting, long promised, int limit, int room, string kind);

    [LoggerMessage(LogLevel.Warning, "{Open} of the {Limit} files that the process may have open are; new streams are refused and idle connections closed. Raise the limit of open files (ulimit -n, LimitNOFILE=, ulimits.nofile) or add processes.")]
    private partial void LogTight(int open, int limit);

    [LoggerMessage(LogLevel.Information, "{Open} of the {Limit} files that the process may have open are; there is room again.")]
    private partial void LogRoom(int open, int limit);
}

/// <summary>How many streams a setting promises, for the warning at the start.</summary>
/// <param name="Setting">Its name.</param>
/// <param name="Streams">Its value.</param>
/// <param name="Each">Descriptors of one stream.</param>
/// <param name="Kind">What these streams are called.</param>
internal sealed record DescriptorPromise(string Setting, long Streams, int Each, string Kind);
