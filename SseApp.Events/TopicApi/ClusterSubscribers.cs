using System.Text.Json;
using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Cluster.Replicas;

namespace SseApp.Events.TopicApi;

/// <summary>
/// Asks the other replicas how many streams of a topic they have. An answer is kept for a second and shared by all who ask
/// meanwhile: the question is anybody's, and must not become one request to each replica every time.
/// </summary>
internal sealed class ClusterSubscribers(
    IReplicaRegistry registry, ReplicaIdentity self, IHttpClientFactory clients, OperatorSignature signature, TimeProvider time)
{
    public const string ClientName = "replicas";

    private const int MaxKept = 1_000;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_kept = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (long AskedAt, Task<OtherSubscribers> Answer)> _answers = new(StringComparer.Ordinal);

    /// <summary>Takes a second at most, however many replicas do not answer.</summary>
    /// <exception cref="StackExchange.Redis.RedisException">It is not known which replicas there are.</exception>
    public Task<OtherSubscribers> CountOthersAsync(string topic)
    {
        lock (_gate)
        {
            if (_answers.TryGetValue(topic, out var known) && !known.Answer.IsFaulted && time.GetElapsedTime(known.AskedAt) < s_kept)
            {
                return known.Answer;
            }

            if (_answers.Count >= MaxKept)
            {
                _answers.Clear();
            }

            var answer = AskAsync(topic);
            _answers[topic] = (time.GetTimestamp(), answer);
            return answer;
        }
    }

    private async Task<OtherSubscribers> AskAsync(string topic)
    {
        using var limit = new CancellationTokenSource(s_limit, time);
        var replicas = await registry.ReadAsync(limit.Token).WaitAsync(s_limit, time, CancellationToken.None);
        var answers = await Task.WhenAll(replicas.Where(replica => replica.Id != self.Id).Select(replica => AskAsync(replica, topic, limit.Token)));
        return new OtherSubscribers(answers.Sum(answer => answer ?? 0), answers.Count(answer => answer is null));
    }

    private async Task<int?> AskAsync(ReplicaRecord replica, string topic, CancellationToken cancellationToken)
    {
        try
        {
            using var client = clients.CreateClient(ClientName);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(replica.Address, $"/admin/topics/{Uri.EscapeDataString(topic)}"));
            await signature.SignAsync(request, cancellationToken);
            using var response = await client.SendAsync(request, cancellationToken);
            response.EnsureSuccessStatusCode();
            var answer = await response.Content.ReadFromJsonAsync(OperatorJsonContext.Default.TopicSubscribers, cancellationToken);
            return answer?.Subscribers;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or OperationCanceledException || RedisErrors.IsUnavailable(exception))
        {
            return null;
        }
    }
}
