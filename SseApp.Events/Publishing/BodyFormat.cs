using System.Collections.Frozen;
using Microsoft.Net.Http.Headers;
using SseApp.Events.Http;

namespace SseApp.Events.Publishing;

/// <summary>
/// Refuses a body whose headers say that it is not the text which is to be published: stored as it is, it would be an event
/// that nobody meant. What such a body consists of is not looked at; a type that is not given says nothing and is accepted.
/// </summary>
internal static class BodyFormat
{
    // As nearly all publishes have them: these are not taken apart.
    private static readonly FrozenSet<string> s_usual = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "text/plain",
        "text/plain;charset=utf-8",
        "text/plain; charset=utf-8",
        "application/json",
        "application/json;charset=utf-8",
        "application/json; charset=utf-8",
        "application/x-ndjson",
        "application/ndjson",
        "application/x-www-form-urlencoded",
        "application/octet-stream");

    // Of application/…, which for the most part is binary: what is text by its definition, says nothing (octet-stream), or is
    // what programs send that were not told a type (x-www-form-urlencoded).
    private static readonly FrozenSet<string> s_text = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "octet-stream",
        "x-www-form-urlencoded",
        "json",
        "x-json",
        "json5",
        "ndjson",
        "x-ndjson",
        "jsonl",
        "x-jsonl",
        "jsonlines",
        "x-jsonlines",
        "json-seq",
        "csp-report",
        "jwt",
        "jose",
        "xml",
        "xml-dtd",
        "javascript",
        "x-javascript",
        "ecmascript",
        "typescript",
        "yaml",
        "x-yaml",
        "toml",
        "graphql",
        "sql",
        "sparql-query",
        "sparql-update",
        "n-triples",
        "n-quads",
        "trig",
        "x-sh",
        "x-pem-file",
        "pem-certificate-chain",
        "sdp",
        "openmetrics-text");

    private static readonly string[] s_suffixes = ["json", "xml", "yaml", "json-seq", "jwt"];
    // JSON in a binary envelope.
    private static readonly string[] s_framed = ["grpc", "connect+"];
    private static readonly string[] s_charsets = ["utf-8", "utf8", "us-ascii", "ascii"];

    /// <returns>The refusal, or null.</returns>
    public static IResult? Refuse(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (headers.ContentEncoding is { Count: > 0 } codings && !IsIdentity(codings.ToString()))
        {
            context.Response.Headers.AcceptEncoding = "identity";
            return Problems.UnsupportedMediaType("The body must not be compressed; send it without Content-Encoding.");
        }

        return headers.ContentType.ToString() is { Length: > 0 } type && !s_usual.Contains(type) && FindBrokenRule(type) is { } rule
            ? Problems.UnsupportedMediaType(rule)
            : null;
    }

    private static string? FindBrokenRule(string contentType)
    {
        // Parameters may be left out behind their semicolon (RFC 9110, section 5.6.6), which the parser does not know.
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) && !MediaTypeHeaderValue.TryParse(WithoutEmptyParameters(contentType), out type))
        {
            return "Content-Type cannot be read; send text/plain or application/json, or leave it out.";
        }

        if (type.Parameters.Any(parameter => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)
            && !s_charsets.Contains(HeaderUtilities.RemoveQuotes(parameter.Value).ToString(), StringComparer.OrdinalIgnoreCase)))
        {
            return "The body must be UTF-8, and Content-Type names another charset.";
        }

        return IsText(type) ? null : $"{type.MediaType} is not the text of events; send it as text/plain or application/json, or without Content-Type.";
    }

    private static bool IsIdentity(string codings) =>
        codings.Split(',', StringSplitOptions.TrimEntries).All(static coding => coding.Length == 0 || coding.Equals("identity", StringComparison.OrdinalIgnoreCase));

    private static string WithoutEmptyParameters(string contentType) =>
        string.Join(';', contentType.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    private static bool IsText(MediaTypeHeaderValue type)
    {
        var (kind, name) = (type.Type, type.SubType.ToString());
        if (kind.Equals("text", StringComparison.OrdinalIgnoreCase))
        {
            return !name.Equals("event-stream", StringComparison.OrdinalIgnoreCase);
        }

        return !kind.Equals("multipart", StringComparison.OrdinalIgnoreCase)
            && !Array.Exists(s_framed, framed => name.StartsWith(framed, StringComparison.OrdinalIgnoreCase))
            && ((kind.Equals("application", StringComparison.OrdinalIgnoreCase) && s_text.Contains(name))
                || s_suffixes.Contains(type.Suffix.ToString(), StringComparer.OrdinalIgnoreCase));
    }
}
