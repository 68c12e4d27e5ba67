using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Events.Http;

internal static class QueryTextSetup
{
    // What clients' endpoints read. Not lastEventId: a strange id is never an error, and no id has such bytes. What others read may be anything.
    private static readonly string[] s_read = ["topic", "event", "key", "history", "from", "to", "after", "limit", "epoch"];

    /// <summary>Refuses values that are not UTF-8, on every route: what is stored, or erased, is what was sent.</summary>
    public static void UseQueryText(this WebApplication app) => app.Use(static (context, next) =>
        QueryText.Problem(context.Request.QueryString, static name => s_read.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } rule
            ? Problems.BadRequest("The query is not valid.", rule).ExecuteAsync(context)
            : next(context));
}
