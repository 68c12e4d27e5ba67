using System.Net.Http.Headers;
using System.Security.Authentication;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.Cli.Gateway;

/// <summary>Asks a gateway, and says in one sentence what is wrong when it does not answer as it should.</summary>
internal sealed class GatewayClient : IDisposable
{
    /// <summary>Of a connection, and of an answer that is no stream: the gateway gives its replicas five seconds.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan s_connectLimit = TimeSpan.FromSeconds(5);

    private static readonly (string Request, string Command)[] s_commands =
        [("GET /admin/replicas", "sse status"), ("POST /admin/reload", "sse reload"), ("GET /admin/reload", "sse reload --status")];

    private readonly HttpClient _client;
    private readonly Func<string?> _credential;
    private readonly bool _isForOperators;

    /// <param name="address">One of its listeners.</param>
    /// <param name="credential">What stands behind <c>Bearer</c>, asked for with each request: a file may have a new one.</param>
    /// <param name="isForOperators">Which listener it is.</param>
    public GatewayClient(Uri address, Func<string?> credential, bool isForOperators)
    {
        Address = address;
        _credential = credential;
        _isForOperators = isForOperators;
#pragma warning disable CA2000 // The client disposes it.
        _client = new HttpClient(new CutConnectionHandler(new SocketsHttpHandler
        {
            // A key goes where it was sent, and nowhere that an answer names.
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = !address.IsLoopback,
            ConnectTimeout = s_connectLimit,
        }))
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
        };
#pragma warning restore CA2000
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("sse", typeof(GatewayClient).Assembly.GetName().Version?.ToString(3)));
    }

    public Uri Address { get; }

    /// <summary>What was sent with the newest request.</summary>
    public string? Sent { get; private set; }

    /// <summary>Whether another request would send something else.</summary>
    public bool HasNewCredential => !string.Equals(_credential(), Sent, StringComparison.Ordinal);

    public Task<JsonElement> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    public Task<JsonElement> PostAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, null, cancellationToken);

    /// <summary>The JSON of an answer of 2xx.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">Path and query.</param>
    /// <param name="change">What the request has beside that.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="isAnswer">Which other status is an answer, too.</param>
    /// <exception cref="ToolException">There is none.</exception>
    public async Task<JsonElement> SendAsync(
        HttpMethod method, string path, Action<HttpRequestMessage>? change, CancellationToken cancellationToken, Func<HttpStatusCode, bool>? isAnswer = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Accept.ParseAdd("application/json");
        change?.Invoke(request);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_limit);
        try
        {
            using var response = await OpenAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode && isAnswer?.Invoke(response.StatusCode) != true)
            {
                throw await ProblemAsync(response, limit.Token);
            }

            var bytes = await response.Content.ReadAsByteArrayAsync(limit.Token);
            using var json = JsonDocument.Parse(bytes);
            return json.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw NoGateway("its answer is no JSON");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ToolException(ExitCode.Unreachable, "timeout", $"{Name} has not answered within {s_limit.TotalSeconds:0} s.");
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(exception);
        }
    }

    /// <summary>The head of an answer, whatever its status.</summary>
    /// <exception cref="ToolException">Nobody answers.</exception>
    public async Task<HttpResponseMessage> OpenAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Sent = _credential();
        if (Sent is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", Sent);
        }

        try
        {
            return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(exception);
        }
        catch (OperationCanceledException exception) when (exception.InnerException is TimeoutException)
        {
            throw new ToolException(ExitCode.Unreachable, "timeout", $"Nobody answers at {Address.GetLeftPart(UriPartial.Authority)} within {s_connectLimit.TotalSeconds:0} s.") { IsUnsent = true };
        }
    }

    /// <summary>What an answer that is none means to who asked.</summary>
    public async Task<ToolException> ProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        var (detail, reason, outcome) = await DetailAsync(response, cancellationToken);
        if (status is >= 300 and < 400)
        {
            return new ToolException(ExitCode.Unreachable, "redirect", $"{Name} sends elsewhere ({status}): {response.Headers.Location?.GetLeftPart(UriPartial.Authority)}. Name that address, if it is yours.");
        }

        // Listeners for clients have nothing of what operators ask for, and say of all of it that it is not there.
        if (_isForOperators && status is 404 or 405 && !await AnswersOperatorsAsync(cancellationToken))
        {
            return NoGateway(detail is null ? $"it answers {status}" : $"it answers {status}, as the listener for clients does");
        }

        var message = (detail ?? $"{Name} answers {status} {response.ReasonPhrase}.") + (outcome is null ? "" : outcome == "not-stored" ? " Nothing is stored." : " Whether it is stored is not known.");
        return status switch
        {
            401 when reason == "no-key" => new ToolException(ExitCode.Refused, reason, $"{Name} does not know this key. It is in the file that Admin:KeyFile names (the gateway logs at its start where that is); a token or an API key needs the scope sse:admin."),
            401 when reason == Credential.None && !_isForOperators => new ToolException(ExitCode.Refused, reason, $"{Name} lets nobody in without a token or an API key: {Credential.HowToName}"),
            401 or 403 => new ToolException(ExitCode.Refused, reason ?? "refused", $"{Name} does not let this in: {message}"),
            404 => new ToolException(ExitCode.NotFound, reason ?? "not-found", message),
            409 or 429 or 503 or 507 => new ToolException(ExitCode.NotNow, reason ?? "not-now", message),
            400 or 411 or 413 or 414 or 415 or 431 => new ToolException(ExitCode.Usage, reason ?? "usage", message),
            _ => new ToolException(ExitCode.Failed, reason ?? "failed", message),
        };
    }

    public ToolException NoGateway(string why) => new(
        ExitCode.Unreachable,
        "no-gateway",
        $"What answers at {Address.GetLeftPart(UriPartial.Authority)} is no gateway's listener for {(_isForOperators ? "operators" : "clients")}: {why}. " + (_isForOperators
            ? $"Operators are answered where Admin:Urls says ({GatewayAddress.OperatorDefault}); name it with --url or {GatewayAddress.OperatorVariable}."
            : $"Name the gateway's address with --url or {GatewayAddress.ClientVariable}."));

    public void Dispose() => _client.Dispose();

    private async Task<bool> AnswersOperatorsAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/replicas");
        using var response = await OpenAsync(request, cancellationToken);
        return response.IsSuccessStatusCode;
    }

    private string Name => $"The gateway at {Address.GetLeftPart(UriPartial.Authority)}";

    private ToolException Unreachable(HttpRequestException exception)
    {
        var at = Address.GetLeftPart(UriPartial.Authority);
        return exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => new ToolException(ExitCode.Unreachable, "unknown-host", $"There is no host {Address.Host}."),
            HttpRequestError.SecureConnectionError => new ToolException(ExitCode.Unreachable, "tls", $"No TLS with {at}: {(exception.InnerException is AuthenticationException { InnerException: null } tls ? tls.Message : exception.InnerException?.InnerException?.Message ?? exception.Message).TrimEnd('.')}."),
            HttpRequestError.ConnectionError => new ToolException(ExitCode.Unreachable, "unreachable", $"Nobody answers at {at} ({exception.InnerException?.Message.TrimEnd('.') ?? "no connection"}).") { IsUnsent = true },
            _ when exception.InnerException is IOException or null => new ToolException(ExitCode.Unreachable, "unreachable", $"The connection with {at} ended before an answer."),
            _ => new ToolException(ExitCode.Unreachable, "unreachable", $"Nobody answers at {at} as a gateway does: {exception.Message.TrimEnd('.')}."),
        };
    }

    // Answers name requests, as whoever sends them needs it.
    private static string? InCommands(string? text) => s_commands.Aggregate(text, static (written, command) => written?.Replace(command.Request, $"'{command.Command}'", StringComparison.Ordinal));

    private static async Task<(string? Detail, string? Reason, string? Outcome)> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            using var json = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
            var root = json.RootElement;
            return root.ValueKind == JsonValueKind.Object ? (InCommands(root.Text("detail") ?? root.Text("title")), root.Text("reason"), root.Text("outcome")) : default;
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            // The status has to do.
            return default;
        }
    }
}

/// <summary>Reads answers whose members may be missing: the gateway may be an older one.</summary>
internal static class AnswerExtensions
{
    public static string? Text(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static long Long(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Number } value ? (long)value.GetDouble() : 0;

    public static double? Number(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Number } value ? value.GetDouble() : null;

    public static JsonElement? Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static IEnumerable<JsonElement> Items(this JsonElement json, string name) =>
        json.Member(name) is { ValueKind: JsonValueKind.Array } value ? value.EnumerateArray() : [];
}
