using System.Net;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dashboard;

/// <summary>Serves the dashboard's questions about resources over gRPC on a loopback port of this process.</summary>
internal sealed class DashboardServiceHost(
    DistributedApplicationModel model,
    ResourceNotificationService notifications,
    ResourceLoggerService logs,
    ResourceCommandService commands,
    IOptions<DashboardOptions> options,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory) : IHostedService, IAsyncDisposable
{
    private const string ApiKeyHeader = "x-resource-service-api-key";
    private readonly TaskCompletionSource<string> _url = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly DashboardServiceSession _session = new(timeProvider);
    private WebApplication? _application;

    /// <summary>The address, once the service listens.</summary>
    public Task<string> GetUrlAsync(CancellationToken cancellationToken) => _url.Task.WaitAsync(cancellationToken);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            _application = Build();
            await _application.StartAsync(cancellationToken);
            _url.TrySetResult(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        }
        catch (Exception exception)
        {
            _url.TrySetException(exception);
            throw;
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _url.TrySetCanceled(cancellationToken);
        await _session.StopAsync();
        if (_application is not null)
        {
            await _application.StopAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_application is not null)
        {
            await _application.DisposeAsync();
        }

        _session.Dispose();
    }

    private WebApplication Build()
    {
        // Empty: the variables that configure a web application here belong to the AppHost and its dashboard.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        if (options.Value.ResourceServiceUrl?.Scheme == Uri.UriSchemeHttps)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.WebHost.ConfigureKestrel(Listen);
        builder.Services.AddSingleton(loggerFactory);
        builder.Services.AddSingleton(typeof(ILogger<>), typeof(Logger<>));
        builder.Services.AddSingleton(model);
        builder.Services.AddSingleton(notifications);
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton(commands);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(_session);
        builder.Services.AddGrpc();

        var application = builder.Build();
        application.Use(CheckApiKeyAsync);
        application.MapGrpcService<DashboardResourceService>();
        return application;
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        var url = options.Value.ResourceServiceUrl;
        if (url is { IsLoopback: false })
        {
            throw new DistributedApplicationException($"ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL must be a loopback address, but is '{url}'.");
        }

        var port = url is null || url.IsDefaultPort ? 0 : url.Port;
        if (port != 0 && !IPAddress.TryParse(url!.Host, out _))
        {
            kestrel.ListenLocalhost(port, Configure);
        }
        else
        {
            kestrel.Listen(url is not null && IPAddress.TryParse(url.DnsSafeHost, out var address) ? address : IPAddress.Loopback, port, Configure);
        }

        void Configure(ListenOptions listen)
        {
            // gRPC needs HTTP/2, which cannot be negotiated without TLS.
            listen.Protocols = HttpProtocols.Http2;
            if (url?.Scheme == Uri.UriSchemeHttps)
            {
                listen.UseHttps();
            }
        }
    }

    private Task CheckApiKeyAsync(HttpContext context, RequestDelegate next)
    {
        if (options.Value.ResourceServiceApiKey is { } expected &&
            !(context.Request.Headers.TryGetValue(ApiKeyHeader, out var given) && given.Count == 1 &&
                CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(given.ToString()))))
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        }

        return next(context);
    }
}
