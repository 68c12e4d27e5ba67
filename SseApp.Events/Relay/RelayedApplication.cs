using Microsoft.AspNetCore.Hosting.Server;

namespace SseApp.Events.Relay;

/// <summary>
/// The service as its server runs it, so that a relayed request is traced, measured and logged as one of its own. (A relayed stream is
/// not: a span that lasts for hours would cost each of them memory and tell nobody anything; see <see cref="RelayPipeline"/>.)
/// </summary>
internal sealed class RelayedApplication
{
    private Func<FeatureCollection, RelayServerExchange, ILogger, Task>? _run;

    public Task RunAsync(FeatureCollection features, RelayServerExchange exchange, ILogger logger) =>
        (_run ?? throw new InvalidOperationException("The server has not started yet."))(features, exchange, logger);

    public void Use<TContext>(IHttpApplication<TContext> application)
        where TContext : notnull =>
        _run = (features, exchange, logger) => RunAsync(application, features, exchange, logger);

    private static async Task RunAsync<TContext>(IHttpApplication<TContext> application, FeatureCollection features, RelayServerExchange exchange, ILogger logger)
        where TContext : notnull
    {
        var context = application.CreateContext(features);
        Exception? failed = null;
        try
        {
            await application.ProcessRequestAsync(context);
            await exchange.CompleteAsync();
        }
#pragma warning disable CA1031 // As a server: the application learns of it below, and the client gets an answer.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failed = exception;
        }

        exchange.Answer(failed, logger);
        await exchange.EndAsync(logger);
        application.DisposeContext(context, failed);
    }
}

/// <summary>The server, and what it was started with.</summary>
internal sealed class ObservedServer(IServer inner, RelayedApplication relayed) : IServer
{
    public IFeatureCollection Features => inner.Features;

    public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
        where TContext : notnull
    {
        relayed.Use(application);
        return inner.StartAsync(application, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => inner.StopAsync(cancellationToken);

    public void Dispose() => inner.Dispose();
}
