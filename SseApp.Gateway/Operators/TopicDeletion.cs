using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;
using SseApp.ServiceDefaults.Cluster.Operators;

namespace SseApp.Gateway.Operators;

/// <summary>
/// <c>DELETE /topics/{topic}</c> and <c>DELETE /topics/{topic}/events?key=</c>: any replica can do it, and doing it twice harms nobody.
/// </summary>
internal static class TopicDeletion
{
    // An archive may have millions of events to take out.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);

    public static void MapTopicDeletion(this IEndpointRouteBuilder operators)
    {
        operators.MapDelete("/topics/{topic}", (string topic, ReplicaQuestions questions, ReplicaDirectory directory, HttpContext context) => AskAsync(PathOf(topic), questions, directory, context));
        operators.MapDelete("/topics/{topic}/events", (string topic, ReplicaQuestions questions, ReplicaDirectory directory, HttpContext context) =>
            AskAsync($"{PathOf(topic)}/events{context.Request.QueryString}", questions, directory, context)).Reads("key");
    }

    private static string PathOf(string topic) => $"/topics/{Uri.EscapeDataString(TopicPaths.Name(topic))}";

    private static async Task<IResult> AskAsync(string path, ReplicaQuestions questions, ReplicaDirectory directory, HttpContext context)
    {
        foreach (var replica in directory.Replicas.OrderByDescending(replica => replica.State == ReplicaState.Ready))
        {
            if (await questions.SendAsync(replica, HttpMethod.Delete, path, s_limit, context.RequestAborted) is { } answer)
            {
                using (answer)
                {
                    return await PassOnAsync(answer, context);
                }
            }
        }

        context.Response.Headers.RetryAfter = "2";
        return Problems.Result(
            context, StatusCodes.Status503ServiceUnavailable, "No replica answers, and only they can delete a topic. Whether it was deleted is not known; delete it again after the time in Retry-After.", "no-replica");
    }

    private static async Task<IResult> PassOnAsync(HttpResponseMessage answer, HttpContext context)
    {
        if (answer.Headers.RetryAfter is { } retryAfter)
        {
            context.Response.Headers.RetryAfter = retryAfter.ToString();
        }

        var body = await answer.Content.ReadAsStringAsync(context.RequestAborted);
        return body.Length == 0
            ? TypedResults.StatusCode((int)answer.StatusCode)
            : TypedResults.Text(body, answer.Content.Headers.ContentType?.ToString(), statusCode: (int)answer.StatusCode);
    }
}
