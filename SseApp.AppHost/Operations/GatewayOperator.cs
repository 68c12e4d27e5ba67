using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.ServiceDefaults.Cluster.Replicas;
using SseApp.ServiceDefaults.Defaults.Admin;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.AppHost.Operations;

/// <summary>The gateway's operator API, as the AppHost uses it.</summary>
internal sealed class GatewayOperator(EndpointReference endpoint, AdminKey key) : IDisposable
{
    private readonly HttpClient _client = new(CutConnectionHandler.Direct())
    {
        Timeout = TimeSpan.FromSeconds(15),
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue(AdminKey.Scheme, key.Text) },
    };

    /// <exception cref="HttpRequestException">The gateway did not answer as it should.</exception>
    public async Task<ReplicaInfo[]> ReplicasAsync(CancellationToken cancellationToken) =>
        await _client.GetFromJsonAsync<ReplicaInfo[]>(At("/admin/replicas"), cancellationToken) ?? [];

    /// <returns>Null when it did; else what went wrong, for people.</returns>
    public async Task<string?> SendAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await _client.PostAsync(At(path), content: null, cancellationToken);
        return response.IsSuccessStatusCode ? null : await ProblemAsync(response, cancellationToken);
    }

    public async Task<ReloadInfo?> ReloadAsync(CancellationToken cancellationToken) =>
        await _client.GetFromJsonAsync<ReloadInfo>(At("/admin/reload"), cancellationToken);

    /// <exception cref="HttpRequestException">The gateway did not take it.</exception>
    public async Task ReportAsync(RestartRecord restart, CancellationToken cancellationToken)
    {
        using var response = await _client.PostAsJsonAsync(At("/admin/restarts"), restart, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public void Dispose() => _client.Dispose();

    private Uri At(string path) => endpoint.IsAllocated
        ? new Uri(new Uri(endpoint.Url), path)
        : throw new HttpRequestException("The gateway has no address yet; it was not started.");

    private static async Task<string> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            if (problem.TryGetProperty("detail", out var detail) && detail.GetString() is { Length: > 0 } text)
            {
                return text;
            }
        }
        catch (JsonException)
        {
            // Not a problem document; the status has to do.
        }

        return $"The gateway answered {(int)response.StatusCode}.";
    }
}
