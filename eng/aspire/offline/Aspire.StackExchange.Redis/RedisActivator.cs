using Microsoft.Extensions.Hosting;
using StackExchange.Redis;

namespace Aspire.StackExchange.Redis;

/// <summary>Connects when the host starts.</summary>
internal sealed class RedisActivator(Func<IConnectionMultiplexer> connect) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _ = connect();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
