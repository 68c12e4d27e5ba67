using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using SseApp.Gateway.Alerts;
using SseApp.ServiceDefaults.Cluster.Redis;
using SseApp.ServiceDefaults.Cluster.Replicas;

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

    private static Ok<AlertList> List(AlertEngine engine, IOptions<AlertsOptions> options)
    {
        var book = engine.Book;
        return TypedResults.Ok(new AlertList(
            [.. book.Active.Where(alert => alert.IsFiring).OrderBy(alert => alert.Since).Select(AlertInfo.From)],
            [.. book.Active.Where(alert => !alert.IsFiring).Concat(book.Recent).Select(AlertInfo.From)],
            !string.IsNullOrEmpty(options.Value.WebhookUrl)));
    }

    private static async Task<IResult> TestAsync(
        AlertSender sender, IOptions<AlertsOptions> options, TimeProvider time, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(options.Value.WebhookUrl))
        {
            return TypedResults.Problem(
                $"No webhook is configured. Set {AlertsOptions.SectionName}:{nameof(AlertsOptions.WebhookUrl)}.",
                title: "There is no channel to test.",
                statusCode: StatusCodes.Status409Conflict);
        }

        var notice = new AlertNotice(AlertState.Test, new Alert
        {
            Key = "test",
            Rule = "test",
            Summary = "This is a test of the alert channel; nothing is wrong.",
            Recovery = "",
            Since = time.GetUtcNow(),
        });
        return await sender.TestAsync(notice, cancellationToken) is { } failure
            ? TypedResults.Problem(
                $"The webhook did not take the notice: {failure}.",
                title: "The test notice was not delivered.",
                statusCode: StatusCodes.Status502BadGateway)
            : TypedResults.NoContent();
    }

    private static async Task<IResult> AddRestartAsync(
        RestartRecord restart, IRestartLedger ledger, TimeProvider time, HttpContext context)
    {
        if (restart.Id.Length is 0 or > MaxIdLength)
        {
            return TypedResults.Problem(
                $"'id' names what ended, in 1 to {MaxIdLength} characters.", title: "The restart is not valid.", statusCode: StatusCodes.Status400BadRequest);
        }

        try
        {
            await ledger.AddAsync(restart.At == default ? restart with { At = time.GetUtcNow() } : restart, context.RequestAborted);
            return TypedResults.NoContent();
        }
        catch (Exception exception) when (RedisErrors.IsUnavailable(exception))
        {
            context.Response.Headers.RetryAfter = "2";
            return TypedResults.Problem(
                "The restart could not be noted. Send it again after the time in Retry-After.",
                title: "Redis is not available.",
                statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}
