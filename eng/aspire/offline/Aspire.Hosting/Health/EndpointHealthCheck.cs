using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Health;

/// <summary>Asks an endpoint and compares the status code.</summary>
internal sealed class EndpointHealthCheck(EndpointReference endpoint, string path, int expectedStatusCode, IHttpClientFactory clients, string clientName) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        if (!endpoint.IsAllocated)
        {
            return HealthCheckResult.Unhealthy($"The endpoint '{endpoint.EndpointName}' of resource '{endpoint.Resource.Name}' has no address yet.");
        }

        var uri = new Uri(new Uri(endpoint.Url), path);
        using var client = clients.CreateClient(clientName);
        try
        {
            using var response = await client.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            var actual = (int)response.StatusCode;
            return actual == expectedStatusCode
                ? HealthCheckResult.Healthy()
                : HealthCheckResult.Unhealthy(string.Create(CultureInfo.InvariantCulture, $"GET {uri} answered {actual}, expected {expectedStatusCode}."));
        }
        catch (HttpRequestException ex)
        {
            return HealthCheckResult.Unhealthy($"GET {uri} failed: {ex.Message}", ex);
        }
    }
}
