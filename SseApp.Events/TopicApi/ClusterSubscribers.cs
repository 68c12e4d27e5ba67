using SseApp.Events.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Events.TopicApi;

/// <summary>
/// Asks the other replicas how many streams of a topic they have. An answer is kept for a second and shared by all who ask
/// meanwhile: the question is anybody's, and must not become one request to each replica every time.
/// </summary>
internal sealed class ClusterSubscribers(
    IReplicaRegistry registry, ReplicaIdentity self, ReplicaQuestions questions, TimeProvider time)
{
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
        var started = time.GetTimestamp();
        var replicas = await registry.ReadAsync(CancellationToken.None).WaitAsync(s_limit, time, CancellationToken.None);
        var left = s_limit - time.GetElapsedTime(started);
        var (answers, unreachable) = await questions.AskAsync(
            replicas.Where(replica => replica.Id != self.Id),
            HttpMethod.Get,
            $"/admin/topics/{Uri.EscapeDataString(topic)}",
            OperatorJsonContext.Default.TopicSubscribers,
            left > TimeSpan.Zero ? left : TimeSpan.Zero,
            CancellationToken.None);
        return new OtherSubscribers(answers.Sum(answer => answer.Subscribers), unreachable.Length);
    }
}
