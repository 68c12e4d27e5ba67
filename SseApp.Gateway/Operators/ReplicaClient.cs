using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Mvc;
using SseApp.Gateway.Replicas;
using SseApp.ServiceDefaults.Cluster.Operators;
using SseApp.ServiceDefaults.Cluster.Redis;

namespace SseApp.Gateway.Operators;

/// <summary>Asks every known replica, whatever its state, for its part of an answer.</summary>
internal sealed class ReplicaClient(IHttpClientFactory clients, ReplicaDirectory directory, OperatorSignature signature, TimeProvider time)
{
    public const string ClientName = "replicas";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);

    /// <param name="method">Of the request.</param>
    /// <param name="path">Path and query, escaped.</param>
    /// <param name="type">Of the answer.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="BadHttpRequestException">A replica found the request wrong; the message is its rule.</exception>
    public async Task<ReplicaAnswers<T>> AskAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(s_limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var asking = directory.Replicas.Select(async replica =>
        {
            try
            {
                return (replica.Id, Answer: await AskOneAsync(method, new Uri(replica.Address, path), type, linked.Token), Failed: false);
            }
            catch (Exception exception) when (RedisErrors.IsUnavailable(exception) || exception is HttpRequestException or JsonException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                return (replica.Id, Answer: default(T), Failed: true);
            }
        }).ToArray();
        var answers = await Task.WhenAll(asking);
        return new ReplicaAnswers<T>(
            [.. answers.Where(answer => !answer.Failed).Select(answer => answer.Answer!)],
            [.. answers.Where(answer => answer.Failed).Select(answer => answer.Id)]);
    }

    private async Task<T> AskOneAsync<T>(HttpMethod method, Uri address, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(ClientName);
        using var request = new HttpRequestMessage(method, address);
        await signature.SignAsync(request, cancellationToken);
        using var response = await client.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.BadRequest)
        {
            var problem = await response.Content.ReadFromJsonAsync<ProblemDetails>(cancellationToken);
            throw new BadHttpRequestException(problem?.Detail ?? "The request is not valid.");
        }

        response.EnsureSuccessStatusCode();
        return await response.Content.ReadFromJsonAsync(type, cancellationToken) ?? throw new JsonException("The replica's answer is empty.");
    }
}
