using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using SseApp.ServiceDefaults.Defaults.Admin;

namespace SseApp.Bench.Reload;

/// <summary>Looks at the gateway's operator API while the load runs.</summary>
internal sealed class ReloadObserver(Uri operators, string key) : IDisposable
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    private readonly HttpClient _client = new()
    {
        BaseAddress = operators,
        Timeout = TimeSpan.FromSeconds(10),
        DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue(AdminKey.Scheme, key) },
    };

    public List<ReplicaSample> Samples { get; } = [];

    /// <summary>Begins a rolling reload.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        using var response = await _client.PostAsync("/admin/reload", content: null, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw new BenchException($"The gateway refused the reload: {await response.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }

    /// <summary>The id of the newest reload; null if there was none.</summary>
    public async Task<string?> NewestAsync(CancellationToken cancellationToken) =>
        await ReadAsync(cancellationToken) is { } reload ? Id(reload) : null;

    /// <summary>Samples until the reload has ended.</summary>
    /// <param name="began">Microseconds of <see cref="Payload.Now"/>.</param>
    /// <param name="before">The newest reload before this one.</param>
    /// <param name="beginning">Fails when the reload could not begin.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The gateway's last word on it.</returns>
    public async Task<JsonElement> WatchAsync(long began, string? before, Task beginning, CancellationToken cancellationToken)
    {
        for (; ; await Task.Delay(s_interval, TimeProvider.System, cancellationToken))
        {
            if (await ReadAsync(cancellationToken) is not { } reload || Id(reload) == before)
            {
                if (beginning.IsFaulted)
                {
                    await beginning;
                }

                continue;
            }

            var steps = reload.GetProperty("steps").EnumerateArray().Select(step => step.GetProperty("state").GetString()).ToList();
            var running = reload.GetProperty("state").GetString() == "running";
            await SampleAsync(began, running ? steps.FindIndex(state => state is "running" or "returning") : -1, cancellationToken);
            if (!running)
            {
                return reload;
            }
        }
    }

    public async Task SampleAsync(long began, int step, CancellationToken cancellationToken)
    {
        var replicas = await _client.GetFromJsonAsync<JsonElement>("/admin/replicas", cancellationToken);
        Samples.Add(new ReplicaSample(
            Payload.Now - began,
            replicas.EnumerateArray().ToDictionary(
                replica => replica.GetProperty("id").GetString()!, replica => replica.GetProperty("connections").GetInt32(), StringComparer.Ordinal),
            step));
    }

    private async Task<JsonElement?> ReadAsync(CancellationToken cancellationToken)
    {
        using var response = await _client.GetAsync("/admin/reload", cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
    }

    private static string? Id(JsonElement reload) => reload.GetProperty("id").GetString();

    public void Dispose() => _client.Dispose();
}
