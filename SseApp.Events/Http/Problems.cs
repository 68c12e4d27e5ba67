using Microsoft.AspNetCore.Http.HttpResults;
using SseApp.Events.Diagnostics;

namespace SseApp.Events.Http;

/// <summary>Problem details (RFC 9457) for what a caller can meet.</summary>
internal static class Problems
{
    /// <summary>Member with the name of the limit that was reached.</summary>
    public const string Reason = "reason";

    private const int RetryAfterSeconds = 2;

    public static ProblemHttpResult BadRequest(string title, string rule) =>
        TypedResults.Problem(rule, title: title, statusCode: StatusCodes.Status400BadRequest);

    public static ProblemHttpResult NotAcceptable(string detail) =>
        TypedResults.Problem(detail, title: "The answer is of no type that is accepted.", statusCode: StatusCodes.Status406NotAcceptable);

    public static ProblemHttpResult NotFound(string title, string detail) =>
        TypedResults.Problem(detail, title: title, statusCode: StatusCodes.Status404NotFound);

    public static ProblemHttpResult Forbidden(string rule, params KeyValuePair<string, object?>[] more) =>
        TypedResults.Problem(rule, title: "The request is not allowed.", statusCode: StatusCodes.Status403Forbidden, extensions: more);

    public static ProblemHttpResult TooLarge(string rule) =>
        TypedResults.Problem(rule, title: "The body is too large.", statusCode: StatusCodes.Status413PayloadTooLarge);

    public static ProblemHttpResult UnsupportedMediaType(string rule) =>
        TypedResults.Problem(rule, title: "The body has the wrong format.", statusCode: StatusCodes.Status415UnsupportedMediaType);

    public static ProblemHttpResult RedisUnavailable(HttpContext context, string detail) => TryLater(context, "Redis is not available.", detail);

    public static ProblemHttpResult ArchiveUnavailable(HttpContext context, string detail) =>
        TryLater(context, "The archive is not available.", detail, [new(Reason, RefusalReason.Archive)]);

    /// <param name="context">The request.</param>
    /// <param name="detail">For people.</param>
    /// <param name="outcome">A <see cref="PublishOutcome"/>.</param>
    /// <param name="more">Further members.</param>
    public static ProblemHttpResult NotConfirmed(HttpContext context, string detail, string outcome, params KeyValuePair<string, object?>[] more) =>
        TryLater(context, "Redis is not available.", detail, [new(PublishOutcome.Member, outcome), .. more]);

    /// <summary>The request is for another replica than this one; whoever forwarded it has to ask again.</summary>
    public static ProblemHttpResult Misdirected(HttpContext context) => TryLater(
        context,
        "The replica is not here.",
        "The replica that this request was for is here no more. Try again after the time in Retry-After.",
        [new(PublishOutcome.Member, PublishOutcome.NotStored)]);

    /// <summary>Something lies in Redis where a topic's own should be: only an operator can change that, so nobody is asked to come again.</summary>
    public static ProblemHttpResult ForeignKey(string detail, string reason, params KeyValuePair<string, object?>[] more) => TypedResults.Problem(
        detail,
        title: "The topic cannot be published to.",
        statusCode: StatusCodes.Status409Conflict,
        extensions: [new(Reason, reason), new(PublishOutcome.Member, PublishOutcome.NotStored), .. more]);

    /// <summary>There is no room: another event would push out what was acknowledged.</summary>
    public static ProblemHttpResult Full(HttpContext context, string detail, string reason, string outcome, params KeyValuePair<string, object?>[] more) => TryLater(
        context, "There is no room for the event.", detail, StatusCodes.Status507InsufficientStorage, [new(Reason, reason), new(PublishOutcome.Member, outcome), .. more]);

    /// <summary>The client has used up a budget.</summary>
    public static ProblemHttpResult TooMany(HttpContext context, string detail, string reason, TimeSpan retryAfter, params KeyValuePair<string, object?>[] more)
    {
        context.Response.Headers.RetryAfter = Math.Max((int)Math.Ceiling(retryAfter.TotalSeconds), 1).ToString(CultureInfo.InvariantCulture);
        return TypedResults.Problem(
            detail, title: "Too many requests.", statusCode: StatusCodes.Status429TooManyRequests, extensions: [new(Reason, reason), new(PublishOutcome.Member, PublishOutcome.NotStored), .. more]);
    }

    /// <summary>The replica has something else to do, or its memory is in use by others.</summary>
    public static ProblemHttpResult Busy(HttpContext context, string detail, params KeyValuePair<string, object?>[] more) =>
        TryLater(context, "The replica is too busy.", detail, [new(Reason, RequestRefusal.Busy), .. more]);

    /// <summary>The replica shuts down; nothing of the publish was read.</summary>
    public static ProblemHttpResult Draining(HttpContext context) => TryLater(
        context,
        "The replica is shutting down.",
        RefusalReason.Explain(RefusalReason.Draining),
        [new(Reason, RefusalReason.Draining), new(PublishOutcome.Member, PublishOutcome.NotStored)]);

    private static ProblemHttpResult TryLater(HttpContext context, string title, string detail, params KeyValuePair<string, object?>[] extensions) =>
        TryLater(context, title, detail, StatusCodes.Status503ServiceUnavailable, extensions);

    private static ProblemHttpResult TryLater(HttpContext context, string title, string detail, int status, params KeyValuePair<string, object?>[] extensions)
    {
        context.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return TypedResults.Problem(detail, title: title, statusCode: status, extensions: extensions);
    }
}
