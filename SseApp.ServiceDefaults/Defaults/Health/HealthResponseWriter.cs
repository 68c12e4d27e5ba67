using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace SseApp.ServiceDefaults.Defaults.Health;

/// <summary>Register one to have <c>/health</c> say how many streams are open.</summary>
internal sealed record ConnectionCount(Func<long> Read);

/// <summary>Register one to have <c>/health</c> say how many file descriptors are in use, and of how many.</summary>
internal sealed record DescriptorCount(Func<(int Open, int Limit)?> Read);

/// <summary>
/// Writes <c>{"status","timestamp","uptime","uptimeSeconds","memory","descriptors","connections","dependencies","checks"}</c>,
/// for operators, and <c>{"status"}</c> for all others, or the status alone in a line for who prefers <c>text/plain</c>.
/// <c>dependencies</c> holds the checks tagged <see cref="HealthTags.Dependency"/>; <c>checks</c> says what the others
/// found, so that a 503 explains itself.
/// </summary>
internal sealed class HealthResponseWriter(TimeProvider time, ConnectionCount? connectionCount = null, DescriptorCount? descriptorCount = null)
{
    /// <summary>Key of a check's own measure of its latency; without it the duration of the whole check counts.</summary>
    public const string LatencyKey = "latencyMs";

    /// <summary>Name of the check of the archive, which is there a second time under the name that a database has elsewhere.</summary>
    public const string ArchiveName = "archive";

    // What watched the stack that this one replaces looks for its database by this name.
    private const string DatabaseName = "database";

    /// <summary>True in the answer while a debugger is attached: whoever restarts what does not answer must know.</summary>
    public const string DebuggerName = "debugger";

    private static readonly MediaTypeHeaderValue s_json = new("application/json");
    private static readonly MediaTypeHeaderValue s_text = new("text/plain") { Charset = "utf-8" };

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public async Task WriteAsync(HttpContext context, HealthReport report, bool reasons)
    {
        context.Response.Headers.Append(HeaderNames.Vary, HeaderNames.Accept);
        if (PrefersText(context.Request.Headers.Accept))
        {
            context.Response.ContentType = "text/plain; charset=utf-8";
            await context.Response.WriteAsync(Name(report.Status) + "\n", context.RequestAborted);
            return;
        }

        context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("status", Name(report.Status));
        if (Debugger.IsAttached)
        {
            json.WriteBoolean(DebuggerName, true);
        }

        if (reasons)
        {
            WriteReasons(json, report);
        }

        json.WriteEndObject();
        await json.FlushAsync(context.RequestAborted);
    }

    private void WriteReasons(Utf8JsonWriter json, HealthReport report)
    {
        var now = time.GetUtcNow();
        json.WriteString("timestamp", now);
        // Twice: what watches Node services reads the name that process.uptime() gives it.
        var uptime = Math.Round((now - _startedAt).TotalSeconds, 3);
        json.WriteNumber("uptime", uptime);
        json.WriteNumber("uptimeSeconds", uptime);
        WriteMemory(json);
        if (descriptorCount?.Read() is var (open, limit))
        {
            json.WriteStartObject("descriptors");
            json.WriteNumber("open", open);
            json.WriteNumber("limit", limit);
            json.WriteEndObject();
        }

        if (connectionCount is not null)
        {
            json.WriteNumber("connections", connectionCount.Read());
        }

        WriteEntries(json, "dependencies", report.Entries.Where(IsDependency), latency: true);
        WriteEntries(json, "checks", report.Entries.Where(e => !IsDependency(e)), latency: false);
    }

    /// <summary>
    /// Whether the client rates <c>text/plain</c> higher than JSON, or as high but names it more exactly. Everybody else
    /// gets JSON: who sends no <c>Accept</c> or <c>*/*</c>, who takes neither, and whose header cannot be read.
    /// </summary>
    private static bool PrefersText(StringValues accept)
    {
        if (accept.Count == 0 || !MediaTypeHeaderValue.TryParseList(accept, out var ranges))
        {
            return false;
        }

        var (text, json) = (Rate(s_text), Rate(s_json));
        return text.Quality > 0 && text.CompareTo(json) > 0;

        // The most exact range decides about a type, whatever the others say (RFC 9110, 12.5.1).
        (double Quality, int Exactness) Rate(MediaTypeHeaderValue type) => ranges
            .Where(type.IsSubsetOf)
            .Select(range => (range.Quality ?? 1, Exactness: range.MatchesAllTypes ? 0 : range.MatchesAllSubTypes ? 1 : 2))
            .OrderByDescending(rated => rated.Exactness)
            .FirstOrDefault();
    }

    private static bool IsDependency(KeyValuePair<string, HealthReportEntry> entry) =>
        entry.Value.Tags.Contains(HealthTags.Dependency, StringComparer.Ordinal);

    private static void WriteMemory(Utf8JsonWriter json)
    {
        var gc = GC.GetGCMemoryInfo();
        json.WriteStartObject("memory");
        json.WriteNumber("workingSetBytes", Environment.WorkingSet);
        json.WriteNumber("managedBytes", GC.GetTotalMemory(forceFullCollection: false));
        json.WriteNumber("availableBytes", gc.TotalAvailableMemoryBytes);
        json.WriteEndObject();
    }

    private static void WriteEntries(
        Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, HealthReportEntry>> entries, bool latency)
    {
        json.WriteStartObject(name);
        foreach (var (check, entry) in entries)
        {
            WriteEntry(json, check, entry, latency);
            if (check == ArchiveName)
            {
                WriteEntry(json, DatabaseName, entry, latency);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, string name, HealthReportEntry entry, bool latency)
    {
        json.WriteStartObject(name);
        json.WriteString("status", Name(entry.Status));
        if (latency)
        {
            var milliseconds = entry.Data.TryGetValue(LatencyKey, out var measured) ? (double)measured : entry.Duration.TotalMilliseconds;
            json.WriteNumber("latencyMs", Math.Round(milliseconds, 3));
        }

        foreach (var (key, value) in entry.Data)
        {
            if (value is long number)
            {
                json.WriteNumber(key, number);
            }
            else if (value is double fraction && key != LatencyKey)
            {
                json.WriteNumber(key, fraction);
            }
        }

        if (entry.Description is { } description)
        {
            json.WriteString("description", description);
        }

        json.WriteEndObject();
    }

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
