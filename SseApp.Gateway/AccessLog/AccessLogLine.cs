using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace SseApp.Gateway.AccessLog;

/// <summary>The two forms of a line. Names of fields are a contract with whoever reads the log.</summary>
internal static class AccessLogLine
{
    public const string W3CHeader =
        "#Version: 1.0\n#Fields: date time time-taken c-ip cs-method cs-uri-scheme cs-host cs-uri-stem cs-uri-query cs-version "
        + "sc-status sc-bytes x-events x-client-left x-replica cs(User-Agent) cs(Referer) x-request-id\n";

    // Only what would break the line or JSON itself is escaped; the reader of a log is no web page.
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Append(IBufferWriter<byte> output, AccessLogEntry entry, AccessLogFormat format)
    {
        if (format == AccessLogFormat.Json)
        {
            AppendJson(output, entry);
        }
        else
        {
            AppendW3C(output, entry);
        }

        output.Write("\n"u8);
    }

    private static void AppendJson(IBufferWriter<byte> output, AccessLogEntry entry)
    {
        using var json = new Utf8JsonWriter(output, s_json);
        json.WriteStartObject();
        json.WriteString("time", entry.Time.UtcDateTime);
        json.WriteNumber("durationMs", Math.Round(entry.Duration.TotalMilliseconds, 3));
        json.WriteString("client", entry.Client?.ToString());
        json.WriteString("method", entry.Method);
        json.WriteString("scheme", entry.Scheme);
        json.WriteString("host", entry.Host);
        json.WriteString("path", entry.Path);
        json.WriteString("query", entry.Query);
        json.WriteString("protocol", entry.Protocol);
        json.WriteNumber("status", entry.Status);
        json.WriteNumber("bytes", entry.Bytes);
        if (entry.Events is { } events)
        {
            json.WriteNumber("events", events);
        }

        json.WriteBoolean("clientLeft", entry.ClientLeft);
        json.WriteString("replica", entry.Replica);
        json.WriteString("userAgent", entry.UserAgent);
        json.WriteString("referer", entry.Referer);
        json.WriteString("requestId", entry.RequestId);
        json.WriteEndObject();
    }

    private static void AppendW3C(IBufferWriter<byte> output, AccessLogEntry entry)
    {
        var culture = CultureInfo.InvariantCulture;
        string[] fields =
        [
            entry.Time.UtcDateTime.ToString("yyyy-MM-dd", culture),
            entry.Time.UtcDateTime.ToString("HH:mm:ss.fff", culture),
            entry.Duration.TotalSeconds.ToString("0.000", culture),
            entry.Client?.ToString() ?? "-",
            Field(entry.Method),
            entry.Scheme,
            Field(entry.Host),
            Field(entry.Path),
            Field(entry.Query.TrimStart('?')),
            entry.Protocol,
            entry.Status.ToString(culture),
            entry.Bytes.ToString(culture),
            entry.Events?.ToString(culture) ?? "-",
            entry.ClientLeft ? "1" : "0",
            Field(entry.Replica ?? ""),
            Field(entry.UserAgent),
            Field(entry.Referer),
            entry.RequestId,
        ];
        output.Write(Encoding.UTF8.GetBytes(string.Join(' ', fields)));
    }

    // A space ends a field, and a line break would let a client write lines of its own.
    private static string Field(string text) => text.Length == 0
        ? "-"
        : string.Create(text.Length, text, static (field, source) =>
        {
            for (var i = 0; i < source.Length; i++)
            {
                field[i] = source[i] == ' ' ? '+' : char.IsControl(source[i]) ? '?' : source[i];
            }
        });
}
