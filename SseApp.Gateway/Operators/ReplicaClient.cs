using System.Text.Json.Serialization.Metadata;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Gateway.Operators;

/// <summary>Asks every known replica, whatever its state, for its part of an answer.</summary>
internal sealed class ReplicaClient(ReplicaQuestions questions, ReplicaDirectory directory)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);

    /// <param name="method">Of the request.</param>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="type">Of the answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="BadHttpRequestException">A replica found the request wrong; the message is its rule.</exception>
    public async Task<ReplicaAnswers<T>> AskAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        var answers = await questions.AskAsync(directory.Replicas, method, path, type, s_limit, cancellationToken);
        return answers.BrokenRule is { } rule ? throw new BrokenRuleException(rule) : answers;
    }

    /// <summary>Asks one replica.</summary>
    /// <returns>Null when it does not answer.</returns>
    public async Task<T?> AskAsync<T>(ReplicaRecord replica, HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        var (answers, _) = await questions.AskAsync([replica], method, path, type, s_limit, cancellationToken);
        return answers.Count > 0 ? answers[0] : null;
    }
}
