using SseApp.Events.FanOut;

namespace SseApp.Events.Relay;

/// <summary>
/// <c>GET /relay</c>: a gateway's connection for many streams, signed when it is made; what comes over it needs no signature
/// of its own. For everybody else there is nothing here. It allows nothing that requests of their own would not: each
/// stream is a GET of the stream endpoint, and each request a publish, that passes the whole pipeline with this connection's addresses.
/// </summary>
internal sealed partial class RelayEndpoint(
    RelayPipeline pipeline,
    RelayedApplication relayed,
    IHttpContextFactory contexts,
    ShardSet shards,
    IHostApplicationLifetime application,
    IOptions<RelayOptions> options,
    ILogger<RelayEndpoint> logger)
{
    public async Task HandleAsync(HttpContext context)
    {
        var asks = context.Request.Headers.Upgrade.Contains(RelayProtocol.Upgrade, StringComparer.OrdinalIgnoreCase);
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true } upgrade || !asks)
        {
            context.Response.Headers.Upgrade = RelayProtocol.Upgrade;
            await TypedResults.Problem(
                $"This address takes connections that gateways upgrade to {RelayProtocol.Upgrade}; streams for everybody are at /events.",
                statusCode: StatusCodes.Status426UpgradeRequired).ExecuteAsync(context);
            return;
        }

        context.Response.Headers.Upgrade = RelayProtocol.Upgrade;
        context.Response.Headers[RelayProtocol.MaxStreamsHeader] = options.Value.MaxStreamsPerConnection.ToString(CultureInfo.InvariantCulture);
        var takesRequests = options.Value.MaxRequestsPerConnection > 0 && context.Request.Headers.ContainsKey(RelayProtocol.MaxRequestsHeader);
        if (takesRequests)
        {
            context.Response.Headers[RelayProtocol.MaxRequestsHeader] = options.Value.MaxRequestsPerConnection.ToString(CultureInfo.InvariantCulture);
        }

        await using var stream = await upgrade.UpgradeAsync();
        await ServeAsync(context, stream, takesRequests);
    }

    private async Task ServeAsync(HttpContext context, Stream stream, bool takesRequests)
    {
        var peer = new IPEndPoint(context.Connection.RemoteIpAddress ?? IPAddress.None, context.Connection.RemotePort);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        var connection = new RelayServerConnection(context, stream, options.Value, shards.NextIndex(), shards, contexts, pipeline, relayed, takesRequests, logger, ending);
        // Streams that are open end one by one as the replica drains; the last one takes the connection with it.
        await using var stopping = application.ApplicationStopping.UnsafeRegister(static state => ((RelayServerConnection)state!).BeginStop(), connection);
        LogOpened(peer);
        try
        {
            await RelayInput.ReadAsync(stream, connection, ending.Token);
        }
        catch (RelayProtocolException exception)
        {
            LogDamaged(peer, exception.Message);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The gateway is gone, or the replica stops: its streams end below.
            LogBroken(peer, exception);
        }
        finally
        {
            connection.Close();
            LogClosed(peer);
        }
    }

    [LoggerMessage(LogLevel.Debug, "Gateway {Peer} opened a relay connection.")]
    private partial void LogOpened(IPEndPoint peer);

    [LoggerMessage(LogLevel.Debug, "The relay connection of gateway {Peer} is over.")]
    private partial void LogClosed(IPEndPoint peer);

    [LoggerMessage(LogLevel.Debug, "The relay connection of gateway {Peer} broke off.")]
    private partial void LogBroken(IPEndPoint peer, Exception exception);

    [LoggerMessage(LogLevel.Error, "The relay connection of {Peer} was closed because the peer violated the relay protocol: {Reason} Use gateway and replicas of the same release, or set Relay:Enabled to false.")]
    private partial void LogDamaged(IPEndPoint peer, string reason);
}
