[assembly: AssemblyFixture(typeof(SseApp.Tests.Infrastructure.PostgresServer))]

namespace SseApp.Tests.Infrastructure;

/// <summary>One PostgreSQL for all tests of a run, each class with a database of its own; started when the first one asks for it.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly HashSet<string> _databases = [];
    private PostgresNode? _node;

    internal PostgresNode Node => _node ?? throw new InvalidOperationException("The server was not started.");

    /// <summary>The connection string of a database that is made when it is first asked for; skips the test where there is no PostgreSQL.</summary>
    /// <param name="name">Of letters, digits and underscores.</param>
    public async Task<string> RequireAsync(string name)
    {
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            _node ??= await PostgresNode.StartAsync();
            if (_databases.Add(name))
            {
                await _node.ExecuteAsync("postgres", $"CREATE DATABASE {name}");
            }

            return _node.ConnectionTo(name);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _gate.Dispose();
    }
}
