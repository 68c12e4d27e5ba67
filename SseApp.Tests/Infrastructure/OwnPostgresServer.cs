namespace SseApp.Tests.Infrastructure;

/// <summary>A PostgreSQL of a class that kills it.</summary>
public sealed class OwnPostgresServer : IAsyncDisposable
{
    private readonly PostgresServer _server = new();

    internal PostgresNode Node => _server.Node;

    /// <summary>See <see cref="PostgresServer.RequireAsync"/>.</summary>
    public Task<string> RequireAsync(string name) => _server.RequireAsync(name);

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
