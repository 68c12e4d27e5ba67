using SseApp.Gateway.Replicas;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Operators;

/// <summary><c>DELETE /topics/{topic}</c>: any replica can do it, and doing it twice harms nobody.</summary>
internal static class TopicDeletion
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(3);

    public static void MapTopicDeletion(this IEndpointRouteBuilder operators) => operators.MapDelete("/topics/{topic}", DeleteAsync);

    private static async Task<IResult> DeleteAsync(string topic, ReplicaQuestions questions, ReplicaDirectory directory, HttpContext context)
    {
        var path = $"/topics/{Uri.EscapeDataString(TopicPaths.Name(topic))}";
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
