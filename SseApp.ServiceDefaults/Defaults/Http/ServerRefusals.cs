using System.Diagnostics;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Gives the refusals of the server itself a body, and an EventSource whose head came too slowly an answer after which it
/// reconnects. HTTP/1.1 only: over HTTP/2 and HTTP/3 such a request has its stream reset, or ends the connection.
/// </summary>
internal sealed class ServerRefusals(DiagnosticListener diagnostics, TimeProvider time) : BadRequestObserver(diagnostics), IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        Subscribe();
        next(app);
    };

    protected override void OnRefused(IFeatureCollection features, BadHttpRequestException error)
    {
        if (features.Get<ClientConnection>() is { Refusal: var output } && features.Get<IHttpResponseFeature>() is { HasStarted: false })
        {
            output.AnswerInstead(Answer(features.Get<IHttpRequestFeature>(), error));
        }
    }

    private byte[] Answer(IHttpRequestFeature? request, BadHttpRequestException error)
    {
        // Of a head that broke off, as much as came.
        var accept = request?.Headers.Accept.ToString() ?? "";
        if (error.StatusCode == StatusCodes.Status408RequestTimeout && accept.Contains(EventStreams.ContentType, StringComparison.OrdinalIgnoreCase))
        {
            return Response(
                StatusCodes.Status200OK,
                $"{EventStreams.ContentType}\r\nX-Accel-Buffering: no\r\nX-Content-Type-Options: nosniff",
                EventStreams.Unavailable(request!.Headers, BareAnswers.TooSlow, BareAnswers.NextRetryMilliseconds()),
                time.GetUtcNow());
        }

        return Problem(error.StatusCode, BareAnswers.Explain(error), time.GetUtcNow(), withoutBody: HttpMethods.IsHead(request?.Method ?? ""));
    }

    /// <summary>An answer after which the connection ends.</summary>
    public static byte[] Problem(int status, string detail, DateTimeOffset now, bool withoutBody = false) => Response(
        status,
        "application/problem+json\r\nX-Content-Type-Options: nosniff" + (status == StatusCodes.Status405MethodNotAllowed ? "\r\nAllow: GET, HEAD, OPTIONS" : ""),
        withoutBody ? [] : JsonSerializer.SerializeToUtf8Bytes(new ServerProblem(ReasonPhrases.GetReasonPhrase(status), status, detail), ServerProblemContext.Default.ServerProblem),
        now);

    private static byte[] Response(int status, string typeAndMore, byte[] body, DateTimeOffset now) =>
    [
        .. Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {ReasonPhrases.GetReasonPhrase(status)}\r\nContent-Length: {body.Length}\r\nConnection: close\r\nCache-Control: no-store\r\nDate: {now:R}\r\nContent-Type: {typeAndMore}\r\n\r\n")),
        .. body,
    ];
}

internal sealed record ServerProblem(string Title, int Status, string Detail);

[System.Text.Json.Serialization.JsonSourceGenerationOptions(PropertyNamingPolicy = System.Text.Json.Serialization.JsonKnownNamingPolicy.CamelCase)]
[System.Text.Json.Serialization.JsonSerializable(typeof(ServerProblem))]
internal sealed partial class ServerProblemContext : System.Text.Json.Serialization.JsonSerializerContext;
