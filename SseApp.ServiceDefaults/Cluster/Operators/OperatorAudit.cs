using SseApp.ServiceDefaults.Cluster.Credentials;
using SseApp.ServiceDefaults.Defaults.Telemetry;

namespace SseApp.ServiceDefaults.Cluster.Operators;

/// <summary>A line for each request of an operator, and for those that were not let in, under a category of its own: <see cref="Category"/>.</summary>
internal sealed partial class OperatorAudit(ILoggerFactory logs, OperatorLimit limit)
{
    public const string Category = "SseApp.Audit";

    private const int MaxShown = 300;

    // Of the query only what changes the meaning of a request; what else is there was made up, and may be a secret.
    private static readonly string[] s_parameters = ["force", "permanent"];

    private readonly ILogger _logger = logs.CreateLogger(Category);

    public void Write(HttpContext context, OperatorRequest request, int status)
    {
        var from = context.Connection.RemoteIpAddress?.ToString() ?? "this machine";
        var wasRefused = ReferenceEquals(request, OperatorRequest.Nobody) || status is StatusCodes.Status403Forbidden or StatusCodes.Status429TooManyRequests;
        if (wasRefused ? limit.IsToldOf($"{from} {request.LimitKey} {status}") : request.IsAudited)
        {
            LogRequest(LoggedText.OneLine(request.Who, MaxShown), request.By, from, context.Request.Method, LoggedText.OneLine(What(context.Request, request), MaxShown), status);
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
