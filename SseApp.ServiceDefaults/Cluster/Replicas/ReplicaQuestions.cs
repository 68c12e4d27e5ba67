using System.Net.Http.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Signing;

namespace SseApp.ServiceDefaults.Cluster.Replicas;

/// <summary>Asks replicas over their operator API, signed, each for its part of an answer. One attempt each.</summary>
internal sealed class ReplicaQuestions(IHttpClientFactory clients, RequestSignature signature, TimeProvider time)
{
    public const string ClientName = "replicas";

    /// <param name="replicas">Who is asked.</param>
    /// <param name="method">Of the request.</param>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="type">Of the answer.</param>
    /// <param name="limit">Who has not answered by then counts as unreachable.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<ReplicaAnswers<T>> AskAsync<T>(
        IEnumerable<ReplicaRecord> replicas, HttpMethod method, string path, JsonTypeInfo<T> type, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var limited = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limited.Token, cancellationToken);
        var answers = await Task.WhenAll(replicas.Select(async replica =>
        {
            try
            {
                var (answer, rule) = await AskAsync(replica, method, path, type, linked.Token);
                return (replica.Id, Answer: answer, Rule: rule, Failed: rule is not null);
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is HttpRequestException or JsonException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return (replica.Id, Answer: default, Rule: null, Failed: true);
            }
        }));
        return new ReplicaAnswers<T>(
            [.. answers.Where(answer => !answer.Failed).Select(answer => answer.Answer!)],
            [.. answers.Where(answer => answer.Failed).Select(answer => answer.Id)],
            answers.Select(answer => answer.Rule).FirstOrDefault(rule => rule is not null));
    }

    /// <summary>Sends one replica what an operator wants, without a body.</summary>
    /// <returns>Its whole answer, whatever it is; null when none came within the limit.</returns>
    public async Task<HttpResponseMessage?> SendAsync(ReplicaRecord replica, HttpMethod method, string path, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var limited = new CancellationTokenSource(limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limited.Token, cancellationToken);
        using var client = clients.CreateClient(ClientName);
        using var request = Request(replica, method, path);
        try
        {
            return await client.SendAsync(request, linked.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    private HttpRequestMessage Request(ReplicaRecord replica, HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, new Uri(replica.Address, path));
        signature.Sign(request, replica.Id, RequestPurpose.Operator);
        return request;
    }

    private async Task<(T? Answer, string? Rule)> AskAsync<T>(
        ReplicaRecord replica, HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(ClientName);
        using var request = Request(replica, method, path);
        using var response = await client.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.BadRequest)
        {
            var problem = await response.Content.ReadFromJsonAsync<ProblemDetails>(cancellationToken);
            return (default, problem?.Detail ?? "The request is not valid.");
        }

        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync(type, cancellationToken) ?? throw new JsonException("The replica's answer is empty."), null);
    }
}

/// <summary>What the replicas answered, the ids of those that did not, and the rule that the question broke, if one said so.</summary>
internal sealed record ReplicaAnswers<T>(IReadOnlyList<T> Answers, string[] Unreachable, string? BrokenRule)
{
    public void Deconstruct(out IReadOnlyList<T> answers, out string[] unreachable) => (answers, unreachable) = (Answers, Unreachable);
}
