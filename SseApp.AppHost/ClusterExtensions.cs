using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace SseApp.AppHost;

internal static partial class ClusterExtensions
{
    /// <summary>Reads and validates section <c>Cluster</c>.</summary>
    /// <exception cref="DistributedApplicationException">A value is out of its range; the message names the key.</exception>
    public static ClusterOptions GetClusterOptions(this IDistributedApplicationBuilder builder)
    {
        var options = builder.Configuration.GetValidated<ClusterOptions>(ClusterOptions.SectionName);
        if (builder.ExecutionContext.IsPublishMode)
        {
            // A published gateway gets the port of its target; Azure Container Apps refuses an HTTP ingress on any but 80.
            options.GatewayPort = 0;
        }

        return options;
    }

    /// <summary>Lets a service end quickly although the dashboard, which takes its telemetry, has gone before it.</summary>
    public static IResourceBuilder<ProjectResource> WithShortTelemetryTimeout(this IResourceBuilder<ProjectResource> service) =>
        // With the default of 10 s, Ctrl+C took 16 s: the last export is tried again until its timeout is over.
        // A published service keeps the default; its collector may be far away.
        service.ApplicationBuilder.ExecutionContext.IsRunMode
            ? service.WithEnvironment("OTEL_EXPORTER_OTLP_TIMEOUT", "1000")
            : service;

    /// <summary>Says which setting to change when another program holds the gateway's fixed port; the gateway's own error shows only in the dashboard.</summary>
    public static void ExplainTakenPort(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> gateway, int? port)
    {
        if (port is not { } wanted)
        {
            return;
        }

        builder.Eventing.Subscribe<BeforeResourceStartedEvent>(gateway.Resource, (starting, _) =>
        {
            if (IsTaken(wanted))
            {
                LogPortTaken(starting.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost"), wanted);
                throw new DistributedApplicationException($"Port {wanted} is taken (Cluster:GatewayPort).");
            }

            return Task.CompletedTask;
        });
    }

    /// <summary>Says where to click once the gateway answers.</summary>
    public static void AnnounceWhenReady(this IDistributedApplicationBuilder builder, IResourceBuilder<ProjectResource> gateway)
    {
        var announced = 0;
        builder.Eventing.Subscribe<ResourceReadyEvent>(gateway.Resource, (ready, _) =>
        {
            // A restart of the gateway makes it ready again; the address stays the same.
            if (Interlocked.Exchange(ref announced, 1) == 0)
            {
                var logger = ready.Services.GetRequiredService<ILoggerFactory>().CreateLogger("SseApp.AppHost");
                var url = gateway.GetEndpoint("http").Url;
                LogReady(logger, url);
            }

            return Task.CompletedTask;
        });
    }

    private static bool IsTaken(int port)
    {
        // The gateway listens on "localhost", which is both.
        IPAddress[] addresses = Socket.OSSupportsIPv6 ? [IPAddress.Loopback, IPAddress.IPv6Loopback] : [IPAddress.Loopback];
        foreach (var address in addresses)
        {
            try
            {
                using var listener = new TcpListener(address, port);
                listener.Start();
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                return true;
            }
            catch (SocketException)
            {
                // No such address here, or no right to the port: the gateway's own error tells that.
            }
        }

        return false;
    }

    [LoggerMessage(Level = LogLevel.Error, Message =
        "The gateway cannot start: port {Port} is taken by another program. End that program and start the gateway in the dashboard, "
        + "or choose another port with --Cluster:GatewayPort=<port> (0 takes any free one).")]
    private static partial void LogPortTaken(ILogger logger, int port);

    [LoggerMessage(Level = LogLevel.Information, Message = """
        The cluster is ready.
              Live console: {Url}
              Subscribe:    curl -N "{Url}/events?topic=news"
              Publish:      curl -d "hello" {Url}/topics/news/events
        """)]
    private static partial void LogReady(ILogger logger, string url);
}
