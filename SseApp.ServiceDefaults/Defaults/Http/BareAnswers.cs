using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.WebUtilities;
using SseApp.ServiceDefaults.Cluster.Protocol;

namespace SseApp.ServiceDefaults.Defaults.Http;

/// <summary>
/// Puts an answer where the platform would leave a bare status: what a handler throws, a body that broke off or came too
/// slowly, a method that nobody handles, a path where nothing is. An EventSource gets one after which it reconnects, where
/// that can help. It also answers OPTIONS with what the path allows.
/// </summary>
/// <param name="next">The pipeline.</param>
/// <param name="logger">Says what failed.</param>
/// <param name="failed">Reason that a stream is told when its handler threw.</param>
/// <param name="marked">True to mark that refusal for a gateway, which then asks another replica.</param>
/// <param name="isAnothers">True for a response that another service made, whose bare status is its own.</param>
internal sealed partial class BareAnswers(RequestDelegate next, ILogger<BareAnswers> logger, string failed, bool marked, Func<HttpContext, bool> isAnothers)
{
    /// <summary>Reason of a request that did not come in time.</summary>
    public const string TooSlow = "request-too-slow";

    /// <summary>What a client is told that sends both.</summary>
    public const string TwoEnds = "Content-Length and Transfer-Encoding say two things about where the request ends (RFC 9112, 6.1). Send one of them.";

    private const int ClientClosedRequest = 499;
    private const int MinRetryMilliseconds = 1_000;
    private const int MaxRetryMilliseconds = 3_000;

    public async Task InvokeAsync(HttpContext context)
    {
        var client = context.Features.Get<ClientConnection>();
        client?.BeginRequest(context.Request);
        try
        {
            await (IsTunnel(context.Request) ? RefuseTunnelAsync(context)
                : IsMiswritten(context.Request.Method) ? RefuseAsync(context, StatusCodes.Status501NotImplemented, "Methods are written in capitals (RFC 9110, 9.1).")
                : IsPacked(context.Request) ? RefuseAsync(context, StatusCodes.Status501NotImplemented)
                : IsCodedTooEarly(context.Request) ? RefuseAsync(context, StatusCodes.Status400BadRequest, "HTTP/1.0 has no Transfer-Encoding (RFC 9112, 6.1). Send Content-Length, or HTTP/1.1.")
                : HasTwoEnds(context.Request, client) ? RefuseAsync(context, StatusCodes.Status400BadRequest, TwoEnds)
                : AnswerAsync(context));
        }
        finally
        {
            client?.EndRequest();
        }
    }

    // Neither service is a forward proxy. In HTTP/2 the method opens WebSockets (RFC 8441), which are the router's.
    private static bool IsTunnel(HttpRequest request) => HttpMethods.IsConnect(request.Method) && OwnsConnection(request);

    // "OPTIONS *" is about no path, but the whole service (RFC 9110, 9.3.7).
    private static bool IsOfServer(HttpContext context) => HttpMethods.IsOptions(context.Request.Method) && context.Features.Get<IHttpRequestFeature>()?.RawTarget == "*";

    // Over HTTP/2 and HTTP/3 others may be under way on the same connection.
    public static bool OwnsConnection(HttpRequest request) => !HttpProtocol.IsHttp2(request.Protocol) && !HttpProtocol.IsHttp3(request.Protocol);

    /// <summary>An answer with this status or a higher one ends the connection, which is the request's own, so that no other one comes on it.</summary>
    public static void CloseAfter(HttpContext context, int leastStatus) => context.Response.OnStarting(
        static state =>
        {
            var (response, least) = ((HttpResponse, int))state;
            if (response.StatusCode >= least)
            {
                response.Headers.Connection = "close";
            }

            return Task.CompletedTask;
        },
        (context.Response, leastStatus));

    private Task RefuseTunnelAsync(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD, POST, OPTIONS";
        return RefuseAsync(context, StatusCodes.Status405MethodNotAllowed);
    }

    // What comes next on the connection is the tunnel's, or a body that was not read.
    private Task RefuseAsync(HttpContext context, int status, string? detail = null)
    {
        context.Response.StatusCode = status;
        if (OwnsConnection(context.Request))
        {
            context.Response.Headers.Connection = "close";
        }

        return AnswerAsync(context, wrong: null, detail);
    }

    // "get" is no method. Routing, which compares them without regard to case, would take it for one; a proxy in front may not.
    private static bool IsMiswritten(string method) => !string.Equals(HttpMethods.GetCanonicalizedValue(method), method, StringComparison.Ordinal);

    // The server takes any codings before "chunked" and undoes only that one; what is left would be stored, or forwarded without a
    // word of how it is packed (RFC 9112, 6.1).
    private static bool IsPacked(HttpRequest request) =>
        request.Headers.TransferEncoding is { Count: > 0 } codings && !(codings.Count == 1 && string.Equals(codings[0]?.Trim(), "chunked", StringComparison.OrdinalIgnoreCase));

    // A proxy in front that heeds the other of the two sees another end of the request, and what a stranger wrote behind it as the next
    // one. The server goes by the coding, and keeps the length under this name.
    private static bool HasTwoEnds(HttpRequest request, ClientConnection? client) =>
        request.Headers.TransferEncoding.Count > 0 && client?.SentKeptLength != true && request.Headers.ContainsKey(KeptLength.Name);

    // Somebody on the way may have passed on the header without knowing what it means (RFC 9112, 6.1).
    private static bool IsCodedTooEarly(HttpRequest request) => request.Headers.TransferEncoding.Count > 0 && HttpProtocol.IsHttp10(request.Protocol);

    private async Task AnswerAsync(HttpContext context)
    {
        BadHttpRequestException? wrong = null;
        var threw = false;
        try
        {
            await next(context);
        }
        catch (BadHttpRequestException exception) when (!context.Response.HasStarted)
        {
            wrong = exception;
            Clear(context, exception.StatusCode);
        }
        catch (IOException exception) when (!context.Response.HasStarted && exception.InnerException is OverflowException)
        {
            // "Bad chunk size data.": Kestrel's for a size that no number holds.
            Clear(context, StatusCodes.Status400BadRequest);
        }
        catch (InvalidOperationException exception) when (!context.Response.HasStarted && exception.TargetSite?.DeclaringType?.Name == "HttpUtilities")
        {
            // Kestrel's for NUL in the value of a trailer.
            Clear(context, StatusCodes.Status400BadRequest);
        }
        catch (Exception exception) when (context.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            if (!context.Response.HasStarted)
            {
                Clear(context, ClientClosedRequest);
            }

            return;
        }
#pragma warning disable CA1031 // Whatever a handler throws, its client gets an answer.
        catch (Exception exception) when (!context.Response.HasStarted)
#pragma warning restore CA1031
        {
            LogFailed(exception, context.Request.Method, context.Request.Path);
            Clear(context, StatusCodes.Status500InternalServerError);
            threw = true;
        }

        var response = context.Response;
        if (!response.HasStarted && response is { StatusCode: >= 400, ContentLength: null, ContentType: null } && (threw || !isAnothers(context)))
        {
            await AnswerAsync(context, wrong);
        }
    }

    /// <summary>What a refusal means, for people. The platform's own message may quote the request and with it a secret.</summary>
    public static string Explain(BadHttpRequestException exception) =>
        exception is BrokenRuleException ? exception.Message
            : exception.StatusCode != StatusCodes.Status400BadRequest ? Explain(exception.StatusCode)
            : exception.Message.Contains("parameter", StringComparison.OrdinalIgnoreCase) ? ExplainParameter(exception.Message)
            : exception.Message.Split(": ")[0] is var what && what.AsSpan().IndexOfAny('\'', '"') < 0 ? $"{what.TrimEnd('.')}."
            : "The request is not valid HTTP.";

    // What binding says: Failed to bind parameter "int limit" from "abc". It has types of the program in it, and the value.
    private static string ExplainParameter(string message)
    {
        var declared = message.Split('"') is [_, var quoted, ..] ? quoted.Split(' ') : [];
        return declared is not [var type, .., var name] ? "A parameter of the request is missing, or its value cannot be read."
            : message.StartsWith("Required", StringComparison.Ordinal) ? $"The parameter {name} is missing."
            : message.StartsWith("Failed to read", StringComparison.Ordinal) ? "The body is not the JSON that this path takes."
            : type.TrimEnd('?') switch
            {
                "bool" => $"The parameter {name} is true or false, and given once.",
                "int" or "long" => $"The parameter {name} is a whole number, and given once.",
                _ => $"The value of the parameter {name} cannot be read.",
            };
    }

    public static int NextRetryMilliseconds() => RandomNumberGenerator.GetInt32(MinRetryMilliseconds, MaxRetryMilliseconds + 1);

    private static string Explain(int status) => status switch
    {
        // What is wrong with a parameter is an exception.
        StatusCodes.Status400BadRequest => "The body of the request is not valid HTTP: one of its chunks, or what follows them, is malformed.",
        StatusCodes.Status404NotFound => "There is nothing at this path.",
        StatusCodes.Status405MethodNotAllowed => "This path does not take this method; the header Allow lists those that it takes.",
        StatusCodes.Status408RequestTimeout => "The request came too slowly. Send it again.",
        StatusCodes.Status413PayloadTooLarge => "The body is larger than this service takes.",
        StatusCodes.Status414UriTooLong => "The URL is longer than this service takes. Ask for fewer topics at once.",
        StatusCodes.Status415UnsupportedMediaType => "This path does not take a body of this Content-Type.",
        StatusCodes.Status431RequestHeaderFieldsTooLarge => "The headers have more bytes than this service takes. Send fewer or smaller cookies.",
        StatusCodes.Status500InternalServerError => "The service failed; its log says why.",
        StatusCodes.Status501NotImplemented => "The only Transfer-Encoding that this service takes is chunked.",
        StatusCodes.Status505HttpVersionNotsupported => "This service speaks HTTP/1.0 and HTTP/1.1, and over TLS HTTP/2.",
        _ => $"{ReasonPhrases.GetReasonPhrase(status)}.",
    };

    private static void Clear(HttpContext context, int status)
    {
        context.Response.Clear();
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.StatusCode = status;
    }

    private Task AnswerAsync(HttpContext context, BadHttpRequestException? wrong, string? why = null)
    {
        var request = context.Request;
        var response = context.Response;
        if (IsOfServer(context) && response.StatusCode is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            response.Headers.Allow = "GET, HEAD, POST, DELETE, OPTIONS";
            return Task.CompletedTask;
        }

        if (response.StatusCode == StatusCodes.Status405MethodNotAllowed && response.Headers.Allow is { Count: > 0 } allowed)
        {
            response.Headers.Allow = string.Join(", ", allowed.SelectMany(line => line!.Split(',', StringSplitOptions.TrimEntries)).Append(HttpMethods.Options).Distinct(StringComparer.OrdinalIgnoreCase));
            if (HttpMethods.IsOptions(request.Method))
            {
                response.StatusCode = StatusCodes.Status204NoContent;
                return Task.CompletedTask;
            }
        }

        // Everything else would be the same the next time.
        if (response.StatusCode is StatusCodes.Status408RequestTimeout or 500 or 502 or 503 or 504
            && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && EventStreams.IsAccepted(request))
        {
            var reason = response.StatusCode == StatusCodes.Status408RequestTimeout ? TooSlow : failed;
            if (marked)
            {
                response.Headers[StreamHeaders.Refused] = reason;
            }

            return EventStreams.WriteUnavailableAsync(context, reason, NextRetryMilliseconds());
        }

        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers.CacheControl = "no-store";
        // A forwarder keeps what was wrong for itself.
        var detail = why
            ?? (wrong is not null ? Explain(wrong)
            : response.StatusCode == StatusCodes.Status400BadRequest && context.Features.Get<ClientConnection>()?.IsBodyBroken == true ? UnfinishedInput.BodyEnded
            : Explain(response.StatusCode));
        return TypedResults.Problem(detail, statusCode: response.StatusCode).ExecuteAsync(context);
    }

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed.")]
    private partial void LogFailed(Exception exception, string method, PathString path);
}

/// <summary>A request that breaks a rule of ours, which its client may read.</summary>
internal sealed class BrokenRuleException(string rule) : BadHttpRequestException(rule);
