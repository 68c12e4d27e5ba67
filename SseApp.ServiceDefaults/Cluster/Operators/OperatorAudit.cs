using System.Collections.Immutable;
using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Http;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>A line for each request of an operator, and for those that were not let in, under a category of its own: <see cref="Category"/>.</summary>
internal sealed partial class OperatorAudit(ILoggerFactory logs, OperatorLimit limit, TimeProvider time)
{
    public const string Category = "SseApp.Audit";

    private const int MaxShown = 300;

    // Of the query only what changes the meaning of a request; what else is there was made up, and may be a secret.
    private static readonly string[] s_parameters = ["force", "permanent"];

    /// <summary>Of what changed something, and of what was refused, so many are kept.</summary>
    public const int MaxKept = 50;

    private readonly ILogger _logger = logs.CreateLogger(Category);

    private ImmutableArray<OperatorAction> _recent = [];

    /// <summary>
    /// What operators did or were refused at this process lately, newest first. Whoever wants all of it, of all processes and for
    /// good, has the log.
    /// </summary>
    public ImmutableArray<OperatorAction> Recent => _recent;

    public void Write(HttpContext context, OperatorRequest request, int status)
    {
        var from = context.Connection.RemoteIpAddress?.ToString() ?? "this machine";
        var wasRefused = ReferenceEquals(request, OperatorRequest.Nobody) || status is StatusCodes.Status403Forbidden or StatusCodes.Status429TooManyRequests;
        if (wasRefused ? limit.IsToldOf($"{from} {request.LimitKey} {status}") : request.IsAudited)
        {
            var action = new OperatorAction(
                time.GetUtcNow(), LoggedText.OneLine(request.Who, MaxShown), request.By, from, context.Request.Method, LoggedText.OneLine(What(context.Request, request), MaxShown), status);
            LogRequest(action.Who, action.Credential, from, action.Method, action.What, status);
            if (wasRefused || PageOrigin.MayChange(action.Method))
            {
                ImmutableInterlocked.Update(ref _recent, static (recent, newest) => [newest, .. recent.Take(MaxKept - 1)], action);
            }
        }
    }

    private static string What(HttpRequest request, OperatorRequest operators)
    {
        var query = string.Join('&', s_parameters.Where(name => request.Query.ContainsKey(name)).Select(name => $"{name}={Truth(request.Query[name])}"));
        return $"{CredentialText.Hide(request.Path)}{(query.Length > 0 ? "?" : "")}{query}{(operators.Detail is { } detail ? $" ({detail})" : "")}";
    }

    // Whatever else was sent is no answer to the question, and may be a secret.
    private static string Truth(string? value) => bool.TryParse(value, out var truth) ? truth ? "true" : "false" : "?";

    [LoggerMessage(LogLevel.Information, "{Who}, by {Credential}, from {Address}: {Method} {What}: {Status}")]
    private partial void LogRequest(string who, string credential, string address, string method, string what, int status);
}

/// <summary>One line of the audit log.</summary>
/// <param name="At">When it was answered.</param>
/// <param name="Who">Of the credential.</param>
/// <param name="Credential">Its kind.</param>
/// <param name="From">Address of whoever asked.</param>
/// <param name="Method">Of the request; as it was sent, for those that were refused.</param>
/// <param name="What">Its path, and what changes its meaning.</param>
/// <param name="Status">Of the answer.</param>
internal sealed record OperatorAction(DateTimeOffset At, string Who, string Credential, string From, string Method, string What, int Status);
