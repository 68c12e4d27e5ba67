using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Dcp;
using Aspire.Hosting.Eventing;
using Aspire.Hosting.Lifecycle;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Dashboard;

/// <summary>Adds the dashboard to the application and tells the user where it is.</summary>
internal sealed class DashboardLifecycle(
    DashboardServiceHost serviceHost,
    IOptions<DashboardOptions> options,
    IOptions<DcpOptions> dcpOptions,
    IConfiguration configuration,
    TimeProvider timeProvider,
    IHttpClientFactory clients,
    ILogger<DistributedApplication> logger) : IDistributedApplicationEventingSubscriber
{
    private static readonly TimeSpan s_answerTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_pollInterval = TimeSpan.FromMilliseconds(200);

    public Task SubscribeAsync(IDistributedApplicationEventing eventing, DistributedApplicationExecutionContext executionContext, CancellationToken cancellationToken)
    {
        if (executionContext.IsRunMode)
        {
            eventing.Subscribe<BeforeStartEvent>((@event, _) =>
            {
                AddTo(@event.Model, eventing);
                return Task.CompletedTask;
            });
        }

        return Task.CompletedTask;
    }

    private void AddTo(DistributedApplicationModel model, IDistributedApplicationEventing eventing)
    {
        var path = dcpOptions.Value.DashboardPath ?? throw new DistributedApplicationException(
            "The path of the dashboard is unknown. Build the AppHost project, which records it as assembly metadata 'aspiredashboardpath', " +
            "set DcpPublisher:DashboardPath, or run without it (DistributedApplicationOptions.DisableDashboard).");
        var resource = DashboardResource.Create(path, options.Value, serviceHost, configuration);
        DcpNames.EnsureInstances(resource);

        // First, so that it is there while the others start.
        model.Resources.Insert(0, resource);
        eventing.Subscribe<ResourceReadyEvent>(resource, (_, cancellationToken) => AnnounceAsync(resource, cancellationToken));
    }

    private async Task AnnounceAsync(ExecutableResource resource, CancellationToken cancellationToken)
    {
        var https = resource.GetEndpoint("https");
        var url = (https.Exists ? https : resource.GetEndpoint("http")).Url;
        if (!await AnswersAsync(url, cancellationToken))
        {
            DashboardLog.NoAnswer(logger, url, s_answerTimeout.TotalSeconds);
            return;
        }

        DashboardLog.NowListening(logger, url);
        if (!string.IsNullOrEmpty(options.Value.BrowserToken))
        {
            DashboardLog.Login(logger, $"{url}/login?t={options.Value.BrowserToken}");
        }
    }

    // Its process runs a moment before it listens, and the engine's proxy accepts connections even earlier.
    private async Task<bool> AnswersAsync(string url, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(s_answerTimeout, timeProvider);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var client = clients.CreateClient();
        try
        {
            while (true)
            {
                try
                {
                    using var response = await client.GetAsync(new Uri($"{url}/login"), linked.Token);
                    return true;
                }
                catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.SecureConnectionError)
                {
                    // It listens; that this process does not trust its development certificate is the browser's business.
                    return true;
                }
                catch (HttpRequestException)
                {
                    await Task.Delay(s_pollInterval, timeProvider, linked.Token);
                }
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
