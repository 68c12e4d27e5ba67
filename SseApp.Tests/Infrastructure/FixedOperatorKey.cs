using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Tests.Infrastructure;

internal sealed class FixedOperatorKey : IOperatorKey
{
    private readonly byte[] _key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public ValueTask<byte[]> GetAsync(CancellationToken cancellationToken) => ValueTask.FromResult(_key);
}
