namespace SseApp.Tests.Infrastructure;

/// <summary>Replicas in this process under a supervisor that starts a new one for each that asks for it.</summary>
internal sealed class SupervisedReplicas : IAsyncDisposable
{
    private readonly Func<Task<EventsHost>> _start;
    private readonly List<EventsHost> _hosts = [];
    private readonly List<int> _exitCodes = [];
    private readonly Lock _gate = new();
    private bool _disposing;

    private SupervisedReplicas(Func<Task<EventsHost>> start) => _start = start;

    /// <summary>While false nothing is started again.</summary>
    public bool Restarts { get; set; } = true;

    /// <summary>Of the processes that ended by themselves.</summary>
    public IReadOnlyList<int> ExitCodes
    {
        get
        {
            lock (_gate)
            {
                return [.. _exitCodes];
            }
        }
    }

    public static async Task<SupervisedReplicas> StartAsync(int count, Func<Task<EventsHost>> start)
    {
        var replicas = new SupervisedReplicas(start);
        for (var i = 0; i < count; i++)
        {
            await replicas.AddAsync();
        }

        return replicas;
    }

    public async ValueTask DisposeAsync()
    {
        EventsHost[] hosts;
        lock (_gate)
        {
            _disposing = true;
            hosts = [.. _hosts];
        }

        foreach (var host in hosts)
        {
            await host.DisposeAsync();
        }
    }

    private async Task AddAsync()
    {
        var host = await _start();
        lock (_gate)
        {
            _hosts.Add(host);
        }

        _ = SuperviseAsync(host);
    }

    private async Task SuperviseAsync(EventsHost host)
    {
        var code = await host.RunToEndAsync();
        lock (_gate)
        {
            if (_disposing)
            {
                return;
            }

            _exitCodes.Add(code);
        }

        if (Restarts && code == SseApp.ServiceDefaults.Defaults.Lifetime.ExitCodes.Restart)
        {
            await AddAsync();
        }
    }
}
