using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using SseApp.ServiceDefaults.Defaults.Health;
using SseApp.ServiceDefaults.Defaults.Http;

namespace SseApp.AppHost.Supervision;

/// <summary>Asks a process for <c>/alive</c>, at the address that its environment says it listens on, or a server of another kind for any answer.</summary>
internal sealed class LivenessProbe : IDisposable
{
    /// <summary>Time between two probes.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Time that an answer may take. Long enough for a process that is only slow, on a machine that is, too.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    // What an IDE started belongs to the IDE and its debugger, which Aspire tells us by this variable.
    private static readonly bool s_ide = Environment.GetEnvironmentVariable("DEBUG_SESSION_PORT") is { Length: > 0 };

    private readonly HttpClient _client = new(CutConnectionHandler.Direct()) { Timeout = Timeout };

    /// <summary>Where the instance answers; null for one that speaks no HTTP, or has no environment yet.</summary>
    public static Uri? AddressOf(CustomResourceSnapshot snapshot) =>
        snapshot.EnvironmentVariables.FirstOrDefault(variable => variable.Name == "ASPNETCORE_URLS")?.Value?
            .Split(';', StringSplitOptions.TrimEntries)
            .Select(url => url.Replace("//*", "//localhost", StringComparison.Ordinal).Replace("//+", "//localhost", StringComparison.Ordinal))
            .Select(url => Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme == Uri.UriSchemeHttp ? address : null)
            .OfType<Uri>()
            .Select(address => new Uri(address, HealthExtensions.LivenessPath))
            .FirstOrDefault();

    public async Task<LivenessAnswer> AskAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync(address, cancellationToken);
            if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
            {
                return LivenessAnswer.Unhealthy;
            }

            return response.IsSuccessStatusCode && IsDebugged(await response.Content.ReadAsStringAsync(cancellationToken))
                ? LivenessAnswer.Debugged
                : LivenessAnswer.Alive;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return LivenessAnswer.None;
        }
    }

    /// <summary>Asks a server that speaks no HTTP.</summary>
    public static async Task<LivenessAnswer> AskServerAsync(string host, int port, ReadOnlyMemory<byte> question, CancellationToken cancellationToken)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        late.CancelAfter(Timeout);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(host, port, late.Token);
            var stream = client.GetStream();
            await stream.WriteAsync(question, late.Token);
            return await stream.ReadAsync(new byte[1], late.Token) > 0 ? LivenessAnswer.Alive : LivenessAnswer.None;
        }
        catch (Exception exception) when (exception is SocketException or IOException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return LivenessAnswer.None;
        }
    }

    /// <summary>True while a debugger may hold the processes, or one holds this process. Never certain: its own answers say it, too.</summary>
    public static bool IsTraced(int? processId)
    {
        if (s_ide || Debugger.IsAttached)
        {
            return true;
        }

        try
        {
            // "dotnet run" is what we know; the service is its child.
            return OperatingSystem.IsLinux() && processId is { } id && Tree(id).Any(IsTracedItself);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It ends.
            return false;
        }
    }

    public void Dispose() => _client.Dispose();

    private static IEnumerable<int> Tree(int id) =>
        Directory.GetDirectories($"/proc/{id}/task")
            .SelectMany(thread => File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .SelectMany(child => Tree(int.Parse(child, CultureInfo.InvariantCulture)))
            .Prepend(id);

    private static bool IsTracedItself(int id) =>
        File.ReadLines($"/proc/{id}/status").FirstOrDefault(line => line.StartsWith("TracerPid:", StringComparison.Ordinal)) is { } line
        && !line.EndsWith("\t0", StringComparison.Ordinal);

    private static bool IsDebugged(string body)
    {
        try
        {
            using var health = JsonDocument.Parse(body);
            return health.RootElement.ValueKind == JsonValueKind.Object
                && health.RootElement.TryGetProperty(HealthResponseWriter.DebuggerName, out var attached)
                && attached.ValueKind == JsonValueKind.True;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}

/// <summary>What a process answers to <c>/alive</c>.</summary>
internal enum LivenessAnswer
{
    /// <summary>Nothing, within the time of a probe.</summary>
    None,

    Alive,

    /// <summary>It answers, and says that a debugger is attached: from now on silence may be a breakpoint.</summary>
    Debugged,

    /// <summary>It answers that only a restart helps.</summary>
    Unhealthy,
}
