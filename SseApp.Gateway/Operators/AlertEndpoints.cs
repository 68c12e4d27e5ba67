using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Gateway.Alerts;
using SseApp.Gateway.Requests;

namespace SseApp.Gateway.Operators;

internal static class AlertEndpoints
{
    private const int MaxIdLength = 200;

    public static void MapAlerts(this IEndpointRouteBuilder admin)
    {
        admin.MapGet("/alerts", List);
        admin.MapPost("/alerts/test", TestAsync);
        admin.MapPost("/restarts", AddRestartAsync);
    }

    private static Ok<AlertList> List(AlertEngine engine, IOptions<AlertsOptions> options) => TypedResults.Ok(AlertList.Of(engine.Book, options.Value));

    private static async Task<Results<NoContent, ProblemHttpResult>> TestAsync(
        AlertSender sender, IOptions<AlertsOptions> options, TimeProvider time, HttpContext context)
    {
        if (string.IsNullOrEmpty(options.Value.WebhookUrl))
        {
            return Problems.Result(
                context, StatusCodes.Status409Conflict, $"No webhook is configured, so there is no channel to test. Set {AlertsOptions.SectionName}:{nameof(AlertsOptions.WebhookUrl)}.");
        }

        var notice = new AlertNotice(AlertState.Test, new Alert
        {
            Key = "test",
            Rule = "test",
            Summary = "This is a test of the alert channel; nothing is wrong.",
            Recovery = "",
            Since = time.GetUtcNow(),
        });
        return await sender.TestAsync(notice, context.RequestAborted) is { } failure
            ? Problems.Result(context, StatusCodes.Status502BadGateway, $"The test notice was not delivered: {failure}.")
            : TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> AddRestartAsync(
        RestartRecord restart, IRestartLedger ledger, TimeProvider time, HttpContext context)
    {
        if (restart.Id.Length is 0 or > MaxIdLength)
        {
            return Problems.Result(context, StatusCodes.Status400BadRequest, $"'id' names what ended, in 1 to {MaxIdLength} characters.");
        }

        await ledger.AddAsync(restart.At == default ? restart with { At = time.GetUtcNow() } : restart, context.RequestAborted);
        return TypedResults.NoContent();
    }
}

/// <summary>Answer of <c>GET /admin/alerts</c>.</summary>
/// <param name="Active">Alerts that last, oldest first.</param>
/// <param name="Recent">Alerts that are over, newest first, 50 at most.</param>
/// <param name="Webhook">Whether a webhook is configured.</param>
/// <param name="Runbooks">Page of the runbooks, whose anchors are the names of the rules; null: not configured.</param>
internal sealed record AlertList(AlertInfo[] Active, AlertInfo[] Recent, bool Webhook, Uri? Runbooks)
{
    public static AlertList Of(AlertBook book, AlertsOptions options) => new(
        [.. book.Active.Where(alert => alert.IsFiring).OrderBy(alert => alert.Since).Select(AlertInfo.From)],
        [.. book.Active.Where(alert => !alert.IsFiring).Concat(book.Recent).Select(AlertInfo.From)],
        !string.IsNullOrEmpty(options.WebhookUrl),
        options.RunbookUrl);
}

/// <summary>One alert as the operator API shows it.</summary>
/// <param name="Key">The same each time the same thing happens.</param>
/// <param name="Rule">What kind of trouble; the name of its runbook.</param>
/// <param name="Severity"><c>warning</c> or <c>critical</c>.</param>
/// <param name="Summary">For a person.</param>
/// <param name="Labels">For a program.</param>
/// <param name="Since">When it began.</param>
/// <param name="EndedAt">When it ended; null while it lasts.</param>
/// <param name="ReportedAt">When its beginning was reported, by webhook or log; null if it was not, because the last time is less than the minimum interval ago.</param>
internal sealed record AlertInfo(
    string Key,
    string Rule,
    string Severity,
    string Summary,
    IReadOnlyDictionary<string, string> Labels,
    DateTimeOffset Since,
    DateTimeOffset? EndedAt,
    DateTimeOffset? ReportedAt)
{
    public static AlertInfo From(Alert alert) => new(
        alert.Key,
        alert.Rule,
        alert.Severity.ToString().ToLowerInvariant(),
        alert.Summary,
        alert.Labels,
        alert.Since,
        alert.EndedAt,
        alert.ReportedAt);
}
